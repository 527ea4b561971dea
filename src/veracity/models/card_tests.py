"""The facts of a card about tests: what training held out, the last report's numbers, and what it denies."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from veracity.models.decisions import OWN
from veracity.models.facts import Evidence, Fact, Known, ReportKnown, TestKnown, Value

MOST_NUMBERS = 60  #: of one test in a card; of more the judged ones, and how many were left out
_ACCURACY = ("skill", "accuracy", "calibration")
_HARDENING = ("robustness", "drift", "explanation", "explanations", "privacy", "resources")


def metrics(k: Known) -> Iterator[Fact]:
    """Yield how the model and the baselines did on what training held out, then what the report measured."""
    for target, by_name in sorted(_mapping(k.description.get("metrics")).items()):
        at = k.train.at(f"model.json.metrics.{target}", k.train.it.model_sha256)
        rows = [(row.get("horizon"), name, row) for name, row in _metric_rows(by_name)]
        for horizon, name, row in sorted(rows, key=lambda r: (r[0] or 0, r[1] != OWN, r[1])):
            yield from _metric_row(target, name, horizon, row, at)
    yield from _numbers(k, "metrics", _ACCURACY)


def fairness(k: Known) -> Iterator[Fact]:
    """Yield the numbers of the tests of fairness."""
    yield from _numbers(k, "fairness", ("fairness",))


def robustness(k: Known) -> Iterator[Fact]:
    """Yield the numbers of the tests of robustness, drift, explanations, privacy and resources."""
    yield from _numbers(k, "robustness", _HARDENING)


def limits(k: Known) -> Iterator[Fact]:
    """What the model was shown not to do, or was not asked: every test that failed or is untested."""
    report = k.report
    if report is None:
        yield Fact("limits.report", "report", "no report on this model", k.train.at("train.model"))
        return
    a = report.said.it
    for label in ("passed", "failed", "untested"):
        yield Fact(
            f"limits.{label}", f"tests_{label}", getattr(a, label), report.said.at(f"assure.tests.{label}")
        )
    yield Fact("limits.verdict", "verdict", a.verdict, report.said.at("assure.verdict"))
    yield Fact("limits.report", "report", a.report_sha256, report.said.at("assure.report", a.report_sha256))
    yield Fact("limits.policy", "policy", a.policy_sha256, report.said.at("assure.policy", a.policy_sha256))
    for test in report.tests:
        if test.verdict != "passed":
            told = f"{test.verdict}: {test.reason}"
            yield Fact(f"limits.test.{test.name}", "limit", told, report.evidence(test.name), of=(test.name,))


def tests_of(report: ReportKnown | None, families: Iterable[str]) -> list[TestKnown]:
    """Return a report's tests of some families; none without a report."""
    wanted = set(families)
    return [] if report is None else [t for t in report.tests if t.family in wanted]


def _metric_rows(by_name: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, rows in _mapping(by_name).items():
        yield from ((str(name), row) for row in rows if isinstance(row, Mapping))


def _metric_row(
    target: str, name: str, horizon: object, row: Mapping[str, Any], at: Evidence
) -> Iterator[Fact]:
    order = {score: i for i, score in enumerate(("n", "mae", "rmse", "crps", "coverage80", "coverage95"))}
    for score in sorted(row, key=lambda s: (order.get(s, len(order)), s)):
        if score != "horizon" and isinstance(row[score], (int, float, type(None))):
            fact = f"metrics.held-out.{target}.{horizon}.{name}.{score}"
            yield Fact(fact, score, row[score], at, of=(target, f"+{horizon}", name))


def _numbers(k: Known, section: str, families: tuple[str, ...]) -> Iterator[Fact]:
    """Yield every number of the last report's tests of some families: what it is of makes it one of many."""
    report = k.report
    for test in tests_of(report, families):
        assert report is not None
        told = (
            test.numbers
            if len(test.numbers) <= MOST_NUMBERS
            else [n for n in test.numbers if n.get("judged")]
        )
        for number in told[:MOST_NUMBERS]:
            of = tuple(f"{key} {value}" for key, value in sorted(dict(number.get("of") or {}).items()))
            name = ".".join((section, test.name, str(number["name"]), *of)).replace(" ", "-")
            row = (" · ".join(of) or "all",)
            for part, value in _parts(number):
                end = f"{name}.{part}" if part else name
                label = f"{number['name']}, {part}" if part else str(number["name"])
                yield Fact(end, label, value, report.evidence(test.name), of=row)
        if left_out := len(test.numbers) - min(len(told), MOST_NUMBERS):
            at = report.evidence(test.name)
            yield Fact(f"{section}.{test.name}.left-out", "left_out", left_out, at, of=("all",))


def _parts(number: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """Yield a number of a test: the estimate, the ends of its interval, and how many cases are behind it."""
    yield "", _float(number.get("value"))
    for end in ("low", "high"):
        if number.get(end) is not None:
            yield end, _float(number[end])
    if number.get("n") is not None:
        yield "n", int(number["n"])


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
