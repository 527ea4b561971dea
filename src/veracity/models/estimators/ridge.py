"""A straight line through features of all places: closed form, numpy alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from veracity.models.errors import BadPanel
from veracity.models.estimators.ahead import ahead
from veracity.models.estimators.arrays import Shape
from veracity.models.estimators.points import PointEstimator
from veracity.models.estimators.standard import means_and_scales, standardised
from veracity.models.features import Float32s
from veracity.models.inputs import INPUTS, Inputs, learn_inputs, parse_inputs
from veracity.models.panel_array import Floats, Ints, PanelArray

FEWEST_ROWS = 50


@dataclass
class Ridge(PointEstimator):
    """Least squares with a penalty, one line a horizon, all keys together.

    Attributes
    ----------
    penalty
        Per row, on coefficients of features scaled to spread 1.
    columns
        Other columns to use; None for all of the panel that it learns from.
    n_nearest
        Neighbours of each key.
    means_, scales_
        (f,): of the features.
    lines_
        (h, f + 1): coefficients, and what is said where all features are at their means.
    """

    penalty: float = 0.01
    columns: tuple[str, ...] | None = None
    n_nearest: int = 5

    inputs_: Inputs | None = field(default=None, init=False, repr=False)
    means_: Floats | None = field(default=None, init=False, repr=False)
    scales_: Floats | None = field(default=None, init=False, repr=False)
    lines_: Floats | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "ridge"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at_least("penalty", 1e-9)
        self.count("n_nearest", 0)
        self.columns_or_all()

    @property
    def lookback(self) -> int | None:
        """How many rows before an origin are used at most."""
        return None if self.inputs_ is None else self.inputs_.spec.lookback

    def learn(self, panel: PanelArray) -> None:
        """Learn the lines."""
        self.inputs_ = learn_inputs(panel, self.target, self.columns, self.n_nearest)
        rows = self.inputs_.features(panel).values.reshape(panel.n_times * len(panel.keys), -1)
        self.means_, self.scales_ = means_and_scales(rows)
        ready = self._ready(rows)
        target = panel.measured_column(self.target)
        self.lines_ = np.stack([self._line(ready, ahead(target, h).ravel(), h) for h in self.horizons])

    def points(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return what the lines say."""
        assert self.inputs_ is not None
        assert self.lines_ is not None
        values = self.inputs_.features(panel).values[origins]
        ready = self._ready(values.reshape(-1, values.shape[2]))
        lines = self.lines_[[self.horizons.index(h) for h in horizons]]
        return (ready @ lines[:, :-1].T + lines[:, -1]).reshape(*values.shape[:2], len(horizons))

    def learned(self) -> dict[str, Floats]:
        """Return the lines and what features are scaled by."""
        assert self.means_ is not None
        assert self.scales_ is not None
        assert self.lines_ is not None
        return {"means_": self.means_, "scales_": self.scales_, "lines_": self.lines_}

    def learned_shapes(self) -> dict[str, Shape]:
        """Return the shapes of those."""
        assert self.inputs_ is not None
        f = len(self.inputs_.names())
        return {"means_": (f,), "scales_": (f,), "lines_": (len(self.horizons), f + 1)}

    def to_files(self) -> dict[str, bytes]:
        """Return the lines and the inputs."""
        files = super().to_files()
        assert self.inputs_ is not None
        return files | {INPUTS: self.inputs_.to_json()}

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        self.inputs_ = parse_inputs(files.get(INPUTS, b""), self.target)
        super().take_files({name: body for name, body in files.items() if name != INPUTS})

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel; BadPanel if a column is missing or too little is known."""
        return super().fit(panel)

    def _ready(self, rows: Float32s) -> Floats:
        """Return features scaled, 0 (the mean) where unknown."""
        assert self.means_ is not None
        assert self.scales_ is not None
        return standardised(rows, self.means_, self.scales_)

    def _line(self, ready: Floats, came: Floats, horizon: int) -> Floats:
        known = np.isfinite(came)
        if known.sum() < FEWEST_ROWS:
            raise BadPanel(
                f"panel: want {self.target!r} known {FEWEST_ROWS} times {horizon} steps on, got {known.sum()}"
            )
        rows, came = ready[known], came[known]
        centre, mean = rows.mean(axis=0), came.mean()
        rows = rows - centre
        square = rows.T @ rows + self.penalty * len(rows) * np.eye(rows.shape[1])
        line = np.linalg.solve(square, rows.T @ (came - mean))
        return np.append(line, mean - line @ centre)
