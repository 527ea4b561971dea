"""Which rows are asked for: families of datastreams that are read together, and their conditions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from veracity.home.home import Home
from veracity.server.sensorthings import functions as kinds
from veracity.server.sensorthings import ids
from veracity.server.sensorthings.budget import Budget
from veracity.server.sensorthings.columns import (
    SENSOR,
    STAMP,
    Column,
    NoEntity,
    Rows,
    bounds,
    is_of_row,
)
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.evaluate import evaluate, is_true
from veracity.server.sensorthings.expression import Call, Literal, Node, Path, conjuncts, paths_of
from veracity.server.sensorthings.feed_columns import BATCH, RECORD, TIME, Segment
from veracity.server.sensorthings.graph import Stream
from veracity.server.sensorthings.schema import Dialect
from veracity.server.sensorthings.snapshot import FeedView

VALUE = "_value"
ROW = "_row"
IDS = (("id",), ("@iot.id",))
TIMES = (("phenomenonTime",), ("phenomenonTime", "start"))
_NEVER = (  # no observation has them
    ("phenomenonTime", "end"),
    ("validTime",),
    ("validTime", "start"),
    ("validTime", "end"),
)


@dataclass
class Family:
    """Datastreams of one column of one feed, what is asked of their rows, and where those can be.

    ``conditions`` depend on more than the datastream. ``place`` is the one row asked for, if it is one.
    """

    streams: list[Stream]
    rows: Rows
    conditions: list[Node]
    place: ids.ObservationId | None = None
    segments: list[Segment] = field(default_factory=list)
    by_number: dict[int, Stream] = field(default_factory=dict)

    @property
    def first(self) -> Stream:
        """Its first datastream."""
        return self.streams[0]

    @property
    def n_known(self) -> int | None:
        """How many observations are asked for, where that is known without looking at them."""
        return sum(s.n_observations for s in self.streams) if self.is_whole else None

    @property
    def is_whole(self) -> bool:
        """Whether all observations of its datastreams are asked for."""
        return not self.conditions and self.place is None


class StreamView:
    """What an observation's paths lead to that depends on its datastream alone."""

    def __init__(self, stream: Stream, dialect: Dialect) -> None:
        self._known = {"Datastream": stream.entity, dialect.feature: stream.feature}

    def value(self, steps: tuple[str, ...]) -> Any:
        """Return what a path leads to."""
        found = self._known.get(steps[0])
        return found.value(steps[1:]) if found is not None and len(steps) > 1 else None

    def related(self, steps: tuple[str, ...]) -> list[Entity]:
        """Return the entities of a relation."""
        found = self._known.get(steps[0])
        return [] if found is None else found.related(steps[1:])


def families(home: Home, streams: Sequence[Stream], asked: Node | None, dialect: Dialect) -> Iterator[Family]:
    """Yield the families of some datastreams, of those whose datastreams fulfil a condition.

    Raises
    ------
    MalformedFilter, UnsupportedQuery, TooMuchAsked
        If the condition is none for observations, or would look at too many entities.
    """
    groups: dict[tuple[str, str], list[Stream]] = {}
    for stream in streams:
        groups.setdefault((stream.view.feed, stream.column.name), []).append(stream)
    parts, budget = conjuncts(asked), Budget()
    for group in groups.values():
        place = None
        conditions = []
        for part in parts:
            named = _named(part)
            if named is None:
                conditions.append(part)
            elif place is None or str(place) == named:
                place = ids.parse_observation_id(named) or ids.ObservationId("", -1, -1)
            else:
                group = []
        if place is not None:
            group = [s for s in group if s.entity.id == place.datastream]
        if group and (family := _family(home, group, conditions, place, dialect, budget)).streams:
            yield family


def _named(node: Node) -> str | None:
    """Return the identifier that a condition asks for."""
    if isinstance(node, Call) and node.name == "eq":
        for a, b in (node.arguments, node.arguments[::-1]):
            if isinstance(a, Path) and a.steps in IDS and isinstance(b, Literal) and isinstance(b.value, str):
                return b.value
    return None


def _family(
    home: Home,
    streams: list[Stream],
    conditions: list[Node],
    place: ids.ObservationId | None,
    dialect: Dialect,
    budget: Budget,
) -> Family:
    view = streams[0].view
    by_number = {s.sensor: s for s in streams}
    n_sensors = len(view.columns.sensors.keys)

    def by_sensor(node: Node) -> Sequence[Any]:
        if not any(True for _ in paths_of(node)):
            return [evaluate(node, NoEntity(), budget)]
        values: list[Any] = [None] * n_sensors
        for number, stream in by_number.items():
            values[number] = evaluate(node, StreamView(stream, dialect), budget)
        return values

    rows = Rows(_row_columns(home, streams[0], by_number, n_sensors, dialect), by_sensor)
    of_stream = [c for c in conditions if not is_of_row(c, rows)]
    left = [s for s in streams if all(is_true(c, StreamView(s, dialect), budget) for c in of_stream)]
    of_rows = [c for c in conditions if c not in of_stream]
    family = Family(left, rows, of_rows, place, by_number=by_number)
    family.segments = _segments(view, family)
    return family


def _segments(view: FeedView, family: Family) -> list[Segment]:
    """Return the segments that can hold observations of interest."""
    low, high = None, None
    for path in TIMES:
        first, last = bounds(family.conditions, path)
        low = first if low is None else low if first is None else max(low, first)
        high = last if high is None else high if last is None else min(high, last)
    found = []
    for segment in view.segments:
        first, last = segment.times
        is_before = low is not None and last is not None and last < low
        is_after = high is not None and first is not None and first > high
        begin, end = segment.first_batch, segment.last_batch
        batch = None if family.place is None else family.place.batch
        is_other = batch is not None and (
            (begin is not None and batch < begin) or (end is not None and batch > end)
        )
        if not (is_before or is_after or is_other):
            found.append(segment)
    return found


def _row_columns(
    home: Home, stream: Stream, by_number: dict[int, Stream], n_sensors: int, dialect: Dialect
) -> Mapping[tuple[str, ...], Column]:
    """Return the columns of a family's rows, by the paths that lead to them."""
    view = stream.view
    kind = {"number": kinds.NUMBER, "integer": kinds.NUMBER, "boolean": kinds.BOOL}.get(stream.column.type)
    nothing = Column(pl.lit(None), kinds.NOTHING)
    names: list[str | None] = [None] * n_sensors
    for number, one in by_number.items():
        names[number] = one.entity.id
    told = "parameters" if dialect.is_old else "properties"
    quality = ("resultQuality",) if dialect.is_old else ("properties", "resultQuality")
    known = {
        ("result",): Column(pl.col(VALUE), kind or kinds.TEXT),
        **{path: Column(pl.col(TIME), kinds.TIME) for path in TIMES},
        **dict.fromkeys(_NEVER, nothing),
        (told, "batch"): Column(pl.col(BATCH).cast(pl.Float64), kinds.NUMBER),
        (told, "record"): Column(pl.col(RECORD).cast(pl.Float64), kinds.NUMBER),
    }
    return _Columns(
        {
            **{path: partial(known.__getitem__, path) for path in known},
            **{path: lambda: _identity(names) for path in IDS},
            ("resultTime",): lambda: _received(view),
            (*quality, "status"): lambda: _flagged(home, stream),
            (told, "simulated"): lambda: _simulated(by_number, n_sensors),
        }
    )


def _identity(names: Sequence[str | None]) -> Column:
    """Return the identifiers of observations, by those of their datastreams."""
    table = pl.Series(names, dtype=pl.String())
    parts = [pl.lit(table).gather(pl.col(SENSOR)), pl.col(BATCH), pl.col(RECORD)]
    return Column(pl.concat_str(parts, separator=":"), kinds.TEXT)


def _simulated(by_number: Mapping[int, Stream], n_sensors: int) -> Column:
    """Return whether observations are simulated, by their datastreams."""
    table: list[bool | None] = [None] * n_sensors
    for number, stream in by_number.items():
        table[number] = stream.is_simulated
    return Column(pl.lit(pl.Series(table, dtype=pl.Boolean())).gather(pl.col(SENSOR)), kinds.BOOL)


class _Columns(Mapping[tuple[str, ...], Column]):
    """Columns, each made when it is first asked for."""

    def __init__(self, makers: Mapping[tuple[str, ...], Callable[[], Column]]) -> None:
        self._makers, self._made = makers, dict[tuple[str, ...], Column]()

    def __contains__(self, key: object) -> bool:
        return key in self._makers

    def __getitem__(self, key: tuple[str, ...]) -> Column:
        if key not in self._made:
            self._made[key] = self._makers[key]()
        return self._made[key]

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def _received(view: FeedView) -> Column:
    """Return when a row's batch was received."""
    said = view.ledger.received()
    pairs = said.rows()
    times: list[Any] = [None] * (max((batch for batch, _ in pairs), default=0) + 1)
    for batch, at in pairs:
        times[batch] = at
    table = pl.Series(times, dtype=STAMP)
    return Column(pl.lit(table).gather(pl.col(BATCH)), kinds.TIME)


def _flagged(home: Home, stream: Stream) -> Column:
    """Return whether a row broke a rule that concerns the column: ``flagged``, else ``accepted``."""
    found = stream.view.ledger.flags(home)
    wanted = [reason for reason in _reasons(found) if concerns(stream, reason)]
    mine = found.filter(pl.col("reasons").list.eval(pl.element().is_in(wanted)).list.any())
    places = mine.select(pl.col(BATCH).cast(pl.UInt64) * 2**32 + pl.col(RECORD)).to_series()
    row = pl.col(BATCH).cast(pl.UInt64) * 2**32 + pl.col(RECORD)
    told = pl.when(row.is_in(places.implode())).then(pl.lit("flagged")).otherwise(pl.lit("accepted"))
    return Column(told, kinds.TEXT)


def _reasons(found: pl.DataFrame) -> list[str]:
    return sorted({reason for reasons in found["reasons"] for reason in reasons})


def concerns(stream: Stream, reason: str) -> bool:
    """Tell whether a rule is about this datastream's column, or the row as a whole."""
    about = stream.view.contract.about(reason)
    others = {f.name for f in stream.view.values} - {stream.column.name}
    return stream.column.name in about or not about & others
