"""``veracity table``: rows out."""

from pathlib import Path

import click

from veracity.cli.output import emit, in_home, mark
from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.tables import table_rows, write_rows


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
