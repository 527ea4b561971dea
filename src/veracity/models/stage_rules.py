"""How long a stage must be served before the next: from the policy that a model is assured by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veracity.data.plain_yaml import parse_yaml
from veracity.errors import Malformed
from veracity.provenance.statements.words import STAGES, Stage

POLICY_BYTES = 1_048_576
SECTION = "stages"


class MalformedStageRules(Malformed):
    """The policy does not say in a form known here how long a stage is to be served."""

    code = "malformed-stage-rules"


@dataclass(frozen=True)
class StageRule:
    """What must have been served at the stage before: days, and decisions that were scored."""

    days: float = 0.0
    decisions: int = 0


#: Where a policy says nothing. To act takes a fortnight of advice that can be looked back on.
DEFAULTS: Mapping[Stage, StageRule] = {
    "shadow": StageRule(),
    "advise": StageRule(),
    "act": StageRule(14.0, 1_000),
}


def before(stage: Stage) -> Stage | None:
    """Return the stage before one; None for the first.

    Examples
    --------
    >>> before("act"), before("shadow")
    ('advise', None)
    """
    at = STAGES.index(stage)
    return STAGES[at - 1] if at else None


def parse_stage_rules(policy: bytes) -> dict[Stage, StageRule]:
    """Read the section ``stages`` of a policy (YAML); what it leaves out is as in ``DEFAULTS``.

    Examples
    --------
    >>> parse_stage_rules(b"stages: {act: {days: 7, decisions: 200}}")["act"]
    StageRule(days=7.0, decisions=200)

    Raises
    ------
    MalformedStageRules
        If it is something else.
    """
    document = parse_yaml(policy, "policy", POLICY_BYTES, MalformedStageRules)
    return read_stage_rules(document.get(SECTION) if isinstance(document, dict) else None)


def read_stage_rules(section: Any) -> dict[Stage, StageRule]:
    """Read that section, parsed; None for a policy without one."""
    rules = dict(DEFAULTS)
    if section is None:
        return rules
    if not isinstance(section, dict) or not set(section) <= set(STAGES):
        raise MalformedStageRules(f"{SECTION}: want some of {', '.join(STAGES)}, got {str(section)[:80]}")
    for stage in STAGES:
        if stage in section:
            rules[stage] = _rule(stage, section[stage], rules[stage])
    return rules


def strictest(rules: list[dict[Stage, StageRule]]) -> dict[Stage, StageRule]:
    """Return what satisfies several policies at once; ``DEFAULTS`` for none."""
    if not rules:
        return dict(DEFAULTS)
    return {s: StageRule(max(r[s].days for r in rules), max(r[s].decisions for r in rules)) for s in STAGES}


def _rule(stage: Stage, value: Any, otherwise: StageRule) -> StageRule:
    if not isinstance(value, dict) or not set(value) <= {"days", "decisions"}:
        raise MalformedStageRules(f"{SECTION}.{stage}: want days and decisions, got {str(value)[:80]}")
    days, decisions = value.get("days", otherwise.days), value.get("decisions", otherwise.decisions)
    for name, number in (("days", days), ("decisions", decisions)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < 1e9:
            raise MalformedStageRules(
                f"{SECTION}.{stage}.{name}: want a number from 0, got {str(number)[:40]}"
            )
    if int(decisions) != decisions:
        raise MalformedStageRules(f"{SECTION}.{stage}.decisions: want a whole number, got {decisions}")
    return StageRule(float(days), int(decisions))
