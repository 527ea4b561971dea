"""What a panel is made of, read from YAML into frozen dataclasses."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

from veracity.data.errors import MalformedPanel
from veracity.data.plain_yaml import parse_yaml

PANEL_BYTES = 65_536
COLUMNS = 256

Aggregate = Literal["mean", "sum", "min", "max", "count", "first", "last"]
Fill = Literal["none", "previous", "linear"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_TAKEN = ("time", "simulated")  # columns that a panel's file has of its own
_SETTINGS = {
    *("name", "feed", "value", "key", "aggregate", "window", "fill", "longest_age"),
    *("weight", "min_trust", "trust_column"),
}
_DURATION = re.compile(r"([1-9][0-9]{0,6})(s|m|h|d)")
_MICROSECONDS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


@dataclass(frozen=True)
class Column:
    """One value column. Durations are in microseconds; ``window`` is a multiple of the grid's step.

    Attributes
    ----------
    is_weighted
        Each reading weighs as its sensor is trusted.
    min_trust
        Readings of sensors with a lower score are left out; 0 for none.
    has_trust
        Whether the panel says the mean score of the readings, in a column ``<name>_trust``.
    """

    name: str
    feed: str
    value: str
    key: str | None
    aggregate: Aggregate
    window_us: int
    fill: Fill
    longest_age_us: int
    is_weighted: bool = False
    min_trust: float = 0.0
    has_trust: bool = False

    @property
    def uses_trust(self) -> bool:
        """Whether it needs the trust scores of its feed's sensors."""
        return self.is_weighted or self.min_trust > 0 or self.has_trust


@dataclass(frozen=True)
class Panel:
    """A panel's definition; ``start`` and ``end`` (UTC) may be left to the data."""

    name: str
    every_us: int
    start: datetime | None
    end: datetime | None
    key: str | None
    columns: tuple[Column, ...]
    sha256: str
    text: bytes = field(repr=False)

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds it reads, in order of first mention."""
        return tuple(dict.fromkeys(c.feed for c in self.columns))

    @property
    def trusted_feeds(self) -> tuple[str, ...]:
        """The feeds whose sensors' trust it needs, in order of first mention."""
        return tuple(dict.fromkeys(c.feed for c in self.columns if c.uses_trust))


def parse_panel(text: bytes) -> Panel:
    """Read a panel's definition from YAML bytes; ``MalformedPanel`` names the part at fault."""
    document = parse_yaml(text, "panel", PANEL_BYTES, MalformedPanel)
    top = _mapping("panel", document, {"name", "description", "grid", "key", "columns"})
    grid = _mapping("grid", top.get("grid"), {"every", "start", "end"})
    every = _duration("grid.every", grid.get("every"))
    name = top.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        raise MalformedPanel(f"name: want [a-z0-9-], at most 64 characters, got {name!r}")
    key = top.get("key")
    if key is not None and (not isinstance(key, str) or not _NAME.fullmatch(key) or key in _TAKEN):
        raise MalformedPanel(f"key: want letters, digits and _, none of {_taken()}, got {str(key)[:80]!r}")
    columns = top.get("columns")
    if not isinstance(columns, list) or not 0 < len(columns) <= COLUMNS:
        raise MalformedPanel(f"columns: want a list of 1 to {COLUMNS}, got {str(columns)[:40]!r}")
    parsed = tuple(_column(c, key, every) for c in columns)
    names = [c.name for c in parsed]
    beside = [f"{n}_state" for n in names] + [f"{c.name}_trust" for c in parsed if c.has_trust]
    made = [*_TAKEN, *([key] if key is not None else []), *names, *beside]
    if len(set(made)) < len(made):
        raise MalformedPanel(
            f"columns: want different names, none of them {_taken()}, and neither the key nor a column"
            f" named as another's _state or _trust, got key {key!r} and {names}"
        )
    start, end = _time("grid.start", grid.get("start")), _time("grid.end", grid.get("end"))
    if start is not None and end is not None and start >= end:
        raise MalformedPanel(f"grid: want start before end, got {start} and {end}")
    return Panel(name, every, start, end, key, parsed, hashlib.sha256(text).hexdigest(), text)


def _column(document: Any, key: str | None, every: int) -> Column:
    c = _mapping("column", document, _SETTINGS)
    for needed in ("name", "feed", "value"):
        if not isinstance(c.get(needed), str):
            raise MalformedPanel(f"column.{needed}: want text, got {c.get(needed)!r}")
    where = c["name"]
    if not _NAME.fullmatch(where) or where.endswith("_state"):
        raise MalformedPanel(f"column.name: want letters, digits and _, not ending in _state, got {where!r}")
    aggregate, fill = c.get("aggregate", "mean"), c.get("fill", "none")
    if aggregate not in get_args(Aggregate):
        raise MalformedPanel(
            f"{where}.aggregate: want one of {', '.join(get_args(Aggregate))}, got {aggregate!r}"
        )
    if fill not in get_args(Fill):
        raise MalformedPanel(f"{where}.fill: want one of {', '.join(get_args(Fill))}, got {fill!r}")
    window = _duration(f"{where}.window", c["window"]) if "window" in c else every
    if window % every or window > 10_000 * every:
        raise MalformedPanel(
            f"{where}.window: want a multiple of grid.every, at most 10,000 of it, got {c['window']}"
        )
    if fill != "none" and "longest_age" not in c:
        raise MalformedPanel(
            f"{where}: fill {fill} needs longest_age, got none (how old may a filled value be?)"
        )
    longest = _duration(f"{where}.longest_age", c["longest_age"]) if "longest_age" in c else 0
    column_key = c.get("key", key)
    if key is not None and not isinstance(column_key, str):
        raise MalformedPanel(f"{where}.key: want a column of {c['feed']}, got {column_key!r}")
    return Column(
        name=where,
        feed=c["feed"],
        value=c["value"],
        key=column_key if key is not None else None,
        aggregate=cast(Aggregate, aggregate),
        window_us=window,
        fill=cast(Fill, fill),
        longest_age_us=longest,
        **_trust(where, c, aggregate),
    )


def _trust(where: str, c: dict[str, Any], aggregate: str) -> dict[str, Any]:
    """Return what a column asks of its sensors' trust."""
    weight, least, column = c.get("weight"), c.get("min_trust", 0), c.get("trust_column", False)
    if weight not in (None, "trust"):
        raise MalformedPanel(f"{where}.weight: want trust, got {str(weight)[:40]!r}")
    if weight is not None and aggregate != "mean":
        raise MalformedPanel(f"{where}.weight: want aggregate mean, got {aggregate!r}")
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise MalformedPanel(f"{where}.min_trust: want a number from 0 to 1, got {str(least)[:40]!r}")
    if not isinstance(column, bool):
        raise MalformedPanel(f"{where}.trust_column: want true or false, got {str(column)[:40]!r}")
    return {"is_weighted": weight is not None, "min_trust": float(least), "has_trust": column}


def _mapping(where: str, value: Any, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedPanel(f"{where}: want a mapping, got {str(value)[:40]!r}")
    unknown = sorted(set(map(str, value)) - known)
    if unknown:
        raise MalformedPanel(f"{where}: want {', '.join(sorted(known))}, got {unknown[0]!r}")
    return value


def _duration(where: str, value: Any) -> int:
    match = _DURATION.fullmatch(str(value))
    if match is None:
        raise MalformedPanel(f"{where}: want a duration such as 30s, 5m, 1h or 1d, got {str(value)[:40]!r}")
    return int(match.group(1)) * _MICROSECONDS[match.group(2)]


def _time(where: str, value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        stamp = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise MalformedPanel(
            f"{where}: want a time such as 2026-09-01T00:00:00Z, got {str(value)[:40]!r}"
        ) from exc


def _taken() -> str:
    return " or ".join(map(repr, _TAKEN))
