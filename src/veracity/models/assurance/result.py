"""A test of a battery: what it asks and why, the numbers it found, the marks it was held to, the verdict."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

Verdict = Literal["passed", "failed", "untested"]
Kind = Literal["forecaster", "classifier", "controller"]
DIGITS = 6  #: significant, of every number in a report: the last ones differ between machines

C = TypeVar("C")


@dataclass(frozen=True)
class Number:
    """One number that a test found, such as the skill at one horizon.

    Attributes
    ----------
    name
        What it is; a mark of a policy is held against all numbers of its name.
    value, low, high
        The estimate and its confidence interval; None where there is none.
    n
        Cases behind it.
    of
        What it is of: horizon, season, district, group, fault and so on.
    judged
        False for one that is only told, such as one of too few cases.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    of: Mapping[str, str] = field(default_factory=dict)
    judged: bool = True

    def labelled(self, **labels: str) -> "Number":
        """Return it with more labels."""
        return replace(self, of={**labels, **self.of})

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object, numbers cut to their significant digits, NaN as null."""
        return {
            "name": self.name,
            "value": significant(self.value),
            "low": significant(self.low),
            "high": significant(self.high),
            "n": self.n,
            "of": dict(sorted(self.of.items())),
            "judged": self.judged,
        }


@dataclass(frozen=True)
class Found:
    """What a test found: numbers, or the reason why it could not be done.

    Attributes
    ----------
    crashed
        What the model did instead of answering; the test has failed.
    notes
        What a reader should know: choices, exclusions.
    """

    numbers: tuple[Number, ...] = ()
    untested: str | None = None
    crashed: str | None = None
    notes: tuple[str, ...] = ()

    def labelled(self, **labels: str) -> "Found":
        """Return it with labels on each number."""
        return replace(self, numbers=tuple(n.labelled(**labels) for n in self.numbers))


@dataclass(frozen=True)
class AssuranceTest(Generic[C]):
    """A test as declared.

    Attributes
    ----------
    name, family
        ``[a-z0-9-]``; policies name tests by it. What it belongs to: skill, calibration, fairness …
    asks, why
        The question it puts, and why anyone should care, in a sentence each.
    marks
        Numbers that a policy may set a mark for, and what each means.
    run
        Puts the question to a case.
    measured
        Whether its numbers depend on the machine: they are then kept outside of the report's digest.
    """

    name: str
    family: str
    asks: str
    why: str
    marks: Mapping[str, str]
    run: Callable[[C], Found]
    measured: bool = False


def merged(founds: Sequence[Found]) -> Found:
    """Return what was found of several targets as one; what was not tested of one was not tested."""
    return Found(
        numbers=tuple(n for f in founds for n in f.numbers),
        untested=next((f.untested for f in founds if f.untested), None),
        crashed=next((f.crashed for f in founds if f.crashed), None),
        notes=tuple(dict.fromkeys(note for f in founds for note in f.notes)),
    )


def significant(value: float | None, digits: int = DIGITS) -> float | None:
    """Return a number with so many significant digits; None for what is no finite number.

    Examples
    --------
    >>> significant(0.123456789), significant(float("nan")), significant(-0.0)
    (0.123457, None, 0.0)
    """
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}") + 0.0
