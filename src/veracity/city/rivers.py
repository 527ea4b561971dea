"""Two rivers: rain on the mountains becomes stage downstream, later and lower.

Stages are of the order of the flood alert levels published for the gauges nearby; the
gauges themselves are invented.
"""

from dataclasses import dataclass

import numpy as np

from veracity.city.clock import STEPS_PER_HOUR, Clock, Floats
from veracity.city.noise import red_noise
from veracity.city.stations import Station

_HEADWATERS = 3  # the first gauges of a river stand for the rain of its catchment
_SATURATION_MM = 90.0  # rain after which half of what falls runs off
_ROUTED_MM_H = 25.0  # runoff that raises a gauge by its ``rise_m``


@dataclass(frozen=True)
class Reach:
    """One gauge's reach, in metres and hours.

    ``base_m``: stage on a dry day. ``rise_m``: what 25 mm/h of runoff arriving here adds; floods
    flatten on their way, so less of it arrives downstream. ``lag_h``: from rain to crest.
    ``tide_m``: amplitude of the tide when the river is low.
    """

    base_m: float
    rise_m: float
    lag_h: float
    tide_m: float = 0.0


REACHES = {
    "HY01": Reach(19.5, 4.0, 2.0),
    "HY02": Reach(15.0, 4.8, 3.0),
    "HY03": Reach(8.5, 4.8, 4.5),
    "HY04": Reach(3.4, 4.6, 6.0),
    "HY05": Reach(1.2, 2.6, 7.5, 0.10),
    "HY06": Reach(0.4, 2.1, 9.0, 0.30),
    "HY07": Reach(10.5, 4.5, 2.5),
    "HY08": Reach(6.2, 5.4, 4.0),
    "HY09": Reach(2.6, 4.7, 6.0),
    "HY10": Reach(1.4, 3.4, 7.5, 0.05),
    "HY11": Reach(0.8, 3.2, 8.5, 0.15),
    "HY12": Reach(0.3, 2.1, 10.0, 0.30),
}


def stage(rng: np.random.Generator, clock: Clock, of: tuple[Station, ...], rain_mm: Floats) -> Floats:
    """Return (n, k) float64, metres above the gauge's datum.

    ``of`` are the k gauges, upstream first on each river (``Station.kind``); ``rain_mm`` (n, k)
    is the rain at the same gauges in each five minutes.
    """
    n, k = rain_mm.shape
    ripple = 0.006 * red_noise(rng, n, k, memory_h=0.3)
    out = np.empty((n, k))
    for river in dict.fromkeys(s.kind for s in of):
        columns = [i for i, s in enumerate(of) if s.kind == river]
        runoff = _runoff(rain_mm[:, columns[:_HEADWATERS]].mean(axis=1))
        for i in columns:
            reach = REACHES[of[i].id]
            routed = _route(runoff, reach.lag_h) * STEPS_PER_HOUR
            rise = reach.rise_m * (routed / _ROUTED_MM_H) ** 0.8
            # A river in flood pushes the tide back out.
            out[:, i] = reach.base_m + rise + _tide(clock) * reach.tide_m / (1.0 + rise) + ripple[:, i]
    return out


def _runoff(catchment_mm: Floats) -> Floats:
    """Return what runs off in each step: dry soil drinks, soaked soil sheds."""
    fallen = np.cumsum(catchment_mm)
    return np.asarray(catchment_mm * fallen / (fallen + _SATURATION_MM))


def _route(runoff: Floats, lag_h: float) -> Floats:
    """Delay and flatten runoff by a gamma unit hydrograph that peaks after ``lag_h`` hours."""
    hours = np.arange(1, 48 * STEPS_PER_HOUR + 1) / STEPS_PER_HOUR
    scale = lag_h / 5.0  # the mode of a gamma of shape 6 is five times its scale
    kernel = (hours / scale) ** 5 * np.exp(-hours / scale)
    return np.asarray(np.convolve(runoff, kernel / kernel.sum())[: len(runoff)])


def _tide(clock: Clock) -> Floats:
    """Return (n,) in about [-1, 1]: a mixed tide of a half-day and a day constituent (M2 and K1)."""
    return np.asarray(
        0.65 * np.sin(2.0 * np.pi * clock.hours / 12.42) + 0.35 * np.sin(2.0 * np.pi * clock.hours / 23.93)
    )
