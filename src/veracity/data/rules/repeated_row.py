"""Repeated rows: a record that came twice, told apart from two readings that claim one key."""

from dataclasses import dataclass

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule


@dataclass(frozen=True)
class RepeatedRow(Rule):
    """No row equals an earlier one in every column.

    ``{rule: repeated-row}`` on the schema object. It gives such a row the reason ``repeated-row``
    beside ``duplicate-key``. A key repeated with other values has ``duplicate-key`` alone: there
    two sources disagree, here one spoke twice.
    """


def read_repeated_row(scope: Scope, p: Parameters) -> RepeatedRow:  # noqa: ARG001 - every reader's shape
    """Read the rule, which has no settings."""
    return RepeatedRow("repeated-row", p.action, p.severity)
