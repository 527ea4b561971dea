"""The rule ``noise``: a series scatters unlike itself before."""

from typing import Any

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts

from veracity.data.errors import MalformedContract
from veracity.data.rules.noise import Noise, read_noise
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings, readings_of

SCOPE = Scope(columns={"level": "number", "name": "string"}, property="level")
HOUR = 3_600_000_000


def read(scope: Scope = SCOPE, **settings: object) -> Noise:
    p = Parameters("noise", settings, action="flag")
    rule = read_noise(scope, p)
    p.done()
    return rule


def hourly(values: np.ndarray) -> Readings:
    n = len(values)
    return readings_of(np.zeros(n, dtype=np.int64), np.arange(n) * HOUR, np.asarray(values, dtype=np.float64))


def calm(seed: int, n: int = 600) -> np.ndarray:
    """A day's wave of 2 and noise of 0.1 around 20."""
    wave = 2 * np.sin(np.arange(n) * 2 * np.pi / 24)
    return np.round(20 + wave + np.random.default_rng(seed).normal(0, 0.1, n), 2)


def flagged(values: np.ndarray, **settings: Any) -> list[int]:
    return [int(i) for i in np.flatnonzero(read(**settings).broken(hourly(values)))]


@pytest.mark.parametrize("seed", range(5))
def test_a_sensor_that_grows_noisy_is_flagged(seed: int) -> None:
    """Soon after the scatter grew a hundredfold it is flagged, not before, and not for ever."""
    values = calm(seed)
    assert flagged(values) == []
    values[300:] += np.random.default_rng(seed + 50).normal(0, 10, 300)
    found = flagged(values)
    assert 302 <= found[0] <= 312
    assert found[-1] < 330


def test_one_spike_is_no_noise() -> None:
    """A single leap up and back leaves the scatter of most readings alone."""
    values = calm(1)
    values[300] += 500
    assert flagged(values) == []


def test_a_smooth_flood_is_no_noise() -> None:
    """A river that rises twentyfold by steps that grow evenly is not flagged."""
    values = 0.5 + np.random.default_rng(1).normal(0, 0.01, 300)
    values[250:] += 10 * np.exp(-(((np.arange(50) - 30) / 10) ** 2))
    assert flagged(np.round(values, 2)) == []


def test_calm_is_flagged_only_where_asked() -> None:
    """Scatter that falls to a hundredth is noise's opposite: said with ``fall`` alone."""
    values = np.random.default_rng(3).normal(0, 10, 400)
    values[300:] /= 1_000
    assert flagged(values) == []
    assert flagged(values, fall=True)


def test_the_scale_of_the_sensor_is_no_noise() -> None:
    """Single counts of a sensor that stood still are not flagged where the resolution is one count."""
    values = np.zeros(300)
    values[200:] = np.arange(100) % 2
    assert flagged(values) == []
    assert flagged(values * 100) == []
    assert flagged(values * 100, resolution=1_000) == []


def test_too_few_readings_say_nothing() -> None:
    """Before all the readings that it looks at are there, the rule is silent."""
    values = np.full(109, 20.0)
    values[:97] += np.arange(97) % 2
    values[97:] += 1_000 * (np.arange(12) % 2)
    assert flagged(values) == []
    assert flagged(np.r_[20.0, values]) == [109]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("fall", [False, True])
def test_cuts_change_nothing(seed: int, fall: bool) -> None:
    """Judged at once or in pieces, with two sensors, the verdicts are the same."""
    rng = np.random.default_rng(seed)
    scale = np.repeat(10.0 ** rng.integers(-2, 3, 12), 50)
    values = rng.normal(0, 1, 600) * scale
    sensor = np.repeat(np.arange(2), 300)
    readings = readings_of(sensor, np.tile(np.arange(300) * HOUR, 2) + sensor, values)
    rule = read(times=3, recent=8, usual=40, fall=fall)
    whole = rule.broken(readings)
    assert whole.any()
    assert (judge_in_pieces(rule, readings, random_cuts(rng, 600)) == whole).all()


def test_great_numbers_raise_nothing() -> None:
    """Readings near the largest number that a float holds are judged without a warning."""
    values = np.where(np.arange(300) % 2, 1.7e308, -1.7e308)
    assert flagged(values) == []
    assert flagged(values, fall=True) == []


def test_the_window_is_what_it_needs() -> None:
    """As many readings as the bends are made of, and at most 512."""
    assert read().window == 109
    assert read(recent=128, usual=383).window == 512


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"times": 1}, "noise.times: want a number"),
        ({"recent": 5}, "noise.recent: want a whole number"),
        ({"usual": 384}, "noise.usual: want a whole number"),
        ({"fall": 1}, "noise.fall: want true or false"),
        ({"resolution": -1}, "noise.resolution: want a number"),
        ({"sigma": 3}, "no setting"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    """What is wrong or unknown is said."""
    with pytest.raises(MalformedContract, match=message):
        read(**settings)


def test_it_stands_under_a_number() -> None:
    """A text has no scatter."""
    with pytest.raises(MalformedContract, match="noise under a property"):
        read(Scope(columns=SCOPE.columns, property="name"))
