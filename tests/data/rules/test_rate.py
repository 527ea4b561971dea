"""The rule ``rate``: a limit on how fast a property changes."""

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts

from veracity.data.errors import MalformedContract
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rate import Rate, read_rate
from veracity.data.rules.readings import Readings, readings_of

SCOPE = Scope(columns={"level": "number", "at": "timestamp"}, time="at", property="level")
MINUTE = 60_000_000


def read(**settings: object) -> Rate:
    p = Parameters("rate", settings, action="flag")
    rule = read_rate(SCOPE, p)
    p.done()
    return rule


def one(values: list[float], minutes: list[float]) -> Readings:
    times = np.array([round(m * MINUTE) for m in minutes], dtype=np.int64)
    return readings_of(np.zeros(len(values), dtype=np.int64), times, np.array(values))


def test_a_fast_change_is_flagged_by_the_time_between() -> None:
    """The same step breaks the rule in one minute and keeps it in ten; on the limit is allowed."""
    rule = read(maximum=0.5, per="1 min")
    assert rule.reason == "rate:level"
    broken = rule.broken(one([1, 2, 3, 3.5, 2.5], [0, 1, 11, 12, 13]))
    assert broken.tolist() == [False, True, False, False, True]


def test_rise_and_fall_have_their_own_limits() -> None:
    """A limit upwards says nothing of the way down, and each takes the place of ``maximum``."""
    values = one([0, 5, 0, 0.5], [0, 1, 2, 3])
    assert read(rise=1, per="1 min").broken(values).tolist() == [False, True, False, False]
    assert read(fall=1, per="1 min").broken(values).tolist() == [False, False, True, False]
    assert read(maximum=0, rise=9, per="1 min").broken(values).tolist() == [False, False, True, False]


def test_one_step_of_the_scale_is_never_too_fast() -> None:
    """A change of no more than the resolution passes however short the time."""
    values = one([1.0, 1.5, 2.5], [0, 1e-6, 2e-6])
    assert read(maximum=1, per="1 h", resolution=0.5).broken(values).tolist() == [False, False, True]


def test_sensors_are_apart_and_huge_values_are_judged() -> None:
    """A sensor's first reading has none before it; the difference of two finite values may be infinite."""
    sensor = np.array([0, 0, 1, 1], dtype=np.int64)
    times = np.array([0, 1, 0, 1], dtype=np.int64) * MINUTE
    values = np.array([0.0, 0.1, 1e308, -1e308])
    rule = read(maximum=1, per="1 min")
    assert rule.broken(readings_of(sensor, times, values)).tolist() == [False, False, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_cuts_change_no_verdict(seed: int) -> None:
    """All at once or in any pieces, the verdicts are the same."""
    rng = np.random.default_rng(seed)
    sensor = np.sort(rng.integers(0, 4, 200))
    times = np.cumsum(rng.integers(1, 3 * MINUTE, 200))
    readings = readings_of(sensor, times, np.round(rng.normal(0, 1, 200), 1))
    rule = read(rise=0.6, fall=1.1, per="1 min", resolution=0.1)
    whole = rule.broken(readings)
    assert whole.any()
    assert (judge_in_pieces(rule, readings, random_cuts(rng, 200)) == whole).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per": "1 min"}, "rate.maximum: want maximum, rise or fall, got none"),
        ({"maximum": 1}, "rate.per: want a duration"),
        ({"maximum": -1, "per": "1 min"}, "rate.maximum: want a number"),
        ({"maximum": 1, "per": "1 week"}, "rate.per: want a duration"),
        ({"maximum": 1, "per": "1 h", "speed": 1}, "no setting"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], message: str) -> None:
    """What is missing, wrong or unknown is said."""
    with pytest.raises(MalformedContract, match=message):
        read(**settings)


def test_only_numbers_have_a_rate() -> None:
    """The rule hangs under a number."""
    with pytest.raises(MalformedContract, match="number"):
        read_rate(Scope(columns={"at": "timestamp"}, property="at"), Parameters("rate", {}))
