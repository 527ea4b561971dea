"""The weeks before the twin's days: what its air stations had sent by then, for models to learn from.

Simulated like the rest, by the same stations. No fault is planted in it; a storm of its own passes.
"""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from veracity.city.air import air
from veracity.city.clock import STEPS_PER_DAY, make_clock
from veracity.city.messages import format_lines
from veracity.city.stations import longitudes, stations_of
from veracity.city.twin import Delivery, Twin, agency_of
from veracity.city.weather import climate, make_storm
from veracity.city.world import AIR, air_readings

DAYS_PER_FILE = 7


def archive(twin: Twin, weeks: int) -> Iterator[Delivery]:
    """Give the files of some weeks that end where the twin starts, one a week, oldest first.

    Each is received five minutes after its week is over.
    """
    clock = make_clock(twin.clock.start - timedelta(days=DAYS_PER_FILE * weeks), DAYS_PER_FILE * weeks)
    rng = [np.random.default_rng(s) for s in np.random.SeedSequence([twin.seed, weeks]).spawn(3)]
    of = stations_of(AIR)
    storm = make_storm(rng[0], clock)
    felt = climate(rng[1], clock, storm, longitudes(of))
    readings = air_readings(air(rng[2], clock, storm, of, twin.world.site), felt)
    for week in range(weeks):
        steps = range(week * DAYS_PER_FILE * STEPS_PER_DAY, (week + 1) * DAYS_PER_FILE * STEPS_PER_DAY)
        rows = slice(steps.start, steps.stop)
        columns: dict[str, list[float | str]] = {n: [*v[rows].ravel().tolist()] for n, v in readings.items()}
        stations = np.tile(np.arange(len(of)), len(steps)).tolist()
        lines = format_lines(AIR, clock, of, np.repeat(np.array(steps), len(of)).tolist(), stations, columns)
        yield Delivery(
            feed=AIR,
            agency=agency_of(AIR),
            name=f"{AIR}-week-{clock.time(steps.start):%Y%m%d}.ndjson",
            payload=b"".join(lines),
            received_at=clock.time(steps.stop - 1) + timedelta(minutes=5),
        )
