"""Take files into a feed: cut, clean, seal, commit, say so in the log — batch by batch.

The order of one batch's writes is what makes a crash harmless:

1. evidence and quarantine, under names that are digests: written twice, they are the same;
2. the signed statement, put aside in the database;
3. the rows, one Delta commit that carries the batch's number;
4. the statement, into the log.

Whoever opens the home next finds a statement put aside: if the rows of its batch are there it
goes into the log, else it is forgotten and the batch is made again from the file.
"""

import io
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypeVar

import polars as pl

import veracity
from veracity.data.clean import Cleaned, clean
from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.history import KeyHistory
from veracity.data.text import RECORDS_PER_PAGE, RECORDS_PER_PART
from veracity.feeds.file_info import FileInfo, inspect, open_again
from veracity.home.clock import format_time, parse_time
from veracity.home.deliveries import Refused, check_delivery, check_evidence, read_sidecar, sign_file
from veracity.home.errors import DeliveryInterrupted, StateBehind
from veracity.home.home import Feed, Writer
from veracity.home.index import BatchRow, Pending
from veracity.home.sources import SourcePart, part_roots, read_parts
from veracity.log.merkle import root_from_leaf_hashes
from veracity.provenance.dsse import Envelope, sign_envelope
from veracity.provenance.keys import SigningKey
from veracity.provenance.statements import (
    Counts,
    Delivery,
    Evidence,
    FileDigest,
    Ingest,
    Part,
    ReceivedFile,
    RowsDigest,
    TableVersion,
    format_statement,
)

ENGINE = f"veracity {veracity.__version__}"

Outcome = Literal["sealed", "already sealed", "replay", "refused"]


@dataclass
class FileReport:
    """What became of one file. ``received = accepted + quarantined + refused``."""

    file: str
    outcome: Outcome
    sha256: str
    detail: str = ""
    batches: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    refused: int = 0
    blank: int = 0
    late: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    first_refusals: list[str] = field(default_factory=list)

    def add(self, statement: Ingest, entry: int) -> None:
        """Count a batch that is in the log."""
        self.batches.append(statement.batch)
        self.entries.append(entry)
        for name in ("received", "accepted", "quarantined", "refused", "blank"):
            setattr(self, name, getattr(self, name) + getattr(statement.counts, name))
        for mine, theirs in ((self.reasons, statement.reasons), (self.refusals, statement.refusals)):
            for code, n in theirs.items():
                mine[code] = mine.get(code, 0) + n


Progress = Callable[[FileReport, float | None], None]


def ingest(
    home: Writer,
    feed_name: str,
    paths: Sequence[Path],
    *,
    sign: SigningKey | None = None,
    resume: bool = False,
    records_per_part: int = RECORDS_PER_PART,
    progress: Progress | None = None,
) -> list[FileReport]:
    """Take files into a feed, in the order given.

    Parameters
    ----------
    sign
        Sign each file with this key first, for a sender who stands at this machine.
    resume
        Go on with files of which part went in before, and pass over those that are in.
    records_per_part
        How many records make a batch; a signed delivery brings its own number.
    progress
        Called after each batch, with the share of the file that is done (None if nobody can tell).

    Raises
    ------
    UnknownFeed, DeliveryInterrupted
        Before anything of the file is taken in.
    StoreUnavailable
        If a write failed; what was reported is in the log, and ``resume`` goes on.
    """
    feed = home.feed(feed_name)
    infos = [inspect(path) for path in paths]  # every name is tried before the first row goes in
    session = _Session(home, feed)
    with _held_interrupts() as interrupted:
        reports = []
        for info in infos:
            report = FileReport(info.path.name, "sealed", info.sha256)
            reports.append(report)
            _ingest_file(session, info, sign, resume, records_per_part, report, progress, interrupted)
    session.close()
    return reports


def _ingest_file(
    session: "_Session",
    info: FileInfo,
    sign: SigningKey | None,
    resume: bool,
    records_per_part: int,
    report: FileReport,
    progress: Progress | None,
    interrupted: Callable[[], None],
) -> None:
    done = session.home.index.parts(session.contract.feed, info.sha256)
    if done and done[-1].is_last:
        first, last = done[0], done[-1]
        report.outcome = "already sealed" if resume else "replay"
        batches, entries = _span(first.batch, last.batch), _span(first.idx, last.idx)
        report.detail = f"came before as batch {batches}, log entry {entries}"
        return
    if done and not resume:
        raise DeliveryInterrupted(
            f"{info.path.name}: want --resume to go on after {len(done)} sealed parts, got a new start"
        )
    try:
        envelope = (
            sign_file(info, session.contract, sign, records_per_part) if sign else read_sidecar(info.path)
        )
        delivery = check_delivery(
            envelope, info, session.contract, session.home.agencies(), session.home.log.size
        )
        if delivery is not None and sign is None:
            check_evidence(delivery, info, session.contract)
    except Refused as exc:
        report.outcome, report.detail = "refused", str(exc)
        said = session.refuse(info, exc.code)
        if said is not None:
            report.add(*said)
        return
    if delivery is not None:
        records_per_part = delivery.evidence.records_per_part
    parts = read_parts(info, session.contract, records_per_part=records_per_part, skip=len(done))
    goes_on_at = session.end_of(done[-1]) if done else None
    for part in ahead(parts):
        interrupted()
        if goes_on_at is not None:
            _check_goes_on(info, goes_on_at, part.first_record)
            goes_on_at = None
        with open_again(info):  # still the file whose digest was signed
            pass
        statement, entry = session.seal(info, part, envelope, delivery, report)
        report.add(statement, entry)
        if progress is not None:
            progress(report, part.share)
    if goes_on_at is not None:
        _check_goes_on(info, goes_on_at, None)


def _check_goes_on(info: FileInfo, want: int, got: int | None) -> None:
    """The parts still to come must begin where the sealed ones end: the file is cut as it was before."""
    if got != want:
        raise DeliveryInterrupted(
            f"{info.path.name}: want to go on at record {want}, got"
            f" {'no more parts' if got is None else got}; give the --batch that it was begun with"
        )


class _Session:
    """The writes of one call of ``ingest``: the batch counter, the key history, the file kept."""

    def __init__(self, home: Writer, feed: Feed) -> None:
        self.home = home
        self.contract: Contract = feed.contract
        self.table = home.table(self.contract.feed)
        self.evidence = home.evidence(self.contract.feed)
        self.batch, self._last_received = home.index.next_batch(self.contract.feed)
        if self.table.holds(self.batch):
            raise StateBehind(
                f"table {self.contract.feed}: want no rows of batch {self.batch}, the log's next,"
                " got some: log and database are of an older backup"
            )
        state = _read_state(home, self.contract.feed, self.batch)
        self.history = KeyHistory(self.contract.key, self.contract.time, self._scan, state)
        self._kept: str | None = None

    def _scan(self, between: tuple[str, object, object] | None) -> pl.LazyFrame:
        return self.table.scan(between=between)

    def end_of(self, row: BatchRow) -> int:
        """Return the number of the first record after a sealed part of a file."""
        part = self.home.index.predicate(row.idx)["part"]
        return int(part["first_record"]) + int(part["n_records"])

    def close(self) -> None:
        """Keep the key history for the next call."""
        _write_state(self.home, self.contract.feed, self.batch, self.history)

    def seal(
        self,
        info: FileInfo,
        part: SourcePart,
        envelope: Envelope | None,
        delivery: Delivery | None,
        report: FileReport,
    ) -> tuple[Ingest, int]:
        """Clean, commit and log one part; return its statement and place in the log."""
        received_at = self._now()
        cleaned = clean(part.raw, self.contract, received_at, self.history.known)
        pages = part.pages
        if pages is None:  # pragma: no cover - read_parts seals unless told not to
            raise AssertionError("a part to seal has pages")
        self._keep_received(info)
        self.evidence.put(info.sha256, part.index, pages, part.data)
        rows = cleaned.accepted.with_columns(pl.lit(self.batch, pl.Int64).alias("_batch"))
        aside = cleaned.quarantined.with_columns(pl.lit(self.batch, pl.Int64).alias("_batch"))
        quarantine = self._keep_quarantine(aside)
        table = None
        if rows.height:
            table = TableVersion(rows.height, self.table.version + 1, frame_digest(rows))
        refusals: dict[str, int] = {}
        for refusal in part.refusals:
            refusals[refusal.code] = refusals.get(refusal.code, 0) + 1
            if len(report.first_refusals) < 20:
                report.first_refusals.append(
                    f"{info.path.name}:{refusal.line}: {refusal.code}: {refusal.detail}"
                )
        report.late += cleaned.n_late
        statement = Ingest(
            feed=self.contract.feed,
            batch=self.batch,
            received_at=format_time(received_at),
            contract_sha256=self.contract.sha256,
            file=_received_file(info),
            part=Part(part.index, part.first_record, part.n_records, part.last),
            evidence=Evidence(
                pages.root.hex(),
                len(pages.hashes),
                RECORDS_PER_PAGE,
                "rendered" if part.data is None else "received",
            ),
            counts=_counts(cleaned, part),
            engine=ENGINE,
            simulated=self.contract.simulated,
            layouts=part.layouts,
            reasons=cleaned.reasons,
            refusals=refusals,
            event_time=_event_time(cleaned),
            table=table,
            quarantine=quarantine,
            delivery=envelope if delivery is not None else None,
        )
        entry = sign_envelope(format_statement(statement.to_statement()), [self.home.operator])
        self.home.index.pend(Pending(self.contract.feed, self.batch, rows.height > 0, entry))
        if rows.height:
            names = [n for n in self.contract.key if n != self.contract.time]
            statistics = [*([self.contract.time] if self.contract.time else []), *names]
            self.table.append(rows, self.batch, statistics)
        return statement, self._log(entry, received_at, cleaned.accepted)

    def refuse(self, info: FileInfo, code: str) -> tuple[Ingest, int] | None:
        """Say in the log that a whole file was refused; nothing of it is kept but its digest.

        Of a file without records nothing is said, as when it is taken in.
        """
        roots, n_records = part_roots(info, self.contract)
        if n_records == 0:
            return None
        received_at = self._now()
        statement = Ingest(
            feed=self.contract.feed,
            batch=self.batch,
            received_at=format_time(received_at),
            contract_sha256=self.contract.sha256,
            file=_received_file(info),
            part=Part(0, 0, n_records, True),
            evidence=Evidence(
                root_from_leaf_hashes(roots).hex(),
                -(-n_records // RECORDS_PER_PAGE),
                RECORDS_PER_PAGE,
                "rendered" if info.kind == "parquet" else "received",
            ),
            counts=Counts(n_records, 0, 0, n_records, 0),
            engine=ENGINE,
            simulated=self.contract.simulated,
            refusals={code: n_records},
        )
        entry = sign_envelope(format_statement(statement.to_statement()), [self.home.operator])
        return statement, self._log(entry, received_at, None)

    def _log(self, entry: bytes, received_at: datetime, accepted: pl.DataFrame | None) -> int:
        idx = self.home.append(entry)
        self.home.index.settle(self.contract.feed)
        if accepted is not None:
            self.history.add(accepted)
        self.batch += 1
        self._last_received = format_time(received_at)
        return idx

    def _now(self) -> datetime:
        """Return the time of receipt: never before the batch before, so that `as of` has one answer."""
        now = self.home.clock()
        if self._last_received is None:
            return now
        return max(now, parse_time("received_at", self._last_received))

    def _keep_received(self, info: FileInfo) -> None:
        """Keep the file whole where its parts' bytes are not the file: columnar or compressed."""
        if self._kept != info.sha256 and (info.kind == "parquet" or info.compression != "none"):
            self.home.objects.put_file(self.evidence.path(info.sha256, "received"), info.path)
            self._kept = info.sha256

    def _keep_quarantine(self, rows: pl.DataFrame) -> RowsDigest | None:
        if rows.is_empty():
            return None
        digest = frame_digest(rows)
        body = io.BytesIO()
        rows.write_parquet(body, compression="zstd", compression_level=1)
        self.home.objects.put(quarantine_path(self.contract.feed, self.batch, digest), body.getvalue())
        return RowsDigest(rows.height, digest)


def quarantine_path(feed: str, batch: int, sha256: str) -> str:
    """Return where a batch's quarantined rows are kept."""
    return f"quarantine/{feed}/{batch:08d}-{sha256}.parquet"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _received_file(info: FileInfo) -> ReceivedFile:
    digest = FileDigest(info.path.name, info.sha256, info.n_bytes)
    return ReceivedFile(digest, info.kind, info.compression)


def _counts(cleaned: Cleaned, part: SourcePart) -> Counts:
    accepted, quarantined, refused = cleaned.accepted.height, cleaned.quarantined.height, len(part.refusals)
    return Counts(accepted + quarantined + refused, accepted, quarantined, refused, part.n_blank)


def _event_time(cleaned: Cleaned) -> tuple[str, str] | None:
    if cleaned.first is None or cleaned.last is None:
        return None
    return format_time(cleaned.first), format_time(cleaned.last)


def _state_path(feed: str) -> str:
    return f"state/{feed}/newest.parquet"


def _read_state(home: Writer, feed: str, batch: int) -> pl.DataFrame | None:
    """Read the key history after the batch before ``batch``; None if what is kept is of another."""
    path = _state_path(feed)
    if not home.objects.exists(path):
        return None
    try:
        state = pl.read_parquet(home.objects.get(path))
    except pl.exceptions.PolarsError:
        return None
    kept = state.filter(pl.col("_next_batch") == batch)
    return kept.drop("_next_batch") if kept.height == state.height and state.height else None


def _write_state(home: Writer, feed: str, batch: int, history: KeyHistory) -> None:
    newest = history.newest
    if newest is None or newest.is_empty():
        return
    body = io.BytesIO()
    newest.with_columns(pl.lit(batch, pl.Int64).alias("_next_batch")).write_parquet(body)
    home.objects.put(_state_path(feed), body.getvalue())


T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Read the next part on another thread while the caller works on this one: two parts in memory."""
    with ThreadPoolExecutor(1, thread_name_prefix="veracity-read") as reader:
        coming: Future[T | None] = reader.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = reader.submit(next, items, None)
            yield item


@contextmanager
def _held_interrupts() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until a batch is whole; yield a function that lets it through.

    The second Ctrl-C does not wait; the batch it breaks is settled when the home opens next.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    waiting: list[int] = []
    before: Any = signal.getsignal(signal.SIGINT)

    def hold(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)
        if len(waiting) > 1:
            raise KeyboardInterrupt

    def let_through() -> None:
        if waiting:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hold)
    try:
        yield let_through
    finally:
        signal.signal(signal.SIGINT, before)
