"""What the air was where nobody measures: interpolation between sensors, less sure the further from them.

Ordinary kriging, which is a Gaussian process with an unknown mean, at each time on its own. Every sensor has
its own error, learned from how it differs from its neighbours, so that bad ones are hardly listened to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from veracity.models.errors import BadPanel, BadParameter, NotFitted
from veracity.models.forecast import LEVELS, Forecast
from veracity.models.great_circle import distances_km
from veracity.models.panel_array import Bools, Floats, Ints, PanelArray
from veracity.models.scaled_residuals import ScaledResiduals
from veracity.models.variogram import Variogram, fit_variogram

Points = Mapping[str, tuple[float, float]]  #: longitude and latitude by name, degrees, WGS 84

N_PLACES = 3  #: least number of sensors to interpolate from
N_ROUNDS = 4
N_TIMES = 240  #: of the panel, that sensors' own errors and quantiles are learned from
WORST = 100.0  #: a sensor's own variance is at most that many times what sensors far apart differ by
LEAST_TRUST = 0.02
BAD_TIMES = 16.0  #: a sensor is bad if its own variance is over so many typical ones, and
BAD_SHARE = 0.5  #: over so much of what distance adds at most


@dataclass
class SpatialModel:
    """Estimates a column of a panel at places without a station.

    Parameters
    ----------
    target
        The column. The panel's attributes must have ``lon`` and ``lat``.
    root
        Work on square roots: for concentrations and other amounts.
    levels
        Of the quantiles. They are of what a sound sensor at the place would read.
    """

    target: str
    root: bool = True
    levels: tuple[float, ...] = LEVELS

    variogram_: Variogram | None = field(default=None, init=False)
    keys_: tuple[str, ...] = field(default=(), init=False)
    own_error_: Floats = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    residuals_: ScaledResiduals | None = field(default=None, init=False, repr=False)

    def fit(self, panel: PanelArray) -> Self:
        """Learn the variogram, each sensor's own error, and quantiles by leaving out each sensor in turn.

        Raises
        ------
        BadPanel
            If a place has no coordinates, or too few were measured.
        """
        z, _ = self._known(panel)
        if np.isfinite(z).any(0).sum() < N_PLACES:
            raise BadPanel(f"panel: want {N_PLACES} places that measure {self.target}, got fewer")
        apart = _apart(panel)
        self.keys_, self.variogram_ = panel.keys, fit_variogram(z, apart)
        self.own_error_ = np.full(len(panel.keys), self.variogram_.nugget)
        rows = np.linspace(0, len(z) - 1, min(N_TIMES, len(z))).astype(int)
        for _ in range(N_ROUNDS):
            errors, field_variance = self._left_out(z[rows], apart, np.ones_like(z[rows]))
            self.own_error_ = self._own_errors(errors, field_variance)
        errors, field_variance = self._left_out(z[rows], apart, np.ones_like(z[rows]))
        sound = self._is_sound()
        said = np.sqrt(field_variance + self._typical()) * self._unrest(errors, field_variance)[:, None]
        self.residuals_ = ScaledResiduals.of(errors[:, sound].ravel(), said[:, sound].ravel(), self.levels)
        return self

    def at(self, points: Points, panel: PanelArray, at: Ints | None = None) -> Forecast:
        """Return what would be measured at some points, at some times of a panel (by default its last).

        Raises
        ------
        NotFitted, BadParameter, BadPanel
            Before ``fit``; for a point that is none; for other sensors than it was fitted on.
        """
        variogram = self._fitted(panel)
        lon, lat = _checked(points)
        rows = np.array([panel.n_times - 1]) if at is None else np.asarray(at, np.int64)
        z, trust = self._known(panel)
        z, trust = z[rows], trust[rows]
        apart = _apart(panel)
        to = variogram.covariance(distances_km(lon, lat, *_places(panel)))
        unrest = self._unrest(*self._left_out(z, apart, trust))
        mean = np.full((len(rows), len(points)), np.nan)
        deviation = np.full_like(mean, np.nan)
        for which, heard in _patterns(np.isfinite(z), trust):
            kriged = self._kriged(apart, to, heard, trust[which[0]])
            if kriged is None:
                continue
            weights, variance = kriged
            mean[which] = np.nan_to_num(z[which]) @ weights.T
            deviation[which] = np.sqrt(variance + self._typical()) * unrest[which, None]
        values = self._quantiles(mean, deviation)[:, :, None, :]
        times, keys = panel.times_us[rows], tuple(points)
        return Forecast(
            self.target, times, panel.every_us, keys, np.array([0]), self.levels, values
        ).in_order()

    def without_each(self, panel: PanelArray, at: Ints | None = None) -> Forecast:
        """Return what each sensor would measure by what all the others say: itself left out."""
        self._fitted(panel)
        rows = np.array([panel.n_times - 1]) if at is None else np.asarray(at, np.int64)
        z, trust = self._known(panel)
        z, trust = z[rows], trust[rows]
        errors, variance = self._left_out(z, _apart(panel), trust)
        deviation = np.sqrt(variance + self._typical()) * self._unrest(errors, variance)[:, None]
        values = self._quantiles(z - errors, deviation)[:, :, None, :]
        times = panel.times_us[rows]
        return Forecast(
            self.target, times, panel.every_us, panel.keys, np.array([0]), self.levels, values
        ).in_order()

    def bad_sensors(self) -> tuple[str, ...]:
        """Return the keys that differ from their neighbours too much to be of use."""
        return tuple(k for k, sound in zip(self.keys_, self._is_sound(), strict=True) if not sound)

    def _fitted(self, panel: PanelArray) -> Variogram:
        if self.variogram_ is None:
            raise NotFitted("spatial model: want fit first, got none")
        if panel.keys != self.keys_:
            raise BadPanel(f"panel: want the {len(self.keys_)} keys it was fitted on, got {len(panel.keys)}")
        return self.variogram_

    def _known(self, panel: PanelArray) -> tuple[Floats, Floats]:
        """Return (n, k) measured values in units of work, NaN for all else, and their trust."""
        column = panel.index(self.target)
        values = np.where(panel.measured[:, :, column], panel.values[:, :, column], np.nan)
        trust = np.ones_like(values)
        if panel.trust is not None:
            trust = np.nan_to_num(panel.trust[:, :, column], nan=1.0)
            values = np.where(trust < LEAST_TRUST, np.nan, values)
        return (np.sqrt(np.maximum(values, 0.0)) if self.root else values), np.clip(trust, LEAST_TRUST, 1.0)

    def _quantiles(self, mean: Floats, deviation: Floats) -> Floats:
        if self.residuals_ is None:
            raise NotFitted("spatial model: want fit first, got none")
        z = self.residuals_.around(mean, deviation)
        return np.square(np.maximum(z, 0.0)) if self.root else z

    def _inverse(self, apart: Floats, heard: Bools, trust: Floats) -> tuple[Floats, Floats] | None:
        """Return the inverse covariance of the sensors heard, and its sums; None for too few."""
        if heard.sum() < N_PLACES or self.variogram_ is None:
            return None
        own = self.own_error_[heard] / trust[heard]
        return _inverted(self.variogram_.covariance(apart[np.ix_(heard, heard)]) + np.diag(own + 1e-9))

    def _kriged(self, apart: Floats, to: Floats, heard: Bools, trust: Floats) -> tuple[Floats, Floats] | None:
        """Return (p, k) weights of all sensors for p points, and (p,) variances of the field there."""
        found = self._inverse(apart, heard, trust)
        if found is None or self.variogram_ is None:
            return None
        inverse, sums = found
        near = to[:, heard] @ inverse
        rest = (1.0 - near.sum(1)) / sums.sum()
        weights = np.zeros((len(to), len(heard)))
        weights[:, heard] = near + rest[:, None] * sums[None, :]
        variance = self.variogram_.sill - (near * to[:, heard]).sum(1) + rest**2 * sums.sum()
        return weights, np.maximum(variance, 0.0)

    def _left_out(self, z: Floats, apart: Floats, trust: Floats) -> tuple[Floats, Floats]:
        """Return (n, k): each value less what the others say, and the variance of the field as they say it.

        From one inverse a pattern of what is known, without refitting (Dubrule, Math. Geol. 15, 1983).
        """
        errors, variance = np.full_like(z, np.nan), np.full_like(z, np.nan)
        for which, heard in _patterns(np.isfinite(z), trust):
            found = self._inverse(apart, heard, trust[which[0]])
            if found is None:
                continue
            inverse, sums = found
            projected = inverse - np.outer(sums, sums) / sums.sum()
            size = np.maximum(np.diagonal(projected), 1e-12)
            place = np.ix_(which, heard)
            errors[place] = (z[place] @ projected) / size
            own = self.own_error_[heard] / trust[which[0], heard]
            variance[place] = np.maximum(1.0 / size - own, 0.0)
        return errors, variance

    def _own_errors(self, errors: Floats, field_variance: Floats) -> Floats:
        """Return (k,): what of each sensor's difference from the others the field does not explain."""
        nugget, sill = (self.variogram_.nugget, self.variogram_.sill) if self.variogram_ else (0.0, 0.0)
        square = _column_medians(np.square(errors)) / 0.455
        rest = square - _column_medians(field_variance)
        out: Floats = np.clip(np.nan_to_num(rest, nan=nugget), 0.25 * nugget, WORST * (nugget + sill))
        return out

    def _typical(self) -> float:
        """Return the variance of a sound sensor's own error."""
        return float(np.median(self.own_error_))

    def _is_sound(self) -> Bools:
        sill = self.variogram_.sill if self.variogram_ else 0.0
        out: Bools = self.own_error_ <= max(BAD_TIMES * self._typical(), BAD_SHARE * sill)
        return out

    def _unrest(self, errors: Floats, field_variance: Floats) -> Floats:
        """Return (n,): how much more than expected the sensors differ from one another at each time.

        Of sound sensors, drawn towards 1 as ten more would; it needs only what is known at that time.
        """
        sound = self._is_sound()
        own = self.own_error_[sound][None, :]
        scaled = np.square(errors[:, sound]) / np.maximum(field_variance[:, sound] + own, 1e-12)
        capped = np.minimum(scaled, 9.0)
        total = np.nansum(capped, 1) + 10.0
        out: Floats = np.sqrt(total / (np.isfinite(capped).sum(1) + 10.0))
        return out


def _inverted(covariance: Floats) -> tuple[Floats, Floats]:
    inverse = np.linalg.inv(covariance)
    inverse = (inverse + inverse.T) / 2
    return inverse, inverse.sum(0)


def _column_medians(values: Floats) -> Floats:
    """Return the median of each column's finite values, NaN for none."""
    out = np.full(values.shape[1], np.nan)
    some = np.isfinite(values).any(0)
    out[some] = np.nanmedian(values[:, some], 0)
    return out


def _patterns(known: Bools, trust: Floats) -> list[tuple[Ints, Bools]]:
    """Return the times of each pattern of sensors and trust, and which sensors it has."""
    kinds = np.where(known, np.round(trust, 3), -1.0)
    unique, place = np.unique(kinds, axis=0, return_inverse=True)
    place = place.reshape(-1)
    return [(np.flatnonzero(place == i), unique[i] >= 0) for i in range(len(unique))]


def _places(panel: PanelArray) -> tuple[Floats, Floats]:
    missing = [a for a in ("lon", "lat") if a not in panel.attributes]
    if missing or not all(np.isfinite(panel.attributes[a]).all() for a in ("lon", "lat")):
        raise BadPanel(f"panel: want lon and lat of every place, got {len(panel.keys)} places without some")
    return panel.attributes["lon"], panel.attributes["lat"]


def _apart(panel: PanelArray) -> Floats:
    lon, lat = _places(panel)
    return distances_km(lon, lat, lon, lat)


def _checked(points: Points) -> tuple[Floats, Floats]:
    lon = np.array([p[0] for p in points.values()], np.float64)
    lat = np.array([p[1] for p in points.values()], np.float64)
    good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    if not points or not good.all():
        raise BadParameter(f"points: want longitude and latitude in degrees, got {str(dict(points))[:80]}")
    return lon, lat
