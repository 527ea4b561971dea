"""The rule ``drift``: a series that moves slowly to one side and goes on."""

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts

from veracity.data.errors import MalformedContract
from veracity.data.rules.drift import Drift, read_drift
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings, readings_of

HOUR = 3_600_000_000


def scope(frequency_s: float | None = None, name: str | None = "gap") -> Scope:
    return Scope(columns={"gap": "number", "name": "string"}, property=name, frequency_s=frequency_s)


def read(frequency_s: float | None = None, **settings: object) -> Drift:
    p = Parameters("drift", settings, action="flag")
    rule = read_drift(scope(frequency_s), p)
    p.done()
    return rule


def hourly(values: np.ndarray) -> Readings:
    n = len(values)
    return readings_of(np.zeros(n, dtype=np.int64), np.arange(n) * HOUR, np.asarray(values, dtype=np.float64))


def noisy(seed: int, n: int) -> np.ndarray:
    """Noise of half a unit on a daily cycle of one."""
    noise = np.random.default_rng(seed).normal(0, 0.5, n)
    return np.asarray(noise + np.sin(np.arange(n) * 2 * np.pi / 24))


@pytest.mark.parametrize("way", [1, -1])
def test_a_slow_drift_is_flagged_while_it_lasts(way: int) -> None:
    """Nothing before, most readings while the whole window drifts, nothing once it is at rest."""
    hours = np.arange(5_000)
    values = noisy(1, 5_000) + way * 0.01 * np.clip(hours - 2_000, 0, 1_500)
    flagged = read(3_600).broken(hourly(values))
    assert not flagged[:2_000].any()
    assert flagged[2_480:3_500].mean() > 0.9
    assert 2_000 + 300 < np.flatnonzero(flagged)[0] < 2_480
    assert not flagged[3_980:].any()


def test_what_does_not_drift_is_not_flagged() -> None:
    """Noise, daily cycles, jumps, spikes, steps of the resolution and a constant are no drift."""
    n = 20_000
    is_late = np.arange(n) >= n // 2
    for values in (
        np.random.default_rng(2).normal(0, 1, n),
        noisy(3, n),
        np.sin(np.arange(n) * 2 * np.pi / 24),
        noisy(4, n) + 5 * is_late,
        np.where(np.arange(n) % 97 == 0, 50.0, noisy(5, n)),
        np.where(is_late, 2.01, 2.0),
        np.full(n, 2.0),
    ):
        assert not read().broken(hourly(values)).any()


def test_a_block_is_whole_days_where_days_fit() -> None:
    """Four days of hours, one of quarters; without a frequency, or with more readings a day, 96 readings."""
    of = {None: 96, 3_600: 96, 900: 96, 1_200: 72, 2_880: 90, 7_200: 96, 86_400: 96, 300: 96, 604_800: 96}
    assert {f: read(f).block for f in of} == of
    assert read().window == 479


def test_smallest_and_threshold_set_the_size() -> None:
    """A drift smaller than ``smallest``, or than ``threshold`` spreads, is not flagged."""
    values = 0.01 * np.arange(1_000) + np.random.default_rng(6).normal(0, 0.5, 1_000)
    assert read().broken(hourly(values)).any()  # 3.84 over the blocks
    assert not read(smallest=6).broken(hourly(values)).any()
    assert not read(threshold=15).broken(hourly(values)).any()


def test_splitting_never_changes_a_verdict() -> None:
    """Readings in one batch or in many, with only the last ``window`` kept: the same verdicts."""
    rng = np.random.default_rng(7)
    rule = read(block=8)
    n_found = 0
    for _ in range(20):
        n = int(rng.integers(30, 250))
        values = np.round(rng.normal(0, 0.3, (3, n)) + np.outer([0, 0.02, -0.1], np.arange(n)), 2)
        sensor, time_us = np.repeat([0, 1, 2], n), np.tile(np.arange(n) * HOUR, 3)
        readings = readings_of(sensor, time_us, values.ravel().astype(np.float64))
        whole = rule.broken(readings)
        n_found += int(whole.sum())
        assert (judge_in_pieces(rule, readings, random_cuts(rng, 3 * n)) == whole).all()
    assert n_found > 100


def test_a_sensor_is_judged_by_its_own_readings() -> None:
    """A short history is silent, and a neighbour in the batch changes nothing."""
    rule = read(block=8)
    rising = np.arange(200, dtype=np.float64)
    assert rule.broken(hourly(rising))[rule.window :].all()
    assert not rule.broken(hourly(rising))[: rule.window].any()
    times = np.tile(np.arange(200) * HOUR, 2)
    two = readings_of(np.repeat([0, 1], 200), times, np.tile(rising, 2))
    assert (rule.broken(two) == np.tile(rule.broken(hourly(rising)), 2)).all()


def test_extreme_values_are_judged_without_a_warning() -> None:
    """The largest and the smallest numbers there are give a verdict, not an error."""
    for far in (1.7e308, 5e-324):
        read(block=8).broken(hourly(np.where(np.arange(200) % 2, far, -far)))
        read(block=8).broken(hourly(np.array([k / 100 * far for k in range(-100, 100)])))


@pytest.mark.parametrize(
    "settings", [{"block": 7}, {"block": 103}, {"threshold": 0}, {"smallest": -1}, {"days": 3}]
)
def test_bad_settings_are_refused(settings: dict[str, float]) -> None:
    """A setting out of bounds or unknown is an error that names it."""
    with pytest.raises(MalformedContract, match=next(iter(settings))):
        read(None, **settings)


def test_it_stands_under_a_number() -> None:
    """Under a text, or under no property, the rule is refused."""
    for name in ("name", None):
        with pytest.raises(MalformedContract, match="number or integer"):
            read_drift(scope(name=name), Parameters("drift", {}))
    assert read().reason == "drift:gap"
