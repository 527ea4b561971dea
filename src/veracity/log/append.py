"""The writer of a log: append entries, sign the new tree, publish it.

One step goes: work out bundles, tiles and the new checkpoint; swap the signed checkpoint in
the state, together with those objects, in one transaction; write the objects; publish the checkpoint; answer.

The swap comes before the tiles on purpose. Partial tiles of two writers share their paths, so
a writer that loses the swap must not have written any. A crash after the swap loses nothing:
whoever opens the log next writes the same objects from the state and publishes them.

A log with witnesses answers before it publishes: entries are durable and signed for, and the
checkpoint goes out with ``publish``, once the quorum has cosigned. Until then readers see the one
before.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Self

from veracity.log.bundles import frame_entries
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.doors import LastSigned, LogState, Objects
from veracity.log.edge import Edge, superseded
from veracity.log.errors import (
    LogMoved,
    SigningStopped,
    StoreBehind,
    StoreUnavailable,
)
from veracity.log.leaf_index import LeafIndex
from veracity.log.merkle import leaf_hash
from veracity.log.notes import LogSigner, parse_note, sign_note
from veracity.log.pending import format_pending
from veracity.log.publishing import Publisher
from veracity.log.reader import CHECKPOINT_PATH, LogReader, ObjectTiles, open_checkpoint
from veracity.log.recovery import published_checkpoint, read_edge, settle
from veracity.log.tile_cache import TileCache

MAX_STEP_BYTES = 16 * 1024 * 1024  #: entries signed in one step; longer appends take several
MAX_STEP_ENTRIES = 65_536


class Log:
    """A log open for writing. Not safe to share between threads; several processes may hold one."""

    def __init__(
        self,
        objects: Objects,
        state: LogState,
        signer: LogSigner,
        publisher: Publisher | None,
        note: bytes,
        edge: Edge,
        checkpoint: Checkpoint,
        known: LeafIndex | None = None,
    ) -> None:
        self._objects = objects
        self._state = state
        self._signer = signer
        self._publisher = publisher
        self._signed_note = note
        self._edge = edge
        self._known = known if known is not None and known.size <= checkpoint.size else LeafIndex(objects)
        self._cache = TileCache(ObjectTiles(objects))
        self._view = LogReader(objects, note, checkpoint, self._cache)
        self._stale: list[str] = []
        self._failure: str | None = None

    @classmethod
    def open(
        cls,
        objects: Objects,
        state: LogState,
        signer: LogSigner,
        publisher: Publisher | None = None,
        known: LeafIndex | None = None,
    ) -> Self:
        """Open the log named ``signer.name``, making it if neither store knows it.

        Finishes what a crash left unwritten, and publishes it unless there is a ``publisher``: then
        that is left to ``publish``, and witnesses out of reach keep nobody from opening the log.
        ``known`` is that of the same log, opened before in this process and done with: what it holds is
        not read again.

        Raises
        ------
        StoreBehind
            If the stores do not hold what was last signed: a restored backup, a lost file.
        SignatureRejected
            If the state or the store carry a checkpoint that another key signed.
        StoreUnavailable
            If a store is out of reach.
        """
        published = published_checkpoint(objects, signer.verifier)
        last = state.last(signer.name)
        if last is None:
            if published is not None:
                raise StoreBehind(
                    f"state of {signer.name}: want the checkpoint of size {published.size}, got none"
                )
            last = _begin(state, signer)
        checkpoint = open_checkpoint(last.note, signer.verifier)
        settle(objects, last, checkpoint, published)
        edge = read_edge(objects, checkpoint)
        log = cls(objects, state, signer, publisher, last.note, edge, checkpoint, known)
        if published == checkpoint:
            log._show(objects.get(CHECKPOINT_PATH), checkpoint)
        elif publisher is None:
            objects.put(CHECKPOINT_PATH, last.note)
        if last.previous is not None:
            old_size = parse_checkpoint(parse_note(last.previous).text).size
            log._stale.extend(superseded(old_size, checkpoint.size))
            log._remove_stale()
        return log

    @property
    def origin(self) -> str:
        """The log's origin, the name of its key."""
        return self._signer.name

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._view.size

    @property
    def checkpoint(self) -> Checkpoint:
        """The last checkpoint signed by this writer."""
        return self._view.checkpoint

    @property
    def checkpoint_note(self) -> bytes:
        """That checkpoint as a note: as published, or, before that, as the log signed it."""
        return self._view.checkpoint_note

    @property
    def known(self) -> LeafIndex:
        """Which entries the log has, as far as this writer knows: for ``open`` when this one is done."""
        return self._known

    @property
    def reader(self) -> LogReader:
        """The log as it is now; later appends do not change what it shows."""
        return self._view

    def append(self, entries: Sequence[bytes]) -> list[int]:
        """Append entries and return their indices, in order, once all are durable and signed.

        An entry that the log already has, or that comes twice, keeps its first index. Without a
        publisher the checkpoint is published too.

        Raises
        ------
        EntryTooLarge
            If an entry is over 65,535 bytes. Nothing of this call is appended.
        LogMoved
            If another writer signed first. Open the log again and append again.
        SigningStopped, StoreUnavailable
            If a write failed, now or before. What was appended is not known until the log is
            opened again; appending the same entries then gives each its index.
        """
        self._check_signing()
        frame_entries([max(entries, key=len)] if entries else [])
        leaves = [leaf_hash(entry) for entry in entries]
        self._known.grow(self.checkpoint)
        known = dict(self._known.find(self.checkpoint, leaves))
        fresh = {leaf: entry for leaf, entry in zip(leaves, entries, strict=True) if leaf not in known}
        for step in _steps(fresh):
            known.update(self._sign_step(step))
        return [known[leaf] for leaf in leaves]

    def publish(self) -> None:
        """Publish the last checkpoint signed, once the publisher has what it takes.

        Published again, the same checkpoint gets new cosignatures, with their new times.

        Raises
        ------
        QuorumNotMet
            If too few witnesses cosigned. What is published stays as it was; nothing is lost, and
            publishing later, from here or after opening again, may succeed.
        SigningStopped, StoreUnavailable
            As for ``append``.
        """
        self._check_signing()
        note = self._signed_note
        if self._publisher is not None:
            note = self._publisher.publish(note, self._view).note
        self._stop("a write failed")  # unless it does not
        if self._put_checkpoint(note, self.size):
            self._show(note, self.checkpoint)
        self._failure = None

    def prove(self, index: int) -> str:
        """Return the ``tlog-proof`` text of an entry; see ``LogReader.prove``."""
        return self._view.prove(index)

    def prove_consistency(self, old_size: int) -> list[bytes]:
        """Return the path from ``old_size`` to now; see ``LogReader.prove_consistency``."""
        return self._view.prove_consistency(old_size)

    def entry(self, index: int) -> bytes:
        """Return one entry; see ``LogReader.entry``."""
        return self._view.entry(index)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield entries in order; see ``LogReader.entries``."""
        return self._view.entries(start, stop)

    def _sign_step(self, step: dict[bytes, bytes]) -> list[tuple[bytes, int]]:
        edge, writes = self._edge.extend(list(step.values()), list(step))
        checkpoint = Checkpoint(self.origin, edge.size, edge.root())
        note = sign_note(checkpoint.format(), [self._signer])
        indices = list(zip(step, range(self._edge.size, edge.size), strict=True))
        # An error from here on leaves open how far the step came: sign nothing more.
        self._stop("a write failed")
        if not self._state.compare_and_swap(self.origin, self._signed_note, note, format_pending(writes)):
            self._stop("another writer has signed a longer log")
            raise LogMoved(f"log {self.origin}: want {self.size} entries as the last signed, got others")
        self._objects.put_many(writes)
        if self._publisher is None:
            self._put_checkpoint(note, edge.size)
        self._failure = None
        self._stale.extend(superseded(self._edge.size, edge.size))
        self._edge, self._signed_note = edge, note
        self._known.add(indices)
        self._show(note, checkpoint)
        self._remove_stale()
        return indices

    def _put_checkpoint(self, note: bytes, size: int) -> bool:
        """Publish a note, unless another writer went on meanwhile and has published a larger log.

        Between the look and the write lies the time of one request: a writer that sleeps just there
        puts the checkpoint back by a step, until the next is published.
        """
        published = published_checkpoint(self._objects, self._signer.verifier)
        if published is not None and published.size > size:
            return False
        self._objects.put(CHECKPOINT_PATH, note)
        return True

    def _show(self, note: bytes, checkpoint: Checkpoint) -> None:
        self._view = LogReader(self._objects, note, checkpoint, self._cache)

    def _check_signing(self) -> None:
        if self._failure is not None:
            raise SigningStopped(
                f"log {self.origin}: want it opened again, got an append after {self._failure}"
            )

    def _stop(self, failure: str) -> None:
        self._failure = failure

    def _remove_stale(self) -> None:
        """Delete partial tiles that full ones replaced. They are harmless: a failure waits for next time."""
        with suppress(StoreUnavailable):
            while self._stale:
                for path in list(self._objects.list(self._stale[-1])):
                    self._objects.delete(path)
                self._stale.pop()


def _steps(fresh: dict[bytes, bytes]) -> Iterator[dict[bytes, bytes]]:
    """Cut new entries into steps of bounded size, so that what is pending stays bounded too."""
    step: dict[bytes, bytes] = {}
    n_bytes = 0
    for leaf, entry in fresh.items():
        if step and (n_bytes + len(entry) > MAX_STEP_BYTES or len(step) == MAX_STEP_ENTRIES):
            yield step
            step, n_bytes = {}, 0
        step[leaf] = entry
        n_bytes += len(entry)
    if step:
        yield step


def _begin(state: LogState, signer: LogSigner) -> LastSigned:
    """Sign the empty tree of a new log."""
    note = sign_note(Checkpoint(signer.name, 0, Edge().root()).format(), [signer])
    if not state.compare_and_swap(signer.name, None, note, b""):
        raise LogMoved(f"log {signer.name}: want no checkpoint yet, got one of another writer")
    return LastSigned(note, None, b"")
