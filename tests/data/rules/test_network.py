"""What neighbours let expect: the same as said one row after another, however batches are cut."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_network import HOUR_US, World, hourly

from veracity.data.errors import MalformedContract
from veracity.data.rules.network import CONSIDERED, Mode, NetworkSeries, read_network
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.positions import Positions, nearest

MODES: tuple[Mode, ...] = ("difference", "ratio", "standing", "alone")


def a_world(seed: int, m: int = 9, n: int = 160) -> World:
    """Random sensors, some at one place, some without any; readings late, missing and out of step."""
    rng = np.random.default_rng(seed)
    sensor = rng.integers(0, m, n)
    time_us = np.zeros(n, dtype=np.int64)
    for code in range(m):
        own = np.flatnonzero(sensor == code)
        time_us[own] = np.sort(rng.choice(40, len(own), replace=False)) * HOUR_US // 2
    places = rng.uniform(0, 0.2, (2, 6))[:, rng.integers(0, 6, m)]
    placed = np.full(m, n)
    for code in range(m):
        own = np.flatnonzero(sensor == code)
        if len(own) and rng.random() < 0.9:
            placed[code] = own[rng.integers(0, min(3, len(own)))]
    return World(sensor, time_us, rng.integers(-2, 9, n) / 4, 16 + places[0], 108 + places[1], placed)


def one_after_another(world: World, series: NetworkSeries) -> np.ndarray:
    """The definition, row by row, in plain Python."""
    out = np.full(len(world.sensor), np.nan)
    past: dict[int, list[tuple[int, float, float]]] = {}
    for row in range(len(world.sensor)):
        sensor, time, value = int(world.sensor[row]), int(world.time_us[row]), float(world.value[row])
        before = [v for _, v, _ in past.get(sensor, [])][-series.past :]
        own = value
        if series.mode == "standing":
            full = len(before) == series.past
            below = sum(v < value for v in before) + 0.5 * sum(v == value for v in before)
            own = below / series.past if full else math.nan
        known = [c for c in range(len(world.placed)) if world.placed[c] < row and c != sensor]
        if world.placed[sensor] <= row:
            ranked = sorted((round(apart_m(world, sensor, c)), c) for c in known)
            ranked = [(d, c) for d, c in ranked if d <= series.within_km * 1000]
            heard = []
            for _, c in ranked[: CONSIDERED * series.nearest]:
                then, _, theirs = past[c][-1] if c in past else (0, 0.0, math.nan)
                if abs(then - time) <= series.max_age_s * 1e6 and math.isfinite(theirs):
                    heard.append(theirs)
            heard = heard[: series.nearest]
            if len(heard) >= series.at_least and math.isfinite(own):
                expected = float(np.median(heard))
                if series.mode == "ratio":
                    out[row] = own / expected if own > 0 and expected > 0 else math.nan
                else:
                    out[row] = own - expected
        past.setdefault(sensor, []).append((time, value, own))
    return out


def apart_m(world: World, a: int, b: int) -> float:
    """Distance along the ground: the haversine formula."""
    la, lb = np.radians(world.latitude[[a, b]])
    h = np.sin((lb - la) / 2) ** 2
    h += np.cos(la) * np.cos(lb) * np.sin(np.radians(world.longitude[b] - world.longitude[a]) / 2) ** 2
    return float(2 * 6_371_009 * np.arcsin(np.sqrt(h)))


@pytest.mark.parametrize("mode", ["difference", "ratio", "standing"])
@pytest.mark.parametrize("seed", range(20))
def test_as_one_row_after_another(mode: Mode, seed: int) -> None:
    """A batch's values are those of the definition, told row by row."""
    world = a_world(seed)
    series = NetworkSeries("v", "lat", "lon", mode, nearest=3, at_least=2, within_km=14.0, past=4)
    made = world.compare(series)
    assert np.isfinite(made).any()
    np.testing.assert_array_equal(made, one_after_another(world, series))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(MODES), st.sets(st.integers(0, 160)), st.booleans())
def test_cuts_change_nothing(seed: int, mode: Mode, cuts: set[int], every: bool) -> None:
    """However a feed is cut into batches, each row's value is the same, bit for bit."""
    world = a_world(seed)
    series = NetworkSeries("v", "lat", "lon", mode, nearest=2, at_least=1, within_km=9.0, past=3)
    whole = world.compare(series)
    np.testing.assert_array_equal(whole, world.compare(series, range(160) if every else cuts))


@pytest.mark.parametrize("every", [1, 7])
def test_alone_does_not_depend_on_cuts(every: int) -> None:
    """Whether a sensor stands alone is the same in one batch and in many, while positions come in."""
    rng = np.random.default_rng(5)
    m = 60
    sensor = np.concatenate((rng.permutation(m), rng.integers(0, m, 200)))
    time_us = np.arange(len(sensor)) * HOUR_US
    latitude, longitude = 16 + rng.random(m) * 0.2, 108 + rng.random(m) * 0.2
    latitude[7] = -16.0
    placed = np.array([np.flatnonzero(sensor == c)[0] for c in range(m)])
    world = World(sensor, time_us, np.ones(len(sensor)), latitude, longitude, placed)
    series = NetworkSeries("v", "lat", "lon", "alone", at_least=1, within_km=30.0)
    whole = world.compare(series)
    assert set(sensor[whole == 1.0]) == {7}
    assert np.isnan(whole[:29]).all()
    np.testing.assert_array_equal(whole, world.compare(series, range(0, len(sensor), every)))


def test_a_neighbour_counts_from_when_it_is_known() -> None:
    """A reading or a position that arrives later in the batch is not yet heard."""
    sensor = np.array([0, 1, 2, 0, 1, 0])
    time_us = np.array([0, 0, 0, 1, 1, 2]) * HOUR_US
    value = np.array([1.0, 5.0, 7.0, 1.0, 6.0, 1.0])
    flat = np.full(3, 16.0)
    world = World(sensor, time_us, value, flat, 108 + np.arange(3) * 0.01, np.array([0, 1, 4]))
    series = NetworkSeries("v", "lat", "lon", at_least=1)
    made = world.compare(series)
    np.testing.assert_array_equal(made, [np.nan, 4.0, np.nan, -4.0, 5.0, 1.0 - 6.5])


def test_old_readings_do_not_count() -> None:
    """A neighbour whose latest reading is older than ``max_age`` says nothing."""
    value = np.ones((6, 4))
    value[1:4, 1:] = np.nan
    readings, positions = hourly(value, np.full(4, 16.0), 108 + np.arange(4) * 0.01)
    made = NetworkSeries("v", "lat", "lon").expected(readings, positions)[1]
    assert list(made[readings.sensor == 0]) == [0, 3, 3, 0, 0, 3]


def test_nearest_and_the_globe() -> None:
    """Distances are those of the globe to a metre and a half, also across the date line and at the poles."""
    rng = np.random.default_rng(3)
    latitude = np.concatenate((rng.uniform(-90, 90, 200), [89.99, 89.99, 0, 0]))
    longitude = np.concatenate((rng.uniform(-180, 180, 200), [10, -170, 179.99, -179.99]))
    positions = Positions(latitude, longitude, np.full(204, -1))
    place = positions.place_m()
    x = np.cos(np.radians(latitude)) * np.cos(np.radians(longitude))
    y = np.cos(np.radians(latitude)) * np.sin(np.radians(longitude))
    exact = 6_371_009 * np.column_stack((x, y, np.sin(np.radians(latitude))))
    assert np.abs(place - exact).max() < 0.501
    found = nearest(positions, np.array([200, 202]), 3.0, 5)
    assert found.tolist() == [[201], [203]]


def test_one_place_for_many() -> None:
    """Of equally near sensors the first are heard, so that ten thousand at one place cost no more."""
    positions = Positions(np.full(50, 16.0), np.full(50, 108.0), np.full(50, -1))
    assert nearest(positions, np.array([10]), 1.0, 3).tolist() == [[0, 1, 2]]


def test_extreme_values_pass() -> None:
    """Values near the largest and the least number give no warning and no infinite value."""
    value = np.array([[1e308, -1e308, 1e308, 1e308, 5e-324]] * 4)
    readings, positions = hourly(value, np.full(5, 16.0), 108 + np.arange(5) * 0.01)
    for mode in MODES:
        made = NetworkSeries("v", "lat", "lon", mode, past=2).compare(readings, positions)
        assert not np.isinf(made).any()


SCOPE = Scope({"v": "number", "s": "string", "latitude": "number", "longitude": "number"}, property="v")


def test_settings() -> None:
    """Settings have good defaults, follow the contract's frequency, and name the series."""
    series = read_network(SCOPE, Parameters("q", {}), "difference")
    assert series.name == "v~difference:latitude:longitude:8:3:30.0:7200.0"
    slow = Scope(SCOPE.columns, property="v", frequency_s=900.0)
    given_ = {"nearest": 2, "within_km": 5, "latitude": "latitude"}
    series = read_network(slow, Parameters("q", given_), "standing", past=9)
    assert series.name == "v~standing:latitude:longitude:2:2:5.0:1800.0:9"
    assert series.remembers == 10


def test_no_two_choices_of_settings_share_a_name() -> None:
    """Rules that differ in columns, or in a digit far down, have each a series of their own."""
    series = NetworkSeries("v", "latitude", "longitude")
    others = (
        NetworkSeries("v", "fixed_latitude", "longitude"),
        NetworkSeries("v", "latitude", "fixed_longitude"),
        NetworkSeries("v", "latitude", "longitude", within_km=30.00001),
        NetworkSeries("v", "latitude", "longitude", max_age_s=1_296_000.0),
        NetworkSeries("v", "latitude", "longitude", max_age_s=1_296_001.0),
    )
    assert len({s.name for s in (series, *others)}) == 6


@pytest.mark.parametrize(
    ("scope", "values", "message"),
    [
        (SCOPE, {"latitude": "s"}, "want a column of type number, got 's'"),
        (Scope({"v": "number"}, property="v"), {}, "latitude: want a column"),
        (SCOPE, {"nearest": 0}, "nearest: want a whole number from 1 to 64"),
        (SCOPE, {"nearest": 4, "at_least": 5}, "at_least: want a whole number from 1 to 4"),
        (SCOPE, {"within_km": 5000}, "within_km: want a number from 0.001 to 1000"),
        (SCOPE, {"max_age": "soon"}, "max_age: want a duration"),
        (Scope(SCOPE.columns, property="s"), {}, "want a place under a property of type number"),
        (Scope(SCOPE.columns), {}, "want a place under a property of type number"),
    ],
)
def test_bad_settings(scope: Scope, values: dict[str, object], message: str) -> None:
    """A setting that makes no sense is an error that says what was wanted."""
    with pytest.raises(MalformedContract, match=message):
        read_network(scope, Parameters("q", values), "difference")
