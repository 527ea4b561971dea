"""The evidence for and against a sensor: what its earlier readings' verdicts are worth, day by day.

A day counts for no more than a few readings, because readings of one day stand and fall together.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.data.errors import DataError
from veracity.errors import Malformed

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DECIMALS = 4  # of scores
HEALTH = {
    "_property": pl.String(),
    "_day": pl.Date(),
    "_readings": pl.Int64(),
    "_broken": pl.Int64(),
    "_disagreed": pl.Int64(),
    "_compared": pl.Int64(),
}
_EVENT, KNOWN, SERIES = "_event", "_known", "_series"


class MalformedTrust(DataError, Malformed):
    """A setting of trust, or a frame it is computed from, is not what it has to be."""

    code = "malformed-trust"


@dataclass(frozen=True)
class TrustSettings:
    """How evidence becomes a score. Panels use the defaults.

    Attributes
    ----------
    half_life_days
        After so many days evidence counts half.
    surprise
        How much of its record a sensor loses by a day that is broken through and through although the
        record let expect sound readings; in proportion for a day less bad or less unexpected.
    day_readings
        A day's readings count as at most so many independent ones, however many there are.
    prior_sound, prior_broken
        What is taken as seen before anything is: so many sound readings and so many broken ones.
    neighbour_weight
        How much a comparison with the neighbours counts, against 1 of a reading judged by its own rules.
    expected_s
        Seconds between readings; if given, silence is evidence too. None: a silent sensor is not
        distrusted, only less well known.
    silence_weight
        How much a missing reading counts, where ``expected_s`` is given.
    """

    half_life_days: float = 30.0
    surprise: float = 0.5
    day_readings: float = 8.0
    prior_sound: float = 2.0
    prior_broken: float = 2.0
    neighbour_weight: float = 1.0
    expected_s: float | None = None
    silence_weight: float = 0.25

    def __post_init__(self) -> None:
        bounds = {
            "half_life_days": (0.1, 730.0),
            "surprise": (0.0, 1.0),
            "day_readings": (1.0, 100.0),
            "prior_sound": (0.1, 1_000.0),
            "prior_broken": (0.1, 1_000.0),
            "neighbour_weight": (0.0, 2.0),
            "expected_s": (0.001, 86_400.0),
            "silence_weight": (0.0, 2.0),
        }
        for f in fields(self):
            value, (low, high) = getattr(self, f.name), bounds[f.name]
            if value is not None and not low <= value <= high:
                raise MalformedTrust(f"{f.name}: want a number from {low:g} to {high:g}, got {value!r}")

    @property
    def prior(self) -> float:
        """The score of a sensor of which nothing is known."""
        return round(self.prior_sound / (self.prior_sound + self.prior_broken), DECIMALS)


DEFAULTS = TrustSettings()


def sensor_columns(frame: pl.DataFrame) -> list[str]:
    """Return the columns of a health or trust frame that name the sensor: ours begin with ``_``."""
    return [n for n in frame.columns if not n.startswith("_")]


def day_evidence(health: pl.DataFrame, settings: TrustSettings, *, as_known: bool) -> pl.DataFrame:
    """Return one row for each series and day of knowing: its number, ``_sound`` and ``_broken``."""
    _check(health)
    received = pl.col("_received_at").dt.date()
    no_day = pl.col("_day").is_null() | (pl.col("_day") > received + pl.duration(days=1))
    event = pl.when(no_day).then(received).otherwise(pl.col("_day"))
    known = pl.max_horizontal(event, received) if as_known else event
    keys = [*sensor_columns(health), "_property"]
    counted = (
        health.with_columns(event.alias(_EVENT), known.alias(KNOWN))
        .group_by(*keys, KNOWN, _EVENT)
        .agg(pl.col("_readings", "_broken", "_disagreed", "_compared").sum())
        .sort(*keys, KNOWN, _EVENT)
    )
    sound, broken = _weighed(counted, settings)
    at = counted.select(pl.struct(*keys, KNOWN).rle_id()).to_series().to_numpy()
    lag = numbers((counted[KNOWN] - counted[_EVENT]).dt.total_days())
    n = int(at[-1]) + 1 if len(at) else 0
    out = counted.select(*keys, KNOWN).unique(maintain_order=True)
    left = power(daily_rate(settings), lag)
    totals = [np.bincount(at, weights=worth * left, minlength=n) for worth in (sound, broken)]  # in order
    return out.with_columns(
        pl.struct(keys).rle_id().cast(pl.Int64).alias(SERIES),
        *(pl.Series(n, t, dtype=pl.Float64) for n, t in zip(("_sound", "_broken"), totals, strict=True)),
    )


def _weighed(counted: pl.DataFrame, settings: TrustSettings) -> tuple[Floats, Floats]:
    """Return what each day's counts are worth, in sound and broken readings."""
    readings, broken, disagreed, compared = (
        counted[n].to_numpy().astype(np.float64) for n in ("_readings", "_broken", "_disagreed", "_compared")
    )
    total = np.maximum(readings, broken)
    # A reading that its neighbours contradict counts against the sensor once, as their evidence; one
    # that breaks a rule of its own gains nothing by their agreement.
    own_broken = np.maximum(broken - disagreed, 0.0)
    own = np.maximum(total - disagreed, own_broken)
    agreed = np.minimum(np.maximum(compared - disagreed, 0.0), total - broken)
    kinds = [(own, own_broken, 1.0), (agreed + disagreed, disagreed, settings.neighbour_weight)]
    if settings.expected_s is not None:
        due = np.full_like(own, 86_400 / settings.expected_s)
        kinds.append((due, due - np.minimum(total, due), settings.silence_weight))
    sound_worth, broken_worth = np.zeros_like(own), np.zeros_like(own)
    for n, n_broken, weight in kinds:
        each = weight * np.minimum(1.0, settings.day_readings / np.maximum(n, 1.0))
        sound_worth += (n - n_broken) * each
        broken_worth += n_broken * each
    return sound_worth, broken_worth


def daily_rate(settings: TrustSettings) -> float:
    """Return what is left of evidence after a day: twelve decimals, the same on every machine."""
    return float(round(0.5 ** (1 / settings.half_life_days), 12))


def power(rate: float, days: Ints) -> Floats:
    """Return ``rate ** days`` by squaring: multiplications alone, the same on every machine."""
    out, square, left = np.ones(len(days)), rate, days.copy()
    while left.any():
        out = np.where(left & 1, out * square, out)
        square, left = square * square, left >> 1
    return out


def numbers(series: pl.Series) -> npt.NDArray[Any]:
    """Return an array of its own: int64 of whole numbers, float64 of others."""
    return series.cast(pl.Float64 if series.dtype.is_float() else pl.Int64).to_numpy().copy()


def _check(health: pl.DataFrame) -> None:
    wanted: dict[str, Any] = {**HEALTH, "_received_at": pl.Datetime("us", "UTC")}
    for name, dtype in wanted.items():
        got = health.schema.get(name)
        if got != dtype:
            raise MalformedTrust(f"health.{name}: want {dtype}, got {got}")
