"""Incidents of a system: how long each may stay open, and what its steps in the log come to. Pure.

The days are this city's rule for *closing* an incident. They borrow the days that the EU AI Act, Regulation
(EU) 2024/1689, gives for *reporting* one: by article 73(3) two days where critical infrastructure is
disrupted, by 73(2) fifteen days otherwise (from general knowledge, not checked against its text). What
Vietnam's Law 134/2025/QH15 and its decrees ask was not found in a text that could be checked; where it is
less, the officer must be quicker. To report to an authority stays a person's act.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from veracity.models.errors import IncidentClosed, IncidentOpen, UnknownIncident
from veracity.provenance.statements import Incident
from veracity.provenance.statements.words import Severity


@dataclass(frozen=True)
class Deadline:
    """Days to close an incident, and why so many."""

    days: int
    why: str


DEADLINES: Mapping[Severity, Deadline] = {
    "critical": Deadline(
        2, "people may come to harm, or a service that they depend on fails (cf. EU AI Act art. 73(3))"
    ),
    "serious": Deadline(15, "rights, health or property may be affected (cf. EU AI Act art. 73(2))"),
    "low": Deadline(30, "wrong or late, with no harm to anyone: a month, so that it is not forgotten"),
}


@dataclass(frozen=True)
class Step:
    """One step and its place in the log."""

    idx: int
    said: Incident


@dataclass(frozen=True)
class IncidentState:
    """An incident as it stands.

    Attributes
    ----------
    steps
        In log order: opened, updated, closed.
    """

    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """Its name in its system."""
        return self.steps[0].said.incident

    @property
    def last(self) -> Incident:
        """What was said last."""
        return self.steps[-1].said

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be said of it."""
        return self.last.step == "closed"

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is open past its time, or was closed past it."""
        end = _time(self.last.said_at) if self.is_closed else now
        return end > _time(self.last.due)

    def due_with(self, severity: Severity) -> datetime:
        """Return the deadline with a severity: counted from the opening, and never moved later."""
        return min(_time(self.last.due), due_from(_time(self.steps[0].said.said_at), severity))


def due_from(opened: datetime, severity: Severity) -> datetime:
    """Return by when an incident is to be closed.

    Examples
    --------
    >>> from datetime import UTC
    >>> due_from(datetime(2026, 9, 3, tzinfo=UTC), "critical").isoformat()
    '2026-09-05T00:00:00+00:00'
    """
    return opened + timedelta(days=DEADLINES[severity].days)


def fold(steps: Iterable[Step]) -> dict[str, IncidentState]:
    """Return incidents of one system by name, in the order in which they were opened.

    A step out of order is kept where it stands: the log has it, and the monitor tells of it.
    """
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(step.said.incident, []).append(step)
    return {name: IncidentState(tuple(of_name)) for name, of_name in found.items()}


def check_new(known: Mapping[str, IncidentState], name: str) -> None:
    """Raise IncidentOpen, or IncidentClosed, if the name is taken."""
    if name in known:
        if known[name].is_closed:
            raise IncidentClosed(f"incident {name}: want a name that was not used, got one that is closed")
        raise IncidentOpen(f"incident {name}: want a name that was not used, got one that is open")


def check_open(known: Mapping[str, IncidentState], name: str) -> IncidentState:
    """Return an open incident; UnknownIncident or IncidentClosed for another."""
    if name not in known:
        raise UnknownIncident(f"incident: want one of {', '.join(known) or 'none so far'}, got {name[:64]!r}")
    if known[name].is_closed:
        raise IncidentClosed(
            f"incident {name}: want one that is open, got one closed at {known[name].last.said_at}"
        )
    return known[name]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
