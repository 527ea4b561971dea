"""Human overrides: an officer puts their word in place of a decision's, before the outcome, with a reason."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from veracity.home.clock import format_time, parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.models.decisions import check_not_dated_back, find_run, read_decisions
from veracity.home.models.gate_errors import ApprovalUsed
from veracity.home.models.of_system import said_of
from veracity.home.models.said import read_said
from veracity.home.officers import check_approval
from veracity.models.app import App
from veracity.models.decision_rows import check_rows, decision_line
from veracity.models.decisions import OWN
from veracity.models.errors import DecidedLate
from veracity.models.overriding import overridden_row
from veracity.provenance.approvals import Request
from veracity.provenance.dsse import Envelope
from veracity.provenance.statements import Override


@dataclass(frozen=True)
class Asked:
    """An override before its approval: what an officer is asked to sign."""

    app: App
    run: int
    record: int
    decision_sha256: str
    due: str
    value: str

    @property
    def request(self) -> Request:
        """What the officer signs: the same names as the statement's digest is of."""
        asked = {
            "system": self.app.name,
            "run": self.run,
            "record": self.record,
            "decision": self.decision_sha256,
            "value": self.value,
        }
        return Request("override", self.app.name, asked)


def ask_override(home: Home, app: App, run: int, record: int, value: str) -> Asked:
    """Prepare an override of one decision: row ``record`` of run ``run``.

    ``value`` is as ``overriding.value_text`` gives it.

    Raises
    ------
    BadName
        If there is no such decision, or it is a baseline's.
    BadDecisions
        If what stands in its place could be no decision.
    DecidedLate
        If its outcome is due: what is known can no longer be decided.
    TableMismatch
        If the decisions kept are not those in the log.
    """
    rows = read_decisions(home, app.name, run)
    if not 0 <= record < rows.height:
        raise BadName(f"record: want one of the {rows.height} decisions of run {run}, got {record}")
    row = rows.slice(record, 1)
    due = row["due"].item()
    if due <= home.clock():
        raise DecidedLate(f"override: want a decision whose outcome is not due yet, got one due {due}")
    if row["model"].item() != OWN:
        raise BadName(f"record: want a decision of the system's own, got one of {row['model'].item()}")
    made_at = parse_time("made_at", find_run(home, app.name, run).decide.made_at)
    check_rows(overridden_row(row, value), app.targets, [r.name for r in app.ladder], made_at)
    digest = sha256(decision_line(rows, record)).hexdigest()
    return Asked(app, run, record, digest, format_time(due), value)


def say_override(home: Writer, asked: Asked, approval: Envelope) -> tuple[Override, int]:
    """Say an override that an officer approved; return its statement and its place in the log.

    An officer may change their mind while the outcome is not due: the last word counts. The last approval
    again says nothing new.

    Raises
    ------
    NotAnOfficer, UnknownKey, RevokedKey, ExpiredKey, EnvelopeRejected
        If who signed is not one with the duty to override, now.
    MalformedStatement
        If the approval is of something else.
    ApprovalUsed
        If it was not signed after the last word on this decision: an older word cannot be put back.
    DecidedLate
        If the outcome fell due in the meantime, or the clock is behind what came in.
    """
    asked = ask_override(home, asked.app, asked.run, asked.record, asked.value)
    now, decide = home.clock(), find_run(home, asked.app.name, asked.run).decide
    overridden_at = format_time(now)
    check_approval(home, approval, "override", overridden_at)
    override = Override(
        system=asked.app.name,
        run=asked.run,
        record=asked.record,
        decision_sha256=asked.decision_sha256,
        due=asked.due,
        value=asked.value,
        overridden_at=overridden_at,
        approval=approval,
        simulated=decide.simulated,
    )
    last = _last_word(home, override)
    if last is not None and last[0].approval == approval:
        return last
    if last is not None and _approved_at(override) <= _approved_at(last[0]):
        raise ApprovalUsed(
            f"approval: want one signed after the last word on this decision"
            f" ({last[0].approved.approved_at}, log entry {last[1]}), got one of"
            f" {override.approved.approved_at}"
        )
    check_not_dated_back(home, asked.app.name, (one.feed for one in decide.inputs), now)
    return override, home.say(override.to_statement())


def overrides_of(home: Home, system: str, before: int | None = None) -> dict[int, dict[int, str]]:
    """Return what persons said, by run and record, the last word of each; or only before a log entry."""
    found: dict[int, dict[int, str]] = {}
    for idx, p in said_of(home, "override", system):
        if before is None or idx < before:
            found.setdefault(int(p["run"]), {})[int(p["record"])] = str(p["value"])
    return found


def _approved_at(said: Override) -> datetime:
    return parse_time("approved_at", said.approved.approved_at)


def _last_word(home: Home, new: Override) -> tuple[Override, int] | None:
    """Return what was said last of the decision that a new word is of, and where the log has it."""
    said = said_of(home, "override", new.system)
    found = [idx for idx, p in said if (p["run"], p["record"]) == (new.run, new.record)]
    return (read_said(home, found[-1], Override), found[-1]) if found else None
