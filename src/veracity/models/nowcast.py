"""Gap filling with uncertainty: what a place would have measured, from other places and other times.

Two modes, and the difference matters. ``live`` uses nothing after the time it fills: the only honest one for
what is shown or decided now. ``archive`` also uses what came after: better, and right for repairing a
record, but never for scoring a forecast, nor for a feature of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self, cast, get_args

import numpy as np

from veracity.models.errors import BadPanel, BadParameter, MalformedModel, NotFitted
from veracity.models.forecast import LEVELS, Forecast
from veracity.models.lagged_covariance import best_linear, lagged_covariance, steps_since, steps_until
from veracity.models.panel_array import Bools, Floats, Ints, PanelArray
from veracity.models.scaled_residuals import ScaledResiduals
from veracity.models.tensors import read_tensors, write_tensors

Mode = Literal["live", "archive"]
DAY_US = 86_400_000_000
N_TESTS = 8_000  #: planted gaps that the quantiles are learned from
LEAST_TRUST = 0.02  #: a sensor trusted less than this is not listened to
_ARRAYS = ("centre_", "series_", "covariance_", "noise_")


@dataclass
class GapFiller:
    """Estimates a column of a panel where it was not measured.

    Parameters
    ----------
    target
        The column.
    helpers
        Columns of the same place that may still be measured when the target is not.
    mode
        ``live`` or ``archive``, see above.
    n_near
        How many other places at most are listened to: those that move most alike.
    longest
        Steps; an edge of a gap that is further away tells nothing.
    root
        Work on square roots: for concentrations and other amounts, whose errors grow with them.
    levels, seed
        Of the quantiles; of the gaps that are planted to learn them.
    """

    target: str
    helpers: tuple[str, ...] = ()
    mode: Mode = "live"
    n_near: int = 11
    longest: int = 24
    root: bool = True
    levels: tuple[float, ...] = LEVELS
    seed: int = 0

    keys_: tuple[str, ...] = field(default=(), init=False)
    centre_: Floats = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    series_: Ints = field(default_factory=lambda: np.empty(0, np.int64), init=False, repr=False)
    covariance_: Floats = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    noise_: Floats = field(default_factory=lambda: np.empty(0), init=False, repr=False)
    ridge_: float = field(default=0.0, init=False)
    residuals_: ScaledResiduals | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "gap-filler"

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise BadParameter(f"mode: want live or archive, got {self.mode!r}")
        if not (1 <= self.n_near <= 64 and 1 <= self.longest <= 1_000):
            raise BadParameter(
                f"n_near, longest: want 1 to 64 and 1 to 1,000, got {self.n_near}, {self.longest}"
            )

    def parameters(self) -> Mapping[str, Any]:
        """Return what the constructor takes, as plain JSON."""
        names = ("target", "helpers", "mode", "n_near", "longest", "root", "levels", "seed")
        return {n: list(v) if isinstance(v := getattr(self, n), tuple) else v for n in names}

    def fit(self, panel: PanelArray) -> Self:
        """Learn how places and columns move together, then how wrong estimates of planted gaps are.

        Each planted gap is estimated with covariances of other weeks than its own.

        Raises
        ------
        BadPanel
            If a column is missing, or too little was measured.
        """
        self.keys_ = panel.keys
        self.centre_ = self._centre(panel)
        z = self._series(panel)
        if np.isfinite(z[:, : len(panel.keys)]).sum() < max(4 * self.longest, 100):
            raise BadPanel(
                f"panel: want {max(4 * self.longest, 100)} measured values of {self.target}, got fewer"
            )
        self.series_ = _alike(z, len(self.keys_), len(self.helpers), self.n_near)
        self.ridge_ = 0.02 + 3.0 * self.series_.shape[1] / len(z)
        self.covariance_ = self._covariances(z, None)
        self.noise_ = np.array([_own_variance(c[0], self.ridge_) for c in self.covariance_])
        self.residuals_ = ScaledResiduals.of(*self._planted(z), self.levels)
        return self

    def fill(self, panel: PanelArray, at: Ints | None = None) -> Forecast:
        """Return what was measured at some times and, where nothing was, an estimate.

        Every quantile of a measured value is the value: its sensor's own error is not told here.

        Parameters
        ----------
        panel
            With the keys it was fitted on. Only measured values count, not those that a rule filled.
        at
            Times by number; by default the last one.
        """
        at = self._times(panel, at)
        said = self.estimate(panel, at)
        column = panel.index(self.target)
        values, measured = panel.values[at, :, column], panel.measured[at, :, column]
        keep = (measured & np.isfinite(values))[:, :, None, None]
        return replace(said, values=np.where(keep, values[:, :, None, None], said.values))

    def estimate(self, panel: PanelArray, at: Ints | None = None) -> Forecast:
        """Return estimates for every key at some times, as if its own target were unknown there."""
        if self.residuals_ is None:
            raise NotFitted("gap filler: want fit first, got none")
        at = self._times(panel, at)
        if panel.keys != self.keys_:
            raise BadPanel(f"panel: want the {len(self.keys_)} keys it was fitted on, got {len(panel.keys)}")
        z, noise = self._series(panel), self._noise(panel)
        known = np.isfinite(z[:, : len(self.keys_)])
        since = steps_since(known, self.longest)
        until = steps_until(known, self.longest) if self.mode == "archive" else None
        out = np.empty((len(at), len(self.keys_), 1, len(self.levels)))
        for k in range(len(self.keys_)):
            edges = self._edges(since[at, k], None if until is None else until[at, k])
            found = self._estimated(k, z, noise, at, edges, self.covariance_[k])
            centre = self._centre_at(panel.times_us[at])[:, k, 0]
            out[:, k, 0] = self._back(self.residuals_.around(*found) + centre[:, None])
        return Forecast(
            self.target, panel.times_us[at], panel.every_us, panel.keys, np.array([0]), self.levels, out
        ).in_order()

    def to_files(self) -> dict[str, bytes]:
        """Return what was learned, as safetensors."""
        if self.residuals_ is None:
            raise NotFitted("gap filler: want fit first, got none")
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays |= {"bounds": self.residuals_.bounds, "quantiles": self.residuals_.quantiles}
        arrays["ridge"] = np.array([self.ridge_])
        return {"gaps.safetensors": write_tensors(arrays, {"keys": self.keys_})}

    @classmethod
    def from_files(cls, parameters: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """Return the fitted filler that ``parameters`` and ``to_files`` are of, or raise MalformedModel."""
        given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in parameters.items()}
        try:
            filler = cls(**given)
        except (TypeError, BadParameter) as exc:
            raise MalformedModel(f"gap filler: want its parameters, got {str(parameters)[:80]}") from exc
        names = (*_ARRAYS, "bounds", "quantiles", "ridge")
        arrays, words = read_tensors(files.get("gaps.safetensors", b""), names)
        for name in _ARRAYS:
            setattr(filler, name, arrays[name])
        filler.keys_ = words.get("keys", ())
        filler.ridge_ = float(arrays["ridge"].sum())
        filler.residuals_ = ScaledResiduals(arrays["bounds"], arrays["quantiles"])
        filler._check_shapes()
        return filler

    def _check_shapes(self) -> None:
        k, s = self.series_.shape if self.series_.ndim == 2 else (0, 0)
        residuals = cast(ScaledResiduals, self.residuals_)
        shapes = (
            k == len(self.keys_) > 0,
            s > 0 and self.covariance_.shape == (k, 2 * self.longest + 1, s, s),
            self.noise_.shape == (k, s),
            self.centre_.ndim == 3 and self.centre_.shape[1:] == (k, 1 + len(self.helpers)),
            residuals.quantiles.shape == (len(residuals.bounds) + 1, len(self.levels)),
            bool(np.all((self.series_ >= 0) & (self.series_ < k * (1 + len(self.helpers))))),
        )
        if not all(shapes):
            raise MalformedModel("gap filler: want arrays of one model, got others")

    def _times(self, panel: PanelArray, at: Ints | None) -> Ints:
        at = np.array([panel.n_times - 1]) if at is None else np.asarray(at, np.int64)
        if len(at) and not (at.min() >= 0 and at.max() < panel.n_times):
            raise BadParameter(f"at: want times 0 to {panel.n_times - 1}, got {at.min()} to {at.max()}")
        return at

    def _columns(self) -> Sequence[str]:
        return (self.target, *self.helpers)

    def _scaled(self, panel: PanelArray) -> Floats:
        """Return (n, k, c): what was measured, in units of work; NaN for all else."""
        which = [panel.index(c) for c in self._columns()]
        values = np.where(panel.measured[:, :, which], panel.values[:, :, which], np.nan)
        return np.sqrt(np.maximum(values, 0.0)) if self.root else values

    def _back(self, z: Floats) -> Floats:
        return np.square(np.maximum(z, 0.0)) if self.root else z

    def _centre(self, panel: PanelArray) -> Floats:
        """Return (p, k, c): the mean of each series at each step of the day, drawn to its overall mean."""
        values = self._scaled(panel)
        known = np.isfinite(values)
        whole = np.nansum(values, 0) / np.maximum(known.sum(0), 1)
        period = max(1, round(DAY_US / panel.every_us)) if panel.every_us < DAY_US else 1
        place = self._step(panel.times_us, panel.every_us, period)
        rest = np.where(known, values - whole, 0.0)
        sums, counts = np.zeros((period, *whole.shape)), np.zeros((period, *whole.shape))
        np.add.at(sums, place, rest)
        np.add.at(counts, place, known)
        out: Floats = whole + sums / (counts + 5.0)
        return out

    def _centre_at(self, times_us: Ints) -> Floats:
        period = len(self.centre_)
        return self.centre_[self._step(times_us, DAY_US // period, period)]

    @staticmethod
    def _step(times_us: Ints, every_us: int, period: int) -> Ints:
        out: Ints = times_us // every_us % period
        return out

    def _series(self, panel: PanelArray) -> Floats:
        """Return (n, c * k): centred series, the target's of all keys first; unheard where not trusted."""
        z = self._scaled(panel) - self._centre_at(panel.times_us)
        if panel.trust is not None:
            which = [panel.index(c) for c in self._columns()]
            z = np.where(panel.trust[:, :, which] < LEAST_TRUST, np.nan, z)
        return np.concatenate([z[:, :, i] for i in range(z.shape[2])], axis=1)

    def _noise(self, panel: PanelArray) -> Floats:
        """Return (n, c * k): how many times its own variance the distrust of a sensor adds."""
        if panel.trust is None:
            return np.zeros((panel.n_times, len(panel.keys) * len(self._columns())))
        which = [panel.index(c) for c in self._columns()]
        trust = np.clip(np.nan_to_num(panel.trust[:, :, which], nan=1.0), LEAST_TRUST, 1.0)
        return np.concatenate([1 / trust[:, :, i] - 1 for i in range(trust.shape[2])], axis=1)

    def _covariances(self, z: Floats, weights: Floats | None) -> Floats:
        return np.stack([lagged_covariance(z[:, own], 2 * self.longest, weights) for own in self.series_])

    def _edges(self, since: Ints, until: Ints | None) -> list[Ints]:
        before = np.where(since <= self.longest, -since, 0)
        return [before] if until is None else [before, np.where(until <= self.longest, until, 0)]

    def _estimated(
        self, k: int, z: Floats, noise: Floats, at: Ints, edges: list[Ints], covariance: Floats
    ) -> tuple[Floats, Floats]:
        own = self.series_[k]
        added = noise[:, own] * self.noise_[k][None, :]
        return best_linear(z[:, own], covariance, added, at, edges, self.ridge_)

    def _planted(self, z: Floats) -> tuple[Floats, Floats]:
        """Return errors and expected errors of estimates inside planted gaps of all lengths.

        Half of them have lost their helpers too, as when a whole station falls silent.
        """
        rng = np.random.default_rng(self.seed)
        n, k = len(z), len(self.keys_)
        week = np.arange(n) // max(1, min(7 * len(self.centre_), n // 8)) % 2
        errors, expected = [], []
        quiet = np.zeros_like(z)
        for held in (0, 1):
            covariances = self._covariances(z, (week != held).astype(np.float64))
            for key in range(k):
                times = np.flatnonzero((week == held) & np.isfinite(z[:, key]))
                times = rng.permutation(times)[: max(1, N_TESTS // (2 * k))]
                edges = self._edges(*_gap_lengths(rng, len(times), self.longest, self.mode))
                inside = [np.where(_known_at(z[:, key], times, e), e, 0) for e in edges]
                for part, heard in self._with_and_without_helpers(z, key, len(times)):
                    found = self._estimated(
                        key, heard, quiet, times[part], [e[part] for e in inside], covariances[key]
                    )
                    errors.append(z[times[part], key] - found[0])
                    expected.append(found[1])
        return np.concatenate(errors), np.concatenate(expected)

    def _with_and_without_helpers(self, z: Floats, key: int, n: int) -> list[tuple[slice, Floats]]:
        if not self.helpers:
            return [(slice(0, n), z)]
        silent = z.copy()
        silent[:, [key + (1 + i) * len(self.keys_) for i in range(len(self.helpers))]] = np.nan
        return [(slice(0, n // 2), z), (slice(n // 2, n), silent)]


def _gap_lengths(rng: np.random.Generator, n: int, longest: int, mode: Mode) -> tuple[Ints, Ints | None]:
    """Return steps to the edges of n gaps, as many short ones as long."""
    length = np.exp(rng.uniform(0.0, np.log(longest + 1), n)).astype(np.int64)
    before = rng.integers(1, length + 1)
    return before, None if mode == "live" else length + 1 - before


def _known_at(own: Floats, times: Ints, steps: Ints) -> Bools:
    at = times + steps
    inside: Bools = (at >= 0) & (at < len(own)) & np.isfinite(own[np.clip(at, 0, len(own) - 1)])
    return inside


def _alike(z: Floats, n_keys: int, n_helpers: int, n_near: int) -> Ints:
    """Return (k, s): for each key the places in ``z`` of its own series, those most alike, its helpers."""
    target = z[:, :n_keys]
    spread = np.sqrt(np.maximum(np.nanmean(np.square(np.nan_to_num(target)), 0), 1e-12))
    together = lagged_covariance(target, 0)[0] / (spread[:, None] * spread[None, :])
    np.fill_diagonal(together, -np.inf)
    n_near = min(n_near, n_keys - 1)
    order = np.argsort(-together, axis=1, kind="stable")[:, :n_near]
    own = np.arange(n_keys)[:, None]
    helpers = [own + (1 + i) * n_keys for i in range(n_helpers)]
    return np.concatenate([own, order, *helpers], axis=1).astype(np.int64)


def _own_variance(covariance: Floats, ridge: float) -> Floats:
    """Return (s,): what of each series' variance the others do not explain."""
    size = np.diagonal(covariance)
    raised = covariance + np.diag(size * ridge + 1e-9)
    out: Floats = np.clip(1.0 / np.maximum(np.diagonal(np.linalg.pinv(raised)), 1e-12), 0.0, size)
    return out
