"""Order in time: whether a sensor's readings arrive in the order in which they were made."""

from dataclasses import dataclass

from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule


@dataclass(frozen=True)
class Order(Rule):
    """A sensor's reading is no older than the newest one that arrived before it.

    ``{rule: order, tolerance: 10 min}`` on the schema object. A sensor is what the key's columns
    but the event time tell apart. A reading with exactly the newest time repeats a key, and is the
    key's to judge.

    Attributes
    ----------
    tolerance_s
        ``tolerance``: how much older than the newest a reading may be, in seconds; 0 by default.
        Networks that send each reading on its own need some: their messages overtake each other.
    """

    tolerance_s: float


def read_order(scope: Scope, p: Parameters) -> Order:
    """Read the rule; its reason is ``order:<event time>``."""
    tolerance_s = p.duration_s("tolerance", 0)
    return Order(f"order:{scope.time}", p.action, p.severity, tolerance_s)
