"""The rule ``shift``: one sudden step to another level that lasts."""

from datetime import UTC, datetime

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts

from veracity.city.stations import stations_of
from veracity.city.twin import Twin
from veracity.data.errors import MalformedContract
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings, readings_of
from veracity.data.rules.shift import Shift, read_shift

SCOPE = Scope(columns={"level": "number", "name": "string"}, property="level")
HOUR = 3_600_000_000


def read(**settings: object) -> Shift:
    p = Parameters("shift", settings, action="flag")
    rule = read_shift(SCOPE, p)
    p.done()
    return rule


def hourly(values: np.ndarray) -> Readings:
    n = len(values)
    return readings_of(np.zeros(n, dtype=np.int64), np.arange(n) * HOUR, np.asarray(values, dtype=np.float64))


def flags(values: np.ndarray, **settings: object) -> list[int]:
    return np.flatnonzero(read(**settings).broken(hourly(values))).tolist()


def quiet(seed: int, n: int) -> np.ndarray:
    """A level near 2 that goes up or down by 0.01 now and then."""
    rng = np.random.default_rng(seed)
    return np.round(2 + 0.01 * np.cumsum(rng.choice([-1, 0, 0, 0, 0, 0, 1], n)), 2)


def jumped(values: np.ndarray, at: int, by: float) -> np.ndarray:
    return np.round(values + np.where(np.arange(len(values)) >= at, by, 0.0), 2)


@pytest.mark.parametrize("by", [6.0, 0.5, 0.2, -0.2, -0.5, -6.0])
@pytest.mark.parametrize("settle", [4, 24, 100])
def test_a_jump_is_flagged_once_and_says_where_it_began(by: float, settle: int) -> None:
    """One flag a shift: on the ``settle``-th reading of the new level, neither before nor after."""
    values = np.full(600, 2.0)
    values[::7] = 2.01
    values[::11] = 1.99
    assert flags(jumped(values, 300, by), settle=settle) == [300 + settle - 1]


def test_a_series_without_a_jump_has_no_flag() -> None:
    """Quiet levels, random walks, noise, daily cycles and steps of the resolution are no shift."""
    rng = np.random.default_rng(1)
    n = 20_000
    assert flags(quiet(2, n)) == []
    assert flags(np.cumsum(rng.normal(0, 1, n)).round(2)) == []
    assert flags(rng.normal(0, 1, n).round(2)) == []
    assert flags(np.sin(np.arange(n) * 2 * np.pi / 24).round(2)) == []
    assert flags((np.arange(n) // 400).astype(float)) == []
    assert flags(np.full(n, 3.0)) == []


def test_a_flood_is_no_shift() -> None:
    """A level that leaps, goes on rising and recedes is not flagged, however sudden its first step."""
    after = np.arange(200.0)
    for first in (1.0, 2.0, 4.0):
        flood = (first + after) * np.exp(-after / 6)
        assert flags(np.concatenate([quiet(3, 300), 2 + np.round(flood, 2)])) == []


def test_a_spike_is_no_shift() -> None:
    """A level that comes back within ``settle`` readings has not shifted."""
    for length in (1, 5, 23):
        values = quiet(4, 400)
        values[200 : 200 + length] += 5
        assert flags(values) == []


def test_a_sensor_that_never_moved_is_judged_by_what_its_values_have_in_common() -> None:
    """1.00 to 1.07 is seven steps of a hundredth; 21.5 to 22.0 or 0 to 12.5 may be one step: silent."""
    for low, high, is_found in ((1.0, 1.07, True), (21.5, 22.0, False), (0.0, 12.5, False)):
        values = np.where(np.arange(300) < 150, low, high)
        assert bool(flags(values)) is is_found
        assert flags(values, resolution=0.01) == [173]


def test_a_shift_over_a_gap_must_be_larger() -> None:
    """Over a gap of ten hours half a metre is not flagged where five metres are."""
    for by, is_found in ((0.4, False), (5.0, True)):
        values = jumped(quiet(5, 300), 150, by)
        time_us = np.arange(300) * HOUR + np.where(np.arange(300) >= 150, 9 * HOUR, 0)
        readings = readings_of(np.zeros(300, dtype=np.int64), time_us, values)
        assert bool(read().broken(readings)[173]) is is_found


def test_too_little_history_is_silence() -> None:
    """Fewer than ``settle`` readings before the jump, or of another sensor: not judged."""
    values = jumped(quiet(6, 60), 23, 5.0)
    assert flags(values) == []
    two = readings_of(np.repeat([0, 1], [200, 200]), np.tile(np.arange(200) * HOUR, 2), quiet(6, 400))
    apart = jumped(two.value, 200, 5.0)
    assert not read().broken(readings_of(two.sensor, two.time_us, apart)).any()


def test_at_least_leaves_small_shifts_unsaid() -> None:
    """A shift smaller than ``at_least`` is not flagged; one as large is."""
    values = jumped(np.where(np.arange(400) % 9, 2.0, 2.01), 200, 0.3)
    assert flags(values, at_least=0.29) == [223]
    assert flags(values, at_least=0.32) == []


def test_splitting_never_changes_a_verdict() -> None:
    """Readings in one batch or in many, with only the last ``window`` kept: the same verdicts."""
    rng = np.random.default_rng(7)
    n_found = 0
    for settle in (4, 6, 24):
        rule = read(settle=settle)
        for _ in range(12):
            n = int(rng.integers(60, 300))
            values = [jumped(quiet(int(rng.integers(99)), n), n // 2, by) for by in (1.0, 0.07, -3.0)]
            gaps = rng.choice([1, 1, 1, 1, 1, 1, 1, 9], (3, n)).cumsum(axis=1) * HOUR
            readings = readings_of(np.repeat([0, 1, 2], n), gaps.ravel(), np.concatenate(values))
            whole = rule.broken(readings)
            n_found += int(whole.sum())
            assert (judge_in_pieces(rule, readings, random_cuts(rng, 3 * n)) == whole).all()
    assert n_found > 10


def test_extreme_values_are_judged_without_a_warning() -> None:
    """The largest and the smallest numbers there are give a verdict, not an error."""
    for far in (1.7e308, 5e-324):
        values = quiet(8, 200)
        values[100:] = far
        values[150:] = -far
        flags(values)
        flags(np.where(np.arange(200) < 100, -far, far))


def test_the_demos_jump_is_found_and_nothing_else() -> None:
    """In five simulated cities with storms the one shifted datum is flagged at its 24th reading, no other."""
    rule = read()
    n_sites = len(stations_of("hydrology"))
    for seed in range(5):
        twin = Twin(seed, datetime(2025, 9, 1, tzinfo=UTC))
        (jump,) = (f for f in twin.truth if f.kind == "datum-jump")
        site = next(i for i, s in enumerate(stations_of("hydrology")) if s.id == jump.station)
        stage = twin.world.readings["hydrology"]["stage_m"].copy()
        n = len(stage)
        stage[n - jump.n_records :, site] = (stage[n - jump.n_records :, site] + 1.35).round(2)
        sensor = np.repeat(np.arange(n_sites), n)
        time_us = np.tile(np.arange(n) * 300_000_000, n_sites)
        found = np.flatnonzero(rule.broken(readings_of(sensor, time_us, stage.T.ravel())))
        assert found.tolist() == [site * n + n - jump.n_records + rule.settle - 1]


@pytest.mark.parametrize(
    "settings",
    [
        {"settle": 3},
        {"settle": 257},
        {"settle": 2.5},
        {"ratio": 1},
        {"ratio": "5"},
        {"at_least": -1},
        {"resolution": -0.1},
        {"size": 3},
    ],
)
def test_bad_settings_are_refused(settings: dict[str, object]) -> None:
    """A setting out of bounds, of a wrong type or unknown is an error that names it."""
    with pytest.raises(MalformedContract, match=next(iter(settings))):
        read(**settings)


def test_it_stands_under_a_number() -> None:
    """Under a text, or under no property, the rule is refused."""
    for name in ("name", None):
        scope = Scope(columns=SCOPE.columns, property=name)
        with pytest.raises(MalformedContract, match="number or integer"):
            read_shift(scope, Parameters("shift", {}))
    assert (read().reason, read().window, read(settle=256).window) == ("shift:level", 119, 511)
