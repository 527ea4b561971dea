"""The roll of a home's log: the index says what the log says, and who signed was entitled to.

What an audit must know before it takes the index's word for which batches there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from veracity.errors import VeracityError
from veracity.home.home import Home, sealed_contract
from veracity.home.index import BatchRow
from veracity.home.operator_keys import OPERATOR
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.errors import LogError, ObjectMissing
from veracity.log.fsck_findings import Finding
from veracity.log.merkle import root_from_leaf_hashes
from veracity.log.notes import parse_note
from veracity.log.reader import CHECKPOINT_PATH, LogReader
from veracity.provenance.dsse import Envelope, open_envelope
from veracity.provenance.errors import EnvelopeRejected
from veracity.provenance.statements import Delivery, Ingest, Statement, parse_statement, said_at

if TYPE_CHECKING:
    from veracity.data.contract import Contract

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
    if published in allowed or (home.policy.asks_witnesses and _is_prefix(home, published)):
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
    def of(cls, home: Home, feed: str, file_sha256: str) -> StatedParts:
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
        if contract.signature == "required" and not ingest.is_signed:
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
