"""``veracity quarantine``: rows set aside, and what people decide about them."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
import polars as pl

from veracity.cli.output import COUNT, columns, emit, in_home, mark
from veracity.data.lake import collect_rows
from veracity.home.contracts import reasons
from veracity.home.decisions import Decisions, decided_rows, read_decisions
from veracity.home.enrolments import signing_key
from veracity.home.home import Home, open_writer
from veracity.home.releases import (
    Outcome,
    reject,
    release,
    try_reject,
    try_release,
)
from veracity.home.selection import Selection, waiting
from veracity.home.tables import quarantine_rows, write_rows

SHOWN = 20
F = TypeVar("F", bound=Callable[..., Any])


class ShowingGroup(click.Group):
    """A group that shows a feed where no command is named: ``veracity quarantine FEED``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``show`` first unless a command or the help is asked for."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=ShowingGroup)
def quarantine() -> None:
    """Rows set aside, and what people decide about them. With a feed alone: show them."""


@quarantine.command()
@click.argument("feed")
@click.option("--reason", help="Only rows with this reason (range:pm25) or of this rule (range).")
@click.option(
    "--to", "to", type=click.Path(path_type=Path), help="FILE.parquet, .csv or .ndjson; all of them."
)
@in_home
def show(feed: str, reason: str | None, to: Path | None, home: Path, as_json: bool) -> None:
    """Show the rows set aside, with every reason, as they were received, and who decided on them."""
    opened = Home.open(home)
    simulated = opened.feed(feed).contract.simulated
    rows, decisions = quarantine_rows(opened, feed, reason), read_decisions(opened, feed)
    if to is not None:
        n = write_rows(decided_rows(rows, decisions), to, simulated=simulated)
        document = {"feed": feed, "rows": n, "to": to, "simulated": simulated}
        emit("quarantine", document, f"{n:,} rows to {to}{mark(simulated)}", as_json)
    else:
        why = {} if reason else reasons(opened, feed)
        _show(feed, rows, decisions, why, simulated, as_json)
    opened.close()


@quarantine.command(name="waiting")
@click.argument("feed")
@in_home
def show_waiting(feed: str, home: Path, as_json: bool) -> None:
    """Show the rows that wait for a person: they broke a rule that asks, and nobody has decided."""
    opened = Home.open(home)
    simulated = opened.feed(feed).contract.simulated
    rows = waiting(opened, feed)
    opened.close()
    first = rows.head(SHOWN)
    text = f"{rows.height:,} rows of {feed} wait for a decision{mark(simulated)}"
    if rows.height:
        text += f"\n\nthe first {first.height} (batch:record, reasons, as received)\n"
        text += columns(_line(row, None) for row in first.iter_rows(named=True))
    document = {"feed": feed, "rows": rows.height, "first": first.to_dicts(), "simulated": simulated}
    emit("quarantine-waiting", document, text, as_json)


def deciding(command: F) -> F:
    """Give a command the options of a decision: which rows, who, why."""
    options = [
        click.option("--batch", type=COUNT, help="Rows that this batch set aside."),
        click.option(
            "--record",
            "records",
            multiple=True,
            type=COUNT,
            help="This record of the batch; may be repeated.",
        ),
        click.option("--reason-code", help="Rows with this reason (range:pm25) or of this rule (range)."),
        click.option(
            "--where", help="Rows whose values can be read and are so: station = 'X' and pm25 > 500"
        ),
        click.option("--all", "every", is_flag=True, help="All rows that nobody decided on."),
        click.option("--by", required=True, metavar="NAME", help="The person who decides."),
        click.option("--reason", "why", required=True, metavar="TEXT", help="Why, for all to read."),
        click.option(
            "--sign", metavar="KEY", help="Sign beside the city: a key file, or an agency whose key is here."
        ),
        click.option("--dry-run", is_flag=True, help="Tell what would be done; write nothing."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@quarantine.command(name="release")
@click.argument("feed")
@click.option(
    "--waive", multiple=True, metavar="CODE", help="A rule that does not count for them; may be repeated."
)
@deciding
@in_home
def let_in(
    feed: str,
    waive: tuple[str, ...],
    by: str,
    why: str,
    sign: str | None,
    dry_run: bool,
    home: Path,
    as_json: bool,
    **asked: Any,
) -> None:
    """Let rows in from quarantine, in the name of a person, as a batch and a statement of their own.

    They are judged again by the contract in force, but for the rules waived.
    """
    selection = _selection(**asked)
    if dry_run:
        opened = Home.open(home)
        done = try_release(opened, feed, selection, by, why, waive)
        opened.close()
    else:
        with open_writer(home) as writer:
            key = signing_key(writer, sign) if sign else None
            done = release(writer, feed, selection, by, why, waive, key)
    emit("quarantine-release", _document(done), _text(done, released=True), as_json)


@quarantine.command(name="reject")
@click.argument("feed")
@deciding
@in_home
def keep_out(
    feed: str,
    by: str,
    why: str,
    sign: str | None,
    dry_run: bool,
    home: Path,
    as_json: bool,
    **asked: Any,
) -> None:
    """Say, in the name of a person, that rows stay out for good, as a statement."""
    selection = _selection(**asked)
    if dry_run:
        opened = Home.open(home)
        done = try_reject(opened, feed, selection, by, why)
        opened.close()
    else:
        with open_writer(home) as writer:
            key = signing_key(writer, sign) if sign else None
            done = reject(writer, feed, selection, by, why, key)
    emit("quarantine-reject", _document(done), _text(done, released=False), as_json)


def _selection(
    batch: int | None, records: tuple[int, ...], reason_code: str | None, where: str | None, every: bool
) -> Selection:
    some = any(x is not None for x in (batch, reason_code, where))
    if some == every:
        raise click.UsageError("want --batch, --reason-code or --where, or else --all")
    if records and batch is None:
        raise click.UsageError("--record needs --batch")
    return Selection(batch, records, reason_code, where, every)


def _text(done: Outcome, *, released: bool) -> str:
    dry, what = done.entry is None, "released" if released else "rejected"
    text = f"{done.rows:,} rows of {done.feed} {'would be ' if dry else ''}{what}{mark(done.simulated)}"
    text += f"\n  by {done.by}: {done.why}"
    if released:
        text += (
            f"\n  {done.accepted:,} accepted ({done.flagged:,} flagged), {done.quarantined:,} set aside again"
        )
        lines = columns(done.reasons)
        text += "".join(f"\n  {line}" for line in lines.splitlines())
    if done.n_decided:
        text += f"\n  passed over: {done.n_decided:,} decided before"
    if done.n_held:
        rules = ", ".join(done.held_by)
        text += (
            f"\n  passed over: {done.n_held:,} that broke a rule that looks back and is not waived ({rules})"
        )
    if not dry:
        batch = "" if done.batch is None else f"batch {done.batch}, "
        text += f"\n  {batch}log entry {done.entry}"
    return text


def _document(done: Outcome) -> dict[str, Any]:
    return asdict(done) | {"reasons": dict(done.reasons), "dry_run": done.entry is None}


def _show(
    feed: str,
    rows: pl.LazyFrame,
    decisions: Decisions,
    why: dict[str, int],
    simulated: bool,
    as_json: bool,
) -> None:
    n = int(collect_rows(rows.select(pl.len()), streaming=True).item())
    first = collect_rows(decided_rows(rows.head(SHOWN), decisions))
    lines, items = [], []
    for row in first.iter_rows(named=True):
        said = {name: row.pop(name) for name in ("_decision", "_by", "_why", "_released_as")}
        decision = {name[1:]: value for name, value in said.items()} if said["_decision"] else None
        items.append({**row, "decision": decision})
        lines.append(_line(row, decision))
    text = f"{n:,} rows of {feed} in quarantine{mark(simulated)}"
    decided = columns(decisions.counts.items())
    if decided:
        text += "\n" + decided
    if why:
        text += "\n" + columns(why.items(), ("reason", "rows"))
    if lines:
        text += f"\n\nthe first {len(lines)} (batch:record, reasons, as received)\n" + columns(lines)
    document = {
        "feed": feed,
        "rows": n,
        "decisions": decisions.counts,
        "reasons": why,
        "first": items,
        "simulated": simulated,
    }
    emit("quarantine", document, text, as_json)


def _line(row: dict[str, Any], decision: dict[str, Any] | None) -> tuple[str, str, str]:
    """Return where a row is, its reasons, and its values with what was decided."""
    row = dict(row)
    batch, record, found = row.pop("_batch"), row.pop("_record"), row.pop("reasons")
    values = "  ".join(f"{k}={v}" for k, v in row.items() if v is not None)
    if decision is not None:
        place = f" as {decision['released_as']}" if decision["released_as"] else ""
        values += f"  [{decision['decision']}{place} by {decision['by']}: {decision['why']}]"
    return f"{batch}:{record}", ", ".join(found), values
