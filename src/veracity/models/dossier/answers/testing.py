"""Answers about tests: what the last assurance report found, family by family, and what it did not."""

from collections.abc import Mapping
from typing import Any

from veracity.models.app import Words
from veracity.models.card_facts import tests_of
from veracity.models.dossier.answer import Answer, Argument, Point, each, in_words, say, say_lack
from veracity.models.facts import Known, ReportKnown, TestKnown, significant

_ASSURE = "veracity model assure"
_MOST = 12  # numbers of one answer; the card has all


def report(k: Known) -> list[Point]:
    """The report as a whole."""
    r = k.report
    if r is None:
        return []
    a = r.said.it
    whole = say(
        "report",
        r.said.at("assure", a.report_sha256),
        at=a.assured_at,
        passed=a.passed,
        failed=a.failed,
        untested=a.untested,
        verdict=VERDICT[a.verdict],
        policy=a.policy_sha256,
    )
    tested = say("tested-on", r.said.at("assure.rows", a.rows.sha256), rows=a.rows.rows, digest=a.rows.sha256)
    return [whole, tested]


def accuracy(k: Known) -> list[Point]:
    """Skill, error and calibration."""
    return _family(k, "skill", "accuracy", "calibration")


def fairness(k: Known) -> list[Point]:
    """Service by ward."""
    return _family(k, "fairness")


def robustness(k: Known) -> list[Point]:
    """Faults, extremes, missing inputs."""
    return _family(k, "robustness")


def drift(k: Known) -> list[Point]:
    """Change over time."""
    return _family(k, "drift")


def explanations(k: Known) -> list[Point]:
    """What a forecast rests on, and whether the explanation is faithful."""
    return _family(k, "explanation", "explanations")


def privacy(k: Known) -> list[Point]:
    """What the model remembers of persons."""
    return _family(k, "privacy")


def resources(k: Known) -> list[Point]:
    """Time and memory."""
    return _family(k, "resources")


def metrics_choice(k: Known) -> list[Point]:
    """What each test asks, and so why its metric is there."""
    r = k.report
    return [] if r is None else [_asks(r, t) for t in r.tests[:_MOST] if t.asks]


def limits(k: Known) -> list[Point]:
    """Every test that failed or is untested, with its reason."""
    r = k.report
    if r is None or not r.tests:
        return []
    short = [_verdict(r, t, told=True) for t in r.tests if t.verdict != "passed"]
    return short or [say("limits-none", r.said.at("assure.tests"))]


def _family(k: Known, *families: str) -> list[Point]:
    r = k.report
    if r is None:
        return []
    points = []
    for test in tests_of(r, families):
        points.append(_verdict(r, test))
        points += [_number(r, test, n) for n in test.numbers if n.get("value") is not None]
    return points[:_MOST]


def _verdict(r: ReportKnown, t: TestKnown, *, told: bool = False) -> Point:
    """Tell what came of a test; of one not done, as a lack, unless telling that is what is ``told``."""
    verdict = VERDICT.get(t.verdict, t.verdict)
    tell = say_lack if t.verdict == "untested" and not told else say
    return tell("test", r.evidence(t.name), test=t.name, verdict=verdict, reason=t.reason)


def _asks(r: ReportKnown, t: TestKnown) -> Point:
    return say("test-asks", r.evidence(t.name), test=t.name, asks=t.asks)


def _number(r: ReportKnown, t: TestKnown, n: Mapping[str, Any]) -> Point:
    of = ", ".join(f"{key} {value}" for key, value in sorted(dict(n.get("of") or {}).items()))
    low, high = n.get("low"), n.get("high")
    interval: Argument = ""
    if low is not None and high is not None:
        ends = significant(float(low), 3), significant(float(high), 3)
        interval = each(lambda lang: f" ({in_words(ends[0], lang)} … {in_words(ends[1], lang)})")
    filled: dict[str, Argument] = {"test": t.name, "number": str(n["name"]), "of": f" ({of})" if of else ""}
    filled |= {"value": significant(float(n["value"]), 4), "interval": interval, "n": n.get("n")}
    return say("test-number", r.evidence(t.name), **filled)


VERDICT: Mapping[str, Words] = {
    "passed": {"en": "passed", "vi": "đạt"},
    "failed": {"en": "failed", "vi": "không đạt"},
    "untested": {"en": "untested", "vi": "chưa thử"},
    "incomplete": {"en": "incomplete", "vi": "chưa đủ"},
}
ANSWERS: Mapping[str, tuple[Answer, str]] = {
    f.__name__: (f, _ASSURE)
    for f in (
        report,
        accuracy,
        fairness,
        robustness,
        drift,
        explanations,
        privacy,
        resources,
        metrics_choice,
        limits,
    )
}
