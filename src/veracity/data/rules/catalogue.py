"""The kinds of rules there are: how each is read, where it may stand, and what is its default."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from veracity.data.rules.column_actions import ACTIONS, SETS_ASIDE
from veracity.data.rules.declared_unit import read_declared_unit
from veracity.data.rules.drift import read_drift
from veracity.data.rules.freshness import read_freshness
from veracity.data.rules.gap import read_gap
from veracity.data.rules.inside import read_inside
from veracity.data.rules.neighbours import read_alone, read_misplaced, read_neighbours
from veracity.data.rules.noise import read_noise
from veracity.data.rules.order import read_order
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rate import read_rate
from veracity.data.rules.reference import read_reference
from veracity.data.rules.registry import read_registry
from veracity.data.rules.relation import read_relation
from veracity.data.rules.repeated_row import read_repeated_row
from veracity.data.rules.rule import Action, Rule
from veracity.data.rules.shift import read_shift
from veracity.data.rules.spike import read_spike
from veracity.data.rules.stuck import read_stuck
from veracity.data.rules.unit_change import read_unit

NUMBERS = ("number", "integer")
ANY = ("string", "integer", "number", "boolean", "timestamp", "date")


@dataclass(frozen=True)
class Kind:
    """A kind of rule.

    Attributes
    ----------
    read
        Makes the rule of its scope and settings.
    property_types
        logicalTypes of the properties under which it may stand; none if it may under no property.
    on_schema
        Whether it may stand under the schema object.
    is_named
        Whether it needs a name there: it is about no column in particular, and there may be more.
    needs_time
        Whether the key must hold the event time: rules that follow a sensor.
    actions
        The actions it may have; the first is the default.
    """

    read: Callable[[Scope, Parameters], Rule]
    property_types: Sequence[str] = ()
    on_schema: bool = False
    is_named: bool = False
    needs_time: bool = False
    actions: Sequence[Action] = ("quarantine", "flag", "refuse", "ask")


def _sequence(read: Callable[[Scope, Parameters], Rule]) -> Kind:
    return Kind(read, property_types=NUMBERS, needs_time=True, actions=ACTIONS)


KINDS: Mapping[str, Kind] = {
    "relation": Kind(read_relation, property_types=ANY, on_schema=True, is_named=True),
    "inside": Kind(read_inside, on_schema=True, is_named=True),
    "registry": Kind(read_registry, property_types=ANY, on_schema=True, is_named=True),
    "unit-column": Kind(read_declared_unit, property_types=NUMBERS),
    "freshness": Kind(read_freshness, on_schema=True, needs_time=True, actions=("flag",)),
    "rate": _sequence(read_rate),
    "gap": _sequence(read_gap),
    "stuck": _sequence(read_stuck),
    "spike": _sequence(read_spike),
    "shift": _sequence(read_shift),
    "drift": _sequence(read_drift),
    "noise": _sequence(read_noise),
    "neighbours": _sequence(read_neighbours),
    "misplaced": _sequence(read_misplaced),
    "alone": _sequence(read_alone),
    "unit": _sequence(read_unit),
    "reference": _sequence(read_reference),
    "order": Kind(read_order, on_schema=True, needs_time=True, actions=ACTIONS),
    "repeated-row": Kind(read_repeated_row, on_schema=True, actions=SETS_ASIDE),
}
