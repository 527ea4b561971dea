"""A small city on disk: one feed or two, fixed keys, a clock that stands still; and its whole state.

Two cities made by the same calls are equal to the byte, so that a crash can be compared with none.
"""

import hashlib
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, open_writer
from veracity.provenance.keys import SigningKey, write_signing_key

ORIGIN = "test.example/city"
NOW = datetime(2026, 9, 3, 12, tzinfo=UTC)
EPOCH = str(int(NOW.timestamp()))  #: for SOURCE_DATE_EPOCH
START = datetime(2026, 9, 1, tzinfo=UTC)
AGENCY = "rain-office"

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {feed}
name: Rain at a few gauges (simulated)
version: {version}
status: active
tags: [simulated]
description: {{purpose: Tests., limitations: Simulated.}}
servers:
  - {{server: file, type: local, format: ndjson}}
schema:
  - name: rain
    logicalType: object
    properties:
      - {{name: gauge, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1,
         logicalTypeOptions: {{pattern: "^G[0-9]{{2}}$", maxLength: 16}}}}
      - {{name: observed_at, logicalType: timestamp, required: true, primaryKey: true, primaryKeyPosition: 2}}
      - name: rain
        logicalType: number
        logicalTypeOptions: {{minimum: 0, maximum: {maximum}}}
        customProperties: [{{property: unit, value: mm}}]
slaProperties:
  - {{property: latency, value: 2, unit: d, element: rain.observed_at}}
customProperties:
  - {{property: agency, value: {agency}}}
  - {{property: signature, value: {signature}}}
"""

PANEL = """\
name: rain-hourly
grid: {every: 1h}
key: gauge
columns:
  - {name: rain, feed: rain, value: rain, key: gauge, aggregate: mean, window: 1h, longest_age: 2h,
     fill: previous}
"""


def clock() -> datetime:
    """The time in every small city."""
    return NOW


def key(name: str) -> SigningKey:
    """A signing key that depends on a name alone."""
    return SigningKey(hashlib.sha256(f"small city {name}".encode()).digest())


def contract(
    folder: Path,
    feed: str = "rain",
    *,
    version: str = "1.0.0",
    signature: str = "optional",
    maximum: int = 100,
    agency: str = AGENCY,
    rules: tuple[str, ...] = (),
) -> Path:
    """Write the contract of a feed and return where; ``rules`` are settings of rules on its rain."""
    path = folder / f"{feed}-{version}.yaml"
    text = CONTRACT.format(feed=feed, version=version, signature=signature, maximum=maximum, agency=agency)
    entries = ", ".join(f"{{type: custom, engine: veracity, implementation: {r}}}" for r in rules)
    unit = "        customProperties: [{property: unit, value: mm}]\n"
    path.write_text(text.replace(unit, f"{unit}        quality: [{entries}]\n" if rules else unit), "utf-8")
    return path


def new_city(
    root: Path,
    *,
    signature: str = "optional",
    feeds: tuple[str, ...] = ("rain",),
    rules: tuple[str, ...] = (),
) -> Path:
    """Make a city with one agency and its feeds: entries 0 (operator), 1 (agency), 2… (contracts)."""
    init(root, ORIGIN, clock, CityKeys(key("log").seed, key("operator")))
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        for feed in feeds:
            add_feed(home, contract(root.parent, feed, signature=signature, rules=rules))
    return root


def readings(first: int, n: int, n_gauges: int = 3) -> list[dict[str, Any]]:
    """Readings number ``first`` to ``first + n``: one gauge after the other, every ten minutes.

    Every 13th is out of range, every 17th repeats the one three before.
    """
    rows = []
    for i in range(first, first + n):
        at = i - n_gauges if i % 17 == 16 and i >= n_gauges else i
        stamp = START + timedelta(minutes=10 * (at // n_gauges))
        rain = 900.0 if i % 13 == 12 else (at * 7 % 50) / 10
        rows.append({"gauge": f"G{at % n_gauges:02}", "observed_at": stamp.isoformat(), "rain": rain})
    return rows


def ndjson(path: Path, first: int, n: int, broken: bool = True) -> Path:
    """Write readings as NDJSON; with ``broken``, every 29th line is cut in half."""
    lines = [json.dumps(r) for r in readings(first, n)]
    if broken:
        lines = [line[: len(line) // 2] if i % 29 == 28 else line for i, line in enumerate(lines, first)]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def csv(path: Path, first: int, n: int) -> Path:
    """Write readings as CSV."""
    lines = [f"{r['gauge']},{r['observed_at']},{r['rain']}\n" for r in readings(first, n)]
    path.write_text("gauge,observed_at,rain\n" + "".join(lines), encoding="utf-8")
    return path


def parquet(path: Path, first: int, n: int) -> Path:
    """Write readings as Parquet."""
    frame = pl.DataFrame(readings(first, n)).with_columns(
        pl.col("observed_at").str.to_datetime(time_zone="UTC")
    )
    frame.write_parquet(path)
    return path


def key_file(folder: Path, name: str = AGENCY) -> Path:
    """Write a signing key as a file of mode 0600."""
    path = folder / f"{name}.pem"
    if not path.exists():
        write_signing_key(key(name), path)
    return path


def whole_state(root: Path, *, was_killed: bool = False) -> dict[str, object]:
    """Everything that a city promises: log files to the byte, evidence, quarantine, rows in order, index.

    Left out is what may differ without anyone's harm: caches, files that nothing names, Delta's
    own log (it holds times of commit). Only a kill may leave a file behind that was being written.
    """
    store = root / "store"
    state: dict[str, object] = {}
    for path in sorted(store.rglob("*")):
        name = path.relative_to(store).as_posix()
        kept = (
            *("log", "evidence", "quarantine", "rejected", "contracts", "panels", "calibrations"),
            *("verdicts", "health", "state", "certificates"),
        )
        if path.is_file() and name.split("/")[0] in kept:
            if "#" in path.name:
                assert was_killed, f"left behind: {name}"
                continue
            state[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    home = Home.open(root, clock)
    for feed in home.feeds():
        state[f"rows {feed}"] = home.table(feed).scan().collect().rows()
        state[f"files {feed}"] = sorted(home.table(feed).delta.file_uris())
        state[f"version {feed}"] = home.table(feed).version
        state[f"files {feed}"] = sorted(Path(uri).name for uri in home.table(feed).delta.file_uris())
    home.close()
    database = sqlite3.connect(root / "veracity.db")
    with database:
        for table in ("statements", "batches", "pending"):
            state[table] = database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608
    database.close()
    return state


def differences(a: dict[str, object], b: dict[str, object]) -> list[str]:
    """The names of what two states do not share."""
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def log_entries(root: Path) -> list[bytes]:
    """Every entry of the log."""
    home = Home.open(root, clock)
    try:
        return list(home.reader().entries())
    finally:
        home.close()
