"""``veracity table``: rows out."""

from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import click

from veracity.cli.output import emit, in_home, mark
from veracity.home.clock import parse_time
from veracity.home.compaction import Compacted, compact, plan_compaction
from veracity.home.home import Home, open_writer
from veracity.home.tables import table_rows, write_rows

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _age(ctx: click.Context, param: click.Parameter, text: str) -> timedelta:
    """Parse a time span such as ``90s``, ``30m``, ``1h`` or ``2d``."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise click.BadParameter(f"want a number and s, m, h or d, such as 1h, got {text[:24]!r}", ctx, param)
    return timedelta(seconds=int(number) * _UNITS[unit])


@click.group()
def table() -> None:
    """Accepted rows."""


@table.command()
@click.argument("feed")
@click.option(
    "--to", "to", required=True, type=click.Path(path_type=Path), help="FILE.parquet, .csv or .ndjson."
)
@click.option("--as-of", help="The table as known at this time (ISO 8601).")
@in_home
def export(feed: str, to: Path, as_of: str | None, home: Path, as_json: bool) -> None:
    """Write a feed's accepted rows to a file."""
    when = parse_time("as-of", as_of) if as_of else None
    opened = Home.open(home)
    simulated = opened.feed(feed).contract.simulated
    n = write_rows(table_rows(opened, feed, when), to, simulated=simulated)
    opened.close()
    text = f"{n:,} rows of {feed} to {to}{mark(simulated)}"
    emit(
        "table-export",
        {"feed": feed, "rows": n, "to": to, "as_of": as_of, "simulated": simulated},
        text,
        as_json,
    )


@table.command("compact")
@click.argument("feed")
@click.option(
    "--older-than",
    callback=_age,
    metavar="AGE",
    default="1h",
    show_default=True,
    help="Leave later batches alone.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@in_home
def compact_table(feed: str, older_than: timedelta, dry_run: bool, home: Path, as_json: bool) -> None:
    """Make few files of a feed's many; nothing that is read or proven changes.

    Files replaced two hours ago are deleted: readers may have used them until then.
    """
    if dry_run:
        opened = Home.open(home)
        said = plan_compaction(opened, feed, older_than)
        opened.close()
    else:
        said = _compacted(home, feed, older_than)
    counts = {name: value for name, value in asdict(said).items() if name != "is_done"}
    emit("table-compact", counts | {"dry_run": dry_run}, _summary(said, dry_run=dry_run), as_json)


def _compacted(root: Path, feed: str, older_than: timedelta) -> Compacted:
    """Compact in turns, between which whoever waits for the home comes in."""
    total = None
    while total is None or not total.is_done:
        with open_writer(root, passes_on=True) as writer:
            said = compact(writer, feed, older_than)
        total = said if total is None else _sum(total, said)
    return total


def _sum(one: Compacted, other: Compacted) -> Compacted:
    return replace(
        other,
        n_files=one.n_files,
        n_replaced=one.n_replaced + other.n_replaced,
        n_made=one.n_made + other.n_made,
        n_rows=one.n_rows + other.n_rows,
        bytes_replaced=one.bytes_replaced + other.bytes_replaced,
        bytes_made=(one.bytes_made or 0) + (other.bytes_made or 0),
        n_deleted=one.n_deleted + other.n_deleted,
    )


def _summary(said: Compacted, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    lines = [
        f"{said.feed}: {said.n_files:,} files",
        f"rewritten  {would}{said.n_replaced:,} files into {said.n_made:,} ({said.n_rows:,} rows)",
        f"deleted    {would}{said.n_deleted:,} replaced files",
    ]
    return "\n".join(lines)
