"""The scale that changes of a target are learned on: as it is, or the logarithm of what is never below 0."""

from dataclasses import dataclass

import numpy as np

from veracity.models.errors import BadPanel, BadParameter
from veracity.models.estimators.ahead import lowest_of
from veracity.models.panel_array import Floats

SCALES = ("auto", "linear", "log")
OFFSET = 0.2  #: added before a logarithm is taken, as a share of the target's median
MAX_LOG = 50.0


@dataclass(frozen=True)
class Scale:
    """One target's scale.

    Attributes
    ----------
    lowest
        Nothing is said below: 0 or minus infinity.
    offset
        What is added before a logarithm is taken; 0 where none is.
    middle
        The median, scaled: what stands for a value that is not known.
    spread
        The standard deviation, scaled.
    """

    lowest: float
    offset: float
    middle: float
    spread: float

    def into(self, values: Floats) -> Floats:
        """Return values scaled."""
        return np.log(np.maximum(values, 0.0) + self.offset) if self.offset > 0 else values

    def back(self, scaled: Floats) -> Floats:
        """Return scaled values as they are, none below the lowest."""
        plain = np.exp(np.minimum(scaled, MAX_LOG)) - self.offset if self.offset > 0 else scaled
        out: Floats = np.maximum(plain, self.lowest)
        return out

    def base(self, now: Floats) -> Floats:
        """Return what changes are from, scaled: the newest value, the median where there is none."""
        return np.where(np.isfinite(now), self.into(now), self.middle)

    def to_array(self) -> Floats:
        """Return (4,)."""
        return np.array([self.lowest, self.offset, self.middle, self.spread])

    @classmethod
    def from_array(cls, values: Floats) -> "Scale":
        """Return the scale that ``to_array`` was of."""
        return cls(*map(float, values))


def check_scale(scale: str) -> None:
    """Raise BadParameter unless it is the name of a scale."""
    if scale not in SCALES:
        raise BadParameter(f"scale: want one of {', '.join(SCALES)}, got {scale!r}")


def learn_scale(target: Floats, kind: str) -> Scale:
    """Return a target's scale; ``auto`` is ``log`` where nothing known is below 0.

    Raises
    ------
    BadPanel
        If nothing is known, or something is below 0 where the scale is ``log``.
    """
    known = target[np.isfinite(target)]
    if len(known) == 0:
        raise BadPanel("panel: want the target known at some time, got none")
    lowest, spread = lowest_of(target), float(known.std())
    if kind == "log" and lowest < 0:
        raise BadPanel(f"panel: want a target from 0 for a log scale, got {known.min():g}")
    logs = kind == "log" or (kind == "auto" and lowest == 0 and spread > 0)
    offset = max(OFFSET * float(np.median(known)), 1e-3 * spread, 1e-9) if logs else 0.0
    scaled = np.log(known + offset) if logs else known
    return Scale(lowest, offset, float(np.median(scaled)), max(float(scaled.std()), 1e-9))
