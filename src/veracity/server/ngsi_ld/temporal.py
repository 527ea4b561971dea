"""Entities over time: for each attribute its values between two times, from the rows themselves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from veracity.data.lake import collect_rows
from veracity.home.clock import format_time
from veracity.home.home import Home
from veracity.server.ngsi_ld.asking import parse_instant
from veracity.server.ngsi_ld.entities import Entity, Shown, entity, property_of
from veracity.server.ngsi_ld.errors import BadRequestData
from veracity.server.ngsi_ld.latest import key_text, marked
from veracity.server.ngsi_ld.views import View

MAX_INSTANCES = 1_000  #: rows of one entity in one answer
_LEAST = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """The times asked about, both ends included, UTC; and how many of the newest rows at most."""

    start: datetime | None
    end: datetime | None
    last_n: int | None


@dataclass(frozen=True)
class Course:
    """Temporal entities of one view; ``cut`` are the first and last times of what was not all given."""

    entities: list[Entity]
    cut: tuple[str, str] | None


def parse_period(
    timerel: str | None, time_at: str | None, end_time_at: str | None, last_n: int | None, *, is_needed: bool
) -> Period:
    """Read the temporal query (ETSI GS CIM 009, section 4.11): before and after leave the time itself out."""
    if timerel is None:
        if is_needed or time_at or end_time_at:
            raise BadRequestData("timerel: want before, after or between, got none")
        return Period(None, None, last_n)
    if timerel not in ("before", "after", "between") or time_at is None:
        raise BadRequestData(f"timerel: want before, after or between with timeAt, got {timerel[:40]!r}")
    at = parse_instant("timeAt", time_at)
    if timerel == "between":
        if end_time_at is None:
            raise BadRequestData("endTimeAt: want one with between, got none")
        return Period(at, parse_instant("endTimeAt", end_time_at), last_n)
    try:
        return Period(None, at - _LEAST, last_n) if timerel == "before" else Period(at + _LEAST, None, last_n)
    except OverflowError as exc:
        raise BadRequestData(
            f"timeAt: want a time in between the years 1 and 9999, got {time_at[:40]}"
        ) from exc


def course(
    home: Home,
    view: View,
    newest: pl.DataFrame,
    period: Period,
    shown: Shown,
    as_of: datetime | None,
    *,
    as_values: bool,
) -> Course:
    """Return some entities of a view, those of the rows in ``newest``, over a period."""
    if view.time is None or newest.is_empty():
        return Course([], None)
    rows = _rows(home, view, newest, period, as_of)
    entities, cuts = [], []
    known = rows.partition_by("_id", as_dict=True, maintain_order=True) if rows.height else {}
    for row in newest.iter_rows(named=True):
        found = known.get((row["_id"],))
        if found is None:
            continue
        if found.height > (period.last_n or MAX_INSTANCES):
            found = found.head(MAX_INSTANCES if period.last_n is None else period.last_n)
            if period.last_n is None:
                times = found[view.time]
                cuts.append((times.min(), times.max()))
        said = _entity(view, row, found, shown, as_values=as_values)
        if len(said) > 2:
            entities.append(said)
    if not cuts:
        return Course(entities, None)
    ends = min(c[0] for c in cuts), max(c[1] for c in cuts)  # type: ignore[type-var]
    return Course(entities, (format_time(ends[0]), format_time(ends[1])))  # type: ignore[arg-type]


def _rows(
    home: Home, view: View, newest: pl.DataFrame, period: Period, as_of: datetime | None
) -> pl.DataFrame:
    """Return the rows of the entities in the period, newest first, one more than may be given of each."""
    up_to, time = home.index.up_to(view.feed, as_of), str(view.time)
    if up_to < 0:
        return newest.head(0)
    low = period.start or datetime(1, 1, 1, tzinfo=UTC)
    high = period.end or datetime(9999, 12, 31, tzinfo=UTC)
    rows = home.table(view.feed).scan(up_to_batch=up_to, between=(time, low, high))
    keys = newest.select(key_text(view).alias("_key"))["_key"].to_list()
    chosen = rows.with_columns(key_text(view).alias("_key")).filter(pl.col("_key").is_in(keys))
    most = (period.last_n or MAX_INSTANCES) + 1
    ordered = chosen.sort(time, "_batch", "_record", descending=True).group_by("_key", maintain_order=True)
    return marked(home, view, collect_rows(ordered.head(most).drop("_key"), streaming=True), as_of)


def _entity(
    view: View, newest: dict[str, Any], rows: pl.DataFrame, shown: Shown, *, as_values: bool
) -> Entity:
    """Return one entity: what does not change as it is, each attribute as a list of its instances."""
    said: Entity = {"id": newest["_id"], "type": view.type}
    names = [a for a in view.attributes if shown.wants(a.name) and a.column not in view.key]
    instances: dict[str, list[dict[str, Any]]] = {a.name: [] for a in names}
    for row in rows.iter_rows(named=True):
        for attribute in names:
            if row[attribute.column] is not None:
                instances[attribute.name].append(property_of(view, attribute, row, shown.url))
    for name, listed in instances.items():
        if listed and as_values:
            values = [[i["value"], i.get("observedAt")] for i in listed]
            said[name] = {"type": "Property", "values": values}
        elif listed:
            said[name] = listed
    if len(said) > 2:
        fixed = {"location", "dataProvider", "source", "simulated"}
        fixed |= {a.name for a in view.attributes if a.column in view.key}
        constant = entity(view, newest, shown)
        said |= {n: [v] for n, v in constant.items() if n in fixed and n not in said}
    return said
