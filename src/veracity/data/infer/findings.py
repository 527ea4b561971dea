"""What a sample shows, before it is said in a contract: columns, times, key, interval, zone."""

import re

import polars as pl

from veracity.data.errors import WrongFile
from veracity.data.infer.keys import Interval, event_time, find_key, interval
from veracity.data.infer.names import feed_name, words
from veracity.data.infer.quantities import POLLUTANTS, quantity_of
from veracity.data.infer.readings import Column, read_column
from veracity.data.infer.sample import Sample
from veracity.data.infer.times import Times, guess_zone, is_clock, read_as, read_joined, read_times
from veracity.data.infer.wide import find_templates

CARRIED = "station"
_INDEX_SHARE = 0.5


class Findings:
    """One sample, looked at.

    Attributes
    ----------
    columns, left_out
        The columns that hold something; of the others, why not.
    times, event
        Columns read as times, by header; those that say when a reading was made.
    templates
        Groups of columns of a wide file.
    key, sensor
        What names a row; (n,) the sensor of each row, None if there is one only.
    positions
        Latitude and longitude.
    zone, why_zone
        Of times without an offset.
    interval
        How often a sensor reports.
    is_index
        Why pollutants are points of an index; "" if nothing says so.
    """

    def __init__(self, sample: Sample, feed: str | None, zone: str | None) -> None:
        self.sample = sample
        self.feed = feed or feed_name(sample.files[0])
        self.columns = [read_column(s) for s in sample.frame.get_columns()]
        _check_header(sample, self.columns)
        self.left_out: list[str] = []
        self.columns = self._usable()
        self.times, self.joined = self._times()
        self.event = event_time(
            [t for t in self.times.values() if not t.is_date] or list(self.times.values())
        )
        timed = {h for t in self.times.values() for h in t.headers}
        rest = [c for c in self.columns if c.header not in timed]
        self.templates = find_templates(rest, CARRIED) if self.event is not None else []
        self.key = None if self.templates else find_key(rest, self.event, sample.frame)
        self.by_header = {c.header: c for c in self.columns}
        self.positions = self._positions()
        self.zone, self.why_zone = (zone, "zone: as asked for") if zone else self._zone()
        self.sensor = self._sensor()
        self.interval = self._interval()
        self.is_index = self._is_index()

    @property
    def has_key_time(self) -> bool:
        """Whether the key holds the event time: then sensor rules may stand."""
        return self.event is not None and (self.key is not None or bool(self.templates))

    @property
    def n_sensors(self) -> int:
        """Number of sensors seen."""
        return 1 if self.sensor is None else self.sensor.n_unique()

    def key_position(self, header: str) -> int | None:
        """Return a column's place in the key, from 1; None if it is not of the sensor's columns."""
        sensors = self.key.sensors if self.key else ()
        return sensors.index(header) + 1 if header in sensors else None

    def steps(self, numbers: pl.Series) -> pl.Series:
        """Return the absolute differences of successive readings of a sensor, in order of arrival."""
        frame = pl.DataFrame({"v": numbers, "b": self.sample.block})
        frame = frame.with_columns(
            (pl.lit("") if self.sensor is None else self.sensor).alias("s")
        ).drop_nulls("v")
        return frame.select(pl.col("v").diff().over("s", "b").abs())["v"].drop_nulls()

    def _usable(self) -> list[Column]:
        """Leave out what holds nothing, or cannot be named by a contract."""
        out = []
        for column in self.columns:
            if column.n_present == 0:
                self.left_out.append(f"left out: {column.header!r} holds no value in the records looked at")
            elif "{" in column.header or "}" in column.header:
                self.left_out.append(f"left out: {column.header!r}: braces in a name stand for a template")
            elif column.header in ("_record", "_batch"):
                self.left_out.append(f"left out: {column.header!r} is a name the table keeps for itself")
            else:
                out.append(column)
        return out

    def _times(self) -> tuple[dict[str, Times], set[str]]:
        """Read the columns that are times; a date and a time of day are joined."""
        found = {c.header: t for c in self.columns if (t := read_times(c)) is not None}
        clocks = [c for c in self.columns if c.header not in found and c.native == pl.String and is_clock(c)]
        dates = [c for c in self.columns if c.header in found and found[c.header].is_date]
        if dates and clocks and (joined := read_joined([dates[0], clocks[0]])) is not None:
            found[dates[0].header] = joined
            return found, {dates[0].header, clocks[0].header}
        parts = {words(c.header): c for c in self.columns}
        names = ["year", "month", "day", "hour", "minute", "second"]
        have = [parts[n] for n in names if n in parts]
        if not found and len(have) >= 3 and [words(c.header) for c in have] == names[: len(have)]:
            if len(have) == 4:
                self.left_out.append(
                    "CHECK: year, month, day, hour stand apart; times need minutes: join them before"
                )
            elif (joined := _from_parts(have)) is not None:
                return {have[0].header: joined}, set()
        return found, set()

    def _positions(self) -> tuple[Column, Column] | None:
        named = {
            q.name: c for c in self.columns if c.numbers is not None and (q := quantity_of(words(c.header)))
        }
        if "latitude" in named and "longitude" in named:
            return named["latitude"], named["longitude"]
        return None

    def _zone(self) -> tuple[str, str]:
        if self.event is None or self.event.is_zoned:
            return "UTC", ""
        texts = [*self.sample.files, self.feed]
        for column in self.columns:
            if column.type == "string" and column.header not in self.times:
                texts += column.text.drop_nulls().unique(maintain_order=True).head(60).to_list()
        where = None
        if self.positions is not None:
            lat, lon = self.positions
            where = (lat.numbers, lon.numbers)
        return guess_zone(self.event.headers[0], texts, where)  # type: ignore[arg-type]  # both are numbers

    def _sensor(self) -> pl.Series | None:
        if self.key is None or not self.key.sensors:
            return None
        texts = [self.by_header[h].text for h in self.key.sensors]
        return pl.select(pl.concat_str(texts, separator="\0", ignore_nulls=True)).to_series()

    def _interval(self) -> Interval:
        if self.event is None:
            return Interval(None, 0.0, "no frequency: no event time")
        return interval(self.event.stamps, self.sensor, self.sample.block)

    def _is_index(self) -> str:
        """Say why pollutants are points of an index; "" if nothing says so."""
        named = [(c, quantity_of(words(c.header))) for c in self.columns if c.numbers is not None]
        index = next((c.numbers for c, q in named if q and q.name == "air quality index"), None)
        parts = [c.numbers for c, q in named if q and q.name in POLLUTANTS and c.numbers is not None]
        if index is None or not parts:
            return ""
        equal = (index == pl.select(pl.max_horizontal(parts)).to_series()).drop_nulls()
        share = float(equal.mean() or 0) if equal.len() else 0.0  # type: ignore[arg-type]  # a share
        return (
            f"the index is the greatest of them in {100 * share:.0f} % of rows"
            if share > _INDEX_SHARE
            else ""
        )


def _check_header(sample: Sample, columns: list[Column]) -> None:
    """Raise ``WrongFile`` if the first record of a CSV file is data: its names are numbers or times."""
    if sample.kind != "csv":
        return
    headers = [c.header for c in columns if not re.fullmatch(r"#\d+", c.header)]
    data = [h for h in headers if is_value(h)]
    values = [c for c in columns if c.type in ("number", "integer")]
    told = any(not is_value(c.header) for c in values)
    if (headers and len(data) == len(headers)) or (data and not told):
        raise WrongFile(
            f"{sample.files[0]}: want names in the first line, got values such as {data[0][:40]!r}"
        )


def is_value(text: str) -> bool:
    """Tell whether a header reads like a number or a time."""
    plain = re.sub(r"#\d+$", "", text)
    return bool(re.fullmatch(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*", plain))


def _from_parts(columns: list[Column]) -> Times | None:
    """Read times written as year, month, day and so on in columns of their own."""
    shape = " ".join(("yyyy", "M", "d", "H", "m", "s")[: len(columns)])
    text = pl.select(pl.concat_str([c.text for c in columns], separator=" ")).to_series().rename("time")
    return read_as(text, tuple(c.header for c in columns), shape)
