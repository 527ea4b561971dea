"""Simulated persons and their requests: a feed with personal fields, clean and dirty files of it."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import zstandard

from small_city import ORIGIN, clock, key
from veracity.home.contracts import add_feed
from veracity.home.founding import CityKeys, init
from veracity.home.home import open_writer

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: requests
name: Requests of residents (simulated)
version: {version}
status: active
tags: [simulated]
servers:
  - server: file
    type: local
    format: {kind}
    customProperties: [{{property: fallbackEncoding, value: windows-1258}}]
schema:
  - name: requests
    properties:
      - {{name: request, logicalType: string, primaryKey: true, primaryKeyPosition: 1,
         logicalTypeOptions: {{pattern: "^R[0-9]+$"}}}}
      - {{name: opened_at, logicalType: timestamp, required: true}}
      - {{name: kind, logicalType: string}}
      - name: resident
        physicalName: name
        logicalType: string
        required: true
        classification: personal
        customProperties: [{{property: personal, value: true}}]
      - name: phone
        logicalType: string
        customProperties: [{{property: personal, value: true}}, {{property: aliases, value: [tel]}}]
slaProperties:
  - {{property: retention, value: {days}, unit: d}}
"""
FEED = "requests"
FAMILY = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ"]
MIDDLE = ["Thị", "Văn", "Hữu", "Ngọc", "Minh", "Thanh"]
GIVEN = ["An", "Bình", "Chi", "Dũng", "Giang", "Hà", "Khánh", "Lan", "Mai", "Nam", "Phúc", "Quỳnh"]
START = datetime(2026, 6, 1, tzinfo=UTC)


def contract(folder: Path, kind: str = "csv", version: str = "1.0.0", days: int = 730) -> Path:
    """Write the contract and return where."""
    path = folder / f"requests-{version}.yaml"
    path.write_text(CONTRACT.format(kind=kind, version=version, days=days), encoding="utf-8")
    return path


def persons(n: int, seed: int = 4) -> list[dict[str, Any]]:
    """Return requests of persons that do not exist; the name tells a person from the next for sure."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        name = f"{rng.choice(FAMILY)} {rng.choice(MIDDLE)} {rng.choice(GIVEN)} #{seed}-{i:05d}"
        rows.append(
            {
                "request": f"R{seed}{i:05d}",
                "opened_at": (START + timedelta(minutes=7 * i)).isoformat(),
                "kind": str(rng.choice(["lamp", "road", "flood", "tree"])),
                "name": name,
                "phone": f"09{seed:02d}{i:05d}{int(rng.integers(10))}",
                "note": f"secret-note-{seed}-{i:05d}, call after six",
            }
        )
    return rows


def secrets_of(rows: list[dict[str, Any]]) -> list[bytes]:
    """Return every text that must not be anywhere: names, telephone numbers, notes."""
    names = [row["name"].rpartition(" ")[2] for row in rows]  # the part that no other text has
    texts = [*names, *(row["phone"] for row in rows), *(row["note"].partition(",")[0] for row in rows)]
    return [text.encode() for text in texts]


def csv(path: Path, rows: list[dict[str, Any]], *, dirty: bool = False) -> Path:
    """Write a CSV file whose column ``note`` the contract does not know.

    ``dirty``: by turns a cell too few or too many, a quote that nothing closes, bytes of an older
    encoding, a name quoted over two lines, a record longer than any may be, one without a key, a
    blank line and the header again; the last line has no newline.
    """
    header = "request,opened_at,kind,name,phone,note\n"
    out = [header.encode()]
    for i, r in enumerate(rows):
        cells = [r["request"], r["opened_at"], r["kind"], r["name"], r["phone"], f'"{r["note"]}"']
        line = ",".join(cells) + "\n"
        data = line.encode()
        if dirty:
            match i % 11:
                case 1:
                    data = ",".join(cells[:5]).encode() + b"\n"
                case 2:
                    data = line.replace("\n", ",one more\n").encode()
                case 3:
                    data = ('"' + line).encode()
                case 4:
                    data = line.encode("utf-8").replace("ễ".encode(), b"\xea").replace(b"#", b"\xd2#")
                case 5:
                    data = line.replace(r["name"], f'"{r["name"]},\n""{r["name"]}"""').encode()
                case 6 if i < 30:
                    data = line.replace(r["name"], r["name"] + " x" * 40_000).encode()
                case 7:
                    data = line.replace(r["request"], "").encode()
                case 8:
                    data = b"\n" + header.encode() + data
                case 9:
                    data = line.replace("\n", "\r\n").encode()
                case _:
                    pass
        out.append(data)
    body = b"".join(out)
    path.write_bytes(body.removesuffix(b"\n") if dirty else body)
    return path


def ndjson(path: Path, rows: list[dict[str, Any]], *, dirty: bool = False) -> Path:
    """Write an NDJSON file; ``dirty``: by turns half a line, a name twice, a value within a value, blanks."""
    out = []
    for i, r in enumerate(rows):
        line = json.dumps(r, ensure_ascii=i % 2 == 0)
        if dirty:
            match i % 9:
                case 1:
                    line = line[: len(line) - 12]
                case 2:
                    line = line[:-1] + f', "name": "{r["name"]}"}}'
                case 3:
                    line = json.dumps(r | {"phone": {"home": r["phone"]}})
                case 4:
                    line = "\n" + line.replace('": "', '" : "')
                case 5:
                    line = json.dumps([r["name"]])
                case 6:
                    line = json.dumps(r | {"name": None})
                case 7:
                    line = json.dumps(r | {r["name"]: 1.50})
                case _:
                    pass
        out.append(line + "\n")
    path.write_text("".join(out), encoding="utf-8")
    return path


def new_city(root: Path, kind: str = "csv", days: int = 730) -> Path:
    """Make a city with the feed: entries 0 (operator), 1 (contract)."""
    init(root, ORIGIN, clock, CityKeys(key("log").seed, key("operator")))
    with open_writer(root, clock) as home:
        add_feed(home, contract(root.parent, kind, days=days))
    return root


def every_byte(root: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each file of a home with its content as written and, where it is compressed, what is in it."""
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        name, body = path.relative_to(root).as_posix(), path.read_bytes()
        yield name, body
        if name.endswith(".zst"):
            with io.BytesIO(body) as packed:
                yield (
                    f"{name} unpacked",
                    zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read(),
                )
        if name.endswith(".parquet"):
            yield f"{name} unpacked", pl.read_parquet(body).write_ndjson().encode()


def leaks(root: Path, secrets: list[bytes]) -> list[tuple[str, bytes]]:
    """Return where in a home, or in a file's name, any of the secrets stands, however it is packed."""
    found = []
    for name, body in every_byte(root):
        text = name.encode() + b"\n" + body
        found += [(name, secret) for secret in secrets if secret in text]
    return found
