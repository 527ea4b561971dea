"""Which columns say when and by which sensor, and how often sensors report."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from veracity.data.infer.names import words
from veracity.data.infer.quantities import quantity_of
from veracity.data.infer.readings import Column
from veracity.data.infer.times import Times

_SENSOR = re.compile(
    r"(^|_)(sensor|station|device|site|gauge|beach|segment|node|location|tram|ma_tram|id|code|name|ten)(_|$)"
)
_THING = re.compile(r"(^|_)(sensor|station|device|gauge|node|segment|tram)(_|$)")
_DOUBTFUL = re.compile(
    r"(^|_)(url|link|file|filename|source|source_file|path|label|description|note|row|index)(_|$)"
)
_LATER = re.compile(r"(^|_)(received|created|inserted|crawled|ingested|label|sent|upload|modified|end)(_|$)")
_TIME = "\0time"  # no header is called so
_NEAR = 0.03  # of the rows: a simpler key may repeat itself as much more often
_NICE_S = (
    *(1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 300, 360, 600, 720, 900, 1200, 1800),
    *(3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800),
)


@dataclass(frozen=True)
class Key:
    """Columns that together name a row.

    Attributes
    ----------
    sensors, time
        Headers of the sensor's columns; the times used, if any.
    n_repeated
        Rows of the sample, exact copies apart, that repeat an earlier row's key.
    n_copies
        Rows that are exact copies of an earlier row.
    """

    sensors: tuple[str, ...]
    time: Times | None
    n_repeated: int
    n_copies: int
    why: tuple[str, ...]


@dataclass(frozen=True)
class Interval:
    """How often a sensor reports: seconds, if regular; the share of rows out of time order."""

    every_s: float | None
    out_of_order: float
    why: str


def event_time(found: Sequence[Times]) -> Times | None:
    """Return the times that say when a reading was made: most complete, finest, named so, first."""
    if not found:
        return None
    return min(
        enumerate(found),
        key=lambda i: (
            bool(_LATER.search(words(i[1].headers[0]))),
            i[1].is_date,
            round(i[1].stamps.null_count() / max(i[1].stamps.len(), 1), 1),
            i[0],
        ),
    )[1]


def find_key(columns: Sequence[Column], time: Times | None, frame: pl.DataFrame) -> Key | None:
    """Return the fewest columns that, with the event time, are unique or nearly so; None if none are."""
    distinct = frame.unique(maintain_order=True).height
    n_copies = frame.height - distinct
    skipped = set(time.headers) if time else set()
    candidates = [c for c in columns if c.header not in skipped and _may_name(c, alone=time is None)]
    parts = [c.text.alias(c.header) for c in candidates]
    parts += [time.stamps.alias(_TIME)] if time is not None else []
    whole = pl.DataFrame([*parts, frame.select(pl.struct(pl.all()).hash().alias("\0row")).to_series()])
    whole = whole.unique("\0row", maintain_order=True) if n_copies else whole
    if time is not None:
        whole = whole.drop_nulls(_TIME)
    if not whole.height:
        return None
    sensors, unique = _sensors(candidates, whole, time)
    if time is None and (len(sensors) != 1 or unique < 1.0):
        return None
    if time is not None and unique < 0.5:
        return None
    n_repeated = round((1 - unique) * whole.height)
    return Key(sensors, time, n_repeated, n_copies, _said(sensors, time, n_repeated, n_copies, whole.height))


def _may_name(column: Column, *, alone: bool) -> bool:
    """Tell whether a column's values may be names of sensors (``alone``: of rows)."""
    if column.n_present < (1.0 if alone else 0.98) * column.text.len():
        return False
    name = words(column.header)
    if quantity_of(name) is not None and not column.is_name:
        return False
    if column.type == "number" or (column.type == "integer" and not column.is_name):
        return alone and column.type == "integer" and bool(_SENSOR.search(name))
    if column.type == "boolean":
        return False
    return alone or column.text.n_unique() <= max(column.text.len() // 3, 1)


def _sensors(
    candidates: Sequence[Column], rows: pl.DataFrame, time: Times | None
) -> tuple[tuple[str, ...], float]:
    """Return the sensor's columns, simplest first, and the share of rows that are first of their key."""
    with_time = [_TIME] if time is not None else []

    def share(names: Sequence[str]) -> float:
        return rows.select([*names, *with_time]).n_unique() / rows.height if names or with_time else 0.0

    alone = share([])
    ranked = sorted(
        ((-share([c.header]), _rank(c), i, c.header) for i, c in enumerate(candidates)), key=lambda t: t[0]
    )
    if not ranked:
        return (), alone
    best = -ranked[0][0]
    near = [r for r in ranked if -r[0] >= best - _NEAR]
    chosen = min(near, key=lambda r: (r[1], r[0], r[2]))
    column = next(c for c in candidates if c.header == chosen[3])
    if time is not None and alone >= 0.999 and column.text.n_unique() > 1 and not _names_thing(column):
        return (), alone
    sensors: tuple[str, ...] = (chosen[3],)
    unique = -chosen[0]
    if unique < 1 - _NEAR and len(candidates) > 1:
        pairs = itertools.combinations([c.header for c in candidates][:8], 2)
        scored = sorted((-share(pair), pair) for pair in pairs)
        if scored and -scored[0][0] > unique + 2 * _NEAR:
            sensors, unique = scored[0][1], -scored[0][0]
    return sensors, unique


def _rank(column: Column) -> int:
    """Return how little a column looks like a sensor's name: 0 for ``station_id``, 3 for a web address."""
    name = words(column.header)
    if _DOUBTFUL.search(name) or bool(column.text.head(100).str.contains("://").any()):
        return 4
    if column.is_name and _THING.search(name):
        return 0
    if _THING.search(name):
        return 1
    return 2 if _SENSOR.search(name) else 3


def _names_thing(column: Column) -> bool:
    return _rank(column) <= 2


def _said(
    sensors: tuple[str, ...], time: Times | None, n_repeated: int, n_copies: int, n: int
) -> tuple[str, ...]:
    names = " and ".join([*map(repr, sensors), *([" + ".join(map(repr, time.headers))] if time else [])])
    if n_repeated == 0:
        notes = [f"key {names} (likely): unique in all rows looked at"]
    else:
        notes = [
            f"key {names} (a guess): {n_repeated:,} of {n:,} rows repeat one; the first to arrive counts"
        ]
    if n_copies:
        notes.append(f"{n_copies:,} rows are exact copies of another; they will be set aside: duplicate-key")
    return tuple(notes)


def interval(stamps: pl.Series, sensor: pl.Series | None, block: pl.Series) -> Interval:
    """Return how often a sensor reports, from the steps between its successive times.

    ``stamps``, ``sensor``, ``block``: (n,), in order of arrival; steps across blocks do not count.
    """
    frame = pl.DataFrame({"t": stamps, "b": block}).with_columns(
        (pl.lit("") if sensor is None else sensor).alias("s")
    )
    frame = frame.drop_nulls("t")
    arrived = frame.select((pl.col("t") < pl.col("t").cum_max().over("s", "b")).alias("late"))["late"]
    late = float(arrived.mean() or 0.0)  # type: ignore[arg-type]  # a share
    steps = (
        frame.unique(["s", "t"])
        .sort("s", "b", "t")
        .select((pl.col("t").diff().over("s", "b").dt.total_milliseconds() / 1000).alias("d"))["d"]
        .drop_nulls()
    )
    if steps.len() < 10:
        return Interval(None, late, "frequency: too few readings to tell")
    middle = float(steps.median() or 0)  # type: ignore[arg-type]  # of numbers
    nearest = min(_NICE_S, key=lambda s: abs(s - middle) / s)
    every = float(nearest) if abs(nearest - middle) <= 0.1 * nearest else float(f"{middle:.2g}")
    share = float(((steps - every).abs() <= 0.2 * every).mean() or 0)  # type: ignore[arg-type]  # a share
    said = f"{100 * share:.0f} % of {steps.len():,} steps between a sensor's readings are {_spoken(every)}"
    if share < 0.5:
        return Interval(None, late, f"no frequency: irregular; the middle step is {_spoken(middle)}")
    sure = "sure" if share > 0.95 else "likely"
    return Interval(every, late, f"frequency ({sure}): {said}")


def duration(seconds: float) -> tuple[float, str]:
    """Return a duration in its largest whole unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return seconds / size, unit
    return seconds, "s"


def _spoken(seconds: float) -> str:
    value, unit = duration(seconds)
    return f"{value:g} {unit}"
