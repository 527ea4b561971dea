"""``veracity receipt``: made here, for anyone to check with ``veracity verify``."""

import re
from pathlib import Path

import click

from veracity.cli.output import emit, in_home, mark, write_output
from veracity.home.erasures import erased_at
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.receipts import find_record, find_row, make_receipt
from veracity.provenance.receipts import Receipt, format_receipt
from veracity.verifying import add_time_stamp


@click.command()
@click.argument("feed")
@click.option("--where", help="station = 'X' and observed_at = '2026-09-01T08:00:00Z'")
@click.option("--record", metavar="BATCH:N", help="Record N of a batch, accepted or not.")
@click.option("--decision", metavar="RUN:N", help="Decision N of a run; FEED is then the system's name.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write the receipt."
)
@click.option(
    "--time-stamp",
    "stamps",
    multiple=True,
    type=click.Path(path_type=Path),
    help="An authority's answer (.tsr) about the log's checkpoint of now.",
)
@in_home
def receipt(
    feed: str,
    where: str | None,
    record: str | None,
    decision: str | None,
    output: Path,
    stamps: tuple[Path, ...],
    home: Path,
    as_json: bool,
) -> None:
    """Write a receipt for one record, or one decision: a file that anyone can check without this home."""
    if sum(option is not None for option in (where, record, decision)) != 1:
        raise click.UsageError("want one of --where, --record and --decision")
    opened = Home.open(home)
    if decision is not None:
        _decision(opened, feed, decision, output, stamps, as_json)
        return
    if where is not None:
        found = find_row(opened, feed, where)
    else:
        found = find_record(opened, feed, *_record(record or ""))
    made, body = _stamped(make_receipt(opened, feed, found), stamps)
    erased = erased_at(opened, feed, found.batch, found.record)
    opened.close()
    write_output(output, body)
    simulated = made.stated.statement.predicate.get("simulated") is True
    text = f"receipt of {feed} record {found.batch}:{found.record}, {len(body):,} bytes, to {output}"
    document = {
        "feed": feed,
        "batch": found.batch,
        "record": found.record,
        "bytes": len(body),
        "to": output,
        "erased": erased,
        "simulated": simulated,
    }
    text += mark(simulated)
    if erased is not None:
        text += f"\nits personal values were erased later: log entry {erased}"
    emit("receipt-made", document, text, as_json)


def _decision(
    opened: Home, system: str, decision: str, output: Path, stamps: tuple[Path, ...], as_json: bool
) -> None:
    from veracity.home.models.decision_receipts import make_decision_receipt  # brings the models

    run, record = _record(decision)
    made, body = _stamped(make_decision_receipt(opened, system, run, record), stamps)
    opened.close()
    write_output(output, body)
    simulated = made.stated.statement.predicate.get("simulated") is True
    text = f"receipt of {system} decision {run}:{record}, {len(body):,} bytes, to {output}{mark(simulated)}"
    document = {
        "system": system,
        "run": run,
        "record": record,
        "bytes": len(body),
        "to": output,
        "simulated": simulated,
    }
    emit("decision-receipt-made", document, text, as_json)


def _stamped(receipt: Receipt, stamps: tuple[Path, ...]) -> tuple[Receipt, bytes]:
    """Return a receipt with authorities' answers in it, and its bytes."""
    for stamp in stamps:
        receipt = add_time_stamp(receipt, stamp)
    return receipt, format_receipt(receipt)


def _record(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,12}):([0-9]{1,12})", text)
    if match is None:
        raise BadName(f"record: want two numbers, such as 0:5, got {text[:40]!r}")
    return int(match.group(1)), int(match.group(2))
