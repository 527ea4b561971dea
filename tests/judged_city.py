"""A small city with a simulated river whose contract has every action, received over three days."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import veracity
from small_city import NOW, clock, new_city
from veracity.home.certificates import certify, uncertified
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer
from veracity.home.ingest import FileReport, ingest

FEED = "river"
FIRST = datetime(2026, 9, 1, tzinfo=UTC)

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: river
name: River gauges (simulated)
version: 1.0.0
status: active
tags: [simulated]
description: {purpose: Tests., limitations: Simulated.}
servers:
  - {server: file, type: local, format: ndjson}
schema:
  - name: river
    customProperties:
      - {property: actions, value: {duplicate-key: refuse}}
    quality:
      - {type: custom, engine: veracity, implementation: {rule: freshness, within: 6 h}}
    properties:
      - {name: gauge, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: observed_at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - name: stage
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: -1, maximum: 12}
        customProperties:
          - {property: unit, value: m}
        quality:
          - {type: custom, engine: veracity, implementation: {rule: rate, maximum: 0.5, per: 10 min}}
          - {type: custom, engine: veracity, implementation: {rule: stuck, longest: 2 h, action: ask}}
"""


def rows(day: int, n_hours: int = 24, n_gauges: int = 3) -> list[dict[str, object]]:
    """Readings of a simulated day, every 20 minutes: some too high, too fast, stuck, repeated, unreadable."""
    out: list[dict[str, object]] = []
    for i in range(n_hours * 3):
        at = FIRST + timedelta(days=day, minutes=20 * i)
        for g in range(n_gauges):
            stage: object = 2 + (i * 7 + g) % 5 / 10
            if g == 1 and 20 <= i < 32:
                stage = 2.5
            if g == 2 and i % 11 == 10:
                stage = 99
            if g == 2 and i % 23 == 22:
                stage = 9.0
            if g == 0 and i % 31 == 30:
                stage = "high" if i % 2 else None
            out.append({"gauge": f"G{g}", "observed_at": at.isoformat(), "stage": stage})
            if g == 0 and i % 17 == 16:
                out.append(dict(out[-1]))
    return out


def file(folder: Path, day: int, n_hours: int = 24) -> Path:
    """Write a day's readings as NDJSON, every 40th line cut in half."""
    lines = [json.dumps(r) for r in rows(day, n_hours)]
    lines = [line[: len(line) // 2] if i % 40 == 39 else line for i, line in enumerate(lines)]
    path = folder / f"river-{day}.ndjson"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def add_river(root: Path) -> None:
    """Put the river's contract in force."""
    path = root.parent / "river.yaml"
    path.write_text(CONTRACT, encoding="utf-8")
    with open_writer(root, clock) as home:
        add_feed(home, path)


def take_in(root: Path, day: int, records_per_part: int = 64) -> FileReport:
    """Take in a day's file, an hour after that day's end."""
    now = FIRST + timedelta(days=day + 1, hours=1)
    with open_writer(root, lambda: now) as home:
        (report,) = ingest(home, FEED, [file(root.parent, day)], records_per_part=records_per_part)
    return report


def judged_city(folder: Path, n_days: int = 2, *, certified: bool = True) -> Path:
    """Make the city, take in its days, and certify those that are over at ``NOW``."""
    root = new_city(folder / "city")
    add_river(root)
    for day in range(n_days):
        take_in(root, day)
    if certified:
        with open_writer(root, clock) as home:
            for day_over in uncertified(home, FEED):
                certify(home, FEED, day_over)
    return root


def opened(root: Path) -> "veracity.City":
    """Open the city at its time."""
    return veracity.open(root, clock)


__all__ = ["FEED", "NOW", "add_river", "file", "judged_city", "opened", "rows", "take_in"]
