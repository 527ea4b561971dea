"""People decide about quarantined rows: let them in (``release``), or keep them out (``reject``).

A release is a batch of its own, written in the order that `batch` tells, and so as safe from a crash
as any. The quarantine is never touched: the released row keeps both histories, its line naming the
batch and record it came as. A row is decided once; the home's lock keeps two people from it at once.
"""

import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from veracity.data.clean import Cleaned, clean
from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.history import KeyHistory
from veracity.data.released import PLACE, released_contract, render_lines
from veracity.data.text import PART_BYTES, RECORD_BYTES
from veracity.feeds.file_info import FileInfo
from veracity.home.batch import BatchWriter
from veracity.home.clock import format_time
from veracity.home.decisions import rejected_path
from veracity.home.errors import NoRowsWaiting, TooManyRows, UnknownAgency
from veracity.home.home import Feed, Home, Writer
from veracity.home.interrupts import held_interrupts
from veracity.home.selection import Chosen, Selection, choose
from veracity.home.sources import SourcePart, lines_part
from veracity.home.state import read_registries
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.keys import MessageSigner
from veracity.provenance.statements import Reject, Released, RowsDigest, format_statement


@dataclass(frozen=True)
class Outcome:
    """What became of rows that somebody decided about. ``batch`` and ``entry`` are None of a dry run."""

    feed: str
    rows: int
    by: str
    why: str
    simulated: bool
    batch: int | None
    entry: int | None
    n_decided: int
    accepted: int = 0
    quarantined: int = 0
    flagged: int = 0
    n_held: int = 0
    held_by: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


def release(
    home: Writer,
    feed: str,
    selection: Selection,
    by: str,
    why: str,
    waive: Collection[str] = (),
    sign: MessageSigner | None = None,
) -> Outcome:
    """Let quarantined rows in, in the name of a person, as a batch of their own.

    Each is judged again by the contract in force, but for the rules waived. One that breaks
    another is set aside again, in the new batch.

    Raises
    ------
    NotWaivable, NoRowsWaiting, TooManyRows, MalformedStatement, UnknownAgency, UnknownKey
        Before anything is written.
    """
    _check_key(home, sign)
    chosen = choose(home, feed, selection, waive)
    contract, waived = chosen.feed.contract, tuple(sorted(set(waive)))
    view = released_contract(contract, waived)
    released = Released(by, why, waived, chosen.batches)
    session = BatchWriter(home, Feed(view, chosen.feed.idx))
    info, part = as_file(chosen.rows, view, f"released-from-quarantine-{session.batch}.ndjson")
    if home.index.parts(feed, info.sha256):
        raise NoRowsWaiting(
            f"rows: want lines that never came as a file, got those of sha256 {info.sha256[:16]},"
            " which did: release them in two parts"
        )
    with held_interrupts():
        sealed = session.seal(info, part, None, released, [sign] if sign else [])
    counts, checks = sealed.statement.counts, sealed.statement.checks
    return Outcome(
        feed=feed,
        rows=chosen.rows.height,
        by=by,
        why=why,
        simulated=contract.simulated,
        batch=sealed.statement.batch,
        entry=sealed.entry,
        n_decided=chosen.n_decided,
        accepted=counts.accepted,
        quarantined=counts.quarantined,
        flagged=checks.flagged if checks else 0,
        n_held=chosen.n_held,
        held_by=chosen.held_by,
        waived=waived,
        reasons=tuple(sealed.statement.reasons.items()),
    )


def try_release(
    home: Home, feed: str, selection: Selection, by: str, why: str, waive: Collection[str] = ()
) -> Outcome:
    """Tell what a release would do; nothing is written."""
    chosen = choose(home, feed, selection, waive)
    waived = tuple(sorted(set(waive)))
    Released(by, why, waived, chosen.batches)
    view = released_contract(chosen.feed.contract, waived)
    cleaned = _judged(home, view, as_file(chosen.rows, view, "dry-run.ndjson")[1])
    return Outcome(
        feed=feed,
        rows=chosen.rows.height,
        by=by,
        why=why,
        simulated=view.simulated,
        batch=None,
        entry=None,
        n_decided=chosen.n_decided,
        accepted=cleaned.accepted.height,
        quarantined=cleaned.quarantined.height,
        flagged=cleaned.n_flagged,
        n_held=chosen.n_held,
        held_by=chosen.held_by,
        waived=waived,
        reasons=tuple(cleaned.reasons.items()),
    )


def reject(
    home: Writer,
    feed: str,
    selection: Selection,
    by: str,
    why: str,
    sign: MessageSigner | None = None,
) -> Outcome:
    """Say, in the name of a person, that quarantined rows stay out for good.

    Raises
    ------
    NoRowsWaiting, TooManyRows, MalformedStatement, UnknownAgency, UnknownKey
        Before anything is written.
    """
    _check_key(home, sign)
    chosen = choose(home, feed, selection)
    said = _rejection(home, chosen, by, why)
    payload = format_statement(said.to_statement())
    envelope = sign_envelope(payload, [home.operator, *([sign] if sign else [])])
    body = io.BytesIO()
    chosen.rows.write_parquet(body, compression="zstd", compression_level=1)
    home.objects.put(rejected_path(feed, said.rows.sha256), body.getvalue())
    entry = home.append(envelope)
    return Outcome(feed, said.rows.rows, by, why, said.simulated, None, entry, chosen.n_decided)


def try_reject(home: Home, feed: str, selection: Selection, by: str, why: str) -> Outcome:
    """Tell what a rejection would do; nothing is written."""
    chosen = choose(home, feed, selection)
    said = _rejection(home, chosen, by, why)
    return Outcome(feed, said.rows.rows, by, why, said.simulated, None, None, chosen.n_decided)


def _rejection(home: Home, chosen: Chosen, by: str, why: str) -> Reject:
    contract, rows = chosen.feed.contract, chosen.rows
    digest = RowsDigest(rows.height, frame_digest(rows))
    decided_at = format_time(home.clock())
    return Reject(contract.feed, decided_at, by, why, chosen.batches, digest, contract.simulated)


def as_file(rows: pl.DataFrame, view: Contract, name: str) -> tuple[FileInfo, SourcePart]:
    """Write rows as the lines that they come in again as: a file, and its only part, in memory."""
    data, ends = render_lines(rows, view)
    lengths = pl.Series(ends).diff().fill_null(int(ends[0]))
    if (longest := lengths.arg_max()) is not None and lengths[longest] > RECORD_BYTES:
        batch, record = rows.select(*PLACE).row(longest)
        raise TooManyRows(
            f"row {batch}:{record}: want at most {RECORD_BYTES:,} bytes as JSON, got {lengths[longest]:,}"
        )
    if len(data) > PART_BYTES:
        raise TooManyRows(f"rows: want at most {PART_BYTES:,} bytes as JSON, got {len(data):,}: name fewer")
    return lines_part(data, ends, "ndjson", view, name)


def _judged(home: Home, view: Contract, part: SourcePart) -> Cleaned:
    """Clean the rows as the batch would, saying nothing."""

    def scan(between: tuple[str, object, object] | None) -> pl.LazyFrame:
        return home.table(view.feed).scan(between=between)

    home.check_held(view.feed)
    history = KeyHistory(view.key, view.time, scan)
    registries = read_registries(home, view).rows
    now: datetime = home.clock()
    return clean(part.raw, view, now, history.known, None, history.same, registries)


def _check_key(home: Home, key: MessageSigner | None) -> None:
    """Raise unless a person's own key is one that the log knows."""
    if key is None:
        return
    authority = home.agencies().authority(key.public.keyid, home.index.size, home.clock())
    if authority.role == "operator":
        raise UnknownAgency("sign: want a person's own key beside the operator's, got the operator's")
