"""``veracity timestamp``: asking an authority when a checkpoint was there. Nothing is sent from here."""

from pathlib import Path

import click

from veracity.cli.output import common, emit
from veracity.home.directory import write_whole
from veracity.home.errors import HomeUnusable
from veracity.provenance.receipts import format_receipt
from veracity.verifying import add_time_stamp, open_receipt, query_time_stamp


@click.group()
def timestamp() -> None:
    """RFC 3161 time stamps of a receipt's checkpoint: write the query, take in the answer."""


_OUTPUT = click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write."
)


@timestamp.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@_OUTPUT
@common
def request(receipt: Path, output: Path, as_json: bool) -> None:
    """Write the query (.tsq) to send to any time-stamping authority."""
    body = query_time_stamp(open_receipt(receipt))
    _write(output, body)
    emit(
        "timestamp-query",
        {"receipt": receipt, "bytes": len(body), "to": output},
        f"query to {output}",
        as_json,
    )


@timestamp.command()
@click.argument("receipt", type=click.Path(path_type=Path))
@click.argument("answer", type=click.Path(path_type=Path))
@_OUTPUT
@common
def attach(receipt: Path, answer: Path, output: Path, as_json: bool) -> None:
    """Write the receipt again with an authority's answer (.tsr) in it, version 2."""
    stamped = add_time_stamp(open_receipt(receipt), answer)
    body = format_receipt(stamped)
    _write(output, body)
    document = {"receipt": receipt, "time_stamps": len(stamped.time_stamps), "bytes": len(body), "to": output}
    text = f"receipt with {len(stamped.time_stamps)} time stamps, {len(body):,} bytes, to {output}"
    emit("timestamp-attached", document, text, as_json)


def _write(output: Path, body: bytes) -> None:
    try:
        write_whole(output, body)
    except OSError as exc:
        raise HomeUnusable(f"timestamp: want to write {output}, got {exc.strerror}") from exc
