"""Sensor trust: how large a share of a sensor's next readings we expect to be sound, and how sure we are.

The evidence is what the contract's rules said of its earlier readings, and how often its neighbours
agreed. Evidence grows old; a day counts for no more than a few readings, because readings
of one day stand and fall together; and a day that goes against the record makes the record itself
doubtful, so that a bad week cannot hide behind a good year. The formula is in ``docs/trust.md``.

Scores are made with + - * / alone, in a fixed order: they are the same on every machine. The
interval is not used in any panel.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from veracity.data.beta_interval import beta_interval
from veracity.data.trust_evidence import (
    DECIMALS,
    DEFAULTS,
    KNOWN,
    SERIES,
    Floats,
    Ints,
    MalformedTrust,
    TrustSettings,
    daily_rate,
    day_evidence,
    numbers,
    power,
    sensor_columns,
)

EPOCH = date(1970, 1, 1)
OFF = 5.0  # how far a broken reading is off, in scatters of a sound one
MASS = 0.9  # of the interval low..high


@dataclass(frozen=True)
class _Record:
    """What is left of the evidence, for each of some rows: sound and broken readings."""

    sound: Floats
    broken: Floats


def trust_scores(
    health: pl.DataFrame,
    settings: TrustSettings = DEFAULTS,
    *,
    since: date | None = None,
    until: date | None = None,
    as_known: bool = False,
    interval: bool = True,
) -> pl.DataFrame:
    """Score every sensor and property, for use on each day it reported and on the day after.

    Parameters
    ----------
    health
        Health frames of a feed's batches, one under the other: the sensor's columns, ``_property``,
        ``_day``, ``_readings``, ``_broken``, ``_disagreed``, ``_compared``, and ``_received_at`` of the
        batch (UTC). A row without a day, or with one more than a day after its receipt, counts on
        the day of receipt.
    settings
        Panels use the defaults.
    since, until
        The first and the last day to score. With ``until`` all have a score for that day; without it
        each series ends the day after its last evidence.
    as_known
        Count evidence only from the day after it was received: what could have been known then.
        Without it (the default, right for archives) evidence counts from the day after it was observed.
    interval
        Without it ``_low`` and ``_high`` are left out, which is faster.

    Returns
    -------
    pl.DataFrame
        The sensor's columns, ``_property``, ``_day``, ``_score``, ``_low``, ``_high`` (four decimals, 90 %
        between low and high), ``_n`` (what the evidence is worth in readings, two decimals), sorted.
        The score of day d uses evidence of days before d alone.

    Raises
    ------
    MalformedTrust
        If a column is missing or of another type.
    """
    evidence = day_evidence(health, settings, as_known=as_known)
    if until is not None:
        evidence = evidence.filter(pl.col(KNOWN) < until)
    series = numbers(evidence[SERIES])
    day = numbers(evidence[KNOWN].to_physical())
    new = _Record(numbers(evidence["_sound"]), numbers(evidence["_broken"]))
    before, after = _records(series, day, new, settings)
    is_last = np.append(series[1:] != series[:-1], True)[: len(series)]
    gap = np.append(day[1:] - day[:-1] - 1, 0)[: len(series)]
    parts = [(day, before, np.ones(len(day), np.bool_)), (day + 1, after, is_last | (gap > 0))]
    if until is not None:
        ahead = (until - EPOCH).days - day - 1
        parts.append((day + 1 + ahead, _aged(after, settings, ahead), is_last & (ahead > 0)))
    first = -(2**62) if since is None else (since - EPOCH).days
    keys = [*sensor_columns(health), "_property"]
    names = evidence.select(keys)
    frames = [
        names.filter(pl.Series(keep)).with_columns(
            _scored(at[keep], _Record(record.sound[keep], record.broken[keep]), settings, interval)
        )
        for at, record, kept in parts
        for keep in (kept & (at >= first),)
    ]
    return pl.concat(frames).sort(*keys, "_day")


def reading_scores(
    trust: pl.DataFrame, rows: pl.DataFrame, time: str, value: str, unknown: float = DEFAULTS.prior
) -> Floats:
    """Return for each row the score of its sensor for a property on its day: the weight of a reading.

    Parameters
    ----------
    trust
        As ``trust_scores`` returns it (``_low``, ``_high`` and ``_n`` are not needed).
    rows
        Accepted rows of the feed: the sensor's columns and the event time.
    time, value
        Names of the event time and of the property.
    unknown
        The score where there is none: the newest one of a day not after the reading's is taken.

    Returns
    -------
    (n,) float64, one for each row, in its order.
    """
    sensor = sensor_columns(trust)
    missing = [n for n in (*sensor, time) if n not in rows.columns]
    if missing:
        raise MalformedTrust(
            f"trust of {value}: want the sensor's column {missing[0]!r} in the rows, got none"
        )
    micros = rows[time].to_physical().cast(pl.Int64)
    asked = pl.DataFrame(
        [*(rows[n].cast(pl.String) for n in sensor), (micros // 86_400_000_000).alias("_day")]
    )
    known = trust.filter(pl.col("_property") == value).select(
        *sensor, pl.col("_day").to_physical().cast(pl.Int64), "_score"
    )
    pairs = asked.unique().drop_nulls().sort("_day")
    found = pairs.join_asof(known.sort("_day"), on="_day", by=sensor or None, check_sortedness=False)
    scores = asked.join(found, on=[*sensor, "_day"], how="left", maintain_order="left")["_score"]
    return scores.fill_null(unknown).to_numpy()


def trust_weights(scores: Floats) -> Floats:
    """Return what readings of sensors with (n,) scores weigh in a mean: from 1/26 to 1.

    The weight of a measurement is one over its variance. A sound reading scatters by 1 (squared), a
    broken one is taken to be off by 5 of that; a reading that is sound with probability s then varies
    by ``1 + 25 (1 - s)``.

    Examples
    --------
    >>> trust_weights(np.array([1.0, 0.8, 0.0])).round(4).tolist()
    [1.0, 0.1667, 0.0385]
    """
    return 1.0 / (1.0 + OFF**2 * (1.0 - scores))


def _records(series: Ints, day: Ints, new: _Record, settings: TrustSettings) -> tuple[_Record, _Record]:
    """Return each row's record for use on its day, and on the day after (with the day's evidence)."""
    n = len(series)
    before = _Record(np.zeros(n), np.zeros(n))
    after = _Record(np.zeros(n), np.zeros(n))
    is_first = np.append(True, series[1:] != series[:-1])[:n]
    rank = np.arange(n) - np.maximum.accumulate(np.where(is_first, np.arange(n), 0))
    order = np.argsort(rank, kind="stable")
    edges = np.flatnonzero(np.diff(rank[order])) + 1
    for k, rows in enumerate(np.split(order, edges)):  # day after day, all series at once
        if k:
            then = _Record(after.sound[rows - 1], after.broken[rows - 1])
            now = _aged(then, settings, day[rows] - day[rows - 1] - 1)
            before.sound[rows], before.broken[rows] = now.sound, now.broken
        old = _Record(before.sound[rows], before.broken[rows])
        kept = daily_rate(settings) * _kept(old, _Record(new.sound[rows], new.broken[rows]), settings)
        after.sound[rows] = old.sound * kept + new.sound[rows]
        after.broken[rows] = old.broken * kept + new.broken[rows]
    return before, after


def _kept(old: _Record, new: _Record, settings: TrustSettings) -> Floats:
    """Return which share of the old record survives a day that was worse than it let expect."""
    a, b = old.sound + settings.prior_sound, old.broken + settings.prior_broken
    worth = new.sound + new.broken
    worse = np.maximum(new.broken / np.where(worth > 0, worth, 1.0) - b / (a + b), 0.0)
    return 1.0 - settings.surprise * worse * np.minimum(1.0, worth / settings.day_readings)


def _aged(record: _Record, settings: TrustSettings, days: Ints) -> _Record:
    """Age a record by (n,) days without evidence; where readings were due, silence is added."""
    rate = daily_rate(settings)
    left = power(rate, np.maximum(days, 0))
    broken = record.broken * left
    if settings.expected_s is not None:
        a_day = settings.silence_weight * min(settings.day_readings, 86_400 / settings.expected_s)
        broken = broken + a_day * (1 - left) / (1 - rate)
    return _Record(record.sound * left, broken)


def _scored(day: Ints, record: _Record, settings: TrustSettings, interval: bool) -> list[pl.Series]:
    """Return the columns ``_day``, ``_score``, ``_low`` and ``_high`` if wanted, and ``_n``."""
    a, b = settings.prior_sound + record.sound, settings.prior_broken + record.broken
    columns = {"_score": a / (a + b)}
    if interval:
        columns["_low"], columns["_high"] = beta_interval(a, b, MASS)
    rounded = [pl.Series(n, np.round(x, DECIMALS)) for n, x in columns.items()]
    days = pl.Series("_day", day, dtype=pl.Int64).cast(pl.Int32).cast(pl.Date)
    return [days, *rounded, pl.Series("_n", np.round(record.sound + record.broken, 2))]
