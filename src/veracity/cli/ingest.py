"""``veracity ingest`` and ``veracity sign``."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.output import columns, counts, emit, in_home, mark, told_apart
from veracity.data.text import RECORDS_PER_PART
from veracity.feeds.file_info import inspect
from veracity.home.deliveries import MOST_RECORDS_PER_PART, sign_file, write_sidecar
from veracity.home.enrolments import signing_key
from veracity.home.home import Home, open_writer
from veracity.home.ingest import FileReport, Progress
from veracity.home.ingest import ingest as take_in


@click.command()
@click.argument("feed")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--sign", metavar="KEY", help="Sign the files as their sender: an agency kept here, or a key file."
)
@click.option(
    "--resume", is_flag=True, help="Go on with files that were stopped half-way; pass over those that are in."
)
@click.option(
    "--batch", "batch", default=RECORDS_PER_PART, show_default=True, help="Records a batch, a multiple of 64."
)
@in_home
def ingest(
    feed: str, files: tuple[Path, ...], sign: str | None, resume: bool, batch: int, home: Path, as_json: bool
) -> int:
    """Take files into a feed: csv(.gz), tsv, ndjson, jsonl, parquet of any size.

    Exit 1 if a file was refused as a whole (its signature, or it came before).
    """
    if batch % 64 or not 0 < batch <= MOST_RECORDS_PER_PART:
        raise click.UsageError(f"--batch: want a multiple of 64 up to {MOST_RECORDS_PER_PART}, got {batch}")
    with open_writer(home) as writer:
        key = signing_key(writer, sign) if sign else None
        reports = take_in(
            writer, feed, files, sign=key, resume=resume, records_per_part=batch, progress=_progress(as_json)
        )
        size, simulated = writer.log.size, writer.feed(feed).contract.simulated
    lines = [line for report in reports for line in _lines(report)]
    lines.append(f"log size {size}{mark(simulated)}")
    document = {"feed": feed, "log_size": size, "simulated": simulated, "items": [asdict(r) for r in reports]}
    emit("ingest", document, "\n".join(lines), as_json)
    return int(any(r.outcome in ("refused", "replay") for r in reports))


@click.command()
@click.argument("feed")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--key", required=True, metavar="KEY", help="An agency kept here, or a key file.")
@in_home
def sign(feed: str, files: tuple[Path, ...], key: str, home: Path, as_json: bool) -> None:
    """Sign files as their sender, writing FILE.dsse.json beside each."""
    opened = Home.open(home)
    contract, signer = opened.feed(feed).contract, signing_key(opened, key)
    opened.close()
    written = [write_sidecar(sign_file(inspect(path), contract, signer), path) for path in files]
    document = {"items": written, "keyid": signer.public.keyid, "simulated": contract.simulated}
    emit("sign", document, "\n".join(f"{w}{mark(contract.simulated)}" for w in written), as_json)


def _progress(as_json: bool) -> Progress | None:
    """Return a progress line for a terminal; nothing anywhere else."""
    if as_json or not sys.stderr.isatty():
        return None
    from time import monotonic

    starts: dict[str, float] = {}  # file -> when its reading began: when the one before was done
    last = monotonic()

    def show(report: FileReport, share: float | None) -> None:
        nonlocal last
        elapsed = monotonic() - starts.setdefault(report.sha256, last)
        last = monotonic()
        line = f"{report.file}: {report.received:,} records, {report.received / elapsed:,.0f}/s"
        if share:
            line += f", {share:.0%}, {elapsed / share * (1 - share):,.0f} s left"
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    return show


def _lines(r: FileReport) -> list[str]:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if r.outcome in ("replay", "already sealed"):
        return [f"{r.file}: {r.outcome}: {r.detail}"]
    lines = [f"{r.file}: {counts(r)}{told_apart(r)}"]
    if r.outcome == "refused":
        lines.append(f"  refused as a whole: {r.detail}")
    else:
        rows = [*r.reasons.items(), *((f"refused:{k}", n) for k, n in r.refusals.items())]
        if r.late:
            rows.append(("late (accepted)", r.late))
        if rows:
            lines.append("\n".join("  " + line for line in columns(rows).splitlines()))
        lines.extend("  " + line for line in r.first_refusals)
    entries = f"{r.entries[0]} to {r.entries[-1]}" if len(r.entries) > 1 else ", ".join(map(str, r.entries))
    if r.batches:
        last = f" to {r.batches[-1]}" if len(r.batches) > 1 else ""
        lines.append(f"  batch {r.batches[0]}{last}, log entry {entries}")
    else:
        lines.append("  an empty file: nothing to seal")
    return lines
