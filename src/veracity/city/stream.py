"""One feed's messages in the order they arrive, with the faults of that feed in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from veracity.city.clock import STEPS_PER_HOUR, Clock
from veracity.city.faults import Planted
from veracity.city.messages import format_lines
from veracity.city.stations import stations_of
from veracity.city.world import World

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stream:
    """The messages of a feed: (m,) steps, station indices and steps of arrival, in order of arrival.

    ``ends[h]`` is how many messages have arrived when hour h is over.
    """

    feed: str
    steps: Ints
    stations: Ints
    arrivals: Ints
    ends: Ints
    values: dict[tuple[str, int, int], float | str]
    broken: frozenset[tuple[int, int]]

    def batch(self, hour: int) -> slice:
        """Return where the messages of an hour's batch are."""
        return slice(int(self.ends[hour - 1]) if hour else 0, int(self.ends[hour]))

    def payload(self, hour: int, clock: Clock, world: World) -> bytes:
        """Return the batch of an hour as NDJSON."""
        return b"".join(self.lines(self.batch(hour), clock, world))

    def lines(self, span: slice, clock: Clock, world: World) -> list[bytes]:
        """Return some of the messages, a line each, its end included."""
        steps, stations = self.steps[span], self.stations[span]
        messages = list(zip(steps.tolist(), stations.tolist(), strict=True))
        columns: dict[str, list[float | str]] = {}
        for name, readings in world.readings[self.feed].items():
            true = readings[steps, stations].tolist()
            columns[name] = [self.values.get((name, *m), t) for m, t in zip(messages, true, strict=True)]
        lines = format_lines(
            self.feed, clock, stations_of(self.feed), steps.tolist(), stations.tolist(), columns
        )
        for i, message in enumerate(messages):
            if message in self.broken:
                lines[i] = lines[i][: len(lines[i]) // 2] + b"\n"
        return lines


def make_stream(rng: np.random.Generator, clock: Clock, feed: str, planted: Sequence[Planted]) -> Stream:
    """Put a feed's messages in order of arrival, gaps taken out, late and second ones put in.

    Within five minutes stations report in no particular order.
    """
    k = len(stations_of(feed))
    steps = np.repeat(np.arange(clock.n_steps, dtype=np.int64), k)
    stations = np.tile(np.arange(k, dtype=np.int64), clock.n_steps)
    arrivals = steps.copy()
    ties = rng.random(len(steps))
    keep = np.ones(len(steps), dtype=np.bool_)
    values: dict[tuple[str, int, int], float | str] = {}
    broken: set[tuple[int, int]] = set()
    again: list[tuple[Ints, Ints]] = []
    for p in planted:
        rows = np.array(p.steps, dtype=np.int64) * k + p.station
        if p.fault.kind == "gap":
            keep[rows] = False
        elif p.fault.kind == "late":
            arrivals[rows] = p.arrivals
            ties[rows] = np.sort(ties[rows])  # a burst comes in the order it was measured
        elif p.fault.kind == "duplicate":
            again.append((rows, np.array(p.arrivals, dtype=np.int64)))
        elif p.fault.kind == "broken-line":
            broken.update((step, p.station) for step in p.steps)
        else:
            field = p.fault.field or ""
            values.update(((field, s, p.station), v) for s, v in zip(p.steps, p.values, strict=True))
    chosen = np.concatenate([np.flatnonzero(keep), *(rows for rows, _ in again)])
    when = np.concatenate([arrivals[keep], *(late for _, late in again)])
    order = np.lexsort((ties[chosen], when))
    ends = np.searchsorted(when[order], np.arange(1, clock.n_hours + 1) * STEPS_PER_HOUR)
    rows = chosen[order]
    return Stream(
        feed,
        steps[rows],
        stations[rows],
        when[order],
        ends.astype(np.int64),
        values,
        frozenset(broken),
    )
