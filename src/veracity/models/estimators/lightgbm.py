"""Gradient-boosted trees for quantiles: one model for all keys, by horizon.

They learn the change from the newest value; of a target that is never below 0, the change of its logarithm.

Trees learn the middle and how far to either side outcomes go (three quantiles); other levels are put between
and beyond them as the outcomes of the panel that it learned from lie. Readings of sensors that are trusted
less count for less.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from veracity.models.errors import BadPanel, BadParameter, MalformedModel
from veracity.models.estimators.ahead import ahead
from veracity.models.estimators.arrays import ARRAYS, from_safetensors, only, to_safetensors
from veracity.models.estimators.parameters import Parameters
from veracity.models.estimators.scale import Scale, check_scale, learn_scale
from veracity.models.estimators.trees import Booster, dataset, plain_names, read_booster, text_of
from veracity.models.features import Features
from veracity.models.inputs import INPUTS, Inputs, learn_inputs, parse_inputs
from veracity.models.panel_array import Floats, Ints, PanelArray

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
MODELLED = (LOW, MIDDLE, HIGH)
FEWEST_ROWS = 50
NARROWEST = 1e-3  #: a side of the middle, in spreads of the target: there is always some doubt


@dataclass
class LightGbm(Parameters):
    """LightGBM on features of a panel.

    Attributes
    ----------
    n_trees, n_leaves, learning_rate, least_in_leaf
        Of each model; ``least_in_leaf`` is a share of its rows.
    scale
        ``log``, ``linear``, or ``auto``: log where nothing learned is below 0.
    stride
        It learns from every so-manieth time: neighbours in time say nearly the same.
    columns
        Other columns to use; None for all of the panel that it learns from.
    n_nearest
        Neighbours of each key.
    n_threads
        Cores to learn with. The files do not depend on it.
    boosters_
        By horizon and modelled quantile, each with the text that it was read from.
    factors_
        (h, q): where a level lies between the middle (0) and the modelled quantile on its side (1).
    scale_
        Of the changes that the trees learn.
    """

    n_trees: int = 120
    n_leaves: int = 31
    learning_rate: float = 0.06
    least_in_leaf: float = 0.002
    scale: str = "auto"
    stride: int = 1
    columns: tuple[str, ...] | None = None
    n_nearest: int = 5
    n_threads: int = 1

    boosters_: dict[tuple[int, float], Booster] | None = field(default=None, init=False, repr=False)
    inputs_: Inputs | None = field(default=None, init=False, repr=False)
    factors_: Floats | None = field(default=None, init=False, repr=False)
    scale_: Scale | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "lightgbm"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (
            ("n_trees", 1),
            ("n_leaves", 2),
            ("stride", 1),
            ("n_threads", 1),
            ("n_nearest", 0),
        ):
            self.count(name, least)
        self.at_least("learning_rate", 1e-6)
        self.at_least("least_in_leaf", 0)
        check_scale(self.scale)
        self.columns_or_all()
        if self.least_in_leaf >= 0.5:
            raise BadParameter(f"least_in_leaf: want a share below 0.5, got {self.least_in_leaf}")

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel; BadPanel if a column is missing or too little is known."""
        self.inputs_ = learn_inputs(panel, self.target, self.columns, self.n_nearest)
        every = slice(panel.n_times % self.stride, None, self.stride)
        features = self.inputs_.features(panel)
        rows = features.values[every].reshape(-1, len(features.names))
        now, target = features.now[every].ravel(), panel.measured_column(self.target)
        self.scale_ = learn_scale(target, self.scale)
        self.boosters_, factors = {}, []
        for horizon in self.horizons:
            came, weight = ahead(target, horizon)[every].ravel(), self._weights(panel, horizon)[every].ravel()
            factors.append(self._fit_one(rows, now, came, weight, horizon, features.names))
        self.factors_ = np.stack(factors)
        return self

    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return what the trees say, all levels put between and beyond the modelled ones."""
        assert self.inputs_ is not None
        assert self.factors_ is not None
        first = max(0, int(origins.min()) - self.inputs_.spec.lookback)
        features = self.inputs_.features(panel.rows(slice(first, None)))
        rows, now = _rows_of(features, origins - first)
        out = np.stack(
            [
                self._spread_out(self._modelled(rows, now, h), self.factors_[self.horizons.index(h)])
                for h in horizons
            ],
            axis=1,
        )
        return out.reshape(len(origins), len(panel.keys), len(horizons), len(self.levels))

    def to_files(self) -> dict[str, bytes]:
        """Return each model as LightGBM text, the inputs as JSON and the rest as safetensors."""
        self.need_fit()
        assert self.boosters_ is not None
        assert self.inputs_ is not None
        assert self.factors_ is not None
        assert self.scale_ is not None
        texts = {_file(h, q): booster.text for (h, q), booster in self.boosters_.items()}
        arrays = {"factors_": self.factors_, "scale_": self.scale_.to_array()}
        return texts | {INPUTS: self.inputs_.to_json(), ARRAYS: to_safetensors(arrays)}

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        names = {(h, q): _file(h, q) for h in self.horizons for q in MODELLED}
        only(files, [*names.values(), INPUTS, ARRAYS])
        self.inputs_ = parse_inputs(files[INPUTS], self.target)
        shape = (len(self.horizons), len(self.levels))
        arrays = from_safetensors(files[ARRAYS], {"factors_": shape, "scale_": (4,)})
        self.factors_, self.scale_ = arrays["factors_"], Scale.from_array(arrays["scale_"])
        self.boosters_ = {one: read_booster(files[name], name) for one, name in names.items()}
        want = plain_names(self.inputs_.names())
        for one, booster in self.boosters_.items():
            if booster.model.feature_name() != want:
                raise MalformedModel(f"{names[one]}: want the {len(want)} features of {INPUTS}, got others")

    def _fit_one(
        self, rows: Any, now: Floats, came: Floats, weight: Floats, horizon: int, names: tuple[str, ...]
    ) -> Floats:
        """Learn one horizon's models; return its factors."""
        assert self.boosters_ is not None
        known = np.isfinite(came)
        if known.sum() < FEWEST_ROWS:
            raise BadPanel(
                f"panel: want {self.target!r} known {FEWEST_ROWS} times {horizon} steps on, got {known.sum()}"
            )
        rows, now, came, weight = rows[known], now[known], came[known], weight[known]
        assert self.scale_ is not None
        came = self.scale_.into(came)
        data = dataset(rows, came - self.scale_.base(now), weight, names)
        for level in MODELLED:
            self.boosters_[horizon, level] = self._train(data, level, len(rows))
        return self._factors(self._modelled(rows, now, horizon), came)

    def _train(self, data: Any, level: float, n_rows: int) -> Booster:
        import lightgbm

        settings = {
            "objective": "quantile",
            "alpha": level,
            "learning_rate": self.learning_rate,
            "num_leaves": self.n_leaves,
            "min_data_in_leaf": max(5, int(self.least_in_leaf * n_rows)),
            "feature_fraction": 0.5,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "max_bin": 63,
            "seed": self.seed % 2**31,
            "num_threads": self.n_threads,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }
        return read_booster(text_of(lightgbm.train(settings, data, self.n_trees)), "trained")

    def _modelled(self, rows: Any, now: Floats, horizon: int) -> Floats:
        """Return (n, 3): the modelled quantiles, scaled, each side at least the narrowest."""
        assert self.boosters_ is not None
        assert self.scale_ is not None
        said = np.stack(
            [self.boosters_[horizon, q].model.predict(rows, num_threads=1) for q in MODELLED], axis=1
        )
        said = said + self.scale_.base(now)[:, None]
        middle, least = said[:, 1], NARROWEST * self.scale_.spread
        low, high = np.minimum(said[:, 0], middle - least), np.maximum(said[:, 2], middle + least)
        return np.stack([low, middle, high], axis=1)

    def _factors(self, modelled: Floats, came: Floats) -> Floats:
        """Return (q,): the factors with which each level has its share of outcomes below it."""
        low, middle, high = modelled.T
        above, below = (came - middle) / (high - middle), (middle - came) / (middle - low)
        return np.array(
            [
                0.0 if q == MIDDLE else np.quantile(above, q) if q > MIDDLE else -np.quantile(below, 1 - q)
                for q in self.levels
            ]
        )

    def _spread_out(self, modelled: Floats, factors: Floats) -> Floats:
        """Return (n, q), as they are, from (n, 3), scaled."""
        assert self.scale_ is not None
        low, middle, high = (modelled[:, i, None] for i in range(3))
        out = middle + np.where(factors < 0, middle - low, high - middle) * factors
        return self.scale_.back(out)

    def _weights(self, panel: PanelArray, horizon: int) -> Floats:
        """Return how much each outcome counts: the trust in the sensors behind it, 1 where not known."""
        shape = (panel.n_times, len(panel.keys))
        if panel.trust is None:
            return np.ones(shape)
        weight = ahead(panel.trust[:, :, panel.index(self.target)], horizon)
        out: Floats = np.clip(np.where(np.isfinite(weight), weight, 1.0), 0.01, 1.0)
        return out


def _file(horizon: int, level: float) -> str:
    return f"h{horizon:05d}.q{round(level * 100):02d}.txt"


def _rows_of(features: Features, at: Ints) -> tuple[Any, Floats]:
    return features.values[at].reshape(-1, len(features.names)), features.now[at].ravel()
