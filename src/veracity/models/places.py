"""Where an app's keys are: a small CSV that a city writes, for an app that knows other ones or none.

The first column is the key, as the feeds write it; every other is a number that is known of it, such as
``lon`` and ``lat`` (degrees, WGS 84). An empty cell is unknown.
"""

import csv
import hashlib
import io
import math
import re
from collections.abc import Mapping
from dataclasses import replace

from veracity.canonical import canonical_json
from veracity.models.app import App
from veracity.models.errors import MalformedPlaces

PLACES_BYTES = 4_194_304
MAX_PLACES = 20_000
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
_BOUNDS = {"lon": 180.0, "lat": 90.0}

Places = Mapping[str, Mapping[str, float]]


def parse_places(text: bytes) -> dict[str, dict[str, float]]:
    r"""Read a list of places, by key.

    Raises
    ------
    MalformedPlaces
        If it is no such CSV in UTF-8, names a key twice, or holds a cell that is no finite number.

    Examples
    --------
    >>> parse_places(b"station,lon,lat\nAQ01,108.2,16.1\nAQ02,,\n")
    {'AQ01': {'lon': 108.2, 'lat': 16.1}, 'AQ02': {}}
    """
    header, *rows = _rows(text)
    names = header[1:]
    if not names or not all(_COLUMN.fullmatch(n) for n in names) or len(set(names)) < len(names):
        raise MalformedPlaces(f"places: want a header of a key and names of numbers, got {header[:8]}")
    places: dict[str, dict[str, float]] = {}
    for number, row in enumerate(rows, 2):
        if len(row) != len(header) or not 0 < len(row[0]) <= 256 or row[0] in places:
            raise MalformedPlaces(
                f"places, line {number}: want {len(header)} cells and a new key, got {row[:4]}"
            )
        places[row[0]] = {n: _number(n, c, number) for n, c in zip(names, row[1:], strict=True) if c.strip()}
    return places


def at_places(app: App, places: Places) -> App:
    """Return an app for other places. The digest of its code covers them.

    Districts and groups of the app's own places are dropped, but for places that are among these.
    """

    def code() -> str:
        return hashlib.sha256(canonical_json({"code": app.code(), "places": _plain(places)})).hexdigest()

    told = app.assurance
    if told is not None:
        districts, groups = (
            {k: v for k, v in m.items() if k in places} for m in (told.districts, told.groups)
        )
        told = replace(told, districts=districts, groups=groups)
    return replace(app, attributes=places, code=code, assurance=told)


def _rows(text: bytes) -> list[list[str]]:
    if len(text) > PLACES_BYTES:
        raise MalformedPlaces(f"places: want at most {PLACES_BYTES:,} bytes, got {len(text):,}")
    try:
        rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as exc:
        raise MalformedPlaces(f"places: want CSV in UTF-8, got {exc}") from exc
    if not 1 < len(rows) <= MAX_PLACES + 1:
        raise MalformedPlaces(f"places: want a header and 1 to {MAX_PLACES:,} places, got {len(rows)} lines")
    return rows


def _number(name: str, cell: str, line: int) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not abs(value) <= _BOUNDS.get(name, 1e15):
        raise MalformedPlaces(f"places, line {line}: want {name} as a number in bounds, got {cell[:24]!r}")
    return value


def _plain(places: Places) -> dict[str, dict[str, float]]:
    return {key: dict(known) for key, known in places.items()}
