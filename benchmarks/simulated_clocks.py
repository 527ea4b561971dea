"""Simulated devices whose clocks are known: when each of their messages was stamped and came in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Delays = Callable[[np.random.Generator, tuple[int, int]], Floats]
START_US = 1_700_000_000_000_000

DELAYS: dict[str, Delays] = {
    "exponential 1 s": lambda rng, shape: rng.exponential(1.0, shape),
    "exponential 10 s": lambda rng, shape: rng.exponential(10.0, shape),
    "Pareto 1.5": lambda rng, shape: rng.pareto(1.5, shape),
    "lognormal": lambda rng, shape: rng.lognormal(-1.0, 1.0, shape),
}


@dataclass(frozen=True)
class Fleet:
    """Devices that report every ``every_s`` for some hours.

    Attributes
    ----------
    delays
        What is added to the least delay, by name in ``DELAYS``.
    offset_s, frequency_ppm
        Clocks are drawn evenly from minus to plus this.
    least_s
        The least delay, which no observer can tell from an offset.
    outage_s
        Each device is cut off once for so long, and then sends all that it kept in five seconds.
    """

    n: int
    hours: float = 8.0
    every_s: float = 60.0
    delays: str = "exponential 1 s"
    offset_s: float = 0.5
    frequency_ppm: float = 50.0
    least_s: float = 0.05
    outage_s: float = 0.0


@dataclass(frozen=True)
class Truth:
    """Of each device: offset less the least delay at the end (s), frequency (ppm), and the end (us)."""

    offset_s: Floats
    frequency_ppm: Floats
    end_us: int

    def offset_at(self, at_us: Floats) -> Floats:
        """Return offsets at (n,) times."""
        return self.offset_s + self.frequency_ppm * 1e-12 * (at_us - self.end_us)


def simulate(fleet: Fleet, rng: np.random.Generator) -> tuple[pl.DataFrame, Truth]:
    """Return the messages of a fleet, one device after the other, and the truth about its clocks."""
    end = fleet.hours * 3600
    shape = fleet.n, int(end / fleet.every_s)
    true = np.arange(shape[1]) * fleet.every_s + rng.uniform(0, fleet.every_s, (fleet.n, 1))
    offset = rng.uniform(-fleet.offset_s, fleet.offset_s, fleet.n)
    frequency = rng.uniform(-fleet.frequency_ppm, fleet.frequency_ppm, fleet.n)
    event = true + offset[:, None] + frequency[:, None] * 1e-6 * (true - end)
    arrival = true + fleet.least_s + DELAYS[fleet.delays](rng, shape)
    if fleet.outage_s:
        first = rng.uniform(0, end, (fleet.n, 1))
        last = first + fleet.outage_s
        is_cut = (arrival > first) & (arrival < last)
        arrival = np.where(is_cut, last + rng.uniform(0, 5, shape), arrival)
    truth = Truth(offset - fleet.least_s, frequency, START_US + round(end * 1e6))
    return messages(event, arrival), truth


def messages(event_s: Floats, arrival_s: Floats) -> pl.DataFrame:
    """Return messages of (n, k) times in seconds after the start; device i is ``d<i>``."""
    n, k = event_s.shape
    stamps = (START_US + np.round(x.ravel() * 1e6).astype(np.int64) for x in (event_s, arrival_s))
    names = pl.Series("device", [f"d{i:05}" for i in range(n)]).gather(np.repeat(np.arange(n), k))
    columns = [pl.Series(name, s) for name, s in zip(("event_us", "arrival_us"), stamps, strict=True)]
    return pl.DataFrame([names, *columns])
