"""A process that races others for one witness's state: ``witness_worker.py DATABASE SEED N``.

It plays a log of its own history, asks for each size and prints what was cosigned.
"""

import sys
from hashlib import sha256
from pathlib import Path

from veracity.log.add_checkpoint import AddCheckpoint
from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner
from veracity.log.errors import ConsistencyRejected, MalformedRequest, WitnessConflict
from veracity.log.merkle import consistency_path, root_from_leaf_hashes
from veracity.log.notes import Signer, sign_note
from veracity.log.witness import Witness
from veracity.stores.database import Database
from veracity.stores.sql import SqlDatabase
from veracity.stores.witness_state import WITNESS_METADATA, SqlWitnessState

SIGNER = Signer("example.org/city", bytes(range(32)))


def leaves(seed: str, n: int) -> list[bytes]:
    """The leaf hashes of the history that a seed names."""
    return [sha256(f"{seed} {i}".encode()).digest() for i in range(n)]


def race(database: SqlDatabase, seed: str, n: int) -> list[tuple[int, str]]:
    """Ask for sizes 1 to ``n``; return size and root of each that was cosigned."""
    witness = Witness([SIGNER.verifier], [Cosigner("w", bytes(32))], SqlWitnessState(database))
    mine, known, given = leaves(seed, n), 0, []
    for size in range(1, n + 1):
        root = root_from_leaf_hashes(mine[:size])
        note = sign_note(Checkpoint(SIGNER.name, size, root).format(), [SIGNER])
        for _ in range(4):
            proof = tuple(consistency_path(mine[:size], known)) if known <= size else ()
            try:
                witness.add_checkpoint(AddCheckpoint(known, proof, note), 1_788_000_000)
            except WitnessConflict as exc:
                known = exc.size
            except (ConsistencyRejected, MalformedRequest):
                break
            else:
                known = size
                given.append((size, root.hex()))
                break
    return given


if __name__ == "__main__":
    with Database(Path(sys.argv[1]), metadata=WITNESS_METADATA) as opened:
        for size, root in race(opened, sys.argv[2], int(sys.argv[3])):
            sys.stdout.write(f"{size} {root}\n")
