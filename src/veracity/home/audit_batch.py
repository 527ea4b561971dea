"""One batch made again: from its evidence and the batches before it, compared with what was signed."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from veracity.data.clean import Cleaned, check_columns, clean
from veracity.data.contract import Contract
from veracity.data.digest import frame_digest
from veracity.data.health import health_rows
from veracity.data.history import KeyHistory
from veracity.data.released import released_contract
from veracity.data.rules.memory import Memory
from veracity.errors import VeracityError
from veracity.home.batch import Kept, batch_refusals, count_silent, event_time
from veracity.home.home import Home
from veracity.home.index import is_whole_file_refusal
from veracity.home.live.messages_audit import check_messages
from veracity.home.personal_audit import PersonalAudit
from veracity.home.release_audit import ReleaseAudit
from veracity.home.roll import StatedParts, check_in_force, check_ingest, check_signer
from veracity.home.state import check_chain, read_memory, read_registries, state_after, with_keys
from veracity.home.table_audit import UNREADABLE, one_line
from veracity.home.tables import read_kept
from veracity.home.trail import PartAgain, Trail
from veracity.log.reader import LogReader
from veracity.provenance.dsse import Envelope, open_envelope
from veracity.provenance.statements import Ingest, RowsDigest, parse_statement

Differs = tuple[str, str]  #: what, detail
_REOPENED_EVERY = 1_024  # batches, some seconds: a compaction deletes files that an old list has


@dataclass
class BatchAgain:
    """What became of one batch: whether its entry could be read, how much was made again, what differs."""

    was_read: bool = False
    records: int = 0
    rows: int = 0
    findings: list[Differs] = field(default_factory=list)


class BatchAudit:
    """Audits the batches of one feed, in order; some may be left out.

    What the next batch needs is carried on: the keys so far, and the trail of each file of which
    parts are still to come. So the cost of an audit is that of taking everything in.
    """

    def __init__(self, home: Home, reader: LogReader, feed: str) -> None:
        self._home, self._reader, self._feed = home, reader, feed
        self._releases = ReleaseAudit(home, feed)
        self._personal = PersonalAudit(home, feed)
        self._contracts: dict[str, Contract] = {}
        self._trails: dict[str, Trail] = {}
        self._parts: dict[str, StatedParts] = {}
        self._history: KeyHistory | None = None
        self._memory = (-1, Memory.empty({}))  # the batch it stands before, and what is remembered there
        self._history_at = (-1, "")  # the batch it stands before, and the contract
        self._up_to = -1

    @property
    def remembered(self) -> tuple[int, Memory]:
        """What the rules remember, and the batch before which they do: that after the last one made again."""
        return self._memory

    def audit(self, batch: int, idx: int) -> BatchAgain:
        """Make one batch again; what differs is collected, not raised."""
        made = BatchAgain()
        if batch % _REOPENED_EVERY == 0:
            self._home.table(self._feed).reopen()
        try:
            ingest, envelope = self._entry(idx)
        except VeracityError as exc:
            made.findings.append(("log entry", one_line(exc)))
            return made
        made.was_read = True
        if ingest.batch != batch or ingest.feed != self._feed:
            made.findings.append(("log entry", f"want this batch, got {ingest.feed} batch {ingest.batch}"))
        if is_whole_file_refusal(ingest.to_statement().predicate):
            made.findings += [("statement", error) for error in self._check_refusal(ingest, envelope, idx)]
            self._pass(batch)
            return made
        if ingest.part.n_records == 0:
            made.findings += self._check_nothing(ingest, envelope, idx)
            self._pass(batch)
            return made
        made.records = ingest.part.n_records
        sha256 = ingest.file.digest.sha256
        try:
            if sha256 not in self._parts:
                self._parts[sha256] = StatedParts.of(self._home, self._feed, sha256)
            contract = self._contract(ingest.contract_sha256)
            if ingest.released is not None:
                made.findings += self._releases.check_release(ingest, envelope, contract, idx)
                contract = released_contract(contract, ingest.released.waived)
            found = check_ingest(self._home, ingest, envelope, contract, idx, self._parts[sha256])
            made.findings += [("statement", error) for error in found]
            made.findings += self._made_again(ingest, contract, idx)
        except UNREADABLE as exc:
            made.findings.append(("evidence", one_line(exc)))
        if ingest.part.last:
            self._trails.pop(sha256, None)
            self._parts.pop(sha256, None)
        made.findings += _compare_stored(self._home, ingest)
        made.rows = ingest.counts.accepted
        return made

    def _check_refusal(self, ingest: Ingest, envelope: Envelope, idx: int) -> Iterator[str]:
        """Yield what is wrong with the statement of a file refused as a whole: nothing else is kept."""
        yield from check_signer(self._home, envelope, idx)
        checks = ingest.checks
        if checks is not None:
            want = state_after(self._home, self._feed, ingest.batch - 1)
            if (checks.state_before, checks.state_after) != (want, want):
                got = f"{checks.state_before} and {checks.state_after}"
                yield f"state: want {want} before and after, as batch {ingest.batch - 1} left it, got {got}"
        try:
            yield from check_in_force(self._home, ingest, self._contract(ingest.contract_sha256), idx)
        except VeracityError as exc:
            yield one_line(exc)

    def _check_nothing(self, ingest: Ingest, envelope: Envelope, idx: int) -> Iterator[Differs]:
        """Yield what is wrong with a live batch of messages that gave no record."""
        yield from (("statement", error) for error in self._check_refusal(ingest, envelope, idx))
        yield from check_messages(self._home, ingest, None, None, idx)

    def _pass(self, batch: int) -> None:
        """Go past a batch that has no rows, and so no keys, and left what is remembered as it was."""
        if self._history_at[0] == batch:
            self._history_at = batch + 1, self._history_at[1]
        if self._memory[0] == batch:
            self._memory = batch + 1, self._memory[1]

    def _entry(self, idx: int) -> tuple[Ingest, Envelope]:
        envelope = open_envelope(self._reader.entry(idx))
        return Ingest.from_statement(parse_statement(envelope.payload)), envelope

    def _contract(self, sha256: str) -> Contract:
        if sha256 not in self._contracts:
            self._contracts[sha256] = self._home.contract(sha256)
        return self._contracts[sha256]

    def _made_again(self, ingest: Ingest, contract: Contract, idx: int) -> Iterator[Differs]:
        """Cut, parse and clean the evidence again; yield what is not as signed."""
        history, self._history = self._keys(ingest, contract), None  # kept only if all goes well
        for error in check_chain(self._home, ingest, contract, idx):
            yield "statement", error
        memory = self._remembered(ingest, contract, history)
        trail = yield from self._trail(ingest, contract)
        before, part = (trail.index, trail.n_records), ingest.part
        if before != (part.index, part.first_record):
            yield (
                "part",
                f"want part {before[0]} from record {before[1]}, got {part.index} from {part.first_record}",
            )
        try:
            again = trail.take(ingest, contract)
        except UNREADABLE as exc:
            trail.skip(ingest)
            yield "evidence", one_line(exc)
            return
        if part.last:
            for error in trail.check_whole():
                yield "file", error
        yield from self._personal.check_part(ingest, contract, again)
        if part.index == 0 and ingest.messages is None:
            check_columns(again.raw, contract)
        used = () if ingest.checks is None else ingest.checks.registries
        registries = read_registries(self._home, contract, used).rows
        received_at = datetime.fromisoformat(ingest.received_at)
        cleaned = clean(again.raw, contract, received_at, history.known, memory, history.same, registries)
        counts = ingest.counts
        got = (cleaned.accepted.height, cleaned.quarantined.height)
        if got != (counts.accepted, counts.quarantined):
            want = counts.accepted, counts.quarantined
            yield "cleaned again", f"want accepted and quarantined {want}, got {got}"
        if cleaned.reasons != ingest.reasons:
            yield "cleaned again", f"want reasons {ingest.reasons}, got {cleaned.reasons}"
        yield from _compare_part(again, cleaned, ingest)
        if ingest.messages is not None:
            yield from check_messages(self._home, ingest, again, cleaned, idx)
        if event_time(cleaned) != ingest.event_time:
            yield "cleaned again", f"want event times {ingest.event_time}, got {event_time(cleaned)}"
        for name, frame, stated in (
            ("rows made again", cleaned.accepted, ingest.table),
            ("quarantine made again", cleaned.quarantined, ingest.quarantine),
        ):
            digest = frame_digest(frame.with_columns(pl.lit(ingest.batch, pl.Int64).alias("_batch")))
            if stated is not None and digest != stated.sha256:
                yield name, f"want digest {stated.sha256[:16]}, got {digest[:16]}"
        remembered = cleaned.memory if ingest.released is None else memory
        after = with_keys(remembered, history.newest_with(cleaned.accepted))
        yield from _compare_checks(cleaned, after, ingest, contract)
        history.add(cleaned.accepted)
        self._memory = ingest.batch + 1, after
        self._history, self._history_at = history, (ingest.batch + 1, ingest.contract_sha256)

    def _trail(self, ingest: Ingest, contract: Contract) -> Generator[Differs, None, Trail]:
        """Return the file's trail up to this part: the one carried on, or made anew from its evidence."""
        sha256 = ingest.file.digest.sha256
        before = [row for row in self._parts[sha256].rows if row.batch < ingest.batch]
        trail = self._trails.get(sha256)
        if (
            trail is not None
            and trail.index == len(before)
            and trail.contract_sha256 == ingest.contract_sha256
        ):
            return trail
        trail = self._trails[sha256] = Trail(self._home, ingest)
        try:
            trail.check_received()
        except UNREADABLE as exc:
            yield "file", one_line(exc)
        for row in before:
            earlier, _ = self._entry(row.idx)
            try:
                trail.replay(earlier, contract)
            except UNREADABLE as exc:
                trail.skip(earlier)
                yield "evidence", f"part {row.part} before this one: {one_line(exc)}"
        return trail

    def _keys(self, ingest: Ingest, contract: Contract) -> KeyHistory:
        """Return the keys of all batches before this one."""
        self._up_to = ingest.batch - 1
        if self._history is not None and self._history_at == (ingest.batch, ingest.contract_sha256):
            return self._history
        return KeyHistory(contract.key, contract.time, self._scan)

    def _remembered(self, ingest: Ingest, contract: Contract, history: KeyHistory) -> Memory:
        """Return what the rules remembered before this batch: carried on, or as the batch before left it."""
        if self._memory[0] == ingest.batch:
            return self._memory[1]
        before = None if ingest.checks is None else ingest.checks.state_before
        memory = read_memory(self._home, contract, before)
        return with_keys(memory, history.newest) if before is None else memory

    def _scan(self, between: tuple[str, object, object] | None) -> pl.LazyFrame:
        return self._home.table(self._feed).scan(up_to_batch=self._up_to, between=between)


def _compare_part(again: PartAgain, cleaned: Cleaned, ingest: Ingest) -> Iterator[Differs]:
    """Yield how a part, cut and parsed again, is not as signed."""
    for what, want, got in (
        ("form", ingest.file.kind == "parquet", ingest.evidence.form == "rendered"),
        ("records", ingest.part.n_records, again.n_records),
        ("columns", [list(x) for x in ingest.layouts], [list(x) for x in again.layouts]),
        ("blank records", ingest.counts.blank, again.n_blank),
        ("refusals", ingest.refusals, batch_refusals(cleaned, again.refusals)),
    ):
        if want != got:
            yield "parsed again", f"{what}: want {want}, got {got}"[:300]


def _compare_checks(
    cleaned: Cleaned, memory: Memory, ingest: Ingest, contract: Contract
) -> Iterator[Differs]:
    """Yield how the verdicts of a batch judged again, and what is remembered of it, are not as signed."""
    checks = ingest.checks
    if checks is None:
        return
    received_at = datetime.fromisoformat(ingest.received_at)
    for what, want, got in (
        ("rules", checks.rules_sha256, contract.rules_sha256),
        ("state after", checks.state_after, memory.digest),
        ("flagged", checks.flagged, cleaned.n_flagged),
        ("asked", checks.asked, cleaned.n_asked),
        ("silent", checks.silent, count_silent(contract, memory, received_at)),
        ("verdicts", checks.verdicts, _digest(cleaned.verdicts, ingest.batch)),
        ("health", checks.health, _digest(health_rows(cleaned.judged, contract), ingest.batch)),
    ):
        if want != got:
            yield "judged again", f"{what}: want {want}, got {got}"[:300]


def _digest(rows: pl.DataFrame | None, batch: int) -> RowsDigest | None:
    if rows is None or rows.is_empty():
        return None
    return RowsDigest(rows.height, frame_digest(rows.with_columns(pl.lit(batch, pl.Int64).alias("_batch"))))


def _compare_stored(home: Home, ingest: Ingest) -> Iterator[tuple[str, str]]:
    """Read the table's and the quarantine's rows; yield what is not as signed."""
    if ingest.table is not None:
        try:
            for path in home.table(ingest.feed).changed_files(ingest.batch):
                yield "table", f"{path}: want the bytes of the digest in its name, got others"
            stored = home.table(ingest.feed).scan(batch=ingest.batch).collect()
            if not stored["_record"].is_sorted():
                stored = stored.sort("_record", maintain_order=True)
            digest = frame_digest(stored)
        except UNREADABLE as exc:
            yield "table", f"unreadable: {one_line(exc)}"
        else:
            if digest != ingest.table.sha256:
                yield "table", f"want digest {ingest.table.sha256[:16]}, got {digest[:16]}"
    checks = ingest.checks
    kept: list[tuple[Kept, RowsDigest | None]] = [("quarantine", ingest.quarantine)]
    if checks is not None:
        kept += [("verdicts", checks.verdicts), ("health", checks.health)]
    for kind, stated in kept:
        if stated is None:
            continue
        try:
            digest = frame_digest(read_kept(home, kind, ingest.feed, ingest.batch, stated.sha256))
        except UNREADABLE as exc:
            yield kind, f"unreadable: {one_line(exc)}"
        else:
            if digest != stated.sha256:
                yield kind, f"want digest {stated.sha256[:16]}, got {digest[:16]}"
    if checks is not None:
        try:
            read_memory(home, home.contract(ingest.contract_sha256), checks.state_after)
        except UNREADABLE as exc:
            yield "state", one_line(exc)
