"""A rule of a contract: what it is called, how bad a break is, and what becomes of a row that breaks it.

Rules on rows come in three shapes. A ``RowRule`` looks at one row. A ``RegistryRule`` looks a row up
in another feed. A ``SequenceRule`` looks at one property of one sensor, reading after reading; with a
``network``, at what the sensor says against what its neighbours let expect. Beside these stand
``Order`` and ``RepeatedRow``, which the engine judges with the keys, and a ``SilenceRule`` on sensors.

Two promises make verdicts independent of how a feed is cut into batches and of the order of
the rules: a rule never looks at another rule's verdict on an earlier reading, and a sequence
rule looks at no more than ``window`` readings before the one it judges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, Protocol

import numpy as np
import polars as pl

from veracity.data.rules.coded import Codings
from veracity.data.rules.readings import Readings

Action = Literal["flag", "quarantine", "refuse", "ask"]
Severity = Literal["info", "warning", "error"]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Rule:
    """What all rules have.

    Attributes
    ----------
    reason
        ``<kind>:<property or name>``: unique in a contract, the name of the verdict's column.
    action
        What becomes of a row that breaks it: ``flag`` accepts it and says so, ``quarantine`` sets
        it aside, ``refuse`` gives no row, ``ask`` sets it aside until a person decides.
    severity
        For people; changes no verdict.
    """

    reason: str
    action: Action
    severity: Severity

    @property
    def kind(self) -> str:
        """The rule's kind: the reason up to the colon."""
        return self.reason.partition(":")[0]

    def to_object(self) -> Mapping[str, Any]:
        """Return the rule with all its settings as JSON values: what the rules digest is taken of."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"kind": self.kind} | {name: _plain(value) for name, value in values.items()}


class RowRule(Protocol):
    """A rule that one row can break by itself."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the contract's columns it reads."""

    def broken(self) -> pl.Expr:
        """Return an expression over the typed columns: true where broken, null where not asked."""


class SequenceRule(Protocol):
    """A rule on the readings of one property of one sensor, in order."""

    @property
    def series(self) -> str:
        """Name of the series it judges: a property of the contract, or one a network rule makes."""

    @property
    def window(self) -> int:
        """How many readings before the one judged it may look at; the state remembers as many."""

    def broken(self, readings: Readings) -> Mask:
        """Return for each reading whether it breaks the rule; what is said of old ones is not used."""


class RegistryRule(Protocol):
    """A rule that looks each row up in the table of another feed."""

    @property
    def reason(self) -> str:
        """As of every rule."""

    @property
    def feed(self) -> str:
        """The feed whose table is the registry."""

    def broken(self, rows: pl.DataFrame, registry: pl.DataFrame, codings: Codings) -> pl.Series:
        """Return (n,) Boolean: which typed rows the registry does not know as of their event time.

        ``codings``: columns of the rows that are coded already.
        """


class SilenceRule(Protocol):
    """A rule on sensors rather than rows: which have been silent too long."""

    def silent(self, sensors: pl.DataFrame, now: datetime) -> pl.Series:
        """Return (m,) Boolean for sensors with ``_newest``, the event time of their newest reading."""


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | frozenset):
        return [_plain(v) for v in (sorted(value) if isinstance(value, frozenset) else value)]
    return value
