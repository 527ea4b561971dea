"""The faults planted in the twin, each written down as it is planted.

``Fault`` is the truth a report can be held against; ``Planted`` says how the message stream
is changed. Each fault within a feed has a station of its own, so that none hides another. Whether
the rules find them, ``caught`` tells from what they said.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from veracity.city.clock import STEPS_PER_HOUR, Clock
from veracity.city.stations import stations_of
from veracity.city.world import AIR, ROADS, WATER, World

Kind = Literal[
    "gap", "spike", "stuck", "datum-jump", "wrong-unit", "unparsable", "broken-line",
    "duplicate", "late", "forged", "replay",
]  # fmt: skip
LATE = "order:observed_at"
Outcome = Literal["absent", "accepted", "quarantined", "refused", "rejected", "repeated"]


@dataclass(frozen=True)
class Fault:
    """One planted fault, exactly.

    Attributes
    ----------
    feed, station, field
        Where; ``station`` is None for a whole delivery, ``field`` None for a whole record.
    start, end
        Event time (UTC) of the first and the last record touched, both included.
    n_records
        Records missing (gap), altered, sent once more (duplicate, replay), late or forged.
    outcome
        What the engine does with them: never sees them (``absent``), takes them (``accepted``),
        sets each aside (``quarantined``), cannot read them (``refused``), turns the delivery
        away (``rejected``) or knows it already (``repeated``).
    reason
        The rule that is to name it: of the flag or in quarantine; or the code of the refusal. A gap
        is named at the first reading after it. None for a whole delivery.
    delivery
        The name of the delivery, for ``forged`` and ``replay``.
    """

    kind: Kind
    feed: str
    station: str | None
    start: datetime
    end: datetime
    n_records: int
    outcome: Outcome
    field: str | None = None
    reason: str | None = None
    delivery: str | None = None


@dataclass(frozen=True)
class Planted:
    """How one fault changes the messages of one station.

    ``values``: what ``fault.field`` says instead, one a step. ``arrivals``: the step during
    which a late or second message arrives, one a step.
    """

    fault: Fault
    station: int
    steps: tuple[int, ...]
    values: tuple[float | str, ...] = ()
    arrivals: tuple[int, ...] = ()


def plant(rng: np.random.Generator, clock: Clock, world: World) -> list[Planted]:
    """Choose stations and times for every fault that touches single records."""
    return [*_in_air(rng, clock, world), *_in_rivers(rng, clock, world), *_on_roads(rng, clock)]


def _in_air(rng: np.random.Generator, clock: Clock, world: World) -> Iterable[Planted]:
    site = iter(rng.permutation(len(stations_of(AIR))).tolist())
    readings = world.readings[AIR]
    yield _fault(
        clock,
        "gap",
        AIR,
        next(site),
        _run(rng, (4, 8), int(rng.integers(36, 61))),
        "absent",
        reason="gap:pm25",
    )
    steps = _scattered(rng, clock, 6)
    loud = tuple(rng.uniform(1200.0, 3000.0, 6).round(1).tolist())
    yield _fault(clock, "spike", AIR, next(site), steps, "quarantined", "pm25", "range:pm25", loud)
    station, steps = next(site), _run(rng, (10, 14), 72)
    held = (float(readings["pm25"][steps[0], station]),) * len(steps)
    yield _fault(clock, "stuck", AIR, station, steps, "accepted", "pm25", "stuck:pm25", held)
    station, steps = next(site), _run(rng, (15, 18), 12)
    fahrenheit = tuple((readings["temperature"][steps, station] * 1.8 + 32.0).round(1).tolist())
    yield _fault(
        clock,
        "wrong-unit",
        AIR,
        station,
        steps,
        "quarantined",
        "temperature",
        "range:temperature",
        fahrenheit,
    )
    steps = _run(rng, (6, 20), 10)
    soon = tuple(s + 1 for s in steps)
    yield _fault(
        clock, "duplicate", AIR, next(site), steps, "quarantined", None, "duplicate-key", arrivals=soon
    )


def _in_rivers(rng: np.random.Generator, clock: Clock, world: World) -> Iterable[Planted]:
    site = iter(rng.permutation(len(stations_of(WATER))).tolist())
    storm_h = int(world.storm.landfall_h)
    yield _fault(
        clock,
        "gap",
        WATER,
        next(site),
        _run(rng, (storm_h + 2, storm_h + 4), 18),
        "absent",
        reason="gap:stage_m",
    )
    steps = _scattered(rng, clock, 3)
    yield _fault(
        clock, "spike", WATER, next(site), steps, "quarantined", "stage_m", "range:stage_m", (99.99,) * 3
    )
    station = next(site)
    steps = tuple(range(int(rng.integers(12, 16)) * STEPS_PER_HOUR, clock.n_steps))
    moved = tuple((world.readings[WATER]["stage_m"][steps, station] + 1.35).round(2).tolist())
    yield _fault(clock, "datum-jump", WATER, station, steps, "accepted", "stage_m", "shift:stage_m", moved)
    steps = _run(rng, (3, 20), 4)
    yield _fault(
        clock, "unparsable", WATER, next(site), steps, "quarantined", "rain_mm", "type:rain_mm", ("ERR",) * 4
    )
    steps = _run(rng, (5, 8), 24)
    burst = (steps[-1] + 5 * STEPS_PER_HOUR,) * len(steps)
    yield _fault(clock, "late", WATER, next(site), steps, "accepted", None, LATE, arrivals=burst)


def _on_roads(rng: np.random.Generator, clock: Clock) -> Iterable[Planted]:
    site = iter(rng.permutation(len(stations_of(ROADS))).tolist())
    yield _fault(clock, "gap", ROADS, next(site), _run(rng, (9, 14), 48), "absent", reason="gap:vehicles")
    steps = _scattered(rng, clock, 5)
    yield _fault(
        clock, "spike", ROADS, next(site), steps, "quarantined", "vehicles", "range:vehicles", (65_535.0,) * 5
    )
    steps = _run(rng, (6, 20), STEPS_PER_HOUR)
    again = tuple(s + STEPS_PER_HOUR for s in steps)
    yield _fault(
        clock, "duplicate", ROADS, next(site), steps, "quarantined", None, "duplicate-key", arrivals=again
    )
    steps = _run(rng, (4, 9), 8)
    burst = (steps[-1] + 3 * STEPS_PER_HOUR,) * len(steps)
    yield _fault(clock, "late", ROADS, next(site), steps, "accepted", None, LATE, arrivals=burst)
    yield _fault(clock, "broken-line", ROADS, next(site), _run(rng, (10, 30), 1), "refused", None, "json")


def _run(rng: np.random.Generator, hours: tuple[int, int], n: int) -> tuple[int, ...]:
    """Return ``n`` steps in a row that begin between two hours."""
    first = int(rng.integers(hours[0] * STEPS_PER_HOUR, hours[1] * STEPS_PER_HOUR))
    return tuple(range(first, first + n))


def _scattered(rng: np.random.Generator, clock: Clock, n: int) -> tuple[int, ...]:
    """Return ``n`` different steps, in order, from anywhere."""
    return tuple(sorted(rng.choice(clock.n_steps, n, replace=False).tolist()))


def _fault(
    clock: Clock,
    kind: Kind,
    feed: str,
    station: int,
    steps: tuple[int, ...],
    outcome: Outcome,
    field: str | None = None,
    reason: str | None = None,
    values: tuple[float | str, ...] = (),
    arrivals: tuple[int, ...] = (),
) -> Planted:
    fault = Fault(
        kind=kind,
        feed=feed,
        station=stations_of(feed)[station].id,
        start=clock.time(steps[0]),
        end=clock.time(steps[-1]),
        n_records=len(steps),
        outcome=outcome,
        field=field,
        reason=reason,
    )
    return Planted(fault, station, steps, values, arrivals)
