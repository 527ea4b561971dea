"""From the rows of a batch and the memory of those before: sequences of readings, sensor by sensor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from veracity.data.rules.coded import Codings
from veracity.data.rules.memory import FIRST, KEYS, ORDER, TIME, Memory
from veracity.data.rules.positions import Positions
from veracity.data.rules.readings import Bools, Floats, Ints, Readings

Slots = np.ndarray[tuple[int], np.dtype[np.uint64]]
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: spreads what is multiplied by it
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Arrived:
    """A batch's rows as sequence rules see them.

    Attributes
    ----------
    rows
        The typed rows of the batch, all of them.
    sound
        (n,) which rows no row rule sets aside.
    time
        Name of the event-time column.
    memory
        What was remembered before the batch.
    codings
        Columns of the rows that are coded already.
    """

    rows: pl.DataFrame
    sound: Bools
    time: str
    memory: Memory
    codings: Codings
    _after: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    @cached_property
    def sensors(self) -> pl.DataFrame:
        """Every sensor known, one a row, in the order of the key: its place is its code."""
        return self._coding[0]

    @cached_property
    def names(self) -> dict[str, int]:
        """The code of each sensor, where one column of text names it."""
        first = self.sensors.to_series(0)
        return {name: code for code, name in enumerate(first.to_list())} if self.memory.sensor else {}

    @cached_property
    def codes(self) -> Ints:
        """(n,) int64: the code of each row's sensor; what it is for rows that are not sound is not said."""
        return self._coding[1]

    @cached_property
    def _coding(self) -> tuple[pl.DataFrame, Ints]:
        """The sensors, and each row's code: -1 where no sound row named the sensor."""
        names = list(self.memory.sensor)
        known = _numbered(self.memory.rows.select(names).unique())
        coded = self.codings.get(names[0]) if len(names) == 1 else None
        rows = self.rows if coded is None else pl.DataFrame([coded.distinct.alias(names[0])])
        code = _codes(rows, names, known)
        code_of_row = code if coded is None else code[coded.place]
        new = self.sound & (code_of_row < 0)
        if not new.any():
            return known, code_of_row
        known = _numbered(pl.concat([known.drop("_code"), self.rows.select(names).filter(new).unique()]))
        code = _codes(rows, names, known)
        return known, code if coded is None else code[coded.place]

    @cached_property
    def time_us(self) -> Ints:
        """(n,) int64: event time; 0 for rows that are not sound."""
        stamps = self.rows[self.time].to_physical().fill_null(0).to_numpy()
        return np.where(self.sound, stamps, 0)

    def slots(self, n: int) -> Slots:
        """Return (n,) a slot below ``n``, a power of two, for each row: one for each sensor and time."""
        mixed = self.codes.astype(np.uint64) * _ODD + self.time_us.astype(np.uint64)
        return (mixed * _ODD) >> np.uint64(64 - (n.bit_length() - 1))

    @cached_property
    def _by_sensor(self) -> Ints:
        """Positions of the sound rows, sensor after sensor, each in order of arrival."""
        last = self.sensors.height
        order = sort_codes(np.where(self.sound, self.codes, last), last + 1)
        return order[: int(np.count_nonzero(self.sound))]

    @cached_property
    def newest_before(self) -> Ints:
        """(n,) int64: the newest event time of the sensor's sound rows before each; ``NEVER`` if none."""
        order = self._by_sensor
        code, time = self.codes[order], self.time_us[order]
        start = self._remembered_newest
        out = np.full(len(self.sound), NEVER)
        if len(order) == 0:
            return out
        first = np.ones(len(order), dtype=np.bool_)
        first[1:] = code[1:] != code[:-1]
        before = np.empty(len(order), dtype=np.int64)
        before[1:] = time[:-1]
        before[first] = start[code[first]]
        out[order] = _running_maximum(before, code, first)
        return out

    @cached_property
    def advancing(self) -> Bools:
        """(n,) which sound rows are newer than all sound rows of their sensor before."""
        return self.sound & (self.time_us > self.newest_before)

    def readings(self, name: str, window: int, *, whole: bool = False) -> Readings:
        """Return the sequence of a property, and remember its last ``window`` readings.

        It holds the sensors of the batch; ``whole``: and all that are remembered, for their neighbours.
        """
        values = self.rows[name]
        present = self.advancing & values.is_not_null().to_numpy()
        at = self._by_sensor[present[self._by_sensor]]
        return self.sequence(name, at, values.cast(pl.Float64).fill_null(0.0).to_numpy(), window, whole=whole)

    def sequence(self, name: str, at: Ints, values: Floats, window: int, *, whole: bool = False) -> Readings:
        """Return a sequence: ``at``, positions of rows in order of sensor, and all rows' ``values``."""
        old = self.memory.series(name)
        old_codes = _codes(old, self.memory.sensor, self.sensors)
        here = np.zeros(self.sensors.height, dtype=np.bool_)
        here[self.codes[at]] = True
        is_asked = np.ones(old.height, dtype=np.bool_) if whole else here[old_codes]
        passed = old.filter(~is_asked)
        old, old_codes = (
            (old, old_codes) if passed.is_empty() else (old.filter(is_asked), old_codes[is_asked])
        )
        n_old = old.height
        code = np.concatenate([old_codes, self.codes[at]])
        order = sort_codes(code, self.sensors.height) if n_old else np.arange(len(at))
        code = code[order]
        time = np.concatenate([old["_time"].to_physical().to_numpy(), self.time_us[at]])[order]
        value = np.concatenate([old["_value"].to_numpy(), values[at] + 0.0])[order]
        is_new = order >= n_old
        arrival = np.concatenate([np.full(n_old, -1, dtype=np.int64), at])[order]
        ordinal, run_start, run = _counted(code, time, value, old, order)
        made = Readings(code, time, value, is_new, ordinal, run_start, run, arrival)
        last = self._last(made, max(window, 1))
        self._after[name] = last if passed.is_empty() else pl.concat([passed, last.select(passed.columns)])
        return made

    def positions(self, latitude: str, longitude: str) -> Positions:
        """Return each sensor's first sound position, in two columns, and since when it is known."""
        n = self.sensors.height
        names = [f"{FIRST}{latitude}:{longitude}:{column}" for column in (latitude, longitude)]
        since = np.full(n, np.iinfo(np.int64).max)
        degrees = [np.full(n, np.nan), np.full(n, np.nan)]
        for of_axis, name in zip(degrees, names, strict=True):
            old = self.memory.series(name)
            known = _codes(old, self.memory.sensor, self.sensors)
            of_axis[known] = old["_value"].to_numpy()
            since[known] = -1
        on_earth = self.rows[latitude].is_between(-90, 90) & self.rows[longitude].is_between(-180, 180)
        given = on_earth.fill_null(value=False)
        at = np.flatnonzero(self.sound & given.to_numpy())[::-1]  # the first is written last
        fresh = at[since[self.codes[at]] != -1]
        for of_axis, column in zip(degrees, (latitude, longitude), strict=True):
            of_axis[self.codes[fresh]] = self.rows[column].cast(pl.Float64).fill_null(0.0).to_numpy()[fresh]
        since[self.codes[fresh]] = fresh
        placed = np.flatnonzero(~np.isnan(degrees[0]))
        for name, of_axis in zip(names, degrees, strict=True):
            self._after[name] = self._named(placed, _value=pl.Series(of_axis[placed]))
        return Positions(degrees[0], degrees[1], since)

    def remembered(self) -> Memory:
        """Return the memory after the batch: the series asked for, the order, and the keys as before."""
        newest = self._remembered_newest.copy()
        order = self._by_sensor
        code = self.codes[order]
        ends = order[np.append(code[1:] != code[:-1], True)] if len(order) else order
        newest[self.codes[ends]] = np.maximum(self.time_us[ends], self.newest_before[ends])
        seen = np.flatnonzero(newest > NEVER)
        times = pl.Series(newest[seen]).cast(TIME)
        self._after[ORDER] = self._named(seen, _time=times)
        kept = self.memory.only({*self._after, KEYS})
        return kept.replaced(self._after)

    @cached_property
    def _remembered_newest(self) -> Ints:
        """The newest event time by sensor, sound or in the table: rows may be released into it."""
        newest = np.full(self.sensors.height, NEVER)
        for series in (ORDER, KEYS):
            old = self.memory.newest(series)
            codes = _codes(old, self.memory.sensor, self.sensors)
            newest[codes] = np.maximum(newest[codes], old["_newest"].to_physical().to_numpy())
        return newest

    def _named(self, codes: Ints, **columns: pl.Series) -> pl.DataFrame:
        """Return the sensors' columns, a row for each code, and some columns beside."""
        sensors = self.sensors.drop("_code")[codes].get_columns() if self.memory.sensor else []
        return pl.DataFrame([*sensors, *(series.alias(name) for name, series in columns.items())])

    def _last(self, readings: Readings, window: int) -> pl.DataFrame:
        """Return the last readings of each sensor, as the memory has them."""
        n = len(readings)
        is_last = np.ones(n, dtype=np.bool_)
        is_last[:-1] = readings.sensor[1:] != readings.sensor[:-1]
        ends = np.where(is_last, np.arange(n), n)
        end = np.minimum.accumulate(ends[::-1])[::-1] if n else ends
        kept = np.flatnonzero(end - np.arange(n) < window)
        return self._named(
            readings.sensor[kept],
            _time=pl.Series(readings.time_us[kept]).cast(TIME),
            _value=pl.Series(readings.value[kept]),
            _run_start=pl.Series(readings.run_start_us[kept]).cast(TIME),
            _run=pl.Series(readings.run_n[kept]),
            _ordinal=pl.Series(readings.ordinal[kept]),
        )


def _numbered(sensors: pl.DataFrame) -> pl.DataFrame:
    """Return sensors, each given once, in the order of the key, with ``_code``, their place."""
    if not sensors.columns:
        return pl.DataFrame({"_code": [0]}, schema={"_code": pl.Int64()})
    return sensors.sort(sensors.columns).with_columns(_code=pl.int_range(pl.len(), dtype=pl.Int64))


def _codes(rows: pl.DataFrame, names: Sequence[str], sensors: pl.DataFrame) -> Ints:
    """Return (n,) the code of the sensor that each row names in some columns, -1 where it is none."""
    if not names:
        return np.zeros(rows.height, dtype=np.int64)
    if len(names) == 1 and rows.schema[names[0]] == pl.String:
        known = pl.Enum(sensors[names[0]])
        code = rows[names[0]].cast(known, strict=False).to_physical().cast(pl.Int64)
    else:
        named = rows.select(names)
        code = named.join(sensors, on=names, how="left", maintain_order="left")["_code"]
    return code.fill_null(-1).to_numpy()


def sort_codes(codes: Ints, n_codes: int) -> Ints:
    """Return the stable order of codes; numpy sorts 16-bit ones by radix, in linear time."""
    narrow = codes.astype(np.uint16) if n_codes < 2**16 else codes.astype(np.int32)
    return np.argsort(narrow, kind="stable")


def _running_maximum(values: Ints, code: Ints, first: Bools) -> Ints:
    """Return the running maximum within each run of one code."""
    falls = (values[1:] < values[:-1]) & ~first[1:]
    if not falls.any():
        return values  # in order already, as most feeds are
    apart = int(values.max()) - int(values.min()) + 1
    if values.min() > NEVER and apart * (int(code[-1]) + 1) < 2**62:
        lift = code * apart - values.min()  # each run above the one before
        lifted: Ints = np.maximum.accumulate(values + lift) - lift
        return lifted
    frame = pl.DataFrame({"code": code, "value": values})
    return frame.select(pl.col("value").cum_max().over("code")).to_series().to_numpy()


def _counted(
    code: Ints, time: Ints, value: Floats, old: pl.DataFrame, order: Ints
) -> tuple[Ints, Ints, Ints]:
    """Return ordinal, start and length of the run for each reading, going on from what is remembered."""
    n, n_old = len(code), old.height
    first = np.ones(n, dtype=np.bool_)
    first[1:] = code[1:] != code[:-1]
    position = np.arange(n)
    start = np.maximum.accumulate(np.where(first, position, 0)) if n else position
    base_ordinal, base_start, base_run = np.zeros(n, np.int64), time.copy(), np.ones(n, np.int64)
    recalled = np.flatnonzero(first & (order < n_old))
    at = order[recalled]
    base_ordinal[recalled] = old["_ordinal"].to_numpy()[at]
    base_start[recalled] = old["_run_start"].to_physical().to_numpy()[at]
    base_run[recalled] = old["_run"].to_numpy()[at]
    begins = first.copy()
    begins[1:] |= value[1:] != value[:-1]
    run = np.maximum.accumulate(np.where(begins, position, 0)) if n else position
    return base_ordinal[start] + position - start, base_start[run], base_run[run] + position - run
