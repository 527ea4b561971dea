"""A home opened: its stores, its log, its index, and who may sign. What every task starts from.

Contracts, tables, evidence, the vault and witnesses bring large libraries of their own. Most tasks need
none of them, or few, so each is imported by the method that hands it out.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from veracity.errors import Malformed, Rejected, VeracityError
from veracity.home.clock import Clock, system_clock
from veracity.home.copies import Copies
from veracity.home.directory import Directory, open_directory
from veracity.home.errors import MissingKey, NotShared, StateBehind, UnknownFeed
from veracity.home.index import Index, Pending
from veracity.home.key_places import LOG, KeyPlace, open_key
from veracity.home.lock import DirectoryLock, writing
from veracity.home.operator_keys import open_operator
from veracity.home.publication import Publication, publisher
from veracity.home.stores import Stores, open_stores
from veracity.log.append import Log
from veracity.log.errors import ObjectMissing
from veracity.log.notes import HeldSigner, Verifier
from veracity.log.policy import MAX_POLICY_BYTES, Policy, parse_policy
from veracity.log.reader import CHECKPOINT_PATH, LogReader, open_checkpoint
from veracity.provenance.agencies import Agencies
from veracity.provenance.dsse import open_envelope, sign_envelope, verify
from veracity.provenance.keys import MessageSigner
from veracity.provenance.statements import (
    Erase,
    Ingest,
    SealedContract,
    format_statement,
    parse_statement,
)
from veracity.provenance.statements.statement import Statement
from veracity.stores.log_state import SqlLogState

if TYPE_CHECKING:
    from veracity.data.contract import Contract
    from veracity.data.evidence import EvidenceStore
    from veracity.data.lake import Table
    from veracity.home.vault import Vault
    from veracity.log.witnessing import WitnessTransport

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Feed:
    """A feed as the log has it now: its contract and where that was said."""

    contract: Contract
    idx: int


class Home:
    """One home, open for reading. ``Writer`` adds what needs the lock and the keys."""

    def __init__(
        self, directory: Directory, clock: Clock | None = None, stores: Stores | None = None
    ) -> None:
        stores = stores or Stores.of(directory, read_only=True)
        self.directory = directory
        self.clock = clock or system_clock()
        self.objects = stores.objects
        self.log_objects = stores.log_objects
        self.database = stores.database
        self.log_state = stores.log_state or SqlLogState(self.database)
        self.index = Index(self.database)
        self._tables: dict[str, Table] = {}
        self._copies = Copies(self.objects)
        self._agencies: tuple[int, Agencies] = (-1, Agencies())  # as of the last enrolment read

    @classmethod
    def open(cls, root: Path, clock: Clock | None = None) -> Home:
        """Open a home for reading; ``NoHome`` where there is none."""
        return cls(open_directory(root), clock)

    def close(self) -> None:
        """Close the database, and the state of the log where it is elsewhere."""
        self._copies.close()
        self.log_state.close()
        self.database.close()

    def file(self, path: str) -> Path:
        """Return an object as a file on this machine; see ``Copies``."""
        return self._copies.file(path)

    @cached_property
    def policy(self) -> Policy:
        """The trust policy that this home hands out."""
        try:
            with self.directory.policy.open("rb") as file:
                return parse_policy(file.read(MAX_POLICY_BYTES + 1))
        except OSError as exc:
            raise MissingKey(f"policy: want to read {self.directory.policy}, got {exc.strerror}") from exc

    @property
    def log_verifier(self) -> Verifier:
        """The public key of this home's log."""
        found = [v for v in self.policy.logs if v.name == self.directory.origin]
        if not found:
            raise StateBehind(f"policy: want the key of {self.directory.origin} in trust.policy, got none")
        return found[0]

    def published(self) -> LogReader:
        """The log as published: what others see, and what receipts stand on."""
        return LogReader.open(self.log_objects, self.log_verifier)

    def reader(self) -> LogReader:
        """The log as this home has it: as published, or, where witnesses are awaited, as signed."""
        return self.signed() or self.published()

    def published_size(self) -> int | None:
        """How many entries are published; None while nothing is."""
        try:
            return self.published().size
        except ObjectMissing:
            return None

    def signed(self) -> LogReader | None:
        """The log as last signed, where the policy has its witnesses awaited; None where it has none."""
        last = self.log_state.last(self.directory.origin) if self.policy.asks_witnesses else None
        if last is None:
            return None
        return LogReader(self.log_objects, last.note, open_checkpoint(last.note, self.log_verifier))

    def agencies(self) -> Agencies:
        """Who may sign, folded from the enrolments in the log; only those that are new are read."""
        last, agencies = self._agencies
        fresh = self.index.after("enrol", last)
        if fresh:
            reader = self.reader()
            for idx in fresh:
                agencies.add(idx, open_envelope(reader.entry(idx)))
                self._agencies = idx, agencies
        return agencies

    def feeds(self) -> dict[str, Feed]:
        """Every feed and its contract in force, by name."""
        latest = {str(p["feed"]): (idx, str(p["sha256"])) for idx, p in self.index.predicates("contract")}
        return {name: Feed(self.contract(digest), idx) for name, (idx, digest) in sorted(latest.items())}

    def feed_names(self) -> list[str]:
        """Return the names of the feeds that have a contract."""
        return sorted({str(p["feed"]) for _, p in self.index.predicates("contract")})

    def feed(self, name: str) -> Feed:
        """Return one feed; ``UnknownFeed`` with those there are."""
        found = self.index.predicates("contract", name)
        if not found:
            names = ", ".join(self.feed_names()) or "none"
            raise UnknownFeed(f"feed: want one of the feeds added ({names}), got {name!r}")
        idx, predicate = found[-1]
        return Feed(self.contract(str(predicate["sha256"])), idx)

    def contract(self, sha256: str) -> Contract:
        """Return a contract by the digest a statement gives; ``StateBehind`` if the store has another."""
        from veracity.data.contract import parse_contract

        text = self.objects.get(contract_path(sha256))
        digest = hashlib.sha256(text).hexdigest()
        if digest != sha256:
            raise StateBehind(f"contract {sha256[:16]}: want a file of that digest, got {digest[:16]}")
        return parse_contract(text)

    def table(self, feed: str) -> Table:
        """Return a feed's table."""
        from veracity.data.lake import Table

        if feed not in self._tables:
            prefix = f"tables/{feed}"
            uri = self.objects.uri(prefix)
            self._tables[feed] = Table(self.objects, prefix, uri, self.objects.options)
        return self._tables[feed]

    def reopen_tables(self) -> None:
        """Look at every table anew when it is next asked for: who keeps a home open must, now and then."""
        for table in self._tables.values():
            table.reopen()

    def check_held(self, feed: str) -> None:
        """Raise ``StateBehind`` unless the table has the rows of the last batch that has any."""
        last = self.index.last_with_rows(feed)
        if last is not None and not self.table(feed).holds(last):
            raise StateBehind(
                f"table {feed}: want the rows of batch {last}, as the log says, got a table without them:"
                " restore it from a backup"
            )

    def vault(self, *, read_only: bool = False) -> Vault | None:
        """Open the keys of personal values; None where there are none. To be closed after use."""
        if not self.directory.vault.exists():
            return None
        from veracity.home.vault import Vault

        return Vault.open(self.directory, read_only=read_only)

    def evidence(self, feed: str) -> EvidenceStore:
        """Return a feed's evidence."""
        from veracity.data.evidence import EvidenceStore

        return EvidenceStore(self.objects, feed)


class Writer(Home):
    """A home open for writing: holds the lock, the keys and the log. Use ``open_writer``."""

    def __init__(
        self,
        directory: Directory,
        clock: Clock | None = None,
        stores: Stores | None = None,
        *,
        reindex: bool = False,
        lock: DirectoryLock | None = None,
        after: Writer | None = None,
    ) -> None:
        super().__init__(directory, clock, stores or Stores.of(directory))
        self._lock = lock
        self.log: Log
        known = None
        if after is not None and after.directory == directory:
            known, self._agencies = after.log.known, after._agencies
        try:
            self.log_key = open_key(KeyPlace(directory.keys, LOG))
            signer = HeldSigner(directory.origin, self.log_key.public.raw, self.log_key.sign)
            self.publisher = publisher(
                directory.origin, self.log_state, self.policy, _witnesses, self._published_note()
            )
            self.log = Log.open(self.log_objects, self.log_state, signer, self.publisher, known)
            self._publication = Publication()
            self.publish()
            if reindex:
                self.index.clear()
            self._catch_up()
            self.open_operator()
            self._settle()
        except BaseException:
            self.close()
            raise

    def make_vault(self) -> Vault:
        """Open the keys of personal values, made if there are none. To be closed after use."""
        from veracity.home.vault import Vault

        self.check_own("personal fields")
        return Vault.make(self.directory)

    def check_own(self, what: str) -> None:
        """Raise ``NotShared`` where several machines write: keys of personal values stay on one."""
        if self.directory.is_shared:
            raise NotShared(
                f"{what}: want a home that has its database itself, got one that machines share: the keys"
                " of personal values must not leave the machine they are on"
            )

    def is_wanted(self) -> bool:
        """Tell whether another process waits to write, here or on another machine: close soon then."""
        return (self._lock is not None and self._lock.is_wanted()) or self.database.is_wanted()

    def say(self, statement: Statement) -> int:
        """Sign a statement as the operator, append it, index it; return its place in the log."""
        return self.append(sign_envelope(format_statement(statement), [self.operator]))

    def append(self, entry: bytes) -> int:
        """Append one signed entry and index it; the same entry again gets its first place.

        Raises
        ------
        LockLost
            If another machine may write by now. Nothing was appended.
        """
        self.database.check_lock()
        (idx,) = self.log.append([entry])
        if idx >= self.index.size:
            self._catch_up()
        if self._publication.is_due:
            self.publish()
        return idx

    def publish(self) -> bool:
        """Publish the log with the cosignatures of its witnesses, and say whether that could be done.

        Where the quorum is missing, all that was sealed stays: a later call, or the next time the home
        is opened, makes up for it.

        Raises
        ------
        StateBehind
            If a witness knows a newer log of this home than the home does.
        """
        if self.publisher is None:
            return True  # every append published
        with self._publication.attempt(self.log.size):
            self.log.publish()
        return self.is_published

    @property
    def is_published(self) -> bool:
        """Whether everything signed is published."""
        return self.publisher is None or self.log.size == self._publication.published

    def finish(self) -> None:
        """Publish what has been signed since the last time, if anything; warn if it stays unpublished."""
        if not self.is_published and self.log.size != self._publication.tried:
            self.publish()
        if not self.is_published:
            logger.warning(
                "%d entries sealed, %d published: %s (veracity log publish tries again)",
                self.log.size,
                self.published_size() or 0,
                self._publication.missing,
            )

    def _published_note(self) -> bytes | None:
        try:
            return self.log_objects.get(CHECKPOINT_PATH)
        except ObjectMissing:
            return None

    def _catch_up(self) -> None:
        """Bring the index up to the log: after a crash between the two, or at every append."""
        have = self.index.size
        if have > self.log.size:
            raise StateBehind(
                f"index: want at most the log's {self.log.size} entries, got {have}; run log reindex"
            )
        if have < self.log.size:
            try:
                self.index.apply(have, self.log.entries(have, self.log.size))
            except IntegrityError as exc:
                raise StateBehind(f"log: want one statement a batch, got another after entry {have}") from exc

    @property
    def operator(self) -> MessageSigner:
        """The operator's key, to sign with now; ExpiredKey if it can only be replaced any more."""
        if self.log.size > 0:
            authority = self.agencies().authority(self.operator_key.public.keyid, self.log.size)
            authority.check_time(self.clock())
        return self.operator_key

    def open_operator(self) -> None:
        """Open the operator's key. Sign with none that the log does not know: nobody could verify it."""
        agencies = self.agencies() if self.log.size else Agencies()  # entry 0 will enrol it
        self.operator_key = open_operator(self.directory, agencies)
        if self.log.size:
            authority = agencies.authority(self.operator_key.public.keyid, self.log.size)
            if authority.role != "operator":
                raise StateBehind(f"operator key: want the operator's, got one of {authority.name}")

    def _settle(self) -> None:
        """Finish or forget batches that a crash left between the table and the log."""
        for pending in self.index.pending():
            committed = not pending.has_rows or self.table(pending.feed).holds(pending.batch)
            if not committed and self.directory.is_shared:
                self.table(pending.feed).bar(pending.batch)  # its writer may be alive, and lost its lock
            if committed and self.index.batch(pending.feed, pending.batch) is None:
                self._check_pending(pending)
                self.append(pending.entry)
            self.index.settle(pending.feed)
        vault = self.vault()
        if vault is not None:
            with vault:
                for entry in vault.pending():
                    self.finish_erasure(vault, entry)

    def finish_erasure(self, vault: Vault, entry: bytes) -> int:
        """Say of keys that are destroyed that they are, by the statement put aside with them."""
        try:
            envelope = open_envelope(entry)
            verify(envelope, [self.operator_key.public])  # signed in time, whatever the time is now
            Erase.from_statement(parse_statement(envelope.payload))
        except (Malformed, Rejected) as exc:
            raise StateBehind(f"vault: want the statement of an erasure put aside, got: {exc}") from exc
        idx = self.append(entry)
        vault.settle(entry)
        return idx

    def _check_pending(self, pending: Pending) -> None:
        """Read a statement that was put aside as strictly as any: the log never forgets what goes in."""
        try:
            envelope = open_envelope(pending.entry)
            verify(envelope, [self.operator_key.public])
            ingest = Ingest.from_statement(parse_statement(envelope.payload))
        except (Malformed, Rejected) as exc:
            raise StateBehind(
                f"database: want the statement of {pending.feed} put aside, got: {exc}"
            ) from exc
        if (ingest.feed, ingest.batch) != (pending.feed, pending.batch):
            raise StateBehind(
                f"database: want the statement of {pending.feed} batch {pending.batch} put aside,"
                f" got one of {ingest.feed} batch {ingest.batch}"
            )


@contextlib.contextmanager
def open_writer(
    root: Path,
    clock: Clock | None = None,
    *,
    wait_s: float | None = None,
    passes_on: bool = False,
    after: Writer | None = None,
    reindex: bool = False,
) -> Iterator[Writer]:
    """Open a home for writing, alone: ``HomeBusy`` if another process has it.

    Parameters
    ----------
    wait_s
        How long to wait for the other. None: half a minute where it lets others in between its turns,
        as the live worker does; else not at all.
    passes_on
        Say that we do: we ask ``is_wanted`` between turns, and close then. Opened again, we stand behind
        all who waited.
    after
        The writer of this home that this process had before, closed: what that one has read of the log
        is not read again, so that a turn costs the same whatever the length of the log.
    reindex
        Empty the index and make it again from the log.
    """
    directory = open_directory(root)
    began = time.monotonic()
    with writing(directory, wait_s, passes_on=passes_on) as lock:
        left_s = None if wait_s is None else max(0.0, wait_s - (time.monotonic() - began))
        stores = open_stores(directory, left_s, passes_on=passes_on)
        writer = Writer(directory, clock, stores, reindex=reindex, lock=lock, after=after)
        try:
            yield writer
            writer.finish()
        except Exception:
            with contextlib.suppress(VeracityError):  # what went wrong first is what counts
                writer.finish()
            raise
        finally:
            writer.close()


def _witnesses() -> WitnessTransport:
    """Return how witnesses are asked."""
    from veracity.stores.witness_client import HttpWitnesses

    return HttpWitnesses()


def contract_path(sha256: str) -> str:
    """Return where a contract's YAML is kept."""
    return f"contracts/{sha256}.yaml"


def sealed_contract(contract: Contract) -> SealedContract:
    """Return what the log says of a contract."""
    return SealedContract(
        contract.feed,
        contract.version,
        contract.sha256,
        contract.agency,
        contract.signature,
        contract.simulated,
    )
