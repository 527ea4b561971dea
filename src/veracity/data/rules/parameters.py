"""The settings of one rule, read strictly: what is missing, wrong or unknown is an error."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veracity.data.errors import MalformedContract
from veracity.data.place import fault, shown
from veracity.data.rules.rule import Action, Severity

_REQUIRED: Any = object()
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
CENTURY_S = 36_525 * 86_400
LIST = 10_000


@dataclass(frozen=True)
class Scope:
    """Where a rule stands: the contract's columns, and the property it hangs on, if any.

    Attributes
    ----------
    columns
        logicalType by name.
    units
        UCUM unit by name, of the columns that have one.
    sensor, time
        The key's columns but the event time, and the event time; () and None where the key has none.
    property
        The column under which the rule is written; None for a rule of the schema object.
    frequency_s
        How often a sensor reports, as the contract's ``frequency`` says; None if it does not.
    """

    columns: Mapping[str, str]
    units: Mapping[str, str] = field(default_factory=dict)
    sensor: tuple[str, ...] = ()
    time: str | None = None
    property: str | None = None
    frequency_s: float | None = None


class Parameters:
    """One rule's settings. Each is taken once by its name and type; ``done`` refuses the rest."""

    def __init__(
        self,
        where: str,
        values: Mapping[str, Any],
        action: Action = "quarantine",
        severity: Severity = "error",
    ) -> None:
        self.where = where
        self.action = action
        self.severity = severity
        self._values = dict(values)

    def has(self, name: str) -> bool:
        """Tell whether a setting is given and not yet taken."""
        return name in self._values

    def number(
        self, name: str, default: float = _REQUIRED, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """Take a finite number from ``low`` to ``high``."""
        value = self._take(name, default)
        number = finite(value)
        if number is None or not low <= number <= high:
            raise self.fail(name, f"a number{_span(low, high)}", value)
        return number

    def whole(self, name: str, default: int = _REQUIRED, *, low: int, high: int) -> int:
        """Take a whole number from ``low`` to ``high``."""
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fail(name, f"a whole number{_span(low, high)}", value)
        return value

    def duration_s(self, name: str, default: float | None = _REQUIRED) -> float:
        """Take a duration such as ``6 h``, ``15 min``, ``90 s`` or ``2 d``; ``default`` is in seconds."""
        if not self.has(name) and default is not _REQUIRED and default is not None:
            return float(default)
        value = self._take(name, None)
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
        if not 0 < seconds <= CENTURY_S:
            raise self.fail(name, "a duration such as '6 h' (s, min, h or d; at most 100 years)", value)
        return seconds

    def text(self, name: str, default: str = _REQUIRED, *, most: int = 1_000) -> str:
        """Take a text that is not empty."""
        value = self._take(name, default)
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise self.fail(name, f"a text of at most {most} characters", value)
        return value

    def choice(self, name: str, options: Sequence[str], default: str = _REQUIRED) -> str:
        """Take one of some texts."""
        value = self._take(name, default)
        if value not in options:
            raise self.fail(name, " or ".join(options), value)
        return str(value)

    def flag(self, name: str, default: bool = _REQUIRED) -> bool:
        """Take true or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self.fail(name, "true or false", value)
        return value

    def items(self, name: str, default: Sequence[Any] = _REQUIRED, *, most: int = LIST) -> list[Any]:
        """Take a list of at most ``most`` items."""
        value = self._take(name, default)
        if not isinstance(value, list | tuple) or len(value) > most:
            raise self.fail(name, f"a list of at most {most}", value)
        return list(value)

    def mapping(self, name: str, default: Mapping[str, Any] = _REQUIRED) -> dict[str, Any]:
        """Take a mapping with text names."""
        value = self._take(name, default)
        if not isinstance(value, Mapping) or not all(isinstance(k, str) for k in value):
            raise self.fail(name, "a mapping", value)
        return dict(value)

    def column(self, name: str, scope: Scope, types: Sequence[str], default: str | None = _REQUIRED) -> str:
        """Take the name of a column of the contract that has one of some logicalTypes."""
        value = self._take(name, default)
        if not isinstance(value, str) or scope.columns.get(value) not in types:
            raise self.fail(name, f"a column of type {' or '.join(types)}", value)
        return value

    def take(self, name: str) -> Any:
        """Take a setting whatever it is; None if it is not given."""
        return self._take(name, None)

    def judged(self, scope: Scope, what: str) -> str:
        """Return the property under which a rule hangs that judges numbers; ``what`` names the rule."""
        if scope.property is None or scope.columns.get(scope.property) not in ("number", "integer"):
            raise self.fail("rule", f"{what} under a property of type number or integer", scope.property)
        return scope.property

    def done(self) -> None:
        """Refuse what nobody asked for."""
        if self._values:
            name = min(self._values)
            raise fault(f"{self.where}: {shown(name)} is no setting of this rule", name)

    def fail(self, name: str, wanted: str, got: Any) -> MalformedContract:
        """Return the error that says what, wanted, got."""
        told = "none" if got is _REQUIRED or got is None else shown(got)
        return fault(f"{self.where}.{name}: want {wanted}, got {told}", name)

    def _take(self, name: str, default: Any) -> Any:
        return self._values.pop(name, default)


def finite(value: Any) -> float | None:
    """Return a number that a float can hold; None for anything else, so also for NaN and true."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _span(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return ""
    if math.isinf(high):
        return f" of at least {low:g}"
    return f" of at most {high:g}" if math.isinf(low) else f" from {low:g} to {high:g}"
