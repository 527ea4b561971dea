"""``veracity table`` and ``veracity quarantine``: rows out."""

from pathlib import Path

import click
import polars as pl

from veracity.cli.output import columns, emit, in_home, mark
from veracity.data.lake import collect_rows
from veracity.home.clock import parse_time
from veracity.home.contracts import reasons
from veracity.home.home import Home
from veracity.home.tables import quarantine_rows, table_rows, write_rows

SHOWN = 20


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


@click.command()
@click.argument("feed")
@click.option("--reason", help="Only rows with this reason (range:pm25) or of this rule (range).")
@click.option(
    "--to", "to", type=click.Path(path_type=Path), help="FILE.parquet, .csv or .ndjson; all of them."
)
@in_home
def quarantine(feed: str, reason: str | None, to: Path | None, home: Path, as_json: bool) -> None:
    """Show the rows set aside, with every reason, as they were received."""
    opened = Home.open(home)
    contract = opened.feed(feed).contract
    rows = quarantine_rows(opened, feed, reason)
    if to is not None:
        n = write_rows(rows, to, simulated=contract.simulated)
        document = {"feed": feed, "rows": n, "to": to, "simulated": contract.simulated}
        emit("quarantine", document, f"{n:,} rows to {to}{mark(contract.simulated)}", as_json)
    else:
        why = {} if reason else reasons(opened, feed)
        _show(feed, rows, why, contract.simulated, as_json)
    opened.close()


def _show(feed: str, rows: pl.LazyFrame, why: dict[str, int], simulated: bool, as_json: bool) -> None:
    n = int(collect_rows(rows.select(pl.len()), streaming=True).item())
    first = collect_rows(rows.head(SHOWN))
    lines = []
    for row in first.iter_rows(named=True):
        batch, record, found = row.pop("_batch"), row.pop("_record"), row.pop("reasons")
        values = "  ".join(f"{k}={v}" for k, v in row.items() if v is not None)
        lines.append((f"{batch}:{record}", ", ".join(found), values))
    text = f"{n:,} rows of {feed} in quarantine{mark(simulated)}"
    if why:
        text += "\n" + columns(why.items(), ("reason", "rows"))
    if lines:
        text += f"\n\nthe first {len(lines)} (batch:record, reasons, as received)\n" + columns(lines)
    document = {"feed": feed, "rows": n, "reasons": why, "first": first.to_dicts(), "simulated": simulated}
    emit("quarantine", document, text, as_json)
