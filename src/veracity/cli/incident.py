"""``veracity incident``: what went wrong with a system, by when it is to be closed, and who closed it."""

from pathlib import Path
from typing import Any

import click

from veracity.cli.apps import app_in
from veracity.cli.output import columns, emit, in_home, mark, write_output
from veracity.feeds.file_info import read_file
from veracity.home.home import Home, open_writer
from veracity.home.models.incidents import (
    ask_close,
    close_incident,
    incidents,
    open_incident,
    update_incident,
)
from veracity.models.incidents import DEADLINES, IncidentState
from veracity.provenance.approvals import read_approval
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES
from veracity.provenance.statements import Incident
from veracity.provenance.statements.words import Severity

_PATH = click.Path(path_type=Path)
_SEVERITY = click.Choice(list(DEADLINES))


@click.group()
def incident() -> None:
    """Report what went wrong with a system, and follow it until it is closed."""


@incident.command(name="open")
@click.argument("system")
@click.argument("name")
@click.option("--severity", required=True, type=_SEVERITY, help="It sets the deadline.")
@click.option("--by", required=True, help="Who noticed it.")
@click.option("--what", required=True, help="What went wrong, on one line, for the log.")
@in_home
def open_(system: str, name: str, severity: Severity, by: str, what: str, home: Path, as_json: bool) -> None:
    """Open an incident; its NAME is [a-z0-9-] and is used once."""
    with open_writer(home) as writer:
        said, idx = open_incident(writer, app_in(writer, system), name, severity, by=by, what=what)
    _emit_step(said, idx, as_json)


@incident.command()
@click.argument("system")
@click.argument("name")
@click.option("--severity", type=_SEVERITY, help="A new one; the deadline never moves later.")
@click.option("--by", required=True, help="Who says it.")
@click.option("--what", required=True, help="What was done or found, on one line, for the log.")
@in_home
def update(
    system: str, name: str, severity: Severity | None, by: str, what: str, home: Path, as_json: bool
) -> None:
    """Say what was done or found."""
    with open_writer(home) as writer:
        said, idx = update_incident(writer, app_in(writer, system), name, by=by, what=what, severity=severity)
    _emit_step(said, idx, as_json)


@incident.command()
@click.argument("system")
@click.argument("name")
@click.option("--what", required=True, help="What came of it, on one line, for the log.")
@click.option("--request", type=_PATH, help="Write what an officer is to sign (veracity officer sign).")
@click.option("--approval", type=_PATH, help="Close it, with the officer's signed approval.")
@in_home
def close(
    system: str,
    name: str,
    what: str,
    request: Path | None,
    approval: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Close an incident for good; an officer with the duty must have signed just this."""
    if (request is None) == (approval is None):
        raise click.UsageError("want either --request FILE to ask an officer, or --approval FILE to close it")
    if approval is not None:
        signed = read_approval(read_file(approval, MAX_ENVELOPE_BYTES))
        with open_writer(home) as writer:
            _emit_step(*close_incident(writer, app_in(writer, system), name, what, signed), as_json)
        return
    assert request is not None
    opened = Home.open(home)
    try:
        asked = ask_close(opened, app_in(opened, system), name, what).request
    finally:
        opened.close()
    write_output(request, asked.format())
    document = {"system": system, "incident": name, "to": request, "sha256": asked.subject_sha256}
    text = f"request to {request}: sign it with `veracity officer sign {request}`"
    emit("incident-request", document, text, as_json)


@incident.command(name="ls")
@click.argument("system", required=False)
@in_home
def list_incidents(system: str | None, home: Path, as_json: bool) -> None:
    """List incidents, of one system or of all. Exit 1 if one is open past its time."""
    opened = Home.open(home)
    try:
        now = opened.clock()
        known = {str(p["system"]) for _, p in opened.index.predicates("incident")}
        if system is not None and system not in known:
            app_in(opened, system)  # one without an incident, or it says which there are
        wanted = sorted(known) if system is None else [system]
        found = [(one, state) for one in wanted for state in incidents(opened, one).values()]
    finally:
        opened.close()
    items = [_item(one, state, overdue=state.is_overdue(now)) for one, state in found]
    heads = ("system", "incident", "severity", "state", "due", "what")
    rows = [
        (i["system"], i["incident"], i["severity"], _state(i), str(i["due"])[:16], i["what"]) for i in items
    ]
    emit("incidents", {"items": items}, columns(rows, heads) if rows else "no incident", as_json)
    if any(i["overdue"] and i["state"] == "open" for i in items):
        raise click.exceptions.Exit(1)


def _state(item: dict[str, Any]) -> str:
    if not item["overdue"]:
        return str(item["state"])
    return "OVERDUE" if item["state"] == "open" else "closed late"


def _item(system: str, state: IncidentState, *, overdue: bool) -> dict[str, Any]:
    return {
        "system": system,
        "incident": state.name,
        "severity": state.last.severity,
        "state": "closed" if state.is_closed else "open",
        "overdue": overdue,
        "opened_at": state.steps[0].said.said_at,
        "due": state.last.due,
        "what": state.steps[0].said.what,
        "last": state.last.what,
        "entries": [step.idx for step in state.steps],
        "simulated": state.last.simulated,
    }


def _emit_step(said: Incident, idx: int, as_json: bool) -> None:
    document = {
        "system": said.system,
        "incident": said.incident,
        "step": said.step,
        "severity": said.severity,
        "due": said.due,
        "entry": idx,
        "simulated": said.simulated,
    }
    due = "" if said.step == "closed" else f", to be closed by {said.due}"
    text = f"{said.system} {said.incident}: {said.step}, {said.severity}{due}, log entry {idx}"
    emit("incident", document, text + mark(said.simulated), as_json)
