"""Policies: strict, with reasons; what is judged by them, and how."""

import pytest

from assured_world import policy
from veracity.models.assurance.battery import KNOWN
from veracity.models.assurance.errors import MalformedPolicy
from veracity.models.assurance.judging import judge
from veracity.models.assurance.policy import Demand, Mark, default_policy, parse_policy
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.stage_rules import StageRule

TEXT = default_policy().decode()


def test_the_default_names_every_test_and_gives_a_reason() -> None:
    """No test of ours is without a word on it, and each that has marks or is required says why."""
    default = policy()
    assert set(default.tests) == set(KNOWN)
    assert all(len(d.why) > 40 for d in default.tests.values())
    assert default.stages["act"] == StageRule(14, 1000)
    assert len(default.sha256) == 64


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  reliability:", "  reliabilty:", "want tests there are .*, got 'reliabilty'"),
        ("{distance: {", "{distence: {", "want numbers of this test .*distance.*, got 'distence'"),
        ("{at_most: 0.1, hold: low}}\n    why: A quantile", "{hold: low}}\n    why: A quantile", "neither"),
        ("hold: low", "hold: middle", "want one of high, low, value"),
        ("why: Quantiles that cross", "because: Quantiles that cross", "want 'why', got none"),
        ("{at_most: 0.0}", "{at_most: much}", "want a number"),
        ("required: [act]", "required: [always]", "want stages of advise and act"),
        ("repeats: 400", "repeats: 4", "whole number from 50"),
        ("confidence: 0.95", "confidence: 95", "number from 0.5 to 0.999"),
        ("n_least: 100", "n_least: true", "want a whole number"),
        ("days: 14", "days: soon", "stages.act.days"),
        ("version: 1.0.0", "version: 1", "a version such as 1.0.0"),
        ("version: 1.0.0", "version: 1.0.0\nother: 1", "want no other names, got 'other'"),
    ],
)
def test_a_policy_that_is_none_is_refused(old: str, new: str, message: str) -> None:
    """Unknown tests and marks, missing reasons and bounds that are none: told by name."""
    assert old in TEXT
    with pytest.raises(ValueError, match=message):
        parse_policy(TEXT.replace(old, new, 1).encode(), KNOWN)


@pytest.mark.parametrize("text", [b"", b"- a", b"tests: {}", b"\xff", b"a: *b", b"name: x\n" * 3])
def test_what_is_no_policy_at_all_is_refused(text: bytes) -> None:
    """Any bytes fail as our own error."""
    with pytest.raises(MalformedPolicy):
        parse_policy(text, KNOWN)


def test_a_short_reason_is_none() -> None:
    """ "Because" is no reason."""
    text = TEXT.replace(
        "why: Told for the city to choose by; which error is worse is no question for a model.",
        "why: because",
    )
    with pytest.raises(MalformedPolicy, match="a reason of at least"):
        parse_policy(text.encode(), KNOWN)


ASKED: AssuranceTest[None] = AssuranceTest("t", "skill", "?", "!", {"x": "a number"}, lambda _: Found())


def verdict(number: Number | None, mark: Mark | None, **found: str) -> str:
    demand = Demand((mark,) if mark else (), "a reason that is long enough", ())
    numbers = (number,) if number else ()
    return judge(ASKED, Found(numbers, found.get("untested"), found.get("crashed")), demand).verdict


def test_the_end_of_the_interval_that_is_held() -> None:
    """A mark may ask that a number is shown to reach it, or only that it is not shown to miss it."""
    number = Number("x", 0.5, 0.4, 0.6, 200)
    assert verdict(number, Mark("x", at_least=0.5)) == "passed"
    assert verdict(number, Mark("x", at_least=0.5, hold="low")) == "failed"
    assert verdict(number, Mark("x", at_least=0.55, hold="high")) == "passed"
    assert verdict(number, Mark("x", at_most=0.45, hold="low")) == "passed"
    assert verdict(number, Mark("x", at_most=0.45, hold="high")) == "failed"


def test_what_is_not_judged_never_passes() -> None:
    """Too few cases, no mark, no answer: untested with a reason, never passed; NaN fails."""
    few = Number("x", 0.5, n=3, judged=False)
    assert verdict(few, Mark("x", at_least=0.1)) == "untested"
    assert verdict(Number("x", 0.5), None) == "untested"
    assert verdict(None, Mark("x", at_least=0.1), untested="no data") == "untested"
    assert verdict(Number("x", float("nan")), Mark("x", at_most=1)) == "failed"
    assert verdict(None, None, crashed="it fell") == "failed"
    assert verdict(Number("x", 0.0), Mark("x", at_least=0.1), untested="half of it") == "failed"
