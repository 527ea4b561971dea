"""People decide about quarantined rows: let them in (``release``), or keep them out (``reject``).

A release is a batch of its own, written in the order that `batch` tells, and so as safe from a crash
as any. The quarantine is never touched: the released row keeps both histories, its line naming the
batch and record it came as. A row is decided once; the home's lock keeps two people from it at once.
"""

import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from veracity.data.clean import Cleaned, clean
from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.evidence import seal_pages
from veracity.data.history import KeyHistory
from veracity.data.records import parse_records
from veracity.data.reexecution import known_names, source_types, text_format
from veracity.data.released import PLACE, not_asked_again, read_values, released_contract, render_lines
from veracity.data.text import PART_BYTES, RECORD_BYTES
from veracity.data.where import parse_condition
from veracity.feeds.file_info import FileInfo
from veracity.home.batch import BatchWriter
from veracity.home.clock import format_time
from veracity.home.decisions import Decisions, judged_by, read_aside, read_decisions, rejected_path
from veracity.home.errors import NoRowsWaiting, TooManyRows, UnknownAgency
from veracity.home.home import Feed, Home, Writer
from veracity.home.interrupts import held_interrupts
from veracity.home.sources import SourcePart
from veracity.home.state import read_registries
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.keys import SigningKey
from veracity.provenance.statements import Reject, Released, RowsDigest, format_statement
from veracity.provenance.statements.checks import MAX_BATCHES

ROWS_AT_ONCE = 500_000


@dataclass(frozen=True)
class Selection:
    """Which quarantined rows: those that all of the conditions given name.

    ``reason`` is a whole reason (``range:pm25``) or its rule (``range``); ``where`` a condition on the
    values, as far as they can be read. With ``every`` no condition is needed.
    """

    batch: int | None = None
    records: tuple[int, ...] = ()
    reason: str | None = None
    where: str | None = None
    every: bool = False

    def __post_init__(self) -> None:
        conditions = (self.batch, self.reason, self.where)
        if self.every == any(c is not None for c in conditions):
            raise NoRowsWaiting("rows: want a batch, a reason or a condition, or all rows, got neither or both")
        if self.records and self.batch is None:
            raise NoRowsWaiting("rows: want the batch of these records, got none")


@dataclass(frozen=True)
class Chosen:
    """The rows to decide about, and how many of those asked for cannot be: decided before, or held.

    ``held`` rows broke a rule that looks back, which cannot be asked again and was not waived.
    """

    feed: Feed
    rows: pl.DataFrame
    n_decided: int
    n_held: int = 0
    held_by: tuple[str, ...] = ()

    @property
    def batches(self) -> tuple[int, ...]:
        """The batches they were set aside from."""
        return tuple(self.rows["_batch"].unique().sort().to_list())


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
    sign: SigningKey | None = None,
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
    sign: SigningKey | None = None,
    *,
    dry_run: bool = False,
) -> Outcome:
    """Say, in the name of a person, that quarantined rows stay out for good.

    Raises
    ------
    NoRowsWaiting, TooManyRows, MalformedStatement, UnknownAgency, UnknownKey
        Before anything is written.
    """
    _check_key(home, sign)
    chosen = choose(home, feed, selection)
    rows = chosen.rows
    digest = frame_digest(rows)
    simulated = chosen.feed.contract.simulated
    said = Reject(
        feed,
        format_time(home.clock()),
        by,
        why,
        chosen.batches,
        RowsDigest(rows.height, digest),
        simulated,
    )
    entry = None
    if not dry_run:
        payload = format_statement(said.to_statement())
        envelope = sign_envelope(payload, [home.operator, *([sign] if sign else [])])
        body = io.BytesIO()
        rows.write_parquet(body, compression="zstd", compression_level=1)
        home.objects.put(rejected_path(feed, digest), body.getvalue())
        entry = home.append(envelope)
    return Outcome(feed, rows.height, by, why, simulated, None, entry, chosen.n_decided)


def waiting(home: Home, feed: str) -> pl.DataFrame:
    """Return the rows that wait for a person: a rule that asks was broken, and nobody has decided.

    Columns ``_batch``, ``_record``, ``reasons``, then the contract's fields as received.
    """
    decisions = read_decisions(home, feed)
    text = dict.fromkeys((f.name for f in home.feed(feed).contract.fields), pl.String())
    frames = [pl.DataFrame(schema={**PLACE, "reasons": pl.List(pl.String), **text})]
    for _, predicate in home.index.predicates("ingest", feed):
        checks = predicate.get("checks")
        if checks is None or not checks["asked"] or predicate["quarantine"] is None:
            continue
        contract = judged_by(home, predicate)
        asks = [r for r in contract.reasons if contract.action(r) == "ask"]
        rows = read_aside(home, predicate)
        frames.append(_undecided(rows.filter(_has_any(asks)), decisions))
    return pl.concat(frames)


def choose(home: Home, feed: str, selection: Selection, waive: Collection[str] | None = None) -> Chosen:
    """Find the rows to decide about: those selected that nobody decided on, in order of arrival.

    ``waive`` is what a release waives; a rejection (None) takes rows whatever they broke.
    """
    found = home.feed(feed)
    held_by = [] if waive is None else sorted(not_asked_again(found.contract, waive))
    decisions = read_decisions(home, feed)
    frames, n_asked, n_free, n_rows = [], 0, 0, 0
    for predicate in _batches(home, feed, selection):
        rows = _selected(read_aside(home, predicate), found.contract, selection)
        free = _undecided(rows, decisions)
        ready = free.filter(~_has_any(held_by))
        n_asked, n_free, n_rows = n_asked + rows.height, n_free + free.height, n_rows + ready.height
        if n_rows > ROWS_AT_ONCE:
            raise TooManyRows(f"rows: want at most {ROWS_AT_ONCE:,} at once, got more: name fewer")
        if ready.height:
            frames.append(ready)
    n_decided, n_held = n_asked - n_free, n_free - n_rows
    if not frames or (selection.records and n_decided):
        raise NoRowsWaiting(_why_none(feed, decisions, selection, n_decided, n_held, held_by))
    if len(frames) > MAX_BATCHES:
        raise TooManyRows(f"rows: want them of at most {MAX_BATCHES:,} batches, got {len(frames):,}: name fewer")
    return Chosen(found, pl.concat(frames), n_decided, n_held, tuple(held_by) if n_held else ())


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
    digest = hashlib.sha256(data).hexdigest()
    info = FileInfo(Path(name), "ndjson", "none", len(data), digest, (0, 0, len(data), 0, 0))
    fmt = text_format(view, "ndjson")
    known = known_names(view, fmt, data)
    parsed = parse_records(data, ends, fmt, None, known=known, types=source_types(view))
    part = SourcePart(
        index=0,
        first_record=0,
        n_records=len(ends),
        raw=parsed.frame,
        refusals=parsed.refusals,
        n_blank=parsed.n_blank,
        layouts=(),
        data=data,
        pages=seal_pages(data, ends),
        last=True,
        share=1.0,
    )
    return info, part


def _judged(home: Home, view: Contract, part: SourcePart) -> Cleaned:
    """Clean the rows as the batch would, saying nothing."""

    def scan(between: tuple[str, object, object] | None) -> pl.LazyFrame:
        return home.table(view.feed).scan(between=between)

    home.check_held(view.feed)
    history = KeyHistory(view.key, view.time, scan)
    registries = read_registries(home, view).rows
    now: datetime = home.clock()
    return clean(part.raw, view, now, history.known, None, history.same, registries)


def _batches(home: Home, feed: str, selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield the statements of the batches that set rows aside, and may hold what is selected."""
    for _, predicate in home.index.predicates("ingest", feed):
        if predicate["quarantine"] is None or selection.batch not in (None, predicate["batch"]):
            continue
        if selection.reason is None or any(_is_reason(r, selection.reason) for r in predicate["reasons"]):
            yield predicate


def _selected(rows: pl.DataFrame, contract: Contract, selection: Selection) -> pl.DataFrame:
    if selection.records:
        rows = rows.filter(pl.col("_record").is_in(list(selection.records)))
    if selection.reason is not None:
        found = rows["reasons"].explode(empty_as_null=False, keep_nulls=False).unique().to_list()
        rows = rows.filter(_has_any([r for r in found if _is_reason(r, selection.reason)]))
    if selection.where is not None:
        condition = parse_condition(selection.where, contract)
        rows = rows.filter(read_values(rows, contract).select(condition.fill_null(value=False)).to_series())
    return rows


def _is_reason(reason: str, wanted: str) -> bool:
    return reason == wanted or (":" not in wanted and reason.startswith(wanted + ":"))


def _has_any(reasons: Sequence[str]) -> pl.Expr:
    """Return whether a row has one of the reasons."""
    return pl.col("reasons").list.eval(pl.element().is_in(list(reasons))).list.any()


def _undecided(rows: pl.DataFrame, decisions: Decisions) -> pl.DataFrame:
    return rows.join(decisions.rows, on=list(decisions.key), how="anti", nulls_equal=True, maintain_order="left")


def _why_none(
    feed: str,
    decisions: Decisions,
    selection: Selection,
    n_decided: int,
    n_held: int,
    held_by: Sequence[str],
) -> str:
    want = f"rows of {feed}: want some in quarantine that nobody decided on"
    if n_held:
        return f"{want}, got {n_held} that broke {', '.join(held_by)[:200]}: waive what cannot be asked again"
    if not n_decided:
        return f"{want}, got none"
    mine = decisions.first
    if selection.batch is not None:
        mine = mine.filter(pl.col("_batch") == selection.batch)
    if selection.records:
        mine = mine.filter(pl.col("_record").is_in(list(selection.records)))
    last = decisions.said[int(mine["_idx"][-1])]
    return f"{want}, got {n_decided} {last.kind} by {last.by} (log entry {last.idx}): {last.why}"[:500]


def _check_key(home: Home, key: SigningKey | None) -> None:
    """Raise unless a person's own key is one that the log knows."""
    if key is None:
        return
    authority = home.agencies().authority(key.public.keyid, home.index.size)
    if authority.role == "operator":
        raise UnknownAgency("sign: want a person's own key beside the operator's, got the operator's")
