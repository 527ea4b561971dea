"""Take files into a feed, in order, part by part; see ``batch`` for what is written when."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from veracity.data.text import RECORDS_PER_PART, Refusal
from veracity.feeds.file_info import FileInfo, check_unchanged, inspect
from veracity.home.ahead import ahead
from veracity.home.batch import BatchWriter, Sealed
from veracity.home.deliveries import Refused, check_delivery, check_evidence, read_sidecar, sign_file
from veracity.home.errors import DeliveryInterrupted
from veracity.home.home import Writer
from veracity.home.interrupts import held_interrupts
from veracity.home.protection import protected
from veracity.home.sources import read_parts
from veracity.provenance.keys import MessageSigner

FIRST_REFUSALS = 20
logger = logging.getLogger(__name__)

Outcome = Literal["sealed", "already sealed", "replay", "refused"]


@dataclass
class FileReport:
    """What became of one file. ``received = accepted + quarantined + refused``.

    ``flagged`` of the accepted broke a rule that only flags; ``asked`` of the quarantined wait for a
    person; ``late`` of the accepted were older on arrival than the contract allows.
    """

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
    flagged: int = 0
    asked: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    first_refusals: list[str] = field(default_factory=list)

    def add(self, sealed: Sealed, refusals: Sequence[Refusal] = ()) -> None:
        """Count a batch that is in the log; ``refusals`` are those of its part."""
        statement = sealed.statement
        self.batches.append(statement.batch)
        self.entries.append(sealed.entry)
        self.late += sealed.n_late
        if statement.checks is not None:
            self.flagged += statement.checks.flagged
            self.asked += statement.checks.asked
        for refusal in refusals[: FIRST_REFUSALS - len(self.first_refusals)]:
            self.first_refusals.append(f"{self.file}:{refusal.line}: {refusal.code}: {refusal.detail}")
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
    sign: MessageSigner | None = None,
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
    session = BatchWriter(home, feed)
    with held_interrupts() as interrupted:
        reports = []
        for info in infos:
            report = FileReport(info.path.name, "sealed", info.sha256)
            reports.append(report)
            with protected(home, feed.contract, info) as taken:
                report.sha256 = taken.sha256
                _ingest_file(session, taken, sign, resume, records_per_part, report, progress, interrupted)
            _warn_of_erased(home, feed_name, report)
    return reports


def _warn_of_erased(home: Writer, feed: str, report: FileReport) -> None:
    """Say that a file may be one that came before, of which records were erased: nothing knows it again."""
    n = report.reasons.get("duplicate-key", 0)
    if n and home.index.predicates("erase", feed):
        logger.warning(
            "%s: %d rows came before, in a feed with erased records: if this file did, the erased values are"
            " here again under new keys (find them, and erase them)",
            report.file,
            n,
        )


def _ingest_file(
    session: BatchWriter,
    info: FileInfo,
    sign: MessageSigner | None,
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
        home = session.home
        delivery = check_delivery(
            envelope, info, session.contract, home.agencies(), home.log.size, session.now()
        )
        if delivery is not None and sign is None:
            check_evidence(delivery, info, session.contract)
    except Refused as exc:
        report.outcome, report.detail = "refused", str(exc)
        before = session.refused_before(info, exc.code)
        if before is not None:
            report.detail += f"; refused before as batch {before.statement.batch}, log entry {before.entry}"
        elif (said := session.refuse(info, exc.code)) is not None:
            report.add(said)
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
        check_unchanged(info)
        sealed = session.seal(info, part, envelope if delivery is not None else None)
        report.add(sealed, part.refusals)
        if part.cut_short:
            report.first_refusals.append(f"{info.path.name}: truncated: the gzip stream ends early")
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


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
