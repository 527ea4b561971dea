"""Freshness: a sensor that has said nothing for longer than it should is silent."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from veracity.data.place import fault, shown, within
from veracity.data.rules.calendar import DAYS, EPOCH, Hours, active_since_us, instant_us
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule

OUTAGES = 1_000
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


@dataclass(frozen=True)
class Outage:
    """A time in which sensors are known to be silent.

    Attributes
    ----------
    since, until
        ISO 8601 in UTC; ``until`` is None while it lasts.
    sensors
        Whose: for each sensor the values of the key's columns but event time, as text. None: all.
    """

    since: str
    until: str | None
    sensors: tuple[tuple[str, ...], ...] | None

    @property
    def period(self) -> tuple[int, int]:
        """From and to, microseconds since 1970 UTC; one that lasts ends in the year 9999."""
        until = self.until or "9999-12-31T00:00:00+00:00"
        return instant_us(datetime.fromisoformat(self.since)), instant_us(datetime.fromisoformat(until))


@dataclass(frozen=True)
class Freshness(Rule):
    """Each sensor's newest reading is at most ``within`` old, counted in the time it is meant to report.

    ``{rule: freshness, within: 2 h}`` on the schema object. It marks sensors and no rows, so its
    action is ``flag``. A sensor is one that has had a reading; one that never had is not known.

    Attributes
    ----------
    sensor
        The key's columns but the event time.
    within_s
        ``within``: the longest silence; 4 times the contract's ``frequency`` if absent. Only active
        time counts: the hours of ``active`` without the outages.
    active
        ``active``: when sensors report, as ``[{days: [mon, tue], from: "06:00", to: "22:00"}]``. Days
        are all if absent; ``to`` at or before ``from`` is on the next day; ``"24:00"`` is the day's
        end. Always, if absent.
    timezone
        ``timezone``: the zone of those hours; UTC if absent.
    outages
        ``outages``: known ones, as ``[{from: 2026-09-01T00:00:00+07:00, to: …, sensors: [S1]}]``. Without
        ``to`` it lasts; without ``sensors`` it is everyone's. With a key of several columns but time,
        a sensor is a list of their values.
    """

    sensor: tuple[str, ...]
    within_s: float
    active: tuple[Hours, ...]
    timezone: str
    outages: tuple[Outage, ...]

    def silent(self, sensors: pl.DataFrame, now: datetime) -> pl.Series:
        """Tell which sensors are silent.

        Parameters
        ----------
        sensors
            One row a sensor: the columns of ``sensor`` and ``_newest``, the event time of its newest
            reading.
        now
            An aware time.

        Returns
        -------
        silent
            (n,) Boolean, named by the reason; false where ``_newest`` is null.
        """
        if sensors.is_empty():  # Polars cannot tell the type of no limits
            return pl.Series(self.reason, [], dtype=pl.Boolean)
        now_us, within_us = instant_us(now.astimezone(UTC)), round(self.within_s * 1_000_000)
        frame = sensors.select(
            pl.col("_newest").cast(pl.Datetime("us")).to_physical().alias("_newest"),
            self._outage_set(sensors),
        )
        limits: dict[str, int | None] = {}
        for chosen in frame["_outages"].unique():
            cut = [self.outages[int(i)].period for i in chosen.split()]
            limits[chosen] = active_since_us(now_us, within_us, self.active, self.timezone, cut)
        limit = pl.col("_outages").replace_strict(limits, return_dtype=pl.Int64)
        silent = (pl.col("_newest") < limit).fill_null(value=False)
        return frame.select(silent.alias(self.reason)).to_series()

    def _outage_set(self, sensors: pl.DataFrame) -> pl.Expr:
        """Return, as text, the places of the outages that each sensor has."""
        own = [pl.lit("")]
        names = [pl.col(name).cast(pl.String) for name in self.sensor]
        for i, outage in enumerate(self.outages):
            if outage.sensors is None:
                own.append(pl.lit(f"{i} "))
            else:
                listed = pl.DataFrame(
                    outage.sensors, schema=dict.fromkeys(self.sensor, pl.String), orient="row"
                )
                joined = sensors.select(names).join(
                    listed.unique().with_columns(_has=pl.lit(f"{i} ")),
                    on=list(self.sensor),
                    how="left",
                    maintain_order="left",
                )
                own.append(pl.lit(joined["_has"].fill_null("")))
        return reduce(pl.Expr.__add__, own).alias("_outages")

    def to_object(self) -> dict[str, Any]:
        """Return the rule as JSON."""
        told = dict(super().to_object())
        told["active"] = [[list(h.days), h.start_min, h.end_min] for h in self.active]
        told["outages"] = [
            [o.since, o.until, None if o.sensors is None else [list(s) for s in o.sensors]]
            for o in self.outages
        ]
        return told


def read_freshness(scope: Scope, p: Parameters) -> Freshness:
    """Read the rule; its reason is ``freshness:<event time>`` unless it is named."""
    usual = None if scope.frequency_s is None else 4 * scope.frequency_s
    within_s = p.duration_s("within", usual)
    zone = p.text("timezone", "UTC", most=64)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as exc:
        raise p.fail("timezone", "a zone such as Asia/Ho_Chi_Minh", zone) from exc
    active = [_hours(p, i, item) for i, item in enumerate(p.items("active", (), most=16))]
    outages = [_outage(p, i, item, scope) for i, item in enumerate(p.items("outages", (), most=OUTAGES))]
    return Freshness(
        reason=f"freshness:{scope.time}",
        action=p.action,
        severity=p.severity,
        sensor=scope.sensor,
        within_s=within_s,
        active=tuple(active),
        timezone=zone,
        outages=tuple(outages),
    )


def _hours(p: Parameters, i: int, item: Any) -> Hours:
    with within("active", i):
        q = Parameters(f"{p.where}.active", _settings(p, "active", item))
        days = q.items("days", DAYS, most=7)
        if not days or not all(isinstance(day, str) and day in DAYS for day in days):
            raise q.fail("days", f"some of {', '.join(DAYS)}", days)
        start, end = _clock(q, "from", "00:00"), _clock(q, "to", "24:00")
        if start == end or start == 24 * 60:
            raise q.fail("to", "hours that are not empty", f"from {start} to {end} minutes")
        q.done()
        return Hours(tuple(sorted({DAYS.index(day) for day in days})), start, end)


def _clock(q: Parameters, name: str, default: str) -> int:
    text = q.text(name, default, most=5) if not q.has(name) else _quoted(q, name)
    return int(text[:2]) * 60 + int(text[3:])


def _quoted(q: Parameters, name: str) -> str:
    """Take a time of day. YAML 1.1 reads ``22:00`` without quotes as the number 1320."""
    value = q.take(name)
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise q.fail(name, "a time of day in quotes, such as '06:00', to '24:00'", value)
    return value


def _outage(p: Parameters, i: int, item: Any, scope: Scope) -> Outage:
    with within("outages", i):
        q = Parameters(f"{p.where}.outages", _settings(p, "outages", item))
        since = _time(q, "from")
        until = _time(q, "to") if q.has("to") else None
        if until is not None and until <= since:
            raise q.fail("to", "a time after from", until)
        sensors = None
        if q.has("sensors"):
            sensors = tuple(_sensor(q, s, scope) for s in q.items("sensors"))
        q.done()
        return Outage(since, until, sensors)


def _settings(p: Parameters, name: str, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict) or not all(isinstance(key, str) for key in item):
        raise fault(f"{p.where}.{name}: want mappings, got {shown(item)}")
    return item


def _time(q: Parameters, name: str) -> str:
    given = q.take(name)
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) and len(given) <= 40 else given
        if isinstance(at, datetime) and at.tzinfo is not None:
            at = at.astimezone(UTC)
            if at >= EPOCH.replace(year=1900):
                return at.isoformat()
    except (ValueError, OverflowError):
        pass
    raise q.fail(name, "a time with an offset, such as 2026-09-01T00:00:00+07:00", given)


def _sensor(q: Parameters, given: Any, scope: Scope) -> tuple[str, ...]:
    values = given if isinstance(given, list) else [given]
    if len(values) != len(scope.sensor) or not all(isinstance(v, str | int) for v in values):
        raise q.fail(
            "sensors", f"for each sensor its {', '.join(scope.sensor) or 'name: it has none'}", given
        )
    return tuple(str(value) for value in values)
