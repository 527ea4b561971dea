"""The rule ``gap``: a sensor that was silent for too long."""

import numpy as np
import pytest
from replay import judge_in_pieces, random_cuts

from veracity.data.errors import MalformedContract
from veracity.data.rules.gap import Gap, missing_before, read_gap
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.readings import Readings, readings_of
from veracity.data.rules.rule import Action

MINUTE = 60_000_000


def read(frequency_s: float | None = None, action: Action = "flag", **settings: object) -> Gap:
    scope = Scope(columns={"level": "number"}, property="level", frequency_s=frequency_s)
    p = Parameters("gap", settings, action=action)
    rule = read_gap(scope, p)
    p.done()
    return rule


def at_minutes(*minutes: float) -> Readings:
    times = np.array([round(m * MINUTE) for m in minutes], dtype=np.int64)
    return readings_of(np.zeros(len(minutes), dtype=np.int64), times, np.ones(len(minutes)))


def test_the_reading_that_ends_a_gap_is_flagged() -> None:
    """One missing reading is seen, a late one is not, and how many are missing is said."""
    readings = at_minutes(0, 15, 37, 67, 82, 142)
    rule = read(every="15 min")
    assert rule.reason == "gap:level"
    assert rule.broken(readings).tolist() == [False, False, False, True, False, True]
    assert missing_before(readings, rule).tolist() == [0, 0, 0, 1, 0, 3]


def test_exactly_the_tolerance_is_no_gap() -> None:
    """What passes may be as long as the tolerance says, not longer; a gap misses at least one."""
    assert read(every="10 min").broken(at_minutes(0, 15)).tolist() == [False, False]
    strict = read(every="10 min", tolerance=1)
    assert missing_before(at_minutes(0, 10, 21), strict).tolist() == [0, 0, 1]


def test_the_contracts_frequency_is_the_interval() -> None:
    """Without ``every`` the contract's ``frequency`` counts; without both the rule is refused."""
    assert read(frequency_s=300.0).every_s == 300
    assert read(frequency_s=300.0, every="1 h").every_s == 3600
    with pytest.raises(MalformedContract, match=r"gap.every: want an interval .* got none"):
        read()


@pytest.mark.parametrize("action", ["quarantine", "refuse", "ask"])
def test_a_gap_only_flags(action: Action) -> None:
    """The reading after a gap is not wrong: no other action is allowed."""
    with pytest.raises(MalformedContract, match=r"gap\.action: want flag"):
        read(every="1 h", action=action)


def test_a_tolerance_below_one_is_refused() -> None:
    """Each reading would end a gap."""
    with pytest.raises(MalformedContract, match="tolerance"):
        read(every="1 h", tolerance=0.5)


@pytest.mark.parametrize("seed", range(20))
def test_cuts_change_no_verdict(seed: int) -> None:
    """All at once or in any pieces, the verdicts are the same."""
    rng = np.random.default_rng(seed)
    sensor = np.sort(rng.integers(0, 4, 200))
    readings = readings_of(sensor, np.cumsum(rng.integers(1, 4 * MINUTE, 200)), np.ones(200))
    rule = read(every="2 min")
    whole = rule.broken(readings)
    assert whole.any()
    assert (judge_in_pieces(rule, readings, random_cuts(rng, 200)) == whole).all()
