"""Calibration that holds its coverage as the world drifts.

Around any estimator's median, each quantile's distance is stretched by a factor that follows what comes:
larger after an outcome beyond it, a little smaller after one within, so that in the long run as many fall
beyond as its level says, whatever the data. What an interval missed on either side, at all places, stretches
both its sides, and faster: its share is to hold in a month, not only in the long run. An outcome counts from
when it is known and not before: that of horizon ``h``, forecast at ``t``, only from ``t + h`` on.

References: Gibbs and Candès (2021), Adaptive conformal inference under distribution shift; Romano, Patterson
and Candès (2019), Conformalized quantile regression; Angelopoulos, Candès and Tibshirani (2023), Conformal
PID control.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from veracity.canonical import canonical_json
from veracity.models.errors import BadPanel, BadParameter, MalformedModel
from veracity.models.estimators.ahead import lowest_of
from veracity.models.estimators.arrays import from_safetensors, only, to_safetensors
from veracity.models.estimators.climatology import parse_keys
from veracity.models.estimators.ensemble import Ensemble
from veracity.models.estimators.nested import SHARED, make, of_prefix, with_prefix
from veracity.models.estimators.parameters import Parameters
from veracity.models.estimators.plain import PLAIN
from veracity.models.estimators.tracking import Tracker, conformity, stretched
from veracity.models.panel_array import Floats, Ints, PanelArray

BASES: dict[str, type[Parameters]] = PLAIN | {Ensemble.name: Ensemble}
LARGEST = {"held_back": 0.5, "rate": 1.0, "together": 1.0, "interval_rate": 1.0}
FACTORS, KEYS = "factors.safetensors", "keys.json"


@dataclass
class Conformal(Parameters):
    """An estimator, calibrated: on the end of the panel that it learns from, and on with every panel after.

    ``predict`` takes in what the panel holds of the time since it learned, up to each origin, for at most
    ``longest_replay`` rows before the first; ``learn_one`` does so for good.

    Attributes
    ----------
    base, base_parameters
        The estimator's name, and its parameters beyond the shared ones.
    held_back
        Share of the panel at its end, on which factors are learned before the estimator learns from all.
    rate
        How fast factors follow: the logarithm's step after a miss one row ahead (see ``Tracker``).
    together
        How much of such a step comes from all keys, from 0 (each for itself) to 1.
    interval_rate
        How fast the two sides of an interval follow its misses at all keys.
    longest_replay
        Rows.
    log_factors_
        (max(horizons), h, k + 1, q): logarithms of the factors that were in force at the last rows learned
        from; the last of ``k + 1`` are for a key never seen.
    until_us_
        (1,): up to when outcomes were taken in.
    lowest_
        (1,): nothing is said below.
    """

    base: str = "lightgbm"
    base_parameters: Mapping[str, Any] = field(default_factory=dict)
    held_back: float = 0.2
    rate: float = 0.05
    together: float = 0.5
    interval_rate: float = 0.18
    longest_replay: int = 336

    log_factors_: Floats | None = field(default=None, init=False, repr=False)
    until_us_: Ints | None = field(default=None, init=False, repr=False)
    keys_: tuple[str, ...] | None = field(default=None, init=False, repr=False)
    lowest_: Floats | None = field(default=None, init=False, repr=False)
    base_: Parameters | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "conformal"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, most in LARGEST.items():
            self.at_least(name, 0.01 if name == "held_back" else 0)
            if getattr(self, name) > most:
                raise BadParameter(f"{name}: want at most {most:g}, got {getattr(self, name)}")
        self.count("longest_replay", 0)
        if 0.5 not in self.levels:
            raise BadParameter(f"levels: want 0.5 among them, got {self.levels}")
        if not isinstance(self.base_parameters, Mapping):
            raise BadParameter(f"base_parameters: want names and values, got {self.base_parameters!r}")
        make(BASES, self, self.base, self.base_parameters)

    @classmethod
    def around(cls, base: Parameters, **own: Any) -> Self:
        """Return it around an estimator that was made but need not be fitted."""
        parameters = dict(base.parameters())
        shared = {name: parameters.pop(name) for name in SHARED}
        return cls(**shared, base=base.name, base_parameters=parameters, **own)

    def parameters(self) -> Mapping[str, Any]:
        """Return what the constructor takes, as plain JSON."""
        return {**super().parameters(), "base_parameters": dict(self.base_parameters)}

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel: factors on its end, then the estimator from all of it."""
        cut = int(panel.n_times * (1 - self.held_back))
        if panel.n_times - cut <= max(self.horizons):
            raise BadPanel(
                f"panel: want over {max(self.horizons)} times held back, got {panel.n_times - cut}"
            )
        self.base_ = make(BASES, self, self.base, self.base_parameters).fit(panel.until(cut - 1))
        self.keys_ = panel.keys
        self.until_us_ = panel.times_us[cut - 1 : cut]
        self.lowest_ = np.array([lowest_of(panel.column(self.target))])
        said = self._said(panel, self.horizons, np.arange(cut, panel.n_times))
        came = panel.measured_column(self.target)[cut:]
        begin = conformity(said, came, self.horizons, self.levels)
        rows = (max(self.horizons), len(self.horizons), len(panel.keys) + 1, len(self.levels))
        self.log_factors_ = np.broadcast_to(begin[None, :, None], rows).copy()
        past = self._past(panel.keys, self.horizons)[-1:]
        self._keep(self._tracker(self.horizons).run(said, came, past), panel)
        self.base_ = make(BASES, self, self.base, self.base_parameters).fit(panel)
        return self

    def learn_one(self, panel: PanelArray) -> Self:
        """Take in the outcomes of a panel's last time, and of those before it that were not yet.

        Raises
        ------
        BadPanel
            If nothing in it is new.
        """
        self.need_fit()
        assert self.until_us_ is not None
        if panel.n_times == 0 or panel.times_us[-1] <= self.until_us_[0]:
            raise BadPanel("panel: want a last time that was not learned from yet, got none")
        self._keep(self._in_force(panel, self.horizons, panel.n_times, None)[1], panel)
        return self

    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return the estimator's quantiles, stretched by the factors of each origin."""
        said, factors = self._said_and_factors(panel, horizons, origins)
        out = stretched(said, factors.transpose(0, 2, 1, 3), self.levels)
        assert self.lowest_ is not None
        floored: Floats = np.maximum(out, self.lowest_[0])
        return floored

    def to_files(self) -> dict[str, bytes]:
        """Return the factors, and the estimator's files with ``base.`` before their names."""
        self.need_fit()
        assert self.base_ is not None
        assert self.log_factors_ is not None
        assert self.until_us_ is not None
        assert self.keys_ is not None
        assert self.lowest_ is not None
        arrays = {
            "log_factors_": self.log_factors_,
            "until_us_": self.until_us_.astype(np.float64),  # exact up to the year 2255
            "lowest_": self.lowest_,
        }
        own = {FACTORS: to_safetensors(arrays), KEYS: canonical_json(list(self.keys_))}
        return own | with_prefix("base", self.base_.to_files())

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        own = {n: body for n, body in files.items() if not n.startswith("base.")}
        only(own, [FACTORS, KEYS])
        self.keys_ = parse_keys(own[KEYS])
        shape = (max(self.horizons), len(self.horizons), len(self.keys_) + 1, len(self.levels))
        arrays = from_safetensors(own[FACTORS], {"log_factors_": shape, "until_us_": (1,), "lowest_": (1,)})
        if not np.isfinite(arrays["log_factors_"]).all() or not abs(arrays["until_us_"][0]) < 2**53:
            raise MalformedModel(f"{FACTORS}: want finite factors and a time, got others")
        self.log_factors_, self.lowest_ = arrays["log_factors_"], arrays["lowest_"]
        self.until_us_ = arrays["until_us_"].astype(np.int64)
        base = make(BASES, self, self.base, self.base_parameters)
        base.take_files(of_prefix("base", files))
        self.base_ = base

    def _said(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        assert self.base_ is not None
        return self.base_.predict(panel, horizons, origins).values

    def _said_and_factors(
        self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints
    ) -> tuple[Floats, Floats]:
        """Return (o, k, h, q): the base's quantiles, and (o, h, k, q): logarithms of factors in force."""
        assert self.until_us_ is not None
        if panel.times_us[int(origins.max())] <= self.until_us_[0]:
            last = self._past(panel.keys, horizons)[-1]
            return self._said(panel, horizons, origins), np.broadcast_to(last, (len(origins), *last.shape))
        earliest = int(origins.min()) - self.longest_replay
        replayed, in_force, first = self._in_force(panel, horizons, int(origins.max()) + 1, earliest)
        said = replayed[np.maximum(origins - first, 0)]
        if (before := origins < first).any():
            said[before] = self._said(panel, horizons, origins[before])
        return said, in_force[np.maximum(origins - first, 0)]

    def _in_force(
        self, panel: PanelArray, horizons: tuple[int, ...], stop: int, earliest: int | None
    ) -> tuple[Floats, Floats, int]:
        """Return (n, k, h, q) said at rows before ``stop``, (n, h, k, q) factors, and the first row's number.

        Outcomes count from after those learned from, and from row ``earliest`` on.
        """
        assert self.until_us_ is not None
        new = int(np.searchsorted(panel.times_us, self.until_us_[0], side="right"))
        past = self._past(panel.keys, horizons)
        if earliest is not None and new < earliest:
            new, past = earliest, np.broadcast_to(past[-1], past.shape)
        first = max(0, new - len(past))
        said = self._said(panel, horizons, np.arange(first, stop))
        came = panel.measured_column(self.target)[first:stop]
        before = past[len(past) - (new - first) :] if new > first else past[-1:]
        return said, self._tracker(horizons).run(said, came, before), first

    def _past(self, keys: tuple[str, ...], horizons: tuple[int, ...]) -> Floats:
        """Return (max(horizons), h, k, q): the factors kept, for some keys and horizons."""
        assert self.log_factors_ is not None
        assert self.keys_ is not None
        known = {key: i for i, key in enumerate(self.keys_)}
        at = [known.get(key, len(self.keys_)) for key in keys]
        out: Floats = self.log_factors_[:, [self.horizons.index(h) for h in horizons]][:, :, at]
        return out

    def _tracker(self, horizons: tuple[int, ...]) -> Tracker:
        return Tracker(horizons, self.levels, self.rate, self.together, self.interval_rate)

    def _keep(self, in_force: Floats, panel: PanelArray) -> None:
        """Keep (n, h, k, q) factors, the last of which are those of the panel's last time."""
        assert self.log_factors_ is not None
        assert self.keys_ is not None
        n = len(self.log_factors_)
        new = in_force[-n:]
        kept = np.concatenate([self.log_factors_, np.repeat(self.log_factors_[-1:], len(new), axis=0)])[-n:]
        for i, key in enumerate(self.keys_):
            if key in panel.keys:
                kept[n - len(new) :, :, i] = new[:, :, panel.keys.index(key)]
        kept[:, :, -1] = kept[:, :, :-1].mean(axis=2)
        self.log_factors_, self.until_us_ = kept, panel.times_us[-1:]
