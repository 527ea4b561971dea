"""A witness's state in memory, and a log of any size or a forked one, for its requests."""

import threading

from log_fakes import SIGNER, numbered

from veracity.log.add_checkpoint import AddCheckpoint
from veracity.log.checkpoints import Checkpoint
from veracity.log.merkle import consistency_path, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import Signer, sign_note

ORIGIN = SIGNER.name
LEAVES = [leaf_hash(entry) for entry in numbered(0, 100)]
FORKED = [*LEAVES[:3], leaf_hash(b"another"), *LEAVES[4:]]
NOW_S = 1_788_000_000


class MemoryWitnessState:
    """``WitnessState`` in a dictionary."""

    def __init__(self) -> None:
        self.notes: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def latest(self, origin: str) -> bytes | None:
        return self.notes.get(origin)

    def swap(self, origin: str, old_note: bytes | None, new_note: bytes) -> bool:
        with self._lock:
            if self.notes.get(origin) != old_note:
                return False
            self.notes[origin] = new_note
            return True


def checkpoint(size: int, leaves: list[bytes] = LEAVES, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root_from_leaf_hashes(leaves[:size]))


def signed(size: int, leaves: list[bytes] = LEAVES, signer: Signer = SIGNER) -> bytes:
    return sign_note(checkpoint(size, leaves, signer.name).format(), [signer])


def request(old_size: int, size: int, leaves: list[bytes] = LEAVES) -> AddCheckpoint:
    """What an honest log sends; with ``FORKED``, what a log that changed entry 3 sends."""
    proof = consistency_path(leaves[:size], old_size) if old_size <= size else []
    return AddCheckpoint(old_size, tuple(proof), signed(size, leaves))
