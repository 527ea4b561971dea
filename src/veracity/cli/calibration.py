"""``veracity calibration``."""

import json
from pathlib import Path
from typing import Any

import click

from veracity.cli.output import columns, emit, in_home, mark
from veracity.data.calibration import Calibration
from veracity.data.calibration.definition import DAY_US
from veracity.data.calibration.document import time_text
from veracity.home.calibrations import (
    Said,
    calibrations,
    find_calibration,
    fit_calibration,
    load_calibration,
    say_fitted,
)
from veracity.home.clock import parse_time
from veracity.home.corrections import correct, say_corrected, withdraw
from veracity.home.home import Home, open_writer
from veracity.home.tables import check_destination, written


@click.group()
def calibration() -> None:
    """Correct a sensor by a reference that stood beside it."""


@calibration.command()
@click.argument("feed")
@click.option("--reference", help="The reference's feed; without one it is in FEED too.")
@click.option("--definition", required=True, type=click.Path(path_type=Path), help="What to fit: FILE.yaml.")
@click.option("--as-of", help="On what was known at this time (ISO 8601).")
@in_home
def fit(
    feed: str, reference: str | None, definition: Path, as_of: str | None, home: Path, as_json: bool
) -> None:
    """Fit a calibration on accepted rows, keep it and say in the log what it was made of."""
    when = parse_time("as-of", as_of) if as_of else None
    with open_writer(home) as writer:
        fitted = say_fitted(writer, fit_calibration(writer, definition, feed, reference, when))
    c, simulated = fitted.calibration, fitted.statement.simulated
    text = "\n".join(
        [
            _title(c, simulated),
            *_lines(c),
            f"document {c.sha256}, log entry {fitted.entry}",
        ]
    )
    emit("calibration-fit", {**_document(c, simulated), "entry": fitted.entry}, text, as_json)


@calibration.command()
@click.argument("name")
@click.option(
    "--to", "to", required=True, type=click.Path(path_type=Path), help="FILE.parquet, .csv or .ndjson."
)
@click.option("--as-of", help="The rows as known at this time (ISO 8601).")
@in_home
def apply(name: str, to: Path, as_of: str | None, home: Path, as_json: bool) -> None:
    """Write a device's rows with corrected values beside the raw ones, and say so in the log."""
    when = parse_time("as-of", as_of) if as_of else None
    check_destination(to)
    with open_writer(home) as writer:
        done = correct(writer, name, when)
        simulated = done.statement.simulated
        with written(done.frame.lazy(), to, simulated=simulated) as n:
            done = say_corrected(writer, done)
    states = done.frame[f"{done.calibration.output}_state"].value_counts(sort=True)
    counted = {str(k): int(v) for k, v in sorted(states.iter_rows(), key=lambda kv: (-kv[1], kv[0]))}
    lines = [
        f"{n:,} rows of {done.calibration.feed} to {to}{mark(simulated)}",
        f"  {done.calibration.output}: " + ", ".join(f"{v:,} {k}" for k, v in counted.items()),
        f"digest {done.statement.output.sha256}, log entry {done.entry}",
    ]
    document = {
        "calibration": done.calibration.name,
        "document": done.calibration.sha256,
        "rows": n,
        "to": to,
        "as_of": as_of,
        "states": counted,
        "digest": done.statement.output.sha256,
        "entry": done.entry,
        "simulated": simulated,
    }
    emit("calibration-apply", document, "\n".join(lines), as_json)


@calibration.command()
@click.argument("name", required=False)
@in_home
def show(name: str | None, home: Path, as_json: bool) -> None:
    """Show a calibration (a name, or the first digits of its digest), or list all of them."""
    opened = Home.open(home)
    try:
        said = [find_calibration(opened, name)] if name else calibrations(opened)
        shown = load_calibration(opened, said[0].sha256) if name else None
    finally:
        opened.close()
    simulated = any(s.simulated for s in said)
    if shown is None:
        rows = [
            (s.name, s.sha256[:16], s.entry, _withdrawn(s) or "in force", mark(s.simulated).strip())
            for s in said
        ]
        items = [{"name": s.name, "document": s.sha256, "entry": s.entry, **_undone(s)} for s in said]
        table = columns(rows, ("calibration", "document", "entry", "state", ""))
        emit("calibrations", {"simulated": simulated, "items": items}, table, as_json)
        return
    state = _withdrawn(said[0]) or "in force"
    text = "\n".join(
        [
            _title(shown, simulated),
            *_lines(shown),
            *_models(shown),
            f"document {shown.sha256}, log entry {said[0].entry}, {state}",
        ]
    )
    document = {**_document(shown, simulated), "entry": said[0].entry, **_undone(said[0])}
    emit("calibration", document, text, as_json)


@calibration.command()
@click.argument("name")
@click.option("--by", "person", required=True, help="Who takes it back.")
@click.option("--reason", required=True, help="Why, for the log.")
@click.option("--from", "start", help="For readings from this time on (ISO 8601); without one, all.")
@in_home
def undo(name: str, person: str, reason: str, start: str | None, home: Path, as_json: bool) -> None:
    """Take a calibration back: it corrects nothing from there on. Raw values were never changed."""
    when = parse_time("from", start) if start else None
    with open_writer(home) as writer:
        simulated = find_calibration(writer, name).simulated
        entry, said = withdraw(writer, name, person, reason, when)
    text = (
        f"calibration {said.name} taken back by {person} for readings from {said.start}{mark(simulated)}\n"
        f"document {said.document_sha256}, log entry {entry}"
    )
    document = {
        "calibration": said.name,
        "document": said.document_sha256,
        "from": said.start,
        "by": person,
        "reason": reason,
        "entry": entry,
        "simulated": simulated,
    }
    emit("calibration-undo", document, text, as_json)


def _title(c: Calibration, simulated: bool) -> str:
    return f"calibration {c.name}: {c.output} from {c.inputs[0]} of {c.feed}{mark(simulated)}"


def _lines(c: Calibration) -> list[str]:
    """Say what was chosen and how well it did."""
    first = c.contenders[0].score.pairs
    scores = [(x.name, *_short(x.score.mae, x.score.rmse, x.score.r2, x.score.bias)) for x in c.contenders]
    rows = [(("* " if name == c.chosen else "  ") + name, *rest) for name, *rest in scores]
    span = f"{time_text(c.from_us)[:16]} to {time_text(c.until_us)[:16]}"
    ages = ", ".join(f"{_short(a.rmse)[0]} up to {a.until_us / DAY_US:g} d" for a in c.ages)
    return [
        f"  {c.n_pairs:,} pairs, {len(c.segments)} fits, {span}, in {c.unit or 'no unit'}",
        f"  held out from {time_text(c.reported_from_us)[:10]} ({first:,} pairs; * is in force):",
        *("  " + line for line in columns(rows, ("  way", "MAE", "RMSE", "R2", "bias")).splitlines()),
        f"  error by age of the fit: {ages}",
    ]


def _models(c: Calibration) -> list[str]:
    """Show the terms of the newest fit."""
    m = c.segments[-1].model
    centres = ", ".join(f"{n} - {centre}" for n, centre in zip(c.inputs, m.centres, strict=True))
    return [
        f"  newest fit, {m.n_pairs:,} pairs to {time_text(m.last_us)[:16]}, distances {centres}:",
        *("    " + line for line in columns(m.coefficients).splitlines()),
    ]


def _short(*numbers: str) -> list[str]:
    return [f"{float(n):.4g}" if n else "-" for n in numbers]


def _document(c: Calibration, simulated: bool) -> dict[str, Any]:
    return {"sha256": c.sha256, "simulated": simulated, "calibration": json.loads(c.text)}


def _withdrawn(said: Said) -> str:
    return f"taken back from {min(w.start for _, w in said.withdrawn)}" if said.withdrawn else ""


def _undone(said: Said) -> dict[str, Any]:
    withdrawn = [
        {"entry": idx, "from": w.start, "by": w.person, "reason": w.reason, "said_at": w.said_at}
        for idx, w in said.withdrawn
    ]
    return {"withdrawn": withdrawn}
