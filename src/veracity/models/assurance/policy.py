"""The policy: which marks a model must reach, why, and which tests each stage requires. Read from YAML."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal, cast, get_args

from veracity.data.plain_yaml import parse_yaml
from veracity.models.assurance.errors import MalformedPolicy
from veracity.models.assurance.result import AssuranceTest
from veracity.models.stage_rules import SECTION, StageRule, read_stage_rules
from veracity.provenance.fields import Fields
from veracity.provenance.statements.words import Stage

POLICY_BYTES = 262_144
DEFAULT = "policy-default.yaml"
Required = Literal["advise", "act"]  #: stages that a policy can require a test for; shadow requires none
Held = Literal["value", "low", "high"]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")
_LEAST_REASON = 15  # "because" is none


@dataclass(frozen=True)
class Mark:
    """A bound, and which end of a number's confidence interval is held against it.

    ``hold`` is ``value`` for the estimate itself. For a mark of ``at_least`` ``low`` asks that the model is
    shown to reach it, ``high`` that it is not shown to miss it; for ``at_most`` the other way round.
    """

    number: str
    at_least: float | None = None
    at_most: float | None = None
    hold: Held = "value"

    def holds(self, value: float) -> bool:
        """Tell whether a value is within the bound; NaN is not."""
        above = self.at_least is None or value >= self.at_least
        below = self.at_most is None or value <= self.at_most
        return value == value and above and below

    @property
    def words(self) -> str:
        """The bound in words."""
        end = {"value": "", "low": ", by the low end", "high": ", by the high end"}[self.hold]
        parts = [f"at least {self.at_least:g}"] if self.at_least is not None else []
        parts += [f"at most {self.at_most:g}"] if self.at_most is not None else []
        return f"{self.number} {' and '.join(parts)}{end}"

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"at_least": self.at_least, "at_most": self.at_most, "hold": self.hold}


@dataclass(frozen=True)
class Demand:
    """What a policy demands of one test: marks, the reason for them, stages that require it."""

    marks: tuple[Mark, ...]
    why: str
    required: tuple[Required, ...]


@dataclass(frozen=True)
class Policy:
    """A file of pass marks.

    Attributes
    ----------
    n_least
        A number of fewer cases is told and not judged.
    repeats, block_s, confidence
        Of the block bootstrap: how many samples, the length of a block, the intervals' level.
    most_origins
        Times to forecast from, spread over the test period.
    tests
        Demands by test.
    stages
        How long the stage before each must have been served; what the file leaves out is as by default.
    sha256, text
        Of the file.
    """

    name: str
    version: str
    why: str
    n_least: int
    repeats: int
    block_s: int
    confidence: float
    most_origins: int
    tests: Mapping[str, Demand]
    stages: Mapping[Stage, StageRule]
    sha256: str
    text: bytes = field(repr=False)


def parse_policy(text: bytes, known: Mapping[str, AssuranceTest[Any]]) -> Policy:
    """Read a policy.

    Parameters
    ----------
    known
        The tests there are, by name, of all batteries.

    Raises
    ------
    MalformedPolicy
        For a test or a mark that there is not, a reason that is missing, a bound that is none.
    """
    fields = Fields(parse_yaml(text, "policy", POLICY_BYTES, MalformedPolicy), "policy", MalformedPolicy)
    tests = fields.take("tests")
    if not isinstance(tests, dict) or not tests:
        raise fields.fail("tests", "demands by test", tests)
    if unknown := sorted(set(map(str, tests)) - set(known)):
        raise MalformedPolicy(
            f"policy.tests: want tests there are ({', '.join(sorted(known))}), got {unknown[0][:64]!r}"
        )
    policy = Policy(
        name=fields.matching("name", _NAME, "a name ([a-z0-9-], at most 64)"),
        version=fields.matching("version", _VERSION, "a version such as 1.0.0"),
        why=_reason(fields),
        n_least=fields.count("n_least", 1),
        repeats=_within(fields, "repeats", 50, 10_000),
        block_s=_within(fields, "block_s", 1, 366 * 86_400),
        confidence=_number(fields, "confidence", 0.5, 0.999),
        most_origins=_within(fields, "most_origins", 10, 100_000),
        tests={name: _demand(item, known[name]) for name, item in tests.items()},
        stages=read_stage_rules(fields.take(SECTION) if SECTION in fields else None),
        sha256=hashlib.sha256(text).hexdigest(),
        text=text,
    )
    fields.done()
    return policy


def default_policy() -> bytes:
    """Return the text of the policy that comes with this package."""
    return resources.files("veracity.models.assurance").joinpath(DEFAULT).read_bytes()


def _demand(item: Any, test: AssuranceTest[Any]) -> Demand:
    fields = Fields(item, f"policy.tests.{test.name}", MalformedPolicy)
    marks = fields.take("marks") if "marks" in fields else {}
    if not isinstance(marks, dict):
        raise fields.fail("marks", "marks by number", marks)
    if unknown := sorted(set(map(str, marks)) - set(test.marks)):
        want = ", ".join(sorted(test.marks)) or "none"
        raise fields.fail("marks", f"numbers of this test ({want})", unknown[0])
    required = fields.items("required", 2) if "required" in fields else []
    if not set(map(str, required)) <= set(get_args(Required)) or len(set(map(str, required))) != len(
        required
    ):
        raise fields.fail("required", "stages of advise and act, each once", required)
    demand = Demand(
        marks=tuple(_mark(f"policy.tests.{test.name}.marks.{n}", n, m) for n, m in sorted(marks.items())),
        why=_reason(fields),
        required=cast(tuple[Required, ...], tuple(required)),
    )
    fields.done()
    return demand


def _mark(where: str, name: str, item: Any) -> Mark:
    fields = Fields(item, where, MalformedPolicy)
    bounds = {b: _number(fields, b, -1e12, 1e12) for b in ("at_least", "at_most") if b in fields}
    hold = cast(Held, fields.choice("hold", get_args(Held))) if "hold" in fields else "value"
    fields.done()
    if not bounds:
        raise MalformedPolicy(f"{where}: want at_least or at_most, got neither")
    return Mark(name, bounds.get("at_least"), bounds.get("at_most"), hold)


def _reason(fields: Fields) -> str:
    why = " ".join(fields.text("why", 2_000).split())
    if len(why) < _LEAST_REASON:
        raise fields.fail("why", f"a reason of at least {_LEAST_REASON} characters", why)
    return why


def _within(fields: Fields, name: str, low: int, high: int) -> int:
    value = fields.count(name, low)
    if value > high:
        raise fields.fail(name, f"a whole number from {low} to {high}", value)
    return value


def _number(fields: Fields, name: str, low: float, high: float) -> float:
    value = fields.take(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise fields.fail(name, f"a number from {low:g} to {high:g}", value)
    return float(value)
