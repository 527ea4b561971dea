"""The weather over the twin: a storm from the sea, its rain, heat and humidity."""

from dataclasses import dataclass

import numpy as np

from veracity.city.clock import STEPS_PER_DAY, STEPS_PER_HOUR, Clock, Floats
from veracity.city.noise import red_noise

COAST_LON = 108.3
TIP_MM = 0.2  # one tip of a tipping-bucket gauge
RAIN_MAX_MM = 20.0  # in five minutes; beyond it is no rain on Earth but a broken gauge


@dataclass(frozen=True)
class Storm:
    """A storm that comes ashore and moves inland.

    ``landfall_h``: hours after the start when it is worst at the coast. ``spread_h``: standard
    deviation of its passage. ``peak_mm_h``: mean rain at its worst at the coast.
    """

    landfall_h: float
    spread_h: float
    peak_mm_h: float

    def envelope(self, clock: Clock, lon: Floats, widen: float = 1.0) -> Floats:
        """Return (n, k) float64 in [0, 1]: how near the storm is; mountains are hit later."""
        worst = self.landfall_h + 3.0 * (COAST_LON - lon)
        return np.asarray(
            np.exp(-0.5 * ((clock.hours[:, None] - worst[None, :]) / (self.spread_h * widen)) ** 2)
        )


@dataclass(frozen=True)
class Climate:
    """(n, k) float64 each: air temperature in °C and relative humidity in %."""

    temperature: Floats
    humidity: Floats


def make_storm(rng: np.random.Generator, clock: Clock) -> Storm:
    """Draw the storm: three fifths into the period, so that its flood still passes in it."""
    return Storm(
        landfall_h=clock.n_hours * 0.6 + float(rng.uniform(-1.5, 1.5)),
        spread_h=float(rng.uniform(2.8, 3.4)),
        peak_mm_h=float(rng.uniform(32.0, 42.0)),
    )


def rain(rng: np.random.Generator, clock: Clock, storm: Storm, lon: Floats) -> Floats:
    """Return (n, k) float64, mm in each five minutes, in whole tips of the gauge.

    Mountains wring more out of the storm than the coast does; outside it there are short
    showers on some afternoons.
    """
    n, k = clock.n_steps, len(lon)
    lift = np.clip(1.0 + 1.2 * (COAST_LON - lon), 1.0, 1.7)
    gusts = np.exp(0.6 * red_noise(rng, n, k, memory_h=0.5, together=0.5) - 0.18)
    mean = storm.peak_mm_h / STEPS_PER_HOUR * lift[None, :] * storm.envelope(clock, lon)
    mean[mean < 0.02] = 0.0  # the far skirts of the storm are dry
    fallen = np.minimum(mean * gusts + _showers(rng, clock, k), RAIN_MAX_MM - TIP_MM)
    tips = np.floor(np.cumsum(fallen, axis=0) / TIP_MM)
    return np.asarray(np.diff(tips, axis=0, prepend=0.0) * TIP_MM)


def _showers(rng: np.random.Generator, clock: Clock, k: int) -> Floats:
    """Return (n, k): on three afternoons in ten, at each station alone, up to 3 mm in five minutes."""
    out = np.zeros((clock.n_steps, k))
    for day in range(clock.days):
        rains = rng.random(k) < 0.3
        local = clock.local_hour[day * STEPS_PER_DAY : (day + 1) * STEPS_PER_DAY]
        begins = rng.uniform(14.5, 18.0, k)
        strength = rng.uniform(0.5, 3.0, k)
        shape = np.exp(-0.5 * ((local[:, None] - begins[None, :]) / 0.15) ** 2)
        out[day * STEPS_PER_DAY : (day + 1) * STEPS_PER_DAY] = (
            np.where(shape > 0.05, shape, 0.0) * strength * rains
        )
    return out


def climate(rng: np.random.Generator, clock: Clock, storm: Storm, lon: Floats) -> Climate:
    """Return temperature and humidity: warmest at 13:30, cooled and soaked by the storm."""
    n, k = clock.n_steps, len(lon)
    cloud = storm.envelope(clock, lon, widen=1.4)
    swing = 3.3 * np.cos(2.0 * np.pi * (clock.local_hour - 13.5) / 24.0)[:, None] * (1.0 - 0.6 * cloud)
    site = rng.normal(0.0, 0.4, k) - 1.5 * np.clip(COAST_LON - lon, 0.0, 1.0)
    temperature = 28.3 + swing + site - 3.2 * cloud + 0.4 * red_noise(rng, n, k, 3.0, together=0.8)
    drier = -3.4 * (temperature - 28.3)
    humidity = 77.0 + drier + 9.0 * cloud + 1.5 * red_noise(rng, n, k, 2.0, together=0.6)
    return Climate(np.clip(temperature, 15.0, 42.0), np.clip(humidity, 30.0, 99.0))
