"""What changed in the rules of a contract."""

from collections.abc import Iterator, Mapping
from typing import Any

from veracity.data.breaking.change import Breaks, Change
from veracity.data.contract import Contract
from veracity.data.rules.rule import Rule

# Settings of which more lets more readings through.
_MORE_IS_LOOSER = frozenset(
    [
        "threshold",
        "ratio",
        "times",
        "tolerance",
        "tolerance_s",
        "longest_s",
        "rise",
        "fall",
        "every_s",
        "at_least",
        "late_s",
    ]
)
_SETS_ASIDE = ("quarantine", "refuse", "ask")


def rule_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """Yield what changed in the rules, and in what becomes of rows that break them."""
    before, after = {r.reason: r for r in old.rules}, {r.reason: r for r in new.rules}
    for reason, rule in before.items():
        if reason not in after:
            yield _removed(rule)
        else:
            yield from _settings(rule, after[reason])
    for reason, rule in after.items():
        if reason not in before:
            yield _added(rule)
    yield from _column_actions(dict(old.actions), dict(new.actions))


def _removed(rule: Rule) -> Change:
    if rule.action in _SETS_ASIDE:
        why = "rows it set aside are in the table from now on"
    else:
        why = "readers who leave out what it flagged see no flags, and so all rows"
    return Change("rule-removed", rule.reason, rule.action, None, "readers", why)


def _added(rule: Rule) -> Change:
    if rule.action in _SETS_ASIDE:
        return Change(
            "rule-added", rule.reason, None, rule.action, "senders", "rows that break it are set aside"
        )
    return Change(
        "rule-added", rule.reason, None, rule.action, "no", "rows that break it are accepted, with a flag"
    )


def _settings(old: Rule, new: Rule) -> Iterator[Change]:
    if old.action != new.action:
        yield _action(old.reason, old.action, new.action)
    before, after = _plain(old), _plain(new)
    differing = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    if differing:
        shown = [", ".join(f"{n} {values.get(n)}" for n in differing)[:200] for values in (before, after)]
        kind, breaks, why = _direction(before, after, differing, new.action)
        yield Change(kind, old.reason, shown[0], shown[1], breaks, why)
    if old.severity != new.severity:
        why = "severity is for people; it changes no verdict"
        yield Change("rule-severity", old.reason, old.severity, new.severity, "no", why)


def _plain(rule: Rule) -> dict[str, Any]:
    return {n: v for n, v in rule.to_object().items() if n not in ("reason", "action", "severity")}


def _direction(
    before: Mapping[str, Any], after: Mapping[str, Any], differing: list[str], action: str
) -> tuple[str, Breaks, str]:
    """Tell whether changed settings let more or fewer readings through."""
    directions = {_looser(before.get(n), after.get(n)) if n in _MORE_IS_LOOSER else None for n in differing}
    is_flag = action not in _SETS_ASIDE
    if directions == {True}:
        why = "fewer rows are flagged" if is_flag else "rows that were set aside are in the table from now on"
        return "rule-relaxed", "no" if is_flag else "readers", why
    if directions == {False}:
        why = "more rows are flagged" if is_flag else "rows that were accepted are set aside"
        return "rule-tightened", "no" if is_flag else "senders", why
    why = "other rows are flagged" if is_flag else "other rows are set aside, and some that were are not"
    return "rule-changed", "no" if is_flag else "readers", why


def _looser(old: Any, new: Any) -> bool | None:
    """Tell whether a setting lets more through; None, no limit at all, lets everything through."""
    if old is None or new is None:
        return new is None
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (old, new))
    return bool(new > old) if numbers else None


def _column_actions(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for reason in sorted(old.keys() | new.keys()):
        before, after = old.get(reason, "quarantine"), new.get(reason, "quarantine")
        if before != after:
            yield _action(reason, before, after)


def _action(reason: str, old: str, new: str) -> Change:
    if old in _SETS_ASIDE and new in _SETS_ASIDE:
        why = "such rows were not in the table and are not now; what becomes of them changes"
        return Change("action-changed", reason, old, new, "senders", why)
    if new in _SETS_ASIDE:
        return Change(
            "action-changed", reason, old, new, "senders", "rows that were accepted with a flag are set aside"
        )
    why = "rows that were set aside are in the table, with a flag"
    return Change("action-changed", reason, old, new, "readers", why)
