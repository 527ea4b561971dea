"""Write how Python reads walls' times and bytes of encodings: ``python tests/vectors/make_readings.py``.

``walls`` are times around each change of a zone's clock, as ``parse_timestamps`` reads them: minutes since
1970 in UTC, null where a clock leaves them out. ``bytes`` are the characters of each encoding, by byte, null
where it has none. The portal's unit tests hold its own reading to this file.
"""

import importlib.util
import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from veracity.data.contract import parse_contract
from veracity.data.typed import parse_timestamps

ROOT = Path(__file__).parents[2]
PATH = Path(__file__).parent / "rows" / "readings.json"
AROUND_MIN = (-120, -61, -60, -59, -30, -1, 0, 1, 30, 59, 60, 61, 119, 120)
YEARS_OF_ALL = (2026,)


@cache
def script(name: str) -> Any:
    """Load a script of the portal, which are in no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "web" / "portal" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_in(zone: str, walls: list[datetime]) -> list[int | None]:
    """Return the moments that a contract's zone makes of walls' times, as minutes since 1970."""
    contract = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "walls", "name": "Walls", "version": "1.0.0",
        "status": "active", "servers": [{"server": "file", "type": "local", "format": "csv"}],
        "schema": [{"name": "walls", "logicalType": "object", "properties": [
            {"name": "at", "logicalType": "timestamp", "logicalTypeOptions": {"defaultTimezone": zone}},
        ]}],
    }  # fmt: skip
    (field,) = parse_contract(json.dumps(contract).encode()).fields
    texts = pl.Series("at", [wall.strftime("%Y-%m-%dT%H:%M") for wall in walls])
    moments = parse_timestamps(texts, field).to_physical().to_list()
    return [None if us is None else us // 60_000_000 for us in moments]


def walls_of(zone: str, rule: str, east: int, years: range | tuple[int, ...]) -> list[datetime]:
    """Return times around each change of a clock, as it shows them in winter."""
    zones = script("make_zones")
    found = []
    for year in years:
        for moment in zones.changes(rule, east, year):
            change = moment.replace(tzinfo=None) + timedelta(minutes=east)
            found += [change + timedelta(minutes=around) for around in AROUND_MIN]
    return found


def readings() -> dict[str, Any]:
    """Return all of them: of each rule one zone in every year, of each other zone one year."""
    zones, encodings = script("make_zones"), script("make_encodings")
    walls: dict[str, Any] = {}
    known: set[str] = set()
    for zone in sorted(zones.ZONES):
        rule, east = zones.place_of(zone) or ("", 0)
        if rule == "":
            continue
        years = YEARS_OF_ALL if rule in known else range(zones.RULED_SINCE, zones.UNTIL + 1)
        known.add(rule)
        at = walls_of(zone, rule, east, years)
        walls[zone] = {
            "walls": [int((wall - datetime(1970, 1, 1)).total_seconds()) // 60 for wall in at],
            "moments": read_in(zone, at),
        }
    return {
        "walls": walls,
        "bytes": {codec: encodings.characters(codec) for codec in encodings.CODECS},
    }


def written() -> str:
    """Return the file's text."""
    return json.dumps(readings(), separators=(",", ":")) + "\n"


if __name__ == "__main__":
    PATH.write_text(written(), encoding="utf-8")
