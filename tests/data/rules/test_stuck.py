"""The rule ``stuck``: identical values for longer than is plausible."""

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts

from veracity.data.errors import MalformedContract
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings, readings_of
from veracity.data.rules.stuck import LEARNED, LONGEST, Stuck, plausible_run, read_stuck

SCOPE = Scope(columns={"level": "number"}, property="level")
HOUR = 3_600_000_000


def read(**settings: object) -> Stuck:
    p = Parameters("stuck", settings, action="flag")
    rule = read_stuck(SCOPE, p)
    p.done()
    return rule


def hourly(values: np.ndarray) -> Readings:
    n = len(values)
    return readings_of(np.zeros(n, dtype=np.int64), np.arange(n) * HOUR, np.asarray(values, dtype=np.float64))


def walk(seed: int, n: int, decimals: int) -> np.ndarray:
    """A level near 50 that wanders by about 0.1 an hour, as a scale with so many decimals shows it."""
    return np.round(50 + np.cumsum(np.random.default_rng(seed).normal(0, 0.1, n)), decimals)


def first_flag(rule: Stuck, values: np.ndarray) -> int | None:
    at = np.flatnonzero(rule.broken(hourly(values)))
    return int(at[0]) if at.size else None


def test_a_fine_sensor_is_found_soon_a_coarse_one_later() -> None:
    """How long a run is plausible is learned from how often the sensor repeats itself."""
    firsts = []
    for decimals in (3, 1, 0):
        values = walk(1, 1_000, decimals)
        assert first_flag(read(), values) is None
        values[500:] = values[499] + 1
        first = first_flag(read(), values)
        assert first is not None
        assert read().broken(hourly(values))[first:].all(), "flagged to the run's end"
        firsts.append(first - 500)
    assert firsts[0] == 7, "the eighth reading of the run"
    assert firsts[0] < firsts[1] < firsts[2] <= LONGEST


def test_what_is_learned_grows_with_the_repeats() -> None:
    """The plausible run never gets shorter where a sensor repeats itself more, and has an end."""
    runs = plausible_run(np.arange(LEARNED))
    assert (np.diff(runs) >= 0).all()
    assert runs[0] < 8 < runs[60] < runs[-1] <= LONGEST


def test_a_given_duration_counts_by_the_clock() -> None:
    """With ``longest`` the run is implausible once it lasts longer, whatever was before."""
    rule = read(longest="3 h")
    assert rule.broken(hourly(np.full(6, 7.0))).tolist() == [False] * 4 + [True] * 2


def test_months_without_rain_are_plausible() -> None:
    """Zeros are spared where zero is a place the property goes to, however long they last."""
    rng = np.random.default_rng(2)
    rain = np.where(rng.random(6_000) < 0.2, np.round(rng.exponential(3, 6_000), 1), 0.0)
    rain[1_000:5_000] = 0
    assert first_flag(read(), rain) is None
    wind = np.abs(walk(3, 600, 2) - 50)
    wind[300:] = 0
    assert first_flag(read(), wind) is None


def test_a_leap_to_zero_is_judged() -> None:
    """A pH that falls from 7.8 to 0 and stays is stuck; ``except`` says otherwise, or says it for ever."""
    values = walk(4, 900, 2)
    values[200:] = 0
    assert first_flag(read(), values) is not None
    assert first_flag(read(**{"except": [0]}), values) is None
    assert read(**{"except": []}).broken(hourly(values))[-1]
    assert not read().broken(hourly(values))[-1], "what was before it can be seen no more"


def test_the_ends_of_a_scale_may_be_excepted() -> None:
    """A humidity that saturates at 100 is not stuck where the contract says so."""
    values = walk(5, 400, 2)
    values[200:] = 100
    assert first_flag(read(), values) is not None
    assert first_flag(read(**{"except": [100]}), values) is None


def test_a_young_sensor_is_judged_by_the_longest_run_only() -> None:
    """With too few readings before the run nothing is learned; a run beyond all measure is still found."""
    values = np.full(600, 20.5)
    assert first_flag(read(), values) == LEARNED + LONGEST - 1


@pytest.mark.parametrize("seed", range(12))
def test_cuts_change_no_verdict(seed: int) -> None:
    """All at once or in any pieces, the verdicts are the same, for runs longer than the window too."""
    rng = np.random.default_rng(seed)
    sensor, values = [], []
    for s in range(3):
        one = walk(10 * seed + s, 700, int(rng.integers(0, 3)))
        for _ in range(3):
            start, n = int(rng.integers(0, 700)), int(rng.choice([20, 60, 200, 500]))
            one[start : start + n] = rng.choice([0.0, one[start]])
        keep = int(rng.integers(300, 701))
        sensor += [s] * keep
        values.append(one[:keep])
    readings = readings_of(
        np.array(sensor), np.cumsum(rng.integers(1, HOUR, len(sensor))), np.concatenate(values)
    )
    for rule in (read(), read(longest="30 h"), read(longest="30 h", **{"except": [0]})):
        whole = rule.broken(readings)
        cuts = list(random_cuts(rng, len(readings)))[:40]
        assert (judge_in_pieces(rule, readings, cuts) == whole).all()


def test_every_single_reading_as_a_batch() -> None:
    """One reading a batch gives what one batch gives."""
    values = walk(6, 600, 1)
    values[200:560] = 0
    readings = hourly(values)
    whole = read().broken(readings)
    assert whole.any()
    assert (judge_in_pieces(read(), readings, range(601)) == whole).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"longest": "soon"}, "stuck.longest: want a duration"),
        ({"readings": 1}, "stuck.readings: want a whole number"),
        ({"except": ["a"]}, "stuck.except: want numbers"),
        ({"except": 0}, "stuck.except: want a list"),
        ({"window": 5}, "no setting"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], message: str) -> None:
    """What is wrong or unknown is said."""
    with pytest.raises(MalformedContract, match=message):
        read(**settings)
