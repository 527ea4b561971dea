"""Observations out of decoded columns: filtered, ordered, counted and cut to a page, many at once.

A family is read segment by segment, those left out that cannot hold any of interest; in the order of time
no more are read than a page needs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from veracity.home.home import Home
from veracity.server.sensorthings import functions as kinds
from veracity.server.sensorthings import ids
from veracity.server.sensorthings.asked_rows import n_known, n_rows_of, rows_of
from veracity.server.sensorthings.columns import SENSOR, Column, compiled
from veracity.server.sensorthings.expression import Call, Literal, Node, Path
from veracity.server.sensorthings.families import IDS, ROW, TIMES, Family, concerns, families
from veracity.server.sensorthings.feed_columns import BATCH, RECORD, TIME, Segment
from veracity.server.sensorthings.graph import Stream
from veracity.server.sensorthings.schema import Dialect

Order = Sequence[tuple[Node, bool]]
_Hit = tuple[int, int, int]  # family, segment, row


@dataclass(frozen=True)
class Observation:
    """One observation, and which rules its row broke that concern it."""

    stream: Stream
    time: datetime
    result: Any
    batch: int
    record: int
    flags: tuple[str, ...]
    received: datetime | None

    @property
    def id(self) -> str:
        """Its identifier."""
        return str(ids.ObservationId(self.stream.entity.id, self.batch, self.record))


@dataclass(frozen=True)
class Found:
    """A page of observations; ``count`` of all that fulfil the conditions, if it was asked for."""

    page: list[Observation]
    has_more: bool
    count: int | None


@dataclass(frozen=True)
class Asked:
    """Which observations. ``order``: expressions, and whether they descend; () for the order of arrival."""

    condition: Node | None = None
    order: Order = ()
    skip: int = 0
    top: int = 100
    counts: bool = False


def find(home: Home, streams: Sequence[Stream], asked: Asked, dialect: Dialect) -> Found:
    """Return a page of the observations of some datastreams.

    Raises
    ------
    MalformedFilter, UnsupportedQuery
        If the condition or the order is none for observations.
    TableMismatch
        If a data file is gone.
    """
    found = list(families(home, streams, asked.condition, dialect))
    hits, count = _ordered(found, asked) if asked.order else _arrived(found, asked)
    page = _observations(home, found, hits[: asked.top])
    return Found(page, len(hits) > asked.top, count if asked.counts else None)


def find_one(home: Home, streams: dict[str, Stream], identity: str, dialect: Dialect) -> Observation | None:
    """Return the observation with an identifier; None if there is none."""
    place = ids.parse_observation_id(identity)
    stream = None if place is None else streams.get(place.datastream)
    if stream is None:
        return None
    known = Call("eq", (Path(IDS[0]), Literal(identity)))
    found = find(home, [stream], Asked(known, top=1), dialect)
    return found.page[0] if found.page else None


def _arrived(found: Sequence[Family], asked: Asked) -> tuple[list[_Hit], int]:
    """Return the hits from ``skip`` on in the order of arrival, family after family, and the count.

    One more hit than a page has, if there is one; none for a page of none. The count is right only if it was
    asked for.
    """
    end, hits, count = asked.skip + asked.top + 1 if asked.top else 0, list[_Hit](), 0
    for number, family in enumerate(found):
        known, n = family.n_known, 0
        is_before = known is not None and count + known <= asked.skip
        for at, segment in enumerate([] if is_before else family.segments):
            if count + n >= end:
                if known is not None or not asked.counts:
                    break
                n += n_rows_of(family, segment)
                continue
            if n_known(family, segment) == 0:
                continue
            rows = rows_of(family, segment)[ROW]
            low, high = max(asked.skip - count - n, 0), max(end - count - n, 0)
            hits += [(number, at, row) for row in rows[low:high]]
            n += len(rows)
        count += n if known is None else known
    return hits, count


def _ordered(found: Sequence[Family], asked: Asked) -> tuple[list[_Hit], int]:
    """Return the hits from ``skip`` on in the order asked for, and the count, as ``_arrived`` does."""
    keys = _Keys(found, asked.order)
    end, count = asked.skip + asked.top + 1, 0
    best: list[pl.DataFrame] = []
    for number, family in enumerate(found):
        own: pl.DataFrame | None = None
        for at, segment in keys.arranged(family):
            if own is not None and own.height >= end and keys.is_beyond(segment, own):
                if family.is_whole or not asked.counts:
                    break
                count += n_rows_of(family, segment)
                continue
            if n_known(family, segment) == 0:
                continue
            rows = rows_of(family, segment)
            count += 0 if family.is_whole else rows.height
            if rows.height:
                own = keys.best(([] if own is None else [own]) + [keys.of(number, at, rows)], end)
        count += family.n_known or 0
        best += [] if own is None else [own]
    if not best:
        return [], count
    places = keys.best(best, end)[asked.skip :].select("_family", "_segment", ROW)
    return list(places.iter_rows()), count


class _Keys:
    """What to sort by: for each expression a column of each kind that it has in some family."""

    def __init__(self, found: Sequence[Family], order: Order) -> None:
        self._columns = [[compiled(node, family.rows) for node, _ in order] for family in found]
        self._descends: list[bool] = []
        self._types: list[tuple[int, str]] = []  # which expression, and of which kind
        for i, (_, descends) in enumerate(order):
            has = {columns[i].kind for columns in self._columns} - {kinds.NOTHING}
            for kind in sorted(has):
                self._types.append((i, kind))
                self._descends.append(descends)
        first = order[0][0]
        self._by_time = isinstance(first, Path) and first.steps in TIMES
        self._backwards = order[0][1]

    def arranged(self, family: Family) -> list[tuple[int, Segment]]:
        """Return a family's segments, the most wanted first where the order is that of time."""
        numbered = list(enumerate(family.segments))
        if not self._by_time or any(None in s.times for s in family.segments):
            return numbered
        if self._backwards:
            return sorted(numbered, key=lambda pair: pair[1].times[1], reverse=True)
        return sorted(numbered, key=lambda pair: pair[1].times[0])

    def is_beyond(self, segment: Segment, best: pl.DataFrame) -> bool:
        """Tell whether no row of a segment comes before the last of those found, which are enough."""
        first, last = segment.times
        if not self._by_time or first is None or last is None:
            return False
        worst = best["_k0"][-1]
        return bool(last < worst if self._backwards else first > worst)

    def of(self, number: int, at: int, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the keys of some rows, and where they are."""
        columns = self._columns[number]
        return rows.select(
            *(_key(columns[i], kind).alias(f"_k{n}") for n, (i, kind) in enumerate(self._types)),
            pl.lit(number, pl.Int32).alias("_family"),
            pl.lit(at, pl.Int32).alias("_segment"),
            pl.col(ROW),
        )

    def best(self, frames: Sequence[pl.DataFrame], n: int) -> pl.DataFrame:
        """Return the first ``n`` of some rows; those that are equal in the order of arrival."""
        names = [f"_k{n}" for n in range(len(self._types))]
        return (
            pl.concat(frames)
            .lazy()
            .sort(
                [*names, "_family", "_segment", ROW],
                descending=[*self._descends, False, False, False],
                nulls_last=[*self._descends, False, False, False],
            )
            .head(n)
            .collect()
        )


def _key(column: Column, kind: str) -> pl.Expr:
    types = {kinds.NUMBER: pl.Float64(), kinds.TEXT: pl.String(), kinds.BOOL: pl.Boolean()}
    if column.kind != kind:
        return pl.lit(None, dtype=types.get(kind, pl.Datetime("us", "UTC")))
    return column.expression


def _observations(home: Home, found: Sequence[Family], hits: Sequence[_Hit]) -> list[Observation]:
    """Return the observations at some places, in their order."""
    groups: dict[tuple[int, int], list[int]] = {}
    for position, (number, at, _) in enumerate(hits):
        groups.setdefault((number, at), []).append(position)
    read: list[Any] = [None] * len(hits)
    for (number, at), positions in groups.items():
        family = found[number]
        for position, row in zip(positions, _read(family, at, [hits[p][2] for p in positions]), strict=True):
            read[position] = (family, row)
    flags = _flags(home, read)
    return [_observation(family, row, flags) for family, row in read]


def _read(family: Family, at: int, rows: list[int]) -> Iterator[tuple[Any, ...]]:
    stream, segment = family.first, family.segments[at]
    view = stream.view
    names = [SENSOR, stream.column.name, TIME, BATCH, RECORD]
    columns = (view.columns.column(view.table, view.contract, segment, name) for name in names)
    return zip(*(column.gather(rows).to_list() for column in columns), strict=True)


def _flags(home: Home, read: Sequence[Any]) -> dict[tuple[str, int, int], list[str]]:
    """Return the reasons of the flagged rows of a page, by feed, batch and record."""
    batches: dict[str, set[int]] = {}
    views = {}
    for family, row in read:
        view = family.first.view
        views[view.feed] = view
        batches.setdefault(view.feed, set()).add(row[3])
    return {
        (feed, batch, record): reasons
        for feed, wanted in batches.items()
        for batch, record, reasons in views[feed].ledger.flags(home, wanted).iter_rows()
    }


def _observation(
    family: Family, row: tuple[Any, ...], flags: dict[tuple[str, int, int], list[str]]
) -> Observation:
    sensor, value, time, batch, record = row
    stream = family.by_number[sensor]
    view = stream.view
    reasons = flags.get((view.feed, batch, record), ())
    mine = tuple(reason for reason in reasons if concerns(stream, reason))
    result = int(value) if stream.column.type == "integer" else value
    return Observation(stream, time, result, batch, record, mine, view.ledger.received_at(batch))
