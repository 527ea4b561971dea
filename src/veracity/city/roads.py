"""Traffic: how many pass and how fast, by hour, day of the week and weather."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from veracity.city.clock import Clock, Floats
from veracity.city.noise import red_noise
from veracity.city.stations import Station, longitudes
from veracity.city.weather import Storm

COUNT_MAX = 1_000  # more than any road of the twin carries in five minutes


@dataclass(frozen=True)
class Road:
    """Vehicles in five minutes at the busiest, and speed in km/h when empty."""

    busiest: float
    free_km_h: float


ROADS = {
    "bridge": Road(330.0, 46.0),
    "arterial": Road(250.0, 42.0),
    "street": Road(110.0, 31.0),
    "highway": Road(170.0, 68.0),
}


@dataclass(frozen=True)
class Traffic:
    """(n, k) each: vehicles in five minutes (int64), and their mean speed in km/h, NaN if none passed."""

    count: npt.NDArray[np.int64]
    speed: Floats


def load(clock: Clock) -> Floats:
    """Return (n,) float64 in (0, 1]: demand for the city's roads, peaks before 8 and after 17."""
    hour = clock.local_hour

    def bump(at: float, width: float) -> Floats:
        away = np.abs(hour - at)
        return np.asarray(np.exp(-0.5 * (np.minimum(away, 24.0 - away) / width) ** 2))

    workday = (
        0.06
        + 0.82 * bump(7.2, 0.9)
        + 0.45 * bump(11.6, 1.6)
        + 0.88 * bump(17.3, 1.2)
        + 0.32 * bump(20.0, 1.5)
    )
    weekend = (
        0.07
        + 0.35 * bump(8.5, 1.6)
        + 0.45 * bump(11.6, 2.0)
        + 0.78 * bump(18.0, 1.8)
        + 0.35 * bump(21.0, 1.4)
    )
    return np.minimum(np.where(clock.weekend, weekend, workday), 1.0)


def traffic(rng: np.random.Generator, clock: Clock, storm: Storm, of: tuple[Station, ...]) -> Traffic:
    """Return counts and speeds at k stations. In the storm most stay home, the rest drive slowly."""
    n, k = clock.n_steps, len(of)
    busiest = np.array([ROADS[s.kind].busiest for s in of]) * np.exp(rng.normal(0.0, 0.18, k))
    free = np.array([ROADS[s.kind].free_km_h for s in of]) * np.exp(rng.normal(0.0, 0.05, k))
    cloud = storm.envelope(clock, longitudes(of), widen=1.2)
    wander = np.exp(0.08 * red_noise(rng, n, k, memory_h=0.7, together=0.3))
    demand = load(clock)[:, None] * (1.0 - 0.6 * cloud) * wander
    count = np.minimum(rng.poisson(demand * busiest[None, :]), COUNT_MAX)
    flow = free[None, :] * (1.0 - 0.45 * np.minimum(demand, 1.1) ** 2) * (1.0 - 0.22 * cloud)
    spread = rng.normal(0.0, 9.0, (n, k)) / np.sqrt(np.maximum(count, 1))
    speed = np.where(count > 0, np.clip(flow + spread, 3.0, 110.0), np.nan)
    return Traffic(count.astype(np.int64), speed)
