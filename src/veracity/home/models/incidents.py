"""Incidents of a system: opened by anyone who may write here, updated, closed by an officer; all logged."""

from dataclasses import dataclass

from veracity.data.panel_definition import parse_panel
from veracity.home.clock import format_time
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.models.of_system import said_of
from veracity.home.models.said import read_said
from veracity.home.officers import check_approval
from veracity.home.panels import is_any_simulated
from veracity.models.app import App
from veracity.models.errors import IncidentRefused
from veracity.models.incidents import IncidentState, Step, check_new, check_open, due_from, fold
from veracity.provenance.approvals import Request
from veracity.provenance.dsse import Envelope
from veracity.provenance.statements import Approve, Incident
from veracity.provenance.statements.words import NAME, Severity


@dataclass(frozen=True)
class AskedClosing:
    """The end of an incident, before its approval: what an officer is asked to sign."""

    system: str
    incident: str
    what: str

    @property
    def request(self) -> Request:
        """What the officer signs: the same names as ``closing_sha256`` is of."""
        asked = {"system": self.system, "incident": self.incident, "step": "closed", "what": self.what}
        return Request("incident", self.system, asked)


def incidents(home: Home, system: str) -> dict[str, IncidentState]:
    """Return the incidents of a system by name, as the log itself has them, in the order of opening."""
    said = said_of(home, "incident", system)
    return fold(Step(idx, read_said(home, idx, Incident)) for idx, _ in said)


def open_incident(
    home: Writer, app: App, name: str, severity: Severity, *, by: str, what: str
) -> tuple[Incident, int]:
    """Say that something went wrong; return the statement and its place in the log.

    Parameters
    ----------
    by
        The person, or the rule, that noticed.
    what
        What went wrong, one line.

    Raises
    ------
    IncidentOpen, IncidentClosed
        If the name was used before.
    BadName, MalformedStatement
        If the name, the person or the line can be none.
    """
    if not NAME.fullmatch(name):
        raise BadName(f"incident: want a name such as wrong-alerts-2 ([a-z0-9-]), got {name[:64]!r}")
    check_new(incidents(home, app.name), name)
    now = home.clock()
    opened = Incident(
        system=app.name,
        incident=name,
        step="opened",
        severity=severity,
        by=by,
        what=what,
        due=format_time(due_from(now, severity)),
        said_at=format_time(now),
        simulated=is_any_simulated(home, parse_panel(app.panel).feeds),
    )
    return opened, home.say(opened.to_statement())


def update_incident(
    home: Writer, app: App, name: str, *, by: str, what: str, severity: Severity | None = None
) -> tuple[Incident, int]:
    """Say what was done or found; a change of severity can bring the deadline nearer, never put it off.

    Raises
    ------
    UnknownIncident, IncidentClosed
        If there is no open incident of that name.
    IncidentRefused
        If the clock stands before the last step.
    """
    state = check_open(incidents(home, app.name), name)
    wanted = severity or state.last.severity
    updated = Incident(
        system=app.name,
        incident=name,
        step="updated",
        severity=wanted,
        by=by,
        what=what,
        due=format_time(state.due_with(wanted)),
        said_at=_after(home, state),
        simulated=state.last.simulated,
    )
    return updated, home.say(updated.to_statement())


def ask_close(home: Home, app: App, name: str, what: str) -> AskedClosing:
    """Return what an officer is to sign to close an incident, and ``what`` came of it.

    Raises
    ------
    UnknownIncident, IncidentClosed
        If there is no open incident of that name.
    """
    check_open(incidents(home, app.name), name)
    return AskedClosing(app.name, name, what)


def close_incident(home: Writer, app: App, name: str, what: str, approval: Envelope) -> tuple[Incident, int]:
    """Close an incident with the approval of an officer who has the duty.

    Raises
    ------
    UnknownIncident, IncidentClosed, IncidentRefused
        As above.
    NotAnOfficer, DutyMissing, UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected
        If who signed is not one with the duty ``incident``, now.
    MalformedStatement
        If the approval is of something else.
    """
    state = check_open(incidents(home, app.name), name)
    said_at = _after(home, state)
    closed = Incident(
        system=app.name,
        incident=name,
        step="closed",
        severity=state.last.severity,
        by=Approve.of(approval).by,
        what=what,
        due=state.last.due,
        said_at=said_at,
        simulated=state.last.simulated,
        approval=approval,
    )
    check_approval(home, approval, "incident", said_at)
    return closed, home.say(closed.to_statement())


def _after(home: Home, state: IncidentState) -> str:
    now = format_time(home.clock())
    if now < state.last.said_at:
        raise IncidentRefused(
            f"incident {state.name}: want a time after its last step, {state.last.said_at}, got {now}"
        )
    return now
