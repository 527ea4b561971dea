"""``veracity app``: the city's applications: what they declare, running, scoring and overriding them."""

from pathlib import Path
from typing import Any

import click

from veracity.cli.app_pages import pages
from veracity.cli.app_places import places
from veracity.cli.apps import all_apps, app_in
from veracity.cli.output import COUNT, columns, emit, in_home, mark, write_output
from veracity.feeds.file_info import read_file
from veracity.home.clock import parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home, open_writer
from veracity.home.models.of_system import said_of
from veracity.home.models.outcomes import Scored, score
from veracity.home.models.overrides import ask_override, say_override
from veracity.home.models.running import Run, run_app
from veracity.home.models.stages import in_force
from veracity.home.models.stopping import check_stop_rules
from veracity.models.app import App
from veracity.models.overriding import value_text
from veracity.provenance.approvals import read_approval
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES

_PATH = click.Path(path_type=Path)


@click.group()
def app() -> None:
    """Applications of the city: run, score, override."""


app.add_command(pages)
app.add_command(places)


@app.command(name="ls")
@in_home
def list_apps(home: Path, as_json: bool) -> None:
    """List the apps, what serves each, and how often it ran."""
    opened = Home.open(home)
    try:
        items = [_state(opened, one) for one in all_apps(opened)]
    finally:
        opened.close()
    rows = [(i["app"], i["stage"], i["serving"], i["model"], i["runs"], i["last_run"]) for i in items]
    text = columns(rows, ("app", "may", "serves", "model", "runs", "last run")) if rows else "no app"
    emit("apps", {"items": items}, text, as_json)


@app.command()
@click.argument("name")
@in_home
def show(name: str, home: Path, as_json: bool) -> None:
    """Show what an app declares, and its ladder of fallbacks."""
    opened = Home.open(home)
    try:
        declared = app_in(opened, name)
        document = {**_state(opened, declared), **_declared(declared)}
    finally:
        opened.close()
    facts = [(k, v) for k, v in document.items() if not isinstance(v, (dict, list, tuple))]
    rungs = [
        (r.name, " ".join(r.needs) or "nothing", r.longest_age_s, r.words["en"]) for r in declared.ladder
    ]
    ladder = columns(rungs, ("rung", "needs", "at most old, s", "in words"))
    emit("app", document, f"{columns(facts)}\n\n{ladder}", as_json)


@app.command()
@click.argument("name")
@click.option("--now", help="Decide as of this time (ISO 8601); by default the clock's.")
@in_home
def run(name: str, now: str | None, home: Path, as_json: bool) -> None:
    """Run an app once: decide on what is known, and log it before any outcome is."""
    with open_writer(home) as writer:
        at = writer.clock() if now is None else parse_time("now", now)
        done = run_app(writer, app_in(writer, name), at)
    emit("app-run", _run_document(done), _run_text(done), as_json)


@app.command(name="score")
@click.argument("name")
@click.option("--until", help="Score what fell due by this time (ISO 8601); by default the clock's.")
@in_home
def score_app(name: str, until: str | None, home: Path, as_json: bool) -> None:
    """Match decisions that fell due with what was measured, score them, and look at the stop rules."""
    with open_writer(home) as writer:
        declared = app_in(writer, name)
        done = score(writer, declared, None if until is None else parse_time("until", until))
        stopped = check_stop_rules(writer, declared)
    lines = [_scored_text(one) for one in done] or ["nothing fell due that was not scored before"]
    lines += [f"STOPPED by rule {stopped}"] if stopped else []
    document = {"app": name, "items": [_scored_document(one) for one in done], "stopped": stopped}
    emit("app-score", document, "\n".join(lines), as_json)


@app.command()
@click.argument("name")
@click.option("--run", "run_", required=True, type=COUNT, help="The run.")
@click.option("--record", required=True, type=COUNT, help="The decision: a row of the run, from 0.")
@click.option("--value", type=float, help="Your value, in place of all quantiles.")
@click.option("--set", "changes", multiple=True, metavar="COLUMN=VALUE", help="Another column. Repeatable.")
@click.option("--request", type=_PATH, help="Write what an officer is to sign (veracity officer sign).")
@click.option("--approval", type=_PATH, help="Say it in the log, with the officer's signed approval.")
@in_home
def override(
    name: str,
    run_: int,
    record: int,
    value: float | None,
    changes: tuple[str, ...],
    request: Path | None,
    approval: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Put a person's word in place of one decision, before its outcome is due. Both are scored."""
    if (request is None) == (approval is None):
        raise click.UsageError("want either --request FILE to ask an officer, or --approval FILE to say it")
    text = value_text(_changes(value, changes))
    if request is not None:
        opened = Home.open(home)
        try:
            asked = ask_override(opened, app_in(opened, name), run_, record, text)
        finally:
            opened.close()
        write_output(request, asked.request.format())
        entry = None
        said = f"request to {request}: sign it with `veracity officer sign {request}`"
    else:
        assert approval is not None
        signed = read_approval(read_file(approval, MAX_ENVELOPE_BYTES))
        with open_writer(home) as writer:
            asked = ask_override(writer, app_in(writer, name), run_, record, text)
            _, entry = say_override(writer, asked, signed)
        said = f"{name} run {run_} record {record} overridden, log entry {entry}"
    document = {"app": name, "run": run_, "record": record, "value": text, "entry": entry}
    emit("app-override", {**document, "sha256": asked.request.subject_sha256}, said, as_json)


def _changes(value: float | None, changes: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {} if value is None else {"value": value}
    for change in changes:
        column, sign, text = change.partition("=")
        if not sign:
            raise BadName(f"set: want COLUMN=VALUE, got {change[:60]!r}")
        try:
            found[column] = text if column == "action" else float(text)
        except ValueError as exc:
            raise BadName(f"set {column[:40]}: want a number, got {text[:40]!r}") from exc
    return found


def _state(home: Home, declared: App) -> dict[str, Any]:
    serving = in_force(home, declared.name)
    runs = said_of(home, "decide", declared.name)
    return {
        "app": declared.name,
        "title": declared.title["en"],
        "stage": declared.stage,
        "serving": "nothing" if serving is None else serving.stage,
        "model": None if serving is None else serving.model_sha256[:16],
        "runs": len(runs),
        "last_run": runs[-1][1]["made_at"] if runs else None,
        "scorings": len(said_of(home, "outcome", declared.name)),
        "overrides": len(said_of(home, "override", declared.name)),
    }


def _declared(declared: App) -> dict[str, Any]:
    return {
        "owner": declared.owner,
        "purpose": declared.purpose["en"],
        "affected": declared.affected["en"],
        "appeal": declared.appeal["en"],
        "risk": declared.risk[0],
        "every_s": declared.every_s,
        "look_back_s": declared.look_back_s,
        "targets": dict(declared.targets),
        "horizons": list(declared.horizons),
        "feeds": sorted(declared.contracts),
        "ladder": [
            {"rung": r.name, "needs": r.needs, "longest_age_s": r.longest_age_s, "words": dict(r.words)}
            for r in declared.ladder
        ],
        "stop_rules": [rule.name for rule in declared.stop_rules],
        "cost": declared.events.cost,
        "loss": declared.events.loss,
    }


def _run_document(done: Run) -> dict[str, Any]:
    decide = done.logged.decide
    return {
        "app": decide.system,
        "run": decide.run,
        "entry": done.logged.idx,
        "new": done.is_new,
        "made_at": decide.made_at,
        "decisions": decide.output.rows,
        "stage": decide.stage,
        "model": decide.model_sha256,
        "rungs": decide.rungs,
        "without_model": done.without_model,
        "simulated": decide.simulated,
    }


def _run_text(done: Run) -> str:
    decide = done.logged.decide
    rungs = ", ".join(f"{n:,} by {rung}" for rung, n in decide.rungs.items())
    head = f"run {decide.run} of {decide.system} at {decide.made_at}: {decide.output.rows:,} decisions"
    lines = [f"{head}, stage {decide.stage}{mark(decide.simulated)}", f"rungs: {rungs}"]
    lines += [f"no model serves: {done.without_model}"] if done.without_model else []
    lines.append(f"log entry {done.logged.idx}" + ("" if done.is_new else ", said before"))
    return "\n".join(lines)


def _scored_text(one: Scored) -> str:
    c, said = one.outcome.counts, one.outcome
    told = f"{c.due:,} due = {c.matched:,} matched + {c.missing:,} missing"
    again = (
        f"; {c.repeated:,} came again, {c.contradicted:,} otherwise" if c.repeated + c.contradicted else ""
    )
    return (
        f"scoring {said.number} until {said.until}: {told}{again}, log entry {one.idx}{mark(said.simulated)}"
    )


def _scored_document(one: Scored) -> dict[str, Any]:
    said = one.outcome
    return {
        "number": said.number,
        "until": said.until,
        "entry": one.idx,
        "counts": said.counts.to_object(),
        "lines": said.scores.rows,
        "simulated": said.simulated,
    }
