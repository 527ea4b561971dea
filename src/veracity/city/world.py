"""What every sensor of the twin would say if none of them failed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from veracity.city.air import Air, air
from veracity.city.clock import Clock, Floats
from veracity.city.rivers import stage
from veracity.city.roads import traffic
from veracity.city.stations import longitudes, stations_of
from veracity.city.weather import Climate, Storm, climate, make_storm, rain

AIR, WATER, ROADS = "air-quality", "hydrology", "traffic"
FEEDS = (AIR, WATER, ROADS)


@dataclass(frozen=True)
class World:
    """The faultless city.

    ``readings[feed][column]`` is (n_steps, n_stations) float64 in the contract's unit, rounded
    as the instrument reports it, NaN where there is nothing to report; stations as in
    ``stations_of(feed)``. A score of a cleaning rule is taken against this. ``site``
    is that of ``Air``.
    """

    storm: Storm
    readings: Mapping[str, Mapping[str, Floats]]
    site: Floats


def make_world(seed: np.random.SeedSequence, clock: Clock) -> World:
    """Draw the weather, then all that hangs on it. Each part has its own stream of chance."""
    rng = [np.random.default_rng(s) for s in seed.spawn(6)]
    at = {feed: stations_of(feed) for feed in FEEDS}
    storm = make_storm(rng[0], clock)
    fallen = rain(rng[1], clock, storm, longitudes(at[WATER]))
    felt = climate(rng[2], clock, storm, longitudes(at[AIR]))
    breathed = air(rng[3], clock, storm, at[AIR])
    level = stage(rng[4], clock, at[WATER], fallen)
    passed = traffic(rng[5], clock, storm, at[ROADS])
    return World(
        storm,
        {
            AIR: air_readings(breathed, felt),
            WATER: {"rain_mm": fallen.round(1), "stage_m": level.round(2)},
            ROADS: {"vehicles": passed.count.astype(np.float64), "speed_kmh": passed.speed.round(1)},
        },
        breathed.site,
    )


def air_readings(breathed: Air, felt: Climate) -> dict[str, Floats]:
    """Return what the instruments of air report, as they round it."""
    return {
        "pm25": breathed.pm25.round(1),
        "pm10": breathed.pm10.round(1),
        "no2": breathed.no2.round(1),
        "o3": breathed.o3.round(1),
        "temperature": felt.temperature.round(1),
        "humidity": felt.humidity.round(1),
    }
