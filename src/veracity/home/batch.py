"""One batch: clean, seal, commit, say so in the log.

The order of its writes is what makes a crash harmless:

1. evidence and quarantine, under names that are digests: written twice, they are the same;
2. the signed statement, put aside in the database;
3. the rows, one Delta commit that carries the batch's number;
4. the statement, into the log.

Whoever opens the home next finds a statement put aside: if the rows of its batch are there it
goes into the log, else it is forgotten and the batch is made again from the file.
"""

import io
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import polars as pl

import veracity
from veracity.data.clean import CLOCK_TOLERANCE_S, Cleaned, clean
from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.history import KeyHistory
from veracity.data.text import RECORDS_PER_PAGE
from veracity.feeds.file_info import FileInfo
from veracity.home.clock import format_time, parse_time
from veracity.home.errors import ClockBehind, StateBehind
from veracity.home.home import Feed, Writer
from veracity.home.index import BatchRow, Pending
from veracity.home.key_state import read_key_state, write_key_state
from veracity.home.sources import SourcePart, part_roots
from veracity.log.merkle import root_from_leaf_hashes
from veracity.provenance.dsse import Envelope, open_envelope, sign_envelope
from veracity.provenance.statements import (
    Counts,
    Evidence,
    FileDigest,
    Ingest,
    Part,
    ReceivedFile,
    RowsDigest,
    TableVersion,
    format_statement,
    parse_statement,
)

ENGINE = f"veracity {veracity.__version__}"


@dataclass(frozen=True)
class Sealed:
    """A batch in the log: its statement, its entry, and how many accepted rows came late."""

    statement: Ingest
    entry: int
    n_late: int


class BatchWriter:
    """Makes a feed's batches, one after another: their numbers, the keys so far, the file kept."""

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
        home.check_held(self.contract.feed)
        state = read_key_state(home, self.contract.feed, self.batch)
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
        write_key_state(self.home, self.contract.feed, self.batch, self.history)

    def seal(
        self,
        info: FileInfo,
        part: SourcePart,
        envelope: Envelope | None,
    ) -> Sealed:
        """Clean, commit and log one part, with the delivery that its sender signed, if any."""
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
            refusals=dict(Counter(r.code for r in part.refusals)),
            event_time=event_time(cleaned),
            table=table,
            quarantine=quarantine,
            delivery=envelope,
        )
        entry = sign_envelope(format_statement(statement.to_statement()), [self.home.operator])
        self.home.index.pend(Pending(self.contract.feed, self.batch, rows.height > 0, entry))
        if rows.height:
            names = [n for n in self.contract.key if n != self.contract.time]
            statistics = [*([self.contract.time] if self.contract.time else []), *names]
            self.table.append(rows, self.batch, statistics)
        return Sealed(statement, self._log(entry, received_at, cleaned.accepted), cleaned.n_late)

    def refused_before(self, info: FileInfo, code: str) -> Sealed | None:
        """Return the first refusal of a file of these bytes for this reason, if the log has one."""
        for row in self.home.index.batches(self.contract.feed, info.sha256):
            if set(self.home.index.predicate(row.idx)["refusals"]) == {code}:
                envelope = open_envelope(self.home.log.entry(row.idx))
                return Sealed(Ingest.from_statement(parse_statement(envelope.payload)), row.idx, 0)
        return None

    def refuse(self, info: FileInfo, code: str) -> Sealed | None:
        """Say in the log that a whole file was refused; nothing of it is kept but its digest.

        Of a file without records nothing is said, as when it is taken in. Nor is anything said of a
        file offered again and refused for the same reason: the log has that, and no sender can fill it.
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
        return Sealed(statement, self._log(entry, received_at, None), 0)

    def _log(self, entry: bytes, received_at: datetime, accepted: pl.DataFrame | None) -> int:
        idx = self.home.append(entry)
        self.home.index.settle(self.contract.feed)
        if accepted is not None:
            self.history.add(accepted)
        self.batch += 1
        self._last_received = format_time(received_at)
        return idx

    def _now(self) -> datetime:
        """Return the time of receipt: never before the batch before, so that `as of` has one answer.

        A clock may be set back by seconds. One that is behind by more was wrong then or is now,
        and going on with the later time would leave the `future` rule without force.
        """
        now = self.home.clock()
        if self._last_received is None:
            return now
        last = parse_time("received_at", self._last_received)
        if (last - now).total_seconds() > CLOCK_TOLERANCE_S:
            raise ClockBehind(
                f"clock: want a time after batch {self.batch - 1} of {self.contract.feed}, received"
                f" {self._last_received}, got {format_time(now)}"
            )
        return max(now, last)

    def _keep_received(self, info: FileInfo) -> None:
        """Keep the file whole where its parts' bytes are not the file: columnar or compressed."""
        if self._kept != info.sha256 and (info.kind == "parquet" or info.compression != "none"):
            self.home.objects.put_file(self.evidence.path(info.sha256, "received"), info.path, info.sha256)
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


def _received_file(info: FileInfo) -> ReceivedFile:
    digest = FileDigest(info.path.name, info.sha256, info.n_bytes)
    return ReceivedFile(digest, info.kind, info.compression)


def _counts(cleaned: Cleaned, part: SourcePart) -> Counts:
    accepted, quarantined, refused = cleaned.accepted.height, cleaned.quarantined.height, len(part.refusals)
    return Counts(accepted + quarantined + refused, accepted, quarantined, refused, part.n_blank)


def event_time(cleaned: Cleaned) -> tuple[str, str] | None:
    """Return the first and the last event time of the accepted rows, as a statement says them."""
    if cleaned.first is None or cleaned.last is None:
        return None
    return format_time(cleaned.first), format_time(cleaned.last)
