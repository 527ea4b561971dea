"""The roll of a home's log: the index says what the log says, and who signed was entitled to.

What an audit must know before it takes the index's word for which batches there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from veracity.data.contract import Contract
from veracity.data.row_rules import CLOCK_TOLERANCE_S
from veracity.errors import VeracityError
from veracity.home.clock import format_time, parse_time
from veracity.home.home import Home, sealed_contract
from veracity.home.index import BatchRow
from veracity.home.operator_keys import OPERATOR
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.errors import LogError, ObjectMissing
from veracity.log.fsck_findings import Finding
from veracity.log.merkle import root_from_leaf_hashes
from veracity.log.notes import parse_note
from veracity.log.reader import CHECKPOINT_PATH, LogReader
from veracity.provenance.agencies import Authority
from veracity.provenance.dsse import Envelope, open_envelope
from veracity.provenance.errors import EnvelopeRejected, ExpiredKey, RevokedKey
from veracity.provenance.statements import Delivery, Ingest, Statement, parse_statement, said_at

_AT_ONCE = 1_024

Found = tuple[str, str, str]  #: where, what, detail


def check_published(home: Home, published: Checkpoint | None) -> Finding | None:
    """Compare the published checkpoint with the last one signed, which the database keeps.

    A log put back to an older state, or rewritten by whoever has its key, is sound in itself.
    One step between the two is what a crash leaves; the next writer finishes it. Where witnesses are
    awaited there may be many.
    """
    last = home.log_state.last(home.directory.origin)
    if last is None or published is None:
        return None
    allowed = [parse_checkpoint(parse_note(n).text) for n in (last.note, last.previous) if n is not None]
    if published in allowed or (home.policy.quorum is not None and _is_prefix(home, published)):
        return None
    want = f"the last signed, of size {allowed[0].size} and root {allowed[0].root.hex()[:16]}"
    got = f"size {published.size} and root {published.root.hex()[:16]}"
    return Finding(CHECKPOINT_PATH, "not-last-signed", None, f"want {want}, got {got}")


def _published(home: Home) -> Checkpoint | None:
    try:
        return home.published().checkpoint
    except ObjectMissing:
        return None


def _is_prefix(home: Home, published: Checkpoint) -> bool:
    """Say whether a published checkpoint is an earlier state of the signed log."""
    try:
        reader = home.reader()
        return published.size <= reader.size and reader.root_at(published.size) == published.root
    except LogError:
        return False


def check_entries(home: Home, reader: LogReader) -> Iterator[Found]:
    """Read the whole log; yield every entry that the index has otherwise, or that nobody entitled signed.

    ``ingest`` entries are left to ``check_ingest``: there are many, and an audit may sample them.
    """
    behind = check_published(home, _published(home))
    if behind is not None:
        yield "log", "not the last signed", behind.detail
    size = reader.checkpoint.size
    if home.index.size != size:
        yield "index", "index and log differ", f"want {size} entries, got {home.index.size}"
    for table, at in home.index.outside(size):
        yield "index", "index and log differ", f"{table}: want entries 0 to {size - 1}, got one at {at[:32]}"
    try:
        for first, entries in _chunks(reader):
            for idx in home.index.differing(first, entries):
                yield f"log entry {idx}", "index and log differ", "run log reindex, then audit again"
            for idx, entry in enumerate(entries, first):
                envelope = open_envelope(entry)
                statement = parse_statement(envelope.payload)
                if statement.kind not in ("ingest", "enrol"):
                    yield from _check_operator(home, envelope, statement, idx)
        home.agencies()
    except VeracityError as exc:
        yield "log", "unreadable log", str(exc)


@dataclass(frozen=True)
class StatedParts:
    """The parts of one file in the log: their evidence roots, their records; whether the last is there."""

    rows: tuple[BatchRow, ...]
    roots: tuple[bytes, ...]
    n_records: int

    @classmethod
    def of(cls, home: Home, feed: str, file_sha256: str) -> "StatedParts":
        """Read them from the index, once for a file."""
        rows = home.index.parts(feed, file_sha256)
        said = [home.index.predicate(row.idx) for row in rows]
        roots = tuple(bytes.fromhex(str(p["evidence"]["root"])) for p in said)
        return cls(tuple(rows), roots, sum(int(p["part"]["n_records"]) for p in said))

    @property
    def is_whole(self) -> bool:
        """Whether the file's last part is among them."""
        return bool(self.rows) and self.rows[-1].is_last


def check_signer(home: Home, envelope: Envelope, idx: int) -> Iterator[str]:
    """Yield what is wrong with who signed a statement of the city's."""
    try:
        _want_operator(home, envelope, idx)
    except VeracityError as exc:
        yield str(exc)


def check_contracts(home: Home, feed: str) -> Iterator[Found]:
    """Yield what the statements of a feed's contracts say that is not in their YAML."""
    for idx, predicate in home.index.predicates("contract", feed):
        where = f"log entry {idx}"
        try:
            contract = home.contract(str(predicate["sha256"]))
        except VeracityError as exc:
            yield where, "contract", str(exc)
            continue
        want = sealed_contract(contract).to_statement().predicate
        for name in sorted(want.keys() | predicate.keys()):
            if want.get(name) != predicate.get(name):
                got = f"want {want.get(name)!r} as the contract says, got {predicate.get(name)!r}"
                yield where, "contract statement", f"{name}: {got}"[:300]


def check_in_force(home: Home, ingest: Ingest, contract: Contract, idx: int) -> Iterator[str]:
    """Yield it if a batch was held to another contract than the last one stated before it."""
    if ingest.simulated != contract.simulated:
        yield f"simulated: want {contract.simulated} as the contract says, got {ingest.simulated}"
    stated = [str(p["sha256"]) for i, p in home.index.predicates("contract", ingest.feed) if i < idx]
    want = stated[-1][:16] if stated else "one stated"
    if not stated or stated[-1] != contract.sha256:
        yield f"contract: want {want}, in force before entry {idx}, got {contract.sha256[:16]}"


def check_ingest(
    home: Home, ingest: Ingest, envelope: Envelope, contract: Contract, idx: int, parts: StatedParts
) -> Iterator[str]:
    """Yield what is wrong with an ingest statement's signer, contract and delivery.

    ``parts`` are those of its file.
    """
    yield from check_signer(home, envelope, idx)
    yield from check_in_force(home, ingest, contract, idx)
    agencies = home.agencies()
    if ingest.delivery is None:
        if contract.signature == "required":
            yield f"delivery: want one signed by {contract.agency}, got none"
        return
    try:
        signer = agencies.signer(ingest.delivery, idx)
        delivery = Delivery.from_statement(parse_statement(ingest.delivery.payload))
    except VeracityError as exc:
        yield f"delivery: {exc}"
        return
    if contract.agency is not None and signer.agency != contract.agency:
        yield f"delivery: want a key of {contract.agency}, got one of {signer.name}"
    if (delivery.feed, delivery.file.sha256) != (ingest.feed, ingest.file.digest.sha256):
        yield f"delivery: want {ingest.feed} file {ingest.file.digest.sha256[:16]}, got another"
    if parts.is_whole:
        root, signed = root_from_leaf_hashes(parts.roots).hex(), delivery.evidence
        if root != signed.root:
            yield f"delivery: want evidence root {signed.root[:16]} as signed, got {root[:16]}"
        if (len(parts.roots), parts.n_records) != (signed.n_parts, signed.n_records):
            yield (
                f"delivery: want {signed.n_parts} parts of {signed.n_records} records as signed,"
                f" got {len(parts.roots)} of {parts.n_records}"
            )


def check_key_times(home: Home, feed: str) -> Iterator[Found]:
    """Yield every batch that came in after its sender's key had expired, or as of when it was revoked.

    And those that the operator's key signed after it had expired. All batches are looked at, also in an
    audit of a sample: a revocation as of a time is news about batches that were in order when they came.
    """
    narrowed = [a for a in _keys(home) if a.expires is not None or a.void_from is not None]
    if not narrowed:
        return
    by_id = {a.key.keyid: a for a in narrowed}
    reader = home.reader()
    for idx, predicate in home.index.predicates("ingest", feed):
        received = parse_time("received_at", str(predicate["received_at"]))
        where = f"{feed} batch {predicate['batch']} (log entry {idx})"
        delivery = predicate["delivery"]
        hints = [] if delivery is None else [str(s["keyid"]) for s in delivery["signatures"]]
        if "released" in predicate or any(a.role == "operator" for a in narrowed):
            hints += [line.keyid for line in open_envelope(reader.entry(idx)).signatures]
        for keyid in hints:
            if keyid in by_id:
                yield from _check_time(by_id[keyid], received, where)


def check_received_order(home: Home, feed: str) -> Iterator[Found]:
    """Yield every batch that says it was received before the one before it: no writer says so."""
    last: datetime | None = None
    for idx, predicate in home.index.predicates("ingest", feed):
        received = parse_time("received_at", str(predicate["received_at"]))
        if last is not None and received < last:
            where = f"{feed} batch {predicate['batch']} (log entry {idx})"
            got = f"want {format_time(last)} or later, got {format_time(received)}"
            yield where, "received before the batch before it", got
        last = received if last is None else max(last, received)


def check_enrolment_times(home: Home) -> Iterator[Found]:
    """Yield every key that came at another time than it says, and every one that was taken back.

    Taken back is a key that came by the signature of one revoked as of before: it counts for nothing.
    One that says it came before what the log has before it would slip through that.
    """
    came = [(idx, p) for idx, p in home.index.predicates("enrol") if p["action"] != "revoke" and p["as_of"]]
    times = [(idx, parse_time("as_of", str(p["as_of"]))) for idx, p in came]
    received = [(row.idx, row.received_at) for feed in home.feed_names() for row in home.index.batches(feed)]
    known = sorted(times + [(idx, parse_time("received_at", text)) for idx, text in received])
    enrolled, latest = dict(times), None
    for idx, time in known:
        if idx in enrolled and latest is not None and (latest - time).total_seconds() > CLOCK_TOLERANCE_S:
            got = f"want about {format_time(latest)} or later, as entries before it, got {format_time(time)}"
            yield f"log entry {idx}", "enrolment dated back", got
        latest = time if latest is None else max(latest, time)
    for key in _keys(home):
        if key.void_from is not None and enrolled.get(key.enrolled_at, key.void_from) >= key.void_from:
            detail = f"key {key.key.keyid[:16]} of {key.name}, taken back by entry {key.voided_at}"
            yield f"log entry {key.enrolled_at}", "enrolment taken back", detail


def _keys(home: Home) -> list[Authority]:
    """Return every key; none if the log's changes of keys contradict each other, which is told elsewhere."""
    try:
        return home.agencies().enrolled()
    except VeracityError:
        return []


def _check_time(key: Authority, received: datetime, where: str) -> Iterator[Found]:
    try:
        key.check_time(received)
    except RevokedKey as exc:
        yield where, "signed by a key revoked as of before", str(exc)
    except ExpiredKey as exc:
        yield where, "signed by an expired key", str(exc)


def _chunks(reader: LogReader) -> Iterator[tuple[int, list[bytes]]]:
    size = reader.checkpoint.size
    for first in range(0, size, _AT_ONCE):
        yield first, list(reader.entries(first, min(first + _AT_ONCE, size)))


def _check_operator(home: Home, envelope: Envelope, statement: Statement, idx: int) -> Iterator[Found]:
    try:
        _want_operator(home, envelope, idx, said_at(statement))
    except VeracityError as exc:
        yield f"log entry {idx}", f"{statement.kind} statement", str(exc)


def _want_operator(home: Home, envelope: Envelope, idx: int, at: datetime | None = None) -> None:
    signer = home.agencies().signer(envelope, idx, at)
    if signer.role != "operator":
        raise EnvelopeRejected(f"signer: want {OPERATOR}, got {signer.role} {signer.name}")
