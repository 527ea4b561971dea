"""The faultless city is physically plausible."""

from datetime import UTC, datetime

import numpy as np
import pytest

from veracity.city import FEEDS, Twin, contracts, stations_of
from veracity.city.clock import Floats
from veracity.data.contract import parse_contract

TWINS = [Twin(seed, datetime(2026, 9, 1, tzinfo=UTC)) for seed in (1, 2, 3, 20)]
over_seeds = pytest.mark.parametrize("twin", TWINS, ids=lambda t: f"seed{t.seed}")


def hours(twin: Twin, series: Floats, first: float, last: float) -> float:
    """Mean of (n, k) over the hours since start in ``(first, last]``."""
    at = twin.clock.hours
    return float(np.nanmean(series[(at > first) & (at <= last)]))


@over_seeds
def test_shapes_and_bounds(twin: Twin) -> None:
    """Every reading is there for every step and station and within its contract's range."""
    for feed in FEEDS:
        fields = {f.name: f for f in parse_contract(contracts()[feed].read_bytes()).fields}
        for name, readings in twin.world.readings[feed].items():
            assert readings.shape == (twin.clock.n_steps, len(stations_of(feed)))
            assert np.isfinite(readings).all() or name == "speed_kmh"
            low, high = fields[name].minimum, fields[name].maximum
            assert low is not None
            assert high is not None
            assert np.nanmin(readings) >= low
            assert np.nanmax(readings) < high


@over_seeds
def test_storm_rains_and_rivers_rise_later_downstream(twin: Twin) -> None:
    """The storm brings most of the rain; each river crests later at each gauge further down."""
    water = twin.world.readings["hydrology"]
    landfall = twin.world.storm.landfall_h
    at = twin.clock.hours
    stormy = (at > landfall - 8) & (at < landfall + 10)
    total = water["rain_mm"].sum(axis=0)
    assert (total > 100).all()
    assert (total < 1000).all()
    assert (water["rain_mm"][stormy].sum(axis=0) > 0.9 * total).all()
    of = stations_of("hydrology")
    for river in ("vu-gia", "thu-bon"):
        columns = [i for i, s in enumerate(of) if s.kind == river]
        crests = water["stage_m"][:, columns].argmax(axis=0)
        # Half an hour of slack: flat crests carry ripples, and the tide moves the last one.
        assert (np.diff(crests) > -6).all()
        assert crests[-1] > crests[0] + 3 * 12
        assert crests[-1] < twin.clock.n_steps - 1
        rise = water["stage_m"][:, columns].max(axis=0) - water["stage_m"][0, columns]
        assert (rise > 0.8).all()


@over_seeds
def test_storm_empties_roads_and_cleans_air(twin: Twin) -> None:
    """At the storm's hour there is less traffic, less dust, less ozone and less heat than a day before."""
    landfall = twin.world.storm.landfall_h
    roads, air = twin.world.readings["traffic"], twin.world.readings["air-quality"]
    for series in (roads["vehicles"], roads["speed_kmh"], air["pm25"], air["o3"], air["temperature"]):
        during = hours(twin, series, landfall - 1, landfall + 2)
        assert during < hours(twin, series, landfall - 25, landfall - 22)


@over_seeds
def test_days_have_a_shape(twin: Twin) -> None:
    """On the day before the storm: rush hours, warm afternoons, ozone by day, speed against load."""
    roads, air = twin.world.readings["traffic"], twin.world.readings["air-quality"]
    first_day = twin.clock.hours < 20
    local = twin.clock.local_hour

    def at(series: Floats, low: float, high: float) -> float:
        return float(np.nanmean(series[first_day & (local >= low) & (local < high)]))

    assert at(roads["vehicles"], 17, 18) > 5 * at(roads["vehicles"], 1, 3)
    assert at(roads["speed_kmh"], 17, 18) < at(roads["speed_kmh"], 1, 3)
    assert at(air["temperature"], 12, 14) > at(air["temperature"], 0, 2) + 2
    assert at(air["o3"], 12, 14) > 2 * at(air["o3"], 1, 3)
    assert at(air["no2"], 17, 18) > at(air["no2"], 1, 3)


@over_seeds
def test_readings_go_together(twin: Twin) -> None:
    """PM10 holds PM2.5; stations agree on particles; heat and humidity oppose; tips are 0.2 mm."""
    air, water = twin.world.readings["air-quality"], twin.world.readings["hydrology"]
    assert (air["pm10"] >= air["pm25"]).all()
    between = np.asarray(np.corrcoef(air["pm25"].T))[np.triu_indices(20, 1)]
    assert between.min() > 0.2
    assert between.mean() > 0.6
    assert np.corrcoef(air["temperature"].mean(1), air["humidity"].mean(1))[0, 1] < -0.7
    tips = water["rain_mm"] / 0.2
    assert np.allclose(tips, tips.round())


def test_a_sensor_has_a_memory() -> None:
    """Readings five minutes apart are close: a random walk, not white noise."""
    pm25 = TWINS[0].world.readings["air-quality"]["pm25"]
    for station in range(20):
        assert np.corrcoef(pm25[1:, station], pm25[:-1, station])[0, 1] > 0.9
