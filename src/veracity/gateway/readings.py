"""From what a source sends to records: one JSON object each, with what the gateway adds.

Text becomes records by one of three formats: ``json`` (an object, several on lines, or an array),
``csv`` (columns named in the configuration) or ``regex`` (a pattern whose named groups are the
fields). A JSON object to which nothing is added stays byte for byte what the device sent.
"""

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import orjson

from veracity.canonical import NotCanonical, canonical_json
from veracity.data.bodies import cut_body
from veracity.data.errors import DataError
from veracity.errors import Malformed
from veracity.gateway.clock import format_ns
from veracity.gateway.errors import MalformedReading
from veracity.gateway.fields import added, maybe, names, text
from veracity.gateway.limits import MAX_RECORD_BYTES
from veracity.provenance.fields import Fields

Kind = Literal["number", "integer", "text"]
FORMATS = ("json", "csv", "regex")
KINDS = ("number", "integer", "text")
MAX_COLUMNS = 256
MAX_LINE_BYTES = 4_096  #: of CSV and of what a pattern is tried on


@dataclass(frozen=True)
class Stamp:
    """What the gateway adds to each record of a source: constants, and the time it was read, if asked."""

    add: Mapping[str, Any] = field(default_factory=dict)
    time_field: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether a record stays as it is."""
        return not self.add and self.time_field is None

    def record(self, values: Mapping[str, Any], now_ns: int) -> bytes:
        """Return a record; what the source says itself is not overwritten."""
        stamped = {} if self.time_field is None else {self.time_field: format_ns(now_ns)}
        try:
            record = canonical_json({**self.add, **stamped, **values})
        except (NotCanonical, RecursionError) as exc:
            raise MalformedReading(f"record: want plain values, got: {exc}") from exc
        if len(record) > MAX_RECORD_BYTES:
            raise MalformedReading(f"record: want at most {MAX_RECORD_BYTES} bytes, got {len(record)}")
        return record


@dataclass(frozen=True)
class Reader:
    """How text becomes records."""

    format: str = "json"
    columns: tuple[str, ...] = ()
    separator: str = ","
    pattern: re.Pattern[str] | None = None
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def read(self, body: bytes, stamp: Stamp, now_ns: int) -> tuple[list[bytes], list[str]]:
        """Return the records of a text, and what was wrong with each line that gives none."""
        if not body.strip():
            return [], []
        try:
            lines = cut_body(body, "ndjson") if self.format == "json" else _lines(body)
        except DataError as exc:
            return [], [str(exc)]
        records, wrong = [], []
        for line in lines:
            try:
                records.append(self._record(line, stamp, now_ns))
            except Malformed as exc:
                wrong.append(str(exc))
        return records, wrong

    def _record(self, line: bytes, stamp: Stamp, now_ns: int) -> bytes:
        longest = MAX_RECORD_BYTES if self.format == "json" else MAX_LINE_BYTES
        if len(line) > longest:
            raise MalformedReading(f"line: want at most {longest} bytes, got {len(line)}")
        if self.format == "json":
            values = _object(line)
            return line if stamp.is_empty else stamp.record(values, now_ns)
        try:
            decoded = line.decode()
        except UnicodeDecodeError as exc:
            raise MalformedReading(f"line: want UTF-8, got byte 0x{line[exc.start]:02x}") from exc
        cells = self._csv(decoded) if self.format == "csv" else self._matched(decoded)
        return stamp.record({name: self._value(name, cell) for name, cell in cells.items()}, now_ns)

    def _csv(self, line: str) -> dict[str, str]:
        try:
            cells = next(csv.reader([line], delimiter=self.separator, strict=True))
        except (csv.Error, StopIteration) as exc:
            raise MalformedReading(f"line: want CSV, got {line[:60]!r}") from exc
        if len(cells) != len(self.columns):
            raise MalformedReading(f"line: want {len(self.columns)} columns, got {len(cells)}")
        return dict(zip(self.columns, cells, strict=True))

    def _matched(self, line: str) -> dict[str, str]:
        assert self.pattern is not None
        found = self.pattern.fullmatch(line.strip())
        if found is None:
            raise MalformedReading(f"line: want {self.pattern.pattern[:60]!r}, got {line[:60]!r}")
        return {name: value for name, value in found.groupdict().items() if value is not None}

    def _value(self, name: str, cell: str) -> Any:
        kind, cell = self.kinds.get(name, "text"), cell.strip()
        if kind == "text":
            return cell
        if not cell:
            return None
        try:
            value = int(cell) if kind == "integer" else float(cell)
        except ValueError as exc:
            raise MalformedReading(
                f"{name}: want a{' whole' * (kind == 'integer')} number, got {cell[:40]!r}"
            ) from exc
        if not math.isfinite(value):
            raise MalformedReading(f"{name}: want a finite number, got {cell[:40]!r}")
        return value


def parse_stamp(fields: Fields) -> Stamp:
    """Read ``add`` and ``time_field``."""
    return Stamp(added(fields, "add"), maybe(fields, "time_field"))


def parse_reader(fields: Fields) -> Reader:
    """Read ``format`` and what belongs to it: ``columns``, ``separator``, ``pattern``, ``kinds``."""
    form = fields.choice("format", FORMATS) if "format" in fields else "json"
    if form == "json":
        return Reader()
    kinds = added(fields, "kinds")
    if wrong := [kind for kind in kinds.values() if kind not in KINDS]:
        raise fields.fail("kinds", f"each one of {', '.join(KINDS)}", wrong[0])
    typed = cast(dict[str, Kind], kinds)
    if form == "csv":
        separator = text(fields, "separator", ",")
        if len(separator) != 1 or not separator.isascii() or separator in '"\r\n':
            raise fields.fail("separator", "one ASCII character", separator)
        return Reader(form, names(fields, "columns", MAX_COLUMNS), separator, kinds=typed)
    given = fields.text("pattern", 1_000)
    try:
        pattern = re.compile(given)
    except (re.error, RecursionError, OverflowError) as exc:
        raise fields.fail("pattern", "a regular expression", given) from exc
    if not pattern.groupindex:
        raise fields.fail("pattern", "named groups such as (?P<level>[0-9.]+)", given)
    return Reader(form, pattern=pattern, kinds=typed)


def _lines(body: bytes) -> list[bytes]:
    """Return the lines of a text that are not blank; one that is wrong takes no other with it."""
    return [line.rstrip(b"\r") for line in body.split(b"\n") if line.strip()]


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise MalformedReading(f"record: want a JSON object, got: {exc}") from exc
    if not isinstance(value, dict):
        raise MalformedReading(f"record: want a JSON object, got {line[:40]!r}")
    return value
