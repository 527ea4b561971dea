"""How unlike two places are, by how far apart they are: an empirical variogram and the curve through it."""

from dataclasses import dataclass

import numpy as np

from veracity.models.errors import BadPanel
from veracity.models.optional import need
from veracity.models.panel_array import Floats

N_BINS = 15
N_TIMES = 120  #: that differences are taken at, spread over the panel
LEAST_NUGGET = 0.01  #: of all variance: no sensor is without an error of its own


@dataclass(frozen=True)
class Variogram:
    """An exponential variogram: ``nugget + sill * (1 - exp(-distance / reach_km))``.

    Attributes
    ----------
    nugget
        Half the mean squared difference of two sensors side by side: their own errors, and what changes
        within metres.
    sill
        What distance adds at most.
    reach_km
        The distance at which 63 % of it is added.
    """

    nugget: float
    sill: float
    reach_km: float

    def covariance(self, distance_km: Floats) -> Floats:
        """Return the covariance of the field at places that far apart, without anyone's own error."""
        out: Floats = self.sill * np.exp(-distance_km / self.reach_km)
        return out

    def __call__(self, distance_km: Floats) -> Floats:
        """Return half the mean squared difference of sensors that far apart."""
        return self.nugget + self.sill - self.covariance(distance_km)


def fit_variogram(z: Floats, distance_km: Floats) -> Variogram:
    """Fit to (n, k) values at k places, (k, k) apart; BadPanel if no two of them are known together.

    Bad sensors hardly move it: differences are averaged as fourth roots (Cressie and Hawkins, J. Int.
    Assoc. Math. Geol. 12, 1980) over time, and of the pairs in a range of distance the median counts.
    """
    a, b = np.triu_indices(z.shape[1], 1)
    rows = np.linspace(0, len(z) - 1, min(N_TIMES, len(z))).astype(int)
    roots, counts = np.zeros(len(a)), np.zeros(len(a))
    for row in rows:
        root = np.sqrt(np.abs(z[row, a] - z[row, b]))
        known = np.isfinite(root)
        roots[known] += root[known]
        counts += known
    some = counts > 0
    if some.sum() < 1:
        raise BadPanel("panel: want two places measured at the same time, got none")
    half_square = np.power(roots[some] / counts[some], 4) / (2 * 0.457)
    return _through(distance_km[a, b][some], np.maximum(half_square, 1e-9))


def _through(apart: Floats, half_square: Floats) -> Variogram:
    """Fit the curve to medians of ranges of distance that hold as many pairs each."""
    need("scipy", "models")
    from scipy.optimize import least_squares

    order = np.argsort(apart, kind="stable")
    bins = [part for part in np.array_split(order, min(N_BINS, len(order))) if len(part)]
    at = np.array([apart[part].mean() for part in bins])
    seen = np.array([np.median(half_square[part]) for part in bins])

    def gap(logs: Floats) -> Floats:
        curve = Variogram(*np.exp(logs))(at)
        out: Floats = np.log(curve) - np.log(seen)
        return out

    low, high, reach = seen.min(), seen.max(), max(float(np.median(at)), 0.1)
    start = np.log([max(0.5 * low, 1e-9), max(high - low, 0.1 * high), reach])
    widest = max(3.0 * float(at.max()), 1.0)
    bounds = (np.log([1e-9, 1e-9, 0.05]), np.log([2 * high, 20 * high, max(widest, 2 * reach)]))
    found = least_squares(gap, np.clip(start, bounds[0] + 1e-6, bounds[1] - 1e-6), bounds=bounds)
    nugget, sill, reach_km = (float(v) for v in np.exp(found.x))
    return Variogram(max(nugget, LEAST_NUGGET * (nugget + sill)), sill, reach_km)
