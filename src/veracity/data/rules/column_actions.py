"""What becomes of a row that breaks a column's own rule: ``actions``, a custom property."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from open_data_contract_standard.model import CustomProperty

from veracity.data.place import fault, shown, within
from veracity.data.rules.rule import Action

ACTIONS: tuple[Action, ...] = ("flag", "quarantine", "refuse", "ask")
SETS_ASIDE: tuple[Action, ...] = ("quarantine", "refuse", "ask")

Choices = Mapping[str, Sequence[Action]]


def read_actions(
    where: str, properties: Sequence[CustomProperty] | None, choices: Choices
) -> dict[str, Action]:
    """Read ``{property: actions, value: {range: flag}}`` of a column or of the schema object.

    Parameters
    ----------
    where
        The column's name, or ``schema``: for messages.
    properties
        All of its custom properties.
    choices
        The rules there are, with the actions each may have.

    Returns
    -------
    actions
        By rule; those that say what holds anyway, ``quarantine``, left out.
    """
    given: Any = next((p.value for p in properties or [] if p.property == "actions"), {})
    with within("customProperties", "actions", "value"):
        if not isinstance(given, dict):
            raise fault(f"{where}.actions: want rules and their actions, got {shown(given)}")
        for rule, action in given.items():
            if rule not in choices:
                rules = ", ".join(choices) or "none"
                raise fault(f"{where}.actions: want rules of this column ({rules}), got {shown(rule)}", rule)
            if action not in choices[rule]:
                raise fault(
                    f"{where}.actions.{rule}: want {' or '.join(choices[rule])}, got {shown(action)}", rule
                )
    return {rule: cast(Action, action) for rule, action in given.items() if action != "quarantine"}
