"""Numbers held against marks: the verdict of a test, and of a report for a stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from veracity.models.assurance.policy import Demand, Mark
from veracity.models.assurance.result import AssuranceTest, Found, Number, Verdict
from veracity.provenance.statements.words import Stage
from veracity.provenance.statements.words import Verdict as Whole

_TOLD = 4  # of the numbers that missed a mark, in the reason


@dataclass(frozen=True)
class Result:
    """A test, what it found, and the verdict with its reason."""

    name: str
    family: str
    asks: str
    why: str
    mark_why: str
    marks: tuple[Mark, ...]
    required: tuple[str, ...]
    verdict: Verdict
    reason: str
    numbers: tuple[Number, ...]
    notes: tuple[str, ...] = ()
    measured: bool = False

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object; without the numbers where they depend on the machine."""
        return {
            "name": self.name,
            "family": self.family,
            "asks": self.asks,
            "why": self.why,
            "marks": {m.number: m.to_object() for m in self.marks},
            "mark_why": self.mark_why,
            "required": list(self.required),
            "verdict": self.verdict,
            "reason": self.reason,
            "numbers": [] if self.measured else [n.to_object() for n in self.numbers],
            "notes": list(self.notes),
            "measured": self.measured,
        }


def judge(test: AssuranceTest[Any], found: Found, demand: Demand | None) -> Result:
    """Hold what a test found against what the policy demands."""
    verdict, reason = verdict_of(found, demand, measured=test.measured)
    return Result(
        name=test.name,
        family=test.family,
        asks=test.asks,
        why=test.why,
        mark_why="" if demand is None else demand.why,
        marks=() if demand is None else demand.marks,
        required=() if demand is None else demand.required,
        verdict=verdict,
        reason=reason,
        numbers=found.numbers,
        notes=found.notes,
        measured=test.measured,
    )


def whole_verdict(results: Sequence[Result], stage: Stage) -> Whole:
    """Return the verdict of a whole report for a stage, as the ``assure`` statement has it."""
    if any(r.verdict == "failed" for r in results):
        return "failed"
    return "incomplete" if lacking(results, stage) else "passed"


def lacking(results: Sequence[Result], stage: Stage) -> list[str]:
    """Return the tests that a stage requires and that did not pass; ``act`` requires those of advise too."""
    wanted = {"shadow": set[str](), "advise": {"advise"}, "act": {"advise", "act"}}[stage]
    return [r.name for r in results if wanted & set(r.required) and r.verdict != "passed"]


def tally(results: Sequence[Result]) -> Mapping[Verdict, int]:
    """Return how many tests there are of each verdict."""
    verdicts = [r.verdict for r in results]
    return {verdict: verdicts.count(verdict) for verdict in get_args(Verdict)}


def verdict_of(found: Found, demand: Demand | None, *, measured: bool = False) -> tuple[Verdict, str]:
    """Return the verdict on what a test found, by what the policy demands, and the reason."""
    if found.crashed is not None:
        return "failed", f"the model did not answer: {found.crashed}"
    missed = _missed(found, demand.marks if demand else (), measured=measured)
    if missed:
        more = f" and {len(missed) - _TOLD} more" if len(missed) > _TOLD else ""
        return "failed", "; ".join(missed[:_TOLD]) + more
    if found.untested is not None:
        return "untested", found.untested
    if demand is None:
        return "untested", "the policy does not name this test: its numbers are only told"
    if not demand.marks:
        return "untested", "the policy sets no mark: its numbers are only told"
    held = [n for n in found.numbers if n.judged and any(m.number == n.name for m in demand.marks)]
    unheld = [m.number for m in demand.marks if not any(n.name == m.number for n in held)]
    if unheld:
        return "untested", f"{unheld[0]}: too few cases to judge by"
    return "passed", f"{len(held)} numbers within {'; '.join(m.words for m in demand.marks)}"


def _missed(found: Found, marks: Sequence[Mark], *, measured: bool) -> list[str]:
    missed = []
    for mark in marks:
        for n in found.numbers:
            if n.name != mark.number or not n.judged:
                continue
            end = {"value": n.value, "low": n.low, "high": n.high}[mark.hold]
            at = n.value if end is None else end
            if not mark.holds(at):
                of = ", ".join(f"{k} {v}" for k, v in n.of.items())
                got = "" if measured else f", got {at:.3g}"
                missed.append(f"{of + ': ' if of else ''}want {mark.words}{got}")
    return missed
