"""Repeated rows: a record that came twice, told apart from two readings that claim one key."""

from dataclasses import dataclass

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule


@dataclass(frozen=True)
class RepeatedRow(Rule):
    """No row equals, in every column, the row that has its key.

    ``{rule: repeated-row}`` on the schema object. It gives such a row the reason ``repeated-row``
    beside ``duplicate-key``. A key repeated with other values has ``duplicate-key`` alone: there
    two sources disagree, here one spoke twice. The row that has a key is the first one that nothing
    set aside; a row that repeats one set aside is not told from one that says something new.
    """


def read_repeated_row(scope: Scope, p: Parameters) -> RepeatedRow:  # noqa: ARG001 - every reader's shape
    """Read the rule, which has no settings."""
    return RepeatedRow("repeated-row", p.action, p.severity)
