"""Real artefacts to begin from, simulated: a small log, its proofs, a policy with witnesses, receipts."""

from dataclasses import dataclass

from decision_world import SystemWorld
from live_world import LiveWorld
from log_fakes import SIGNER, new_log, numbered
from receipt_world import POLICY as CITY_POLICY
from receipt_world import World

from veracity.log.add_checkpoint import AddCheckpoint
from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.doors import LastSigned
from veracity.log.merkle import consistency_path, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import parse_note, sign_note
from veracity.log.policy import parse_policy
from veracity.log.reader import open_checkpoint
from veracity.log.sign_subtree import SignSubtree
from veracity.log.subtree_cosignatures import SubtreeCosigner
from veracity.log.subtree_proofs import subtree_path
from veracity.log.tlog_proof import TlogProof
from veracity.monitor.misbehaviour import Beginning, Misbehaviour
from veracity.provenance.receipts import Receipt
from veracity.stores.object_state import SignedState

N_ENTRIES = 21
ENTRIES = numbered(0, N_ENTRIES)
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [root_from_leaf_hashes(LEAVES[:size]) for size in range(N_ENTRIES + 1)]  # by size
LOG = new_log(N_ENTRIES)
NOTE = LOG.checkpoint_note
CHECKPOINT: Checkpoint = open_checkpoint(NOTE, SIGNER.verifier)

WITNESSES = [Cosigner(f"witness-{i}.example.org", bytes([i]) * 32) for i in (1, 2, 3)]
TIMES = [1_790_000_000 + i for i in (1, 2, 3)]
COSIGNED = add_signatures(
    NOTE,
    tuple(w.cosign(parse_note(NOTE).text, t) for w, t in zip(WITNESSES[:2], TIMES, strict=False)),
)
POLICY_TEXT = (
    f"# simulated\nlog {SIGNER.verifier.format()} https://log.example.org/\n"
    + "".join(f"witness w{i} {w.verifier.format()}\n" for i, w in enumerate(WITNESSES, 1))
    + "group two 2 w1 w2 w3\nquorum two\n"
).encode()
POLICY = parse_policy(POLICY_TEXT)
PROOF_AT = 13
_PROVEN = TlogProof.parse(LOG.prove(PROOF_AT))
PROOF = TlogProof(PROOF_AT, _PROVEN.path, COSIGNED).format().encode()

WORLD, CSV_WORLD = World("ndjson"), World("csv")
RECEIPTS: list[Receipt] = [
    WORLD.receipt(0, 70),
    WORLD.receipt(1, 3),
    CSV_WORLD.receipt(0, 20),
    WORLD.statement_receipt(WORLD.transform_index),
    WORLD.statement_receipt(1),
    SystemWorld().receipt(4),
    LiveWorld().receipt(3),
]
RECEIPT_POLICY = CITY_POLICY
ENVELOPES: list[bytes] = WORLD.entries


@dataclass(frozen=True)
class Requests:
    """What a log asks of a witness: first for a small tree, next for a larger one."""

    old_size: int
    first: AddCheckpoint
    next: AddCheckpoint


def signed(size: int) -> bytes:
    """The log's checkpoint at an earlier size."""
    return sign_note(Checkpoint(SIGNER.name, size, ROOTS[size]).format(), [SIGNER])


REQUEST = Requests(
    8,
    AddCheckpoint(0, (), signed(8)),
    AddCheckpoint(8, tuple(consistency_path(LEAVES, 8)), NOTE),
)
SUBTREE_REQUEST = SignSubtree(
    8, 12, root_from_leaf_hashes(LEAVES[8:12]), tuple(subtree_path(LEAVES, 8, 12)), parse_note(NOTE).text
)
ANSWER = WITNESSES[0].cosign(parse_note(NOTE).text, TIMES[0]).format().encode()
HONEST_PAIR = Misbehaviour(
    "split-view",
    signed(8),
    NOTE,
    "by a fuzzer (simulated)",
    Beginning(ROOTS[8], tuple(consistency_path(LEAVES, 8))),
).format()
STATE = SignedState(SIGNER.name, "00" * 16, LastSigned(NOTE, signed(20), b"")).format()
SUBTREE_COSIGNER = SubtreeCosigner("witness-4.example.org", bytes([4]) * 32)
