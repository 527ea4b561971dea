"""Real artefacts to begin from, simulated: a small log, its proofs, a policy with witnesses, receipts."""

from log_fakes import SIGNER, new_log, numbered
from receipt_world import POLICY as CITY_POLICY
from receipt_world import World

from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.merkle import leaf_hash, root_from_leaf_hashes
from veracity.log.notes import parse_note
from veracity.log.policy import parse_policy
from veracity.log.reader import open_checkpoint
from veracity.log.tlog_proof import TlogProof
from veracity.provenance.receipts import Receipt

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
]
RECEIPT_POLICY = CITY_POLICY
ENVELOPES: list[bytes] = WORLD.entries
