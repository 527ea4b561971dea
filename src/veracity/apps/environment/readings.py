"""Hours of readings for an index: their means, the NowCast of particles, rounding and truncation."""

import math

import numpy as np
import numpy.typing as npt

from veracity.apps.environment.errors import BadReadings
from veracity.models.panel_array import Floats

POLLUTANTS = ("pm25", "pm10", "no2", "o3", "so2", "co")
SHARE = 0.75  #: of the hours that a mean needs
LITRES_PER_MOLE = 24.45  #: of a gas at 25 °C and 1 atm
GRAMS_PER_MOLE = {"o3": 47.997, "no2": 46.006, "so2": 64.064, "co": 28.010}


def hours_of(values: npt.ArrayLike, name: str) -> Floats:
    """Take in hourly means in µg/m³, oldest first, NaN for a missing one; BadReadings for others."""
    try:
        hours = np.asarray(values, np.float64)
    except (TypeError, ValueError) as exc:
        raise BadReadings(f"{name}: want numbers, got {str(values)[:60]}") from exc
    if hours.ndim != 1 or not 1 <= len(hours) <= 48:
        raise BadReadings(f"{name}: want 1 to 48 hours, got shape {hours.shape}")
    if np.isinf(hours).any() or (hours < 0).any():
        raise BadReadings(f"{name}: want readings of 0 or more, got {np.nanmin(hours)}")
    return hours


def nowcast(hours: Floats, *, normalised_at_half: bool = True) -> float:
    """Return the NowCast of the last twelve hours of particles, NaN where it is not defined.

    The weight is least over greatest reading, at least one half, to the power of an hour's age. At least
    two of the last three hours must be known; missing hours count for nothing.

    Parameters
    ----------
    hours
        Oldest first. Those before the last twelve are not used; where there are fewer, the rest is missing.
    normalised_at_half
        False for the letter of Decision 1459/QD-TCMT: at a weight of one half the sum of powers from the
        first up is not divided by the weights' sum, so that missing hours pull it down.

    Examples
    --------
    >>> float(round(nowcast(np.array([20.0, 10.0, 10.0])), 3))
    11.429
    """
    newest = hours[::-1][:12]
    known = np.isfinite(newest)
    if known[:3].sum() < 2:
        return math.nan
    least, most = float(newest[known].min()), float(newest[known].max())
    weight = max(0.5, least / most) if most > 0 else 1.0
    powers = weight ** np.arange(len(newest))
    total = float((powers[known] * newest[known]).sum())
    if weight == 0.5 and not normalised_at_half:
        return total / 2.0
    return total / float(powers[known].sum())


def mean_of(hours: Floats, n_hours: int) -> float:
    """Return the mean of the last ``n_hours``; NaN if fewer than three quarters of them are known."""
    last = hours[-n_hours:]
    known = last[np.isfinite(last)]
    return float(known.mean()) if len(known) >= SHARE * n_hours else math.nan


def highest_mean(hours: Floats, n_hours: int, day: int = 24) -> float:
    """Return the highest running mean that ends in the last ``day`` hours; NaN if there is none.

    The hours before the day, where given, belong to the first of these means.
    """
    ends = range(max(n_hours, len(hours) - day + 1), len(hours) + 1)
    means = [mean_of(hours[:end], n_hours) for end in ends]
    known = [m for m in means if not math.isnan(m)]
    return max(known) if known else math.nan


def highest_hour(hours: Floats, day: int = 24) -> float:
    """Return the highest of the last ``day`` hours; NaN if none is known."""
    last = hours[-day:]
    known = last[np.isfinite(last)]
    return float(known.max()) if len(known) else math.nan


def parts_per_billion(gas: str, ug_m3: float) -> float:
    """Return a gas's share by volume at 25 °C and 1 atm, from µg/m³ at the same.

    Examples
    --------
    >>> round(parts_per_billion("o3", 100.0), 2)
    50.94
    """
    return ug_m3 * LITRES_PER_MOLE / GRAMS_PER_MOLE[gas]


def rounded(index: float) -> int:
    """Return the nearest whole number, halves up."""
    return math.floor(index + 0.5)


def truncated(value: float, digits: int) -> float:
    """Cut a number after some digits; what is a digit in decimal stays, whatever its binary form.

    Examples
    --------
    >>> truncated(35.9999, 1), truncated(9.1, 1), truncated(0.29, 2)
    (35.9, 9.1, 0.29)
    """
    scale: int = 10**digits
    return math.floor(value * scale + 1e-7) / scale
