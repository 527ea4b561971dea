"""Quantiles around an estimate: what its errors were, in units of the error that it expected of itself.

This is split conformal prediction with a scale (Lei et al., J. Am. Stat. Assoc. 113, 2018), by ranges of the
expected error, so that easy and hard estimates each hold their coverage.
"""

from dataclasses import dataclass

import numpy as np

from veracity.models.errors import BadPanel
from veracity.models.panel_array import Floats

N_LEAST = 40  #: errors to tell a quantile of 2.5 % from


@dataclass(frozen=True)
class ScaledResiduals:
    """Errors divided by what was expected.

    Attributes
    ----------
    bounds
        (b - 1,) of the expected error, ascending, between b ranges.
    quantiles
        (b, q) of error over expected error, at the levels it was made for; a range of fewer than ``N_LEAST``
        errors has those of all.
    """

    bounds: Floats
    quantiles: Floats

    @classmethod
    def of(cls, errors: Floats, expected: Floats, levels: tuple[float, ...]) -> "ScaledResiduals":
        """Learn from (m,) errors and what each was expected to be; BadPanel for too few."""
        known = np.isfinite(errors) & np.isfinite(expected) & (expected > 0)
        scaled, expected = errors[known] / expected[known], expected[known]
        if len(scaled) < N_LEAST:
            raise BadPanel(f"panel: want {N_LEAST} measured values to test estimates on, got {len(scaled)}")
        n_ranges = int(np.clip(len(scaled) // 400, 1, 6))
        bounds = np.quantile(expected, np.arange(1, n_ranges) / n_ranges)
        place = np.searchsorted(bounds, expected, side="right")
        parts = [scaled[place == i] for i in range(n_ranges)]  # ties can leave a range with few
        quantiles = np.stack([_quantiles(p if len(p) >= N_LEAST else scaled, levels) for p in parts])
        return cls(bounds, quantiles)

    def around(self, mean: Floats, expected: Floats) -> Floats:
        """Return (..., q): quantiles around estimates with their expected errors, (...) each."""
        place = np.searchsorted(self.bounds, expected, side="right")
        out: Floats = mean[..., None] + expected[..., None] * self.quantiles[place]
        return out


def _quantiles(scaled: Floats, levels: tuple[float, ...]) -> Floats:
    """Return quantiles that the next error keeps to: outer ones a place further out than the sample's."""
    at = np.array(levels)
    outward = np.clip(at + (at - 0.5) / len(scaled), 0.0, 1.0)
    out: Floats = np.quantile(scaled, outward)
    return out
