"""Air quality: particles that rain washes out, and two gases that traffic and sun trade."""

from dataclasses import dataclass

import numpy as np

from veracity.city.clock import STEPS_PER_HOUR, Clock, Floats
from veracity.city.noise import red_noise
from veracity.city.roads import load
from veracity.city.stations import Station, longitudes
from veracity.city.weather import Storm

ROADSIDE = {"road": 1.0, "urban": 0.55, "coast": 0.35, "rural": 0.12}  # share of traffic's fumes that arrive


@dataclass(frozen=True)
class Air:
    """(n, k) float64 each, µg/m³."""

    pm25: Floats
    pm10: Floats
    no2: Floats
    o3: Floats
    site: Floats  # (k,): by how much more particles a station stands in than others like it


def air(
    rng: np.random.Generator, clock: Clock, storm: Storm, of: tuple[Station, ...], site: Floats | None = None
) -> Air:
    """Return what k stations would measure; ``site`` (k,) for those of another time, drawn if not given."""
    n, k = clock.n_steps, len(of)
    hour = clock.local_hour[:, None]
    lon = longitudes(of)
    fumes = load(clock)[:, None] * np.array([ROADSIDE[s.kind] for s in of])[None, :]
    cloud = storm.envelope(clock, lon, widen=1.3)
    fumes = fumes * (1.0 - 0.5 * cloud)
    washed = _leaky(storm.envelope(clock, lon), memory_h=4.0)
    inversion = 1.0 + 0.3 * np.cos(2.0 * np.pi * (hour - 4.5) / 24.0)
    region = np.exp(0.22 * red_noise(rng, n, 1, memory_h=10.0))
    drawn = np.exp(rng.normal(0.0, 0.1, k))
    site = drawn if site is None else site
    local = np.exp(0.08 * red_noise(rng, n, k, memory_h=0.6, together=0.2))
    pm25 = (15.0 * region * inversion * site + 16.0 * fumes) * (1.0 - 0.65 * washed) * local
    pm25 = np.clip(pm25 + rng.normal(0.0, 0.4, (n, k)), 1.0, 400.0)
    dust = (5.0 + 9.0 * fumes) * (1.0 - 0.8 * washed) * local
    pm10 = np.clip(pm25 * 1.35 + dust + rng.normal(0.0, 0.8, (n, k)), pm25 + 0.5, 800.0)
    no2 = (5.0 + 40.0 * fumes) * local * inversion + rng.normal(0.0, 0.5, (n, k))
    sun = np.maximum(np.sin(np.pi * (hour - 6.5) / 13.0), 0.0) ** 1.3 * (1.0 - 0.75 * cloud)
    wander = 2.0 * red_noise(rng, n, k, memory_h=1.5, together=0.5)
    o3 = 26.0 + 58.0 * sun - 0.4 * no2 + wander
    return Air(pm25, pm10, np.clip(no2, 1.0, 300.0), np.clip(o3, 2.0, 300.0), site)


def _leaky(x: Floats, memory_h: float) -> Floats:
    """Return the running mean of (n, k) ``x`` that forgets in ``memory_h`` hours."""
    gain = 1.0 - np.exp(-1.0 / (memory_h * STEPS_PER_HOUR))
    out = np.empty_like(x)
    state = np.zeros(x.shape[1])
    for i, row in enumerate(x):
        state = state + gain * (row - state)
        out[i] = state
    return out
