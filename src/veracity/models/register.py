"""The public register of systems that decide or advise: one entry each, every fact with its log entries.

Facts are computed from the log, never typed. A fact that is not known says so, and one that is old is marked
stale: nothing is made up to fill a place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from veracity.models.app import Words
from veracity.models.incidents import DEADLINES

Standing = Literal["known", "stale", "missing"]

SCHEMA = "veracity.register/v1"
STALE_RUNS = 3  #: a system that missed so many of its runs is stale
STALE_SCORES_DAYS = 3
STALE_MODEL_DAYS = 365


@dataclass(frozen=True)
class Fact:
    """One fact of a system.

    Attributes
    ----------
    value
        As JSON; None where it is missing.
    entries
        The log entries that prove it.
    standing
        ``known``, ``stale`` or ``missing``.
    note
        Why it is stale or missing.
    """

    value: Any
    entries: tuple[int, ...] = ()
    standing: Standing = "known"
    note: str = ""

    @classmethod
    def missing(cls, note: str) -> "Fact":
        """Return a fact that is not known, and why."""
        return cls(None, (), "missing", note)

    def to_document(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "value": self.value,
            "entries": list(self.entries),
            "standing": self.standing,
            "note": self.note,
        }


@dataclass(frozen=True)
class Declared:
    """What an app says of itself; its code, not the log, is the source."""

    title: Words
    purpose: Words
    affected: Words
    appeal: Words
    owner: str
    risk: str
    risk_why: str
    furthest: str
    every_s: int
    targets: Mapping[str, str]
    feeds: tuple[str, ...]
    code_sha256: str


@dataclass(frozen=True)
class IncidentLine:
    """An incident as the register shows it."""

    name: str
    severity: str
    state: Literal["open", "closed"]
    opened_at: str
    due: str
    closed_at: str | None
    overdue: bool
    what: str
    last: str
    entries: tuple[int, ...]


@dataclass(frozen=True)
class OverrideLine:
    """A decision that a person replaced."""

    run: int
    record: int
    value: str
    by: str
    why: str
    at: str
    entry: int


@dataclass(frozen=True)
class Entry:
    """One system in the register.

    Attributes
    ----------
    system
        Its name.
    declared
        None where the app's declaration is gone though the log knows the system.
    facts
        By name: ``stage``, ``model``, ``trained``, ``data``, ``assured``, ``card``, ``runs``, ``scored``,
        ``overrides``.
    skill, days
        Of the scoreboard (see ``models.scoreboard.summary``) by target and horizon, and by target and day.
    incidents, overrides
        Newest first.
    """

    system: str
    declared: Declared | None
    simulated: bool
    facts: Mapping[str, Fact]
    skill: pl.DataFrame
    days: pl.DataFrame
    incidents: tuple[IncidentLine, ...]
    overrides: tuple[OverrideLine, ...]

    @property
    def n_overdue(self) -> int:
        """How many incidents are open past their time."""
        return sum(one.overdue and one.state == "open" for one in self.incidents)

    @property
    def n_open(self) -> int:
        """How many incidents are open."""
        return sum(one.state == "open" for one in self.incidents)

    def to_document(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "schema": SCHEMA,
            "system": self.system,
            "declared": self.declared and _declared(self.declared),
            "simulated": self.simulated,
            "facts": {name: fact.to_document() for name, fact in self.facts.items()},
            "skill": _rows(self.skill),
            "days": _rows(self.days),
            "incidents": [vars(one) | {"entries": list(one.entries)} for one in self.incidents],
            "overrides": [vars(one) for one in self.overrides],
            "deadlines": {s: {"days": d.days, "why": d.why} for s, d in DEADLINES.items()},
        }


@dataclass(frozen=True)
class Register:
    """All entries, as of a log.

    Attributes
    ----------
    origin, size, root_sha256
        The log, how many entries of it were read, and its root: what anyone can check the entries against.
    as_of
        The time of reading (RFC 3339, UTC).
    """

    origin: str
    size: int
    root_sha256: str
    as_of: str
    entries: tuple[Entry, ...]

    def to_document(self) -> dict[str, Any]:
        """Return plain JSON: the log, and a line a system."""
        return {
            "schema": SCHEMA,
            "log": {"origin": self.origin, "size": self.size, "root": self.root_sha256},
            "as_of": self.as_of,
            "systems": [line(entry) for entry in self.entries],
        }


def line(entry: Entry) -> dict[str, Any]:
    """Return a system in one line."""
    return {
        "system": entry.system,
        "title": dict(entry.declared.title) if entry.declared else None,
        "owner": entry.declared.owner if entry.declared else None,
        "risk": entry.declared.risk if entry.declared else None,
        "stage": entry.facts["stage"].value,
        "model": entry.facts["model"].value,
        "skill": best_skill(entry),
        "open_incidents": entry.n_open,
        "overdue_incidents": entry.n_overdue,
        "overrides": len(entry.overrides),
        "not_known": [n for n, f in entry.facts.items() if f.standing == "missing"],
        "stale": [n for n, f in entry.facts.items() if f.standing == "stale"],
        "simulated": entry.simulated,
    }


def best_skill(entry: Entry) -> dict[str, float]:
    """Return for each target the mean over horizons of the system's skill against the best baseline.

    1 less the ratio of mean absolute errors: 0 is no better than the baseline, below 0 worse.
    """
    own = entry.skill.filter((pl.col("model") == "model") & pl.col("skill_mae").is_not_null())
    means = own.group_by("target").agg(pl.col("skill_mae").mean()).sort("target")
    return {str(t): float(v) for t, v in means.iter_rows()}


def _declared(one: Declared) -> dict[str, Any]:
    plain = {n: dict(v) if isinstance(v, Mapping) else v for n, v in vars(one).items()}
    return plain | {"feeds": list(one.feeds)}


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    plain = [pl.col(n).cast(pl.String) for n, t in frame.schema.items() if t == pl.Date]
    return frame.with_columns(plain).to_dicts()
