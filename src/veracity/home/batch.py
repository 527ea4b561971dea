"""One batch: clean, seal, commit, say so in the log.

The order of its writes is what makes a crash harmless:

1. evidence, quarantine, verdicts and what the rules remember, under names that are digests:
   written twice, they are the same;
2. the signed statement, put aside in the database;
3. the rows, one Delta commit that carries the batch's number;
4. the statement, into the log.

Whoever opens the home next finds a statement put aside: if the rows of its batch are there it
goes into the log, else it is forgotten and the batch is made again from the file.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

import polars as pl

import veracity
from veracity.data.clean import Cleaned, clean
from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.health import health_rows
from veracity.data.history import KeyHistory
from veracity.data.lake import statistics_of
from veracity.data.personal.checking import check_text
from veracity.data.row_rules import CLOCK_TOLERANCE_S
from veracity.data.rules.memory import KEYS, Memory
from veracity.data.text import RECORDS_PER_PAGE
from veracity.feeds.file_info import FileInfo
from veracity.home.clock import format_time, parse_time
from veracity.home.errors import ClockBehind, StateBehind
from veracity.home.home import Feed, Home, Writer
from veracity.home.index import BatchRow, Pending
from veracity.home.sources import SourcePart, part_roots
from veracity.home.state import read_memory, read_registries, state_after, with_keys, write_memory
from veracity.log.merkle import root_from_leaf_hashes
from veracity.provenance.dsse import Envelope, open_envelope, sign_envelope
from veracity.provenance.keys import MessageSigner
from veracity.provenance.statements import (
    Checks,
    Counts,
    Evidence,
    FileDigest,
    Ingest,
    Messages,
    Part,
    ReceivedFile,
    Released,
    RowsDigest,
    TableVersion,
    format_statement,
    parse_statement,
)

Kept = Literal["quarantine", "verdicts", "health", "messages"]
ENGINE = f"veracity {veracity.__version__}"


@dataclass(frozen=True)
class Sealed:
    """A batch in the log: its statement, its entry, and how many accepted rows came late."""

    statement: Ingest
    entry: int
    n_late: int


class Gathered(Protocol):
    """The messages that a part was put together from; see ``home.live``."""

    def rows(self, cleaned: Cleaned | None, part: SourcePart | None) -> pl.DataFrame:
        """Return the list to keep, with what became of each message's records; both None without any."""

    def said(self, rows: RowsDigest) -> Messages:
        """Return what the statement says of them."""


class BatchWriter:
    """Makes a feed's batches, one after another: their numbers, the keys so far, the file kept."""

    def __init__(self, home: Writer, feed: Feed) -> None:
        self.home = home
        self.contract: Contract = feed.contract
        self.table = home.table(self.contract.feed)
        self.evidence = home.evidence(self.contract.feed)
        self.batch, received = home.index.next_batch(self.contract.feed)
        self._not_before = _later(received, _closed_until(home, self.contract.feed))
        if self.table.holds(self.batch):
            raise StateBehind(
                f"table {self.contract.feed}: want no rows of batch {self.batch}, the log's next,"
                " got some: log and database are of an older backup"
            )
        home.check_held(self.contract.feed)
        self._state = state_after(home, self.contract.feed, self.batch - 1)
        self._memory = read_memory(home, self.contract, self._state)
        newest = None if self._state is None else self._memory.newest(KEYS)
        self.history = KeyHistory(self.contract.key, self.contract.time, self._scan, newest)
        if self._state is None:  # nothing was remembered, but the table may have rows of the first release
            self._memory = with_keys(self._memory, self.history.newest)
        self._registries = read_registries(home, self.contract)
        self._kept: str | None = None

    def _scan(self, between: tuple[str, object, object] | None) -> pl.LazyFrame:
        return self.table.scan(between=between)

    def end_of(self, row: BatchRow) -> int:
        """Return the number of the first record after a sealed part of a file."""
        part = self.home.index.predicate(row.idx)["part"]
        return int(part["first_record"]) + int(part["n_records"])

    def seal(
        self,
        info: FileInfo,
        part: SourcePart,
        envelope: Envelope | None,
        released: Released | None = None,
        also: Sequence[MessageSigner] = (),
        gathered: Gathered | None = None,
    ) -> Sealed:
        """Clean, commit and log one part, with the delivery that its sender signed, if any.

        For rows let in from quarantine: by whom, and the keys that sign beside the operator's. For a
        live batch: the messages it is put together from.
        """
        is_released = released is not None
        check_text(self.contract, info.kind, part.data, part.index, part.layouts, released=is_released)
        received_at = self.now()
        if envelope is not None:  # else no receipt could be verified of what came after the key's end
            self.home.agencies().signer(envelope, self.home.log.size, received_at)
        cleaned = clean(
            part.raw,
            self.contract,
            received_at,
            self.history.known,
            self._memory,
            self.history.same,
            self._registries.rows,
        )
        pages = part.pages
        if pages is None:  # pragma: no cover - read_parts seals unless told not to
            raise AssertionError("a part to seal has pages")
        self._keep_received(info)
        self.evidence.put(info.sha256, part.index, pages, part.data)
        remembered = cleaned.memory if released is None else self._memory  # no reading newly made
        memory = with_keys(remembered, self.history.newest_with(cleaned.accepted))
        state = write_memory(self.home, self.contract.feed, memory)
        checks = Checks(
            rules_sha256=self.contract.rules_sha256,
            state_before=self._state,
            state_after=state,
            flagged=cleaned.n_flagged,
            asked=cleaned.n_asked,
            silent=count_silent(self.contract, memory, received_at),
            verdicts=self._keep("verdicts", cleaned.verdicts),
            health=self._keep("health", health_rows(cleaned.judged, self.contract)),
            registries=self._registries.used,
        )
        rows = cleaned.accepted.with_columns(pl.lit(self.batch, pl.Int64).alias("_batch"))
        table = None
        if rows.height:
            table = TableVersion(rows.height, self.table.version + 1, frame_digest(rows))
        messages = None
        if gathered is not None:
            messages = self._keep_messages(gathered, gathered.rows(cleaned, part))
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
            refusals=batch_refusals(cleaned, Counter(r.code for r in part.refusals)),
            event_time=event_time(cleaned),
            table=table,
            quarantine=self._keep("quarantine", cleaned.quarantined),
            delivery=envelope,
            checks=checks,
            released=released,
            messages=messages,
        )
        entry = sign_envelope(format_statement(statement.to_statement()), [self.home.operator, *also])
        self.home.index.pend(Pending(self.contract.feed, self.batch, rows.height > 0, entry))
        if rows.height:
            self.table.append(rows, self.batch, statistics_of(self.contract))
        idx = self._log(entry, received_at)
        self._memory, self._state = memory, state
        self.history.add(cleaned.accepted)
        return Sealed(statement, idx, cleaned.n_late)

    def note(self, gathered: Gathered, name: str) -> Sealed:
        """Say in the log what came in messages that gave no record: a batch without any."""
        received_at = self.now()
        empty = FileDigest(name, hashlib.sha256(b"").hexdigest(), 0)
        statement = Ingest(
            feed=self.contract.feed,
            batch=self.batch,
            received_at=format_time(received_at),
            contract_sha256=self.contract.sha256,
            file=ReceivedFile(empty, "ndjson"),
            part=Part(0, 0, 0, True),
            evidence=Evidence(root_from_leaf_hashes([]).hex(), 0, RECORDS_PER_PAGE, "received"),
            counts=Counts(0, 0, 0, 0, 0),
            engine=ENGINE,
            simulated=self.contract.simulated,
            checks=Checks(self.contract.rules_sha256, self._state, self._state),
            messages=self._keep_messages(gathered, gathered.rows(None, None)),
        )
        entry = sign_envelope(format_statement(statement.to_statement()), [self.home.operator])
        return Sealed(statement, self._log(entry, received_at), 0)

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
        received_at = self.now()
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
            checks=Checks(self.contract.rules_sha256, self._state, self._state),
        )
        entry = sign_envelope(format_statement(statement.to_statement()), [self.home.operator])
        return Sealed(statement, self._log(entry, received_at), 0)

    def _log(self, entry: bytes, received_at: datetime) -> int:
        idx = self.home.append(entry)
        self.home.index.settle(self.contract.feed)
        self.batch += 1
        self._not_before = received_at
        return idx

    def now(self) -> datetime:
        """Return the time of receipt: never before the batch before, so that `as of` has one answer.

        Nor on a day that is certified, nor in an hour that is accounted for: its sum would not be that of
        its batches any more.

        A clock may be set back by seconds. One that is behind by more was wrong then or is now,
        and going on with the later time would leave the `future` rule without force.
        """
        now = self.home.clock()
        if self._not_before is None:
            return now
        if (self._not_before - now).total_seconds() > CLOCK_TOLERANCE_S:
            raise ClockBehind(
                f"clock: want a time after batch {self.batch - 1} of {self.contract.feed}, received"
                f" {format_time(self._not_before)}, or after the last day certified or hour accounted for,"
                f" got {format_time(now)}"
            )
        return max(now, self._not_before)

    def _keep_received(self, info: FileInfo) -> None:
        """Keep the file whole where its parts' bytes are not the file: columnar or compressed."""
        if self._kept != info.sha256 and (info.kind == "parquet" or info.compression != "none"):
            self.home.objects.put_file(self.evidence.path(info.sha256, "received"), info.path, info.sha256)
            self._kept = info.sha256

    def _keep_messages(self, gathered: Gathered, rows: pl.DataFrame) -> Messages:
        kept = self._keep("messages", rows)
        assert kept is not None, "a live batch has messages"
        return gathered.said(kept)

    def _keep(self, kind: Kept, rows: pl.DataFrame | None) -> RowsDigest | None:
        """Keep what a batch leaves beside the table, under its digest; nothing if there is nothing."""
        if rows is None or rows.is_empty():
            return None
        rows = rows.with_columns(pl.lit(self.batch, pl.Int64).alias("_batch"))
        digest = frame_digest(rows)
        body = io.BytesIO()
        rows.write_parquet(body, compression="zstd", compression_level=1)
        self.home.objects.put(kept_path(kind, self.contract.feed, self.batch, digest), body.getvalue())
        return RowsDigest(rows.height, digest)


def _closed_until(home: Home, feed: str) -> datetime | None:
    """Return the end of the last day of a feed that has a certificate, or hour that has an account."""
    days = [str(p["day"]) for _, p in home.index.predicates("certify", feed)]
    hours = [str(p["hour"]) for _, p in home.index.predicates("account", feed)]
    ends = [datetime.fromisoformat(f"{max(days)}T00:00:00+00:00") + timedelta(days=1)] if days else []
    ends += [parse_time("hour", max(hours)) + timedelta(hours=1)] if hours else []
    return max(ends, default=None)


def _later(received: str | None, closed: datetime | None) -> datetime | None:
    last = None if received is None else parse_time("received_at", received)
    return max((t for t in (last, closed) if t is not None), default=None)


def kept_path(kind: Kept, feed: str, batch: int, sha256: str) -> str:
    """Return where the rows are kept that a batch leaves beside the table."""
    return f"{kind}/{feed}/{batch:08d}-{sha256}.parquet"


def count_silent(contract: Contract, memory: Memory, received_at: datetime) -> int | None:
    """Count the sensors that are silent after a batch; None where no rule asks."""
    names = silent_sensors(contract, memory, received_at)
    return None if names is None else names.height


def silent_sensors(contract: Contract, memory: Memory, now: datetime) -> pl.DataFrame | None:
    """Return the sensors whose newest reading is older than a ``freshness`` rule allows; None without one."""
    if not contract.silence_rules:
        return None
    newest = memory.newest(KEYS)
    silent = [rule.silent(newest, now) for rule in contract.silence_rules]
    return newest.filter(pl.select(pl.any_horizontal(*silent)).to_series())


def _received_file(info: FileInfo) -> ReceivedFile:
    digest = FileDigest(info.path.name, info.sha256, info.n_bytes)
    return ReceivedFile(digest, info.kind, info.compression)


def _counts(cleaned: Cleaned, part: SourcePart) -> Counts:
    accepted, quarantined = cleaned.accepted.height, cleaned.quarantined.height
    refused = len(part.refusals) + sum(cleaned.refusals.values())
    return Counts(accepted + quarantined + refused, accepted, quarantined, refused, part.n_blank)


def batch_refusals(cleaned: Cleaned, unread: Mapping[str, int]) -> dict[str, int]:
    """Return how many records gave no row, by code: those that could not be read, those a rule refused."""
    return dict(unread) | cleaned.refusals


def event_time(cleaned: Cleaned) -> tuple[str, str] | None:
    """Return the first and the last event time of the accepted rows, as a statement says them."""
    if cleaned.first is None or cleaned.last is None:
        return None
    return format_time(cleaned.first), format_time(cleaned.last)
