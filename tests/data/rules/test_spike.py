"""The rule ``spike``: a reading that leaps out of what its sensor gave lately."""

from dataclasses import replace

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts

from veracity.data.errors import MalformedContract
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings, readings_of
from veracity.data.rules.spike import Spike, deviation, read_spike

SCOPE = Scope(columns={"level": "number"}, property="level")
HOUR = 3_600_000_000


def read(**settings: object) -> Spike:
    p = Parameters("spike", settings, action="flag")
    rule = read_spike(SCOPE, p)
    p.done()
    return rule


def hourly(values: np.ndarray) -> Readings:
    n = len(values)
    return readings_of(np.zeros(n, dtype=np.int64), np.arange(n) * HOUR, np.asarray(values, dtype=np.float64))


def walk(seed: int, n: int = 600) -> np.ndarray:
    """A day's wave of 2 and noise of 0.1 around 20."""
    wave = 2 * np.sin(np.arange(n) * 2 * np.pi / 24)
    return np.round(20 + wave + np.random.default_rng(seed).normal(0, 0.1, n), 2)


def flagged(values: np.ndarray, **settings: object) -> list[int]:
    return [int(i) for i in np.flatnonzero(read(**settings).broken(hourly(values)))]


@pytest.mark.parametrize("seed", range(5))
def test_a_spike_is_found_and_a_days_wave_is_none(seed: int) -> None:
    """One planted spike is the one flagged reading, up or down; its second reading is one too."""
    values = walk(seed)
    assert flagged(values) == []
    for height in (80.0, -80.0):
        spiked = values.copy()
        spiked[300] += height
        spiked[400:402] += height
        assert flagged(spiked) == [300, 400, 401]


def test_a_smooth_flood_is_no_spike() -> None:
    """A river that rises twentyfold in a day and falls again, by many steps, is not flagged."""
    calm = 0.5 + np.random.default_rng(1).normal(0, 0.01, 300)
    calm[250:] += 10 * np.exp(-(((np.arange(50) - 30) / 10) ** 2))
    assert flagged(np.round(calm, 2)) == []


def test_a_lasting_jump_is_flagged_at_its_beginning_only() -> None:
    """After two readings at the new level it is no spike any more."""
    values = walk(2)
    values[300:] += 100
    assert flagged(values) == [300, 301]


def test_a_standing_river_and_a_dry_week_are_judged_by_their_range() -> None:
    """Where most readings are alike the widest of what was seen is the measure; rain is no spike."""
    level = np.full(300, 1.2)
    level[::7] += 0.01
    level[200], level[250] = 1.22, 7.2
    assert flagged(level) == [250]
    rain = np.zeros(300)
    rain[100:106] = [0.2, 1.0, 4.5, 2.0, 0.4, 0.2]
    rain[150:154] = [2.0, 12.0, 8.0, 1.0]
    assert flagged(rain) == []


def test_nothing_is_said_after_readings_all_alike() -> None:
    """Without a measure the rule is silent; the sensor's resolution gives one."""
    values = np.full(200, 3.0)
    values[150] = 9.0
    assert flagged(values) == []
    assert flagged(values, resolution=0.1) == [150]
    assert flagged(values, resolution=1) == []


def test_too_few_readings_say_nothing() -> None:
    """A sensor's first readings are not judged; fewer are needed where the contract says so."""
    values = walk(3, 90)
    values[80] += 500
    assert flagged(values) == []
    assert flagged(values, readings=24) == [80]


def test_the_deviation_is_what_its_definition_says() -> None:
    """A second implementation, reading by reading with sorted lists, gives the same numbers."""
    rng = np.random.default_rng(5)
    values = np.round(rng.standard_t(2, 300), 1)
    n = 20
    for resolution in (0.0, 0.5):
        got = deviation(hourly(values), n, resolution)
        for i in range(300):
            assert got[i] == (slow_deviation(values, i, n, resolution) if i >= n else 0)


def slow_deviation(x: np.ndarray, i: int, n: int, resolution: float) -> float:
    before = sorted(x[i - n : i])
    low, high = before[(n - 1) // 4], before[n - 1 - (n - 1) // 4]
    width = max(high - low if high > low else before[-1] - before[0], resolution)
    steps = sorted(abs(x[j] - x[j - 1]) for j in range(i - n + 1, i))
    great = steps[int(np.ceil(0.9 * (n - 2)))]
    last = sorted(abs(x[j] - x[j - 1]) for j in range(i - 3, i))[1]
    great = max(great if great > 0 else steps[-1], last, resolution)
    outside = max(x[i] - high, low - x[i], 0.0)
    away = abs(x[i] - sorted(x[i - 3 : i])[1])
    return float(min(outside / width, away / great))


def test_a_low_score_may_be_left_out() -> None:
    """What is above the bound is the same number, with the bound and without."""
    readings = hourly(np.round(np.random.default_rng(6).standard_t(2, 1_000), 2))
    full, cut = deviation(readings), deviation(readings, above=3.0)
    assert (full > 3).any()
    assert (np.where(full > 3, full, 0) == np.where(cut > 3, cut, 0)).all()


@pytest.mark.parametrize("seed", range(12))
def test_cuts_change_no_verdict(seed: int) -> None:
    """All at once or in any pieces, the verdicts are the same, for huge values too."""
    rng = np.random.default_rng(seed)
    sensor = np.sort(rng.integers(0, 4, 600))
    values = np.round(rng.standard_t(1.5, 600), 1)
    values[rng.integers(0, 600, 6)] = rng.choice([1e308, -1e308, 0.0], 6)
    readings = readings_of(sensor, np.cumsum(rng.integers(1, HOUR, 600)), values)
    rule = read(readings=24, threshold=4)
    whole = rule.broken(readings)
    assert whole.any()
    assert (judge_in_pieces(rule, readings, random_cuts(rng, 600)) == whole).all()


def test_more_memory_than_needed_changes_nothing() -> None:
    """Where another rule has more readings remembered, the verdicts are the same."""
    rng = np.random.default_rng(7)
    sensor = np.repeat(np.arange(5), 200)
    readings = readings_of(sensor, np.arange(1_000) * HOUR, np.round(rng.standard_t(1.5, 1_000), 1))
    rule = read(readings=24, threshold=4)
    late = np.tile(np.arange(200) >= 150, 5) & (sensor != 2)
    part = replace(readings, is_new=late)
    assert (rule.broken(part) == (rule.broken(readings) & late)).all()
    assert rule.broken(part).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 0}, "spike.threshold: want a number"),
        ({"readings": 4}, "spike.readings: want a whole number"),
        ({"resolution": -1}, "spike.resolution: want a number"),
        ({"sigma": 3}, "no setting"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], message: str) -> None:
    """What is wrong or unknown is said."""
    with pytest.raises(MalformedContract, match=message):
        read(**settings)
