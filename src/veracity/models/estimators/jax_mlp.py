"""A small neural network in JAX: all horizons and quantiles from one hidden state. Extra ``jax``.

JAX learns it; NumPy serves it, so that a released network needs no more than the base install.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from veracity.models.errors import BadPanel
from veracity.models.estimators.ahead import ahead
from veracity.models.estimators.arrays import ARRAYS, Shape, from_safetensors, only, to_safetensors
from veracity.models.estimators.parameters import Parameters
from veracity.models.estimators.scale import Scale, check_scale, learn_scale
from veracity.models.estimators.standard import means_and_scales, standardised
from veracity.models.features import Features
from veracity.models.inputs import INPUTS, Inputs, learn_inputs, parse_inputs
from veracity.models.optional import need
from veracity.models.panel_array import Floats, Ints, PanelArray

FEWEST_ROWS = 50
FURTHEST = 5.0  #: spreads from the mean; features beyond count as this


@dataclass
class JaxMlp(Parameters):
    """Two hidden layers on features of a panel; says changes from the newest value.

    Attributes
    ----------
    width
        Of each hidden layer.
    n_epochs, batch, learning_rate
        Of Adam, the rate falling to 0 along a cosine.
    decay
        Of weights, at each step.
    scale
        ``log``, ``linear``, or ``auto``: log where nothing learned is below 0.
    stride
        It learns from every so-manieth time.
    columns
        Other columns to use; None for all of the panel that it learns from.
    n_nearest
        Neighbours of each key.
    weights_
        Arrays by name.
    scale_
        Of the changes.
    """

    width: int = 64
    n_epochs: int = 8
    batch: int = 512
    learning_rate: float = 2e-3
    decay: float = 1e-3
    scale: str = "auto"
    stride: int = 1
    columns: tuple[str, ...] | None = None
    n_nearest: int = 5

    inputs_: Inputs | None = field(default=None, init=False, repr=False)
    weights_: dict[str, Floats] | None = field(default=None, init=False, repr=False)
    scale_: Scale | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "jax_mlp"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "n_epochs", "batch", "stride"):
            self.count(name, 1)
        self.count("n_nearest", 0)
        check_scale(self.scale)
        self.columns_or_all()
        for name in ("learning_rate", "decay"):
            self.at_least(name, 0)

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel; BadPanel if a column is missing or too little is known."""
        need("jax", "jax")
        self.inputs_ = learn_inputs(panel, self.target, self.columns, self.n_nearest)
        every = slice(panel.n_times % self.stride, None, self.stride)
        features, target = self.inputs_.features(panel), panel.measured_column(self.target)
        rows = features.values[every].reshape(-1, len(features.names))
        came = np.stack([ahead(target, h)[every].ravel() for h in self.horizons], axis=1)
        known = np.isfinite(came).any(axis=1)
        if known.sum() < FEWEST_ROWS:
            raise BadPanel(
                f"panel: want {self.target!r} known after {FEWEST_ROWS} origins, got {known.sum()}"
            )
        rows, came, now = rows[known], came[known], features.now[every].ravel()[known]
        self.scale_ = learn_scale(target, self.scale)
        means, scales = means_and_scales(rows)
        self.weights_ = {"means": means, "scales": scales}
        changes = (self.scale_.into(came) - self.scale_.base(now)[:, None]) / self.scale_.spread
        self.weights_ |= self._trained(self._ready(rows), changes)
        return self

    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return what the network says."""
        assert self.inputs_ is not None
        assert self.weights_ is not None
        assert self.scale_ is not None
        first = max(0, int(origins.min()) - self.inputs_.spec.lookback)
        features: Features = self.inputs_.features(panel.rows(slice(first, None)))
        rows = features.values[origins - first].reshape(-1, len(features.names))
        now = features.now[origins - first].ravel()
        said = _forward(np, self.weights_, self._ready(rows)).reshape(
            -1, len(self.horizons), len(self.levels)
        )
        at = [self.horizons.index(h) for h in horizons]
        out = self.scale_.back(self.scale_.base(now)[:, None, None] + said[:, at] * self.scale_.spread)
        return out.reshape(len(origins), len(panel.keys), len(horizons), len(self.levels))

    def to_files(self) -> dict[str, bytes]:
        """Return the weights as safetensors and the inputs as JSON."""
        self.need_fit()
        assert self.inputs_ is not None
        assert self.weights_ is not None
        assert self.scale_ is not None
        arrays = self.weights_ | {"scale_": self.scale_.to_array()}
        return {ARRAYS: to_safetensors(arrays), INPUTS: self.inputs_.to_json()}

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        only(files, [ARRAYS, INPUTS])
        self.inputs_ = parse_inputs(files[INPUTS], self.target)
        n_out, w = len(self.horizons) * len(self.levels), self.width
        f = len(self.inputs_.names())
        shapes: dict[str, Shape] = {"means": (f,), "scales": (f,), "scale_": (4,)}
        shapes |= {"w0": (f, w), "b0": (w,), "w1": (w, w), "b1": (w,), "w2": (w, n_out), "b2": (n_out,)}
        arrays = from_safetensors(files[ARRAYS], shapes)
        self.scale_ = Scale.from_array(arrays.pop("scale_"))
        self.weights_ = arrays

    def _ready(self, rows: Any) -> Floats:
        """Return features scaled, 0 (the mean) where unknown."""
        assert self.weights_ is not None
        scaled = standardised(rows, self.weights_["means"], self.weights_["scales"])
        return np.clip(scaled, -FURTHEST, FURTHEST)

    def _trained(self, rows: Floats, changes: Floats) -> dict[str, Floats]:
        """Return the network's weights after all epochs."""
        import jax
        import jax.numpy as jnp

        rng = np.random.default_rng(self.seed)
        weights = {k: jnp.asarray(v, jnp.float32) for k, v in self._begin(rng, rows.shape[1]).items()}
        levels = jnp.asarray(self.levels, jnp.float32)
        n_h, batch = len(self.horizons), min(self.batch, len(rows))
        n_batches = len(rows) // batch
        n_steps = self.n_epochs * n_batches

        def loss(weights: Any, x: Any, y: Any) -> Any:
            said = _forward(jnp, weights, x).reshape(len(x), n_h, len(self.levels))
            known = jnp.isfinite(y)
            error = jnp.where(known, y, 0.0)[:, :, None] - said
            each = jnp.maximum(levels * error, (levels - 1) * error)
            return (each * known[:, :, None]).sum() / jnp.maximum(known.sum(), 1)

        @jax.jit
        def step(weights: Any, first: Any, second: Any, i: Any, x: Any, y: Any) -> Any:
            slope = jax.grad(loss)(weights, x, y)
            rate = self.learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * i / n_steps))
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
            second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)

            def moved(w: Any, m: Any, v: Any) -> Any:
                m, v = m / (1 - 0.9 ** (i + 1)), v / (1 - 0.999 ** (i + 1))
                return w - rate * (m / (jnp.sqrt(v) + 1e-8) + self.decay * w)

            return jax.tree.map(moved, weights, first, second), first, second

        x, y = rows.astype(np.float32), changes.astype(np.float32)
        first = second = jax.tree.map(jnp.zeros_like, weights)
        for epoch in range(self.n_epochs):
            order = rng.permutation(len(x))[: n_batches * batch].reshape(n_batches, batch)
            for b, at in enumerate(order):
                i = np.float32(epoch * n_batches + b)
                weights, first, second = step(weights, first, second, i, x[at], y[at])
        return {name: np.asarray(values, np.float64) for name, values in weights.items()}

    def _begin(self, rng: np.random.Generator, n_in: int) -> dict[str, Floats]:
        n_out, w = len(self.horizons) * len(self.levels), self.width
        shapes = {"0": (n_in, w), "1": (w, w), "2": (w, n_out)}
        out: dict[str, Floats] = {}
        for name, shape in shapes.items():
            size = np.sqrt(2 / shape[0]) * (0.1 if name == "2" else 1.0)
            out[f"w{name}"], out[f"b{name}"] = rng.normal(0, size, shape), np.zeros(shape[1])
        return out


def _forward(xp: Any, weights: Mapping[str, Any], rows: Any) -> Any:
    """Return (n, h * q): the same sums in NumPy and in JAX."""
    hidden = xp.maximum(rows @ weights["w0"] + weights["b0"], 0)
    hidden = xp.maximum(hidden @ weights["w1"] + weights["b1"], 0)
    return hidden @ weights["w2"] + weights["b2"]
