"""What goes wrong with sensors: a panel as it would have been, had things failed before some origins.

Every fault acts on windows of ``lookback`` rows that end at an origin, each origin's own. The panel's truth
is not touched: forecasts made from the faulty panel are held against what was really measured.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from veracity.models.panel_array import Bools, Floats, Ints, PanelArray

Change = Callable[[Floats, np.random.Generator], Floats]
_STUCK_SHARE = _DRIFT_SHARE = 0.3
_DRIFT_DEVIATIONS = 2.0


@dataclass(frozen=True)
class Fault:
    """A fault: its name, what it is in words, and what it makes of (w, k, c) values before one origin."""

    name: str
    words: str
    change: Change


def inject(
    panel: PanelArray, origins: Ints, lookback: int, fault: Fault, rng: np.random.Generator
) -> PanelArray:
    """Return a panel in which a fault happened before each origin."""
    values, measured = panel.values.copy(), panel.measured.copy()
    for origin in origins:
        window = slice(max(0, int(origin) + 1 - lookback), int(origin) + 1)
        values[window] = fault.change(values[window].copy(), rng)
    changed_to_none = np.isnan(values) & ~np.isnan(panel.values)
    measured[changed_to_none] = False
    trust = None if panel.trust is None else np.where(changed_to_none, np.nan, panel.trust)
    return replace(panel, values=values, measured=measured, trust=trust)


def dropout(share: float) -> Fault:
    """Sensors (a column at a key) chosen at random say nothing."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:
        window[:, _chosen(window, share, rng)] = np.nan
        return window

    return Fault(f"dropout {share:.0%}", f"{share:.0%} of the sensors say nothing", change)


def stuck() -> Fault:
    """Sensors chosen at random say the same thing all over: the first value of the window."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:
        chosen = _chosen(window, _STUCK_SHARE, rng)
        known = np.isfinite(window)
        first = np.take_along_axis(window, known.argmax(axis=0)[None], axis=0)
        held = np.where(known, np.broadcast_to(first, window.shape), np.nan)
        window[:, chosen] = held[:, chosen]
        return window

    return Fault("stuck", f"{_STUCK_SHARE:.0%} of the sensors repeat one value", change)


def drifting(deviation: Floats) -> Fault:
    """Sensors chosen at random move away from the truth, by 2 standard deviations over the window.

    ``deviation``: (c,) of each column.
    """

    def change(window: Floats, rng: np.random.Generator) -> Floats:
        chosen = _chosen(window, _DRIFT_SHARE, rng)
        ramp = np.linspace(0, _DRIFT_DEVIATIONS, len(window))[:, None, None] * deviation
        sign = rng.choice([-1.0, 1.0], window.shape[1:])
        return np.where(chosen, window + ramp * sign, window)

    return Fault("drifting", f"{_DRIFT_SHARE:.0%} of the sensors drift by 2 standard deviations", change)


def delayed(steps: int) -> Fault:
    """Nothing of the last ``steps`` rows has come in yet."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:  # noqa: ARG001 - no chance in it
        window[-steps:] = np.nan
        return window

    return Fault(f"delayed {steps} steps", f"the last {steps} steps have not come in", change)


def offline(agency: str, columns: Sequence[int]) -> Fault:
    """Nothing comes from an agency."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:  # noqa: ARG001 - no chance in it
        window[:, :, list(columns)] = np.nan
        return window

    return Fault(f"{agency} offline", f"nothing comes from {agency}", change)


def places_offline(which: Bools) -> Fault:
    """Nothing comes from some keys; ``which``: (k,)."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:  # noqa: ARG001 - no chance in it
        window[:, which] = np.nan
        return window

    return Fault("half the places offline", "nothing comes from half of the places", change)


def silence() -> Fault:
    """Nothing comes from anyone."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:  # noqa: ARG001 - no chance in it
        window[:] = np.nan
        return window

    return Fault("silence", "nothing comes from anyone", change)


def constant(name: str, value: float) -> Fault:
    """Sensors chosen at random say one absurd value."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:
        window[:, _chosen(window, 0.3, rng)] = value
        return window

    return Fault(f"absurd {name}", f"30 % of the sensors say {name}", change)


def at_limits(limits: Mapping[int, tuple[float, float]]) -> Fault:
    """Sensors chosen at random jump between the ends of what their contract lets through, by column."""

    def change(window: Floats, rng: np.random.Generator) -> Floats:
        for column, (low, high) in sorted(limits.items()):
            chosen = rng.random(window.shape[1]) < 0.3
            jumps = rng.choice([low, high], window.shape[:2])
            window[:, :, column] = np.where(chosen, jumps, window[:, :, column])
        return window

    return Fault("at the limits", "30 % of the sensors jump between the limits of their contract", change)


def _chosen(window: Floats, share: float, rng: np.random.Generator) -> Bools:
    """Return (k, c): sensors chosen at random, as many as the share, rounded up."""
    n = window.shape[1] * window.shape[2]
    which = np.zeros(n, np.bool_)
    which[rng.permutation(n)[: int(np.ceil(share * n))]] = True
    return which.reshape(window.shape[1:])
