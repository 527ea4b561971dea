"""Entities over time: for each attribute its values between two times, from the rows themselves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from veracity.data.lake import collect_rows
from veracity.home.home import Home
from veracity.server.ngsi_ld.asking import parse_instant
from veracity.server.ngsi_ld.entities import Entity, Shown, entity, property_of
from veracity.server.ngsi_ld.errors import BadRequestData
from veracity.server.ngsi_ld.latest import key_text, marked
from veracity.server.ngsi_ld.views import Attribute, View

MAX_INSTANCES = 1_000  #: rows of one entity in one answer
MAX_VALUES = 20_000  #: values in one answer: each some 200 bytes
_LEAST = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """The times asked about, both ends included, UTC; and how many of the newest rows at most."""

    start: datetime | None
    end: datetime | None
    last_n: int | None


@dataclass(frozen=True)
class Course:
    """The rows of some entities of one view over time, newest first, by identifier.

    ``newest`` has the row of each entity that says what it is now. ``begins`` is the first time from which on
    they are whole; None if they are whole from the beginning.
    """

    view: View
    newest: pl.DataFrame
    rows: Mapping[str, pl.DataFrame]
    begins: datetime | None


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


def most_rows(chosen: Sequence[tuple[View, int]], shown: Callable[[View], int], period: Period) -> int:
    """Return how many rows of each entity one answer may have.

    Parameters
    ----------
    chosen
        The views, and how many entities of each are given.
    shown
        How many attributes of a view are.
    """
    n_wide = sum(n * max(1, shown(view)) for view, n in chosen)
    return max(1, min(period.last_n or MAX_INSTANCES, MAX_INSTANCES, MAX_VALUES // max(1, n_wide)))


def course(
    home: Home, view: View, newest: pl.DataFrame, period: Period, as_of: datetime | None, most: int
) -> Course:
    """Return the rows of the entities of ``newest`` over a period, so many of each at most."""
    if view.time is None or newest.is_empty():
        return Course(view, newest, {}, None)
    rows = _rows(home, view, newest, period, as_of, most)
    found = rows.partition_by("_id", as_dict=True, maintain_order=True) if rows.height else {}
    n_wanted = most if period.last_n is None else min(most, period.last_n)
    is_cut = period.last_n is None or n_wanted < period.last_n
    given = {str(key[0]): frame.head(n_wanted) for key, frame in found.items()}
    begins = [
        given[str(key[0])][view.time].min()
        for key, frame in found.items()
        if is_cut and frame.height > n_wanted
    ]
    return Course(view, newest, given, max(begins, default=None))  # type: ignore[type-var, arg-type]


def between(courses: Sequence[Course]) -> tuple[datetime, datetime] | None:
    """Return from when to when courses are whole together; None if they are from the beginning."""
    first = max((c.begins for c in courses if c.begins is not None), default=None)
    if first is None:
        return None
    lasts = [frame[str(c.view.time)].max() for c in courses for frame in c.rows.values()]
    return first, max(lasts)  # type: ignore[type-var, return-value]


def entities_of(found: Course, first: datetime | None, shown: Shown, *, as_values: bool) -> list[Entity]:
    """Return the temporal entities of a course, of rows from a time on."""
    view, entities = found.view, list[Entity]()
    for row in found.newest.iter_rows(named=True):
        rows = found.rows.get(row["_id"])
        if rows is None:
            continue
        if first is not None:
            rows = rows.filter(pl.col(str(view.time)) >= first)
        said = _entity(view, row, rows, shown, as_values=as_values)
        if len(said) > 2:
            entities.append(said)
    return entities


def n_attributes(view: View, shown: Shown) -> int:
    """Return how many attributes of a view are given over time."""
    return len(_over_time(view, shown))


def _over_time(view: View, shown: Shown) -> list[Attribute]:
    return [a for a in view.attributes if shown.wants(a.name) and a.column not in view.key]


def _rows(
    home: Home, view: View, newest: pl.DataFrame, period: Period, as_of: datetime | None, most: int
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
    ordered = chosen.sort(time, "_batch", "_record", descending=True).group_by("_key", maintain_order=True)
    return marked(home, view, collect_rows(ordered.head(most + 1).drop("_key"), streaming=True), as_of)


def _entity(
    view: View, newest: dict[str, Any], rows: pl.DataFrame, shown: Shown, *, as_values: bool
) -> Entity:
    """Return one entity: what does not change as it is, each attribute as a list of its instances."""
    said: Entity = {"id": newest["_id"], "type": view.type}
    names = _over_time(view, shown)
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
