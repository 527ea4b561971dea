"""What an estimator says: quantiles of a target, for places and times ahead, from some origins."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from veracity.models.errors import BadParameter
from veracity.models.panel_array import Floats, Ints

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  #: of every forecast that is logged: 95 %, 80 % and 50 %


@dataclass(frozen=True)
class Forecast:
    """Quantiles ahead.

    Attributes
    ----------
    target
        The column forecast.
    origins_us
        (o,) int64: the times from which it looks ahead; nothing observed after was used.
    every_us
        The panel's step, microseconds.
    keys
        k places.
    horizons
        (h,) int64: steps ahead, ascending. The forecast is of time ``origin + horizon * every``. 0 is a
        nowcast: of the origin itself, where nothing was measured.
    levels
        (q,) from 0 to 1, ascending.
    values
        (o, k, h, q) float64, not falling along q; NaN where nothing can be said.
    """

    target: str
    origins_us: Ints
    every_us: int
    keys: tuple[str, ...]
    horizons: Ints
    levels: tuple[float, ...]
    values: Floats

    def __post_init__(self) -> None:
        want = (len(self.origins_us), len(self.keys), len(self.horizons), len(self.levels))
        if self.values.shape != want:
            raise BadParameter(f"forecast.values: want shape {want}, got {self.values.shape}")
        if list(self.levels) != sorted(set(self.levels)) or not all(0 < q < 1 for q in self.levels):
            raise BadParameter(f"forecast.levels: want them between 0 and 1, ascending, got {self.levels}")

    @property
    def due_us(self) -> Ints:
        """(o, h) int64: the times that are forecast."""
        return self.origins_us[:, None] + self.horizons[None, :] * self.every_us

    def quantile(self, level: float) -> Floats:
        """Return (o, k, h): the quantile at a level, on straight lines between those given, flat beyond."""
        at = np.searchsorted(self.levels, level)
        if at < len(self.levels) and self.levels[at] == level:
            return self.values[..., at]
        if at in (0, len(self.levels)):
            return self.values[..., min(int(at), len(self.levels) - 1)]
        low, high = self.levels[at - 1], self.levels[at]
        share = (level - low) / (high - low)
        out: Floats = self.values[..., at - 1] * (1 - share) + self.values[..., at] * share
        return out

    @property
    def median(self) -> Floats:
        """(o, k, h): what is as likely to be passed as not."""
        return self.quantile(0.5)

    def in_order(self) -> "Forecast":
        """Return it with quantiles that do not cross: sorted along the levels."""
        return replace(self, values=_ascending(self.values))

    def to_frame(self) -> pl.DataFrame:
        """Return a row per origin, key and horizon: ``origin``, ``key``, ``horizon``, ``due``, ``q…``."""
        n_o, n_k, n_h, _ = self.values.shape
        keys = [key for key in self.keys for _ in range(n_h)] * n_o
        stamp = pl.Datetime("us", "UTC")
        columns = [
            pl.Series("origin", np.repeat(self.origins_us, n_k * n_h)).cast(stamp),
            pl.Series("key", keys, dtype=pl.String),
            pl.Series("horizon", np.tile(self.horizons, n_o * n_k)),
            pl.Series("due", np.repeat(self.due_us[:, None, :], n_k, axis=1).ravel()).cast(stamp),
        ]
        for i, level in enumerate(self.levels):
            columns.append(pl.Series(level_name(level), self.values[..., i].ravel()).fill_nan(None))
        return pl.DataFrame(columns)


def _ascending(values: Floats) -> Floats:
    """Return values sorted along the last axis, NaN last. Most forecasts are so already: only others are."""
    low, high = values[..., :-1], values[..., 1:]
    rises = low <= high
    if rises.all():
        return values
    crossed = ~(rises | np.isnan(high)).all(axis=-1)
    out = values.copy()
    out[crossed] = np.sort(values[crossed], axis=-1)
    return out


def level_name(level: float) -> str:
    """Return the name of a quantile's column.

    Examples
    --------
    >>> [level_name(q) for q in (0.025, 0.1, 0.5)]
    ['q025', 'q10', 'q50']
    """
    return f"q{level:.3f}".replace("0.", "", 1).removesuffix("0")
