"""What the release gate reads of an assurance report: each test, its verdict, the stages that require it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from veracity.models.errors import MalformedModel
from veracity.provenance.fields import Fields
from veracity.provenance.statements.words import Stage
from veracity.provenance.strictjson import parse_json

MAX_REPORT_BYTES = 33_554_432
MAX_TESTS = 1_024
TestVerdict = Literal["passed", "failed", "untested"]
#: What a stage asks for: ``act`` asks for all that ``advise`` does.
_ASKED: dict[Stage, frozenset[str]] = {
    "shadow": frozenset(),
    "advise": frozenset({"advise"}),
    "act": frozenset({"advise", "act"}),
}


class MalformedReport(MalformedModel):
    """The bytes are no assurance report whose tests can be read."""

    code = "malformed-report"


@dataclass(frozen=True)
class TestLine:
    """One test of a report."""

    name: str
    verdict: TestVerdict
    required: tuple[str, ...]


def read_report(text: bytes) -> tuple[TestLine, ...]:
    """Read the tests of a report; what else it says is for people.

    Raises
    ------
    MalformedReport
        If it has none in a form known here.
    """
    document = parse_json(text, "report", MAX_REPORT_BYTES, MalformedReport)
    tests = Fields(document, "report", MalformedReport).objects("tests", MAX_TESTS)
    return tuple(_line(item) for item in tests)


def lacking(tests: Sequence[TestLine], stage: Stage) -> list[str]:
    """Return the tests that a stage requires and that did not pass."""
    return [t.name for t in tests if _ASKED[stage] & set(t.required) and t.verdict != "passed"]


def _line(item: Fields) -> TestLine:
    verdict = cast(TestVerdict, item.choice("verdict", get_args(TestVerdict)))
    required = item.items("required", 3)
    if not all(isinstance(one, str) for one in required):
        raise item.fail("required", "stages", required)
    return TestLine(item.text("name", 64), verdict, tuple(required))
