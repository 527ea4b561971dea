"""What the vectors of the log's formats are made of: keys, entries, trees, and how a case is written down."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.merkle import leaf_hash, root_from_leaf_hashes
from veracity.log.notes import Signer
from veracity.log.subtree_cosignatures import SubtreeCosigner
from veracity.provenance.keys import SigningKey

HERE = Path(__file__).resolve().parent / "log"
ORIGIN = "example.org/vectors"
TIME_S = 1_788_000_000
Case = dict[str, Any]


def seed(name: str) -> bytes:
    return sha256(b"veracity log vectors: " + name.encode()).digest()


LOG, OTHER = Signer(ORIGIN, seed("log")), Signer("example.org/other", seed("other"))
WITNESSES = [Cosigner(f"w{i}.example", seed(f"witness {i}")) for i in range(3)]
QUANTUM = SubtreeCosigner("pq.example", seed("ml-dsa witness"))
AGENCY = SigningKey(seed("agency"))
ENTRIES = [b"entry %d\n" % i for i in range(40)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]


def content(data: bytes) -> Case:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64(data)}


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def flip(data: bytes, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def tree(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_from_leaf_hashes(HASHES[:size]))


def bad(name: str, why: str, code: str, **given: Any) -> Case:
    return {"name": name, "why": why, "code": code, **given}


def policy_text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


LOG_LINE = f"log {LOG.verifier.format()}"
WITNESS_LINES = [f"witness w{i} {w.verifier.format()}" for i, w in enumerate(WITNESSES)]
QUANTUM_LINE = f"witness pq {QUANTUM.verifier.format()}"
TWO_OF_THREE = policy_text(LOG_LINE, *WITNESS_LINES, "group two 2 w0 w1 w2", "quorum two")


def cosigned(note: bytes, *witnesses: Cosigner) -> bytes:
    text = note.decode().rpartition("\n\n")[0] + "\n"
    return add_signatures(note, tuple(w.cosign(text, TIME_S) for w in witnesses))
