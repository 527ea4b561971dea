"""Several estimators as one: their quantiles averaged, with weights learned on what none of them had seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from veracity.models.crps import level_weights
from veracity.models.errors import BadPanel, BadParameter, MalformedModel
from veracity.models.estimators.ahead import ahead
from veracity.models.estimators.arrays import from_safetensors, to_safetensors
from veracity.models.estimators.nested import make, of_prefix, with_prefix
from veracity.models.estimators.parameters import Parameters
from veracity.models.estimators.plain import PLAIN
from veracity.models.panel_array import Floats, Ints, PanelArray

WEIGHTS = "weights.safetensors"
MAX_MEMBERS = 16
N_STEPS, PACE = 200, 4.0


@dataclass
class Ensemble(Parameters):
    """A weighted mean of the members' quantiles, level by level, with weights by horizon.

    Attributes
    ----------
    members
        ``{"name": …, "parameters": {…}}`` of each, parameters beyond the shared ones.
    held_back
        Share of the panel at its end, on which weights are learned before members learn from all of it.
    stride
        Weights are learned from every so-manieth time of it.
    weights_
        (h, m): sum to 1.
    members_
        The members, fitted.
    """

    members: tuple[Mapping[str, Any], ...] = (
        {"name": "lightgbm", "parameters": {}},
        {"name": "ridge", "parameters": {}},
        {"name": "climatology", "parameters": {}},
    )
    held_back: float = 0.15
    stride: int = 3

    weights_: Floats | None = field(default=None, init=False, repr=False)
    members_: tuple[Parameters, ...] | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "ensemble"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at_least("held_back", 0.01)
        self.count("stride", 1)
        if self.held_back > 0.5:
            raise BadParameter(f"held_back: want at most 0.5, got {self.held_back}")
        if not isinstance(self.members, tuple) or not 0 < len(self.members) <= MAX_MEMBERS:
            raise BadParameter(f"members: want 1 to {MAX_MEMBERS}, got {str(self.members)[:60]}")
        self._made()

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel: weights on its end, then each member from all of it."""
        cut = int(panel.n_times * (1 - self.held_back))
        if panel.n_times - cut <= max(self.horizons):
            raise BadPanel(
                f"panel: want over {max(self.horizons)} times held back, got {panel.n_times - cut}"
            )
        head = panel.until(cut - 1)
        origins = np.arange(cut, panel.n_times, self.stride)
        said = np.stack([one.fit(head).predict(panel, origins=origins).values for one in self._made()])
        target = panel.measured_column(self.target)
        came = np.stack([ahead(target, h)[origins] for h in self.horizons], axis=2)
        self.weights_ = np.stack(
            [learn_weights(said[:, :, :, i], came[:, :, i], self.levels) for i in range(len(self.horizons))]
        )
        self.members_ = tuple(one.fit(panel) for one in self._made())
        return self

    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return the weighted mean of what members say; of those that say something."""
        assert self.members_ is not None
        assert self.weights_ is not None
        shape = (len(origins), len(panel.keys), len(horizons), len(self.levels))
        sums, total = np.zeros(shape), np.zeros(shape)
        weights = self.weights_[[self.horizons.index(h) for h in horizons]].T[..., None]
        for one, weight in zip(self.members_, weights, strict=True):
            said = one.predict(panel, horizons, origins).values
            known = np.isfinite(said)
            if known.all():
                sums += said * weight
                total += weight
            else:
                sums += np.where(known, said, 0.0) * weight
                total += np.where(known, weight, 0.0)
        out: Floats = np.divide(sums, total, out=np.full(shape, np.nan), where=total > 0)
        return out

    def to_files(self) -> dict[str, bytes]:
        """Return the weights, and each member's files with its number before their names."""
        self.need_fit()
        assert self.members_ is not None
        assert self.weights_ is not None
        files = {WEIGHTS: to_safetensors({"weights_": self.weights_})}
        for i, one in enumerate(self.members_):
            files |= with_prefix(f"m{i:02d}", one.to_files())
        return files

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        if WEIGHTS not in files:
            raise MalformedModel(f"files: want {WEIGHTS} among them, got none")
        shape = (len(self.horizons), len(self.members))
        self.weights_ = from_safetensors(files[WEIGHTS], {"weights_": shape})["weights_"]
        members, n_files = self._made(), 1
        for i, one in enumerate(members):
            own = of_prefix(f"m{i:02d}", files)
            one.take_files(own)
            n_files += len(own)
        if n_files != len(files):
            raise MalformedModel(f"files: want {n_files}, those of the members, got {len(files)}")
        self.members_ = members

    def _made(self) -> tuple[Parameters, ...]:
        made = []
        for one in self.members:
            if not isinstance(one, Mapping) or set(one) != {"name", "parameters"}:
                raise BadParameter(f"members: want each with name and parameters, got {str(one)[:60]}")
            made.append(make(PLAIN, self, one["name"], one["parameters"]))
        return tuple(made)


def learn_weights(said: Floats, came: Floats, levels: tuple[float, ...]) -> Floats:
    """Return (m,) weights that sum to 1, with which the mean of quantiles scores best.

    Exponentiated gradient on the CRPS from equal weights, a fixed number of steps: the same each time.

    Parameters
    ----------
    said
        (m, o, k, q): what members said.
    came
        (o, k): what came, NaN where not known.
    levels
        q of them.
    """
    m = len(said)
    known = np.isfinite(came) & np.isfinite(said).all(axis=(0, 3))
    weights = np.full(m, 1.0 / m)
    if m == 1 or not known.any():
        return weights
    said, came = said[:, known].reshape(m, -1), np.repeat(came[known], len(levels))
    n, share = known.sum(), level_weights(levels)
    below, above = (np.tile(part * share, n) for part in (-np.asarray(levels), 1 - np.asarray(levels)))
    unit = max(float(np.abs(said - came).mean()), 1e-12)
    best, best_score = weights, np.inf
    for _ in range(N_STEPS):
        over = weights @ said - came
        slope = np.where(over <= 0, below, above)  # of the loss of each quantile, weighted as in the CRPS
        score = float(slope @ over) / n
        if score < best_score:
            best, best_score = weights, score
        gradient = said @ slope / n / unit
        weights = weights * np.exp(-PACE * (gradient - gradient.min()) / np.sqrt(m))
        weights = weights / weights.sum()
    return best
