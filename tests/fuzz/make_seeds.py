"""Write the seeds of every corpus again: ``python tests/fuzz/make_seeds.py``. Same keys, same bytes.

All of them are simulated artefacts of our own code. What campaigns kept and found stays as it is.
"""

import struct
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
for folder in ("fuzz", "log", "provenance", ""):
    sys.path.insert(0, str(TESTS / folder))

import test_calibration_statements  # noqa: E402
import test_live_statements  # noqa: E402
import test_statements  # noqa: E402
from access_world import ACCESS  # noqa: E402
from artefacts import (  # noqa: E402
    COSIGNED,
    ENTRIES,
    ENVELOPES,
    HONEST_PAIR,
    LEAVES,
    LOG,
    NOTE,
    POLICY_TEXT,
    PROOF,
    RECEIPTS,
    REQUEST,
    ROOTS,
    STATE,
    SUBTREE_COSIGNER,
    SUBTREE_REQUEST,
    WITNESSES,
    WORLD,
)
from corpora import read_corpus, write_corpus  # noqa: E402
from every_target import TARGETS  # noqa: E402
from fuzzing import accepts  # noqa: E402
from log_fakes import SIGNER  # noqa: E402
from model_world import MODEL_STATEMENTS  # noqa: E402
from receipt_world import ENVIRONMENT, OPERATOR  # noqa: E402

from veracity.data.evidence import Pages, format_pages  # noqa: E402
from veracity.log.bundles import format_bundle  # noqa: E402
from veracity.log.edge import Edge  # noqa: E402
from veracity.log.merkle import consistency_path, inclusion_path, leaf_hash  # noqa: E402
from veracity.log.notes import parse_note  # noqa: E402
from veracity.log.pending import format_pending  # noqa: E402
from veracity.provenance.messages import sign_message  # noqa: E402
from veracity.provenance.receipts import format_receipt  # noqa: E402
from veracity.provenance.statements import format_statement  # noqa: E402

STATEMENTS = [
    *test_statements.STATEMENTS.values(),
    *test_calibration_statements.STATEMENTS.values(),
    *test_live_statements.STATEMENTS.values(),
    *(said.to_statement() for said in MODEL_STATEMENTS.values()),
    *(said.to_statement() for said in ACCESS.values()),
]
WRITES = Edge().extend(ENTRIES, LEAVES)[1]
RECORDS = [
    b'{"gauge": "G01", "rain": 1.5, "observed_at": "2026-09-01T00:00:00Z"}',
    b'{"a": [{"b": null}, -0.0]}',
]
LINES = b"\n".join(RECORDS)
ARRAY = b"[" + b", ".join(RECORDS) + b"]"


def _pages() -> bytes:
    import numpy as np

    contents = [b"a\n" * 64, b"b\n" * 64, b"c\n"]
    ends = np.cumsum([len(c) for c in contents])
    return format_pages(Pages(ends, [leaf_hash(c) for c in contents]), [40, 12])


SEEDS: dict[str, list[bytes]] = {
    "note": [NOTE, COSIGNED],
    "checkpoint": [
        parse_note(NOTE).text.encode(),
        b"o\n0\n" + b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n",
    ],
    "signed-checkpoint": [b""],
    "vkey": [SIGNER.verifier.format().encode(), WITNESSES[0].verifier.format().encode()],
    "log-private-key": [SIGNER.format().encode() + b"\n"],
    "witness-private-key": [WITNESSES[0].format().encode() + b"\n"],
    "cosigned-checkpoint": [b""],
    "tlog-proof": [PROOF, LOG.prove(0).encode(), PROOF.replace(b"\nindex", b"\nextra AAECAw==\nindex", 1)],
    "verified-proof": [b""],
    "inclusion": [
        struct.pack(">BQQ", i, i, len(LEAVES)) + b"".join(inclusion_path(LEAVES, i)) for i in (0, 13, 20)
    ],
    "consistency": [
        struct.pack(">QB", old, new) + ROOTS[old] + b"".join(consistency_path(LEAVES[:new], old))
        for old, new in ((0, 21), (7, 8), (8, 21), (21, 21))
    ],
    "policy": [POLICY_TEXT],
    "tile-path": [b"tile/0/000", b"tile/1/x001/x234/067.p/5"],
    "bundle-path": [b"tile/entries/000", b"tile/entries/x001/x234/067.p/5"],
    "tile": [bytes([len(LEAVES) - 1]) + b"".join(LEAVES)],
    "bundle": [bytes([len(ENTRIES) - 1]) + format_bundle(ENTRIES)],
    "pending": [format_pending(WRITES), b""],
    "strict-json": [*RECORDS, b'{"\\ud83d\\ude00": [1e-7, 9007199254740992, "\\u0000"]}', b"[[[[1]]]]"],
    "record-json": RECORDS,
    "envelope": ENVELOPES[:5],
    "signed-envelope": [bytes([i]) for i in range(len(ENVELOPES))],
    "statement": [format_statement(statement) for statement in STATEMENTS],
    "message": [
        sign_message(ARRAY, RECORDS, "air", "city/s1", ENVIRONMENT),
        sign_message(LINES, RECORDS, "air", "city/s1", ENVIRONMENT, compress=True),
        LINES,
    ],
    "body": [b"\0" + ARRAY, b"\0" + LINES, b"\0" + RECORDS[0], b'\1gauge,rain\r\nG01,"1,5"\r\n'],
    "public-key": [OPERATOR.public.format().encode()],
    "signing-key": [ENVIRONMENT.to_pem()],
    "receipt": [format_receipt(receipt) for receipt in RECEIPTS],
    "verified-receipt": [bytes([i]) for i in range(len(RECEIPTS))],
    "evidence-pages": [_pages()],
    "add-checkpoint": [REQUEST.first.format(), REQUEST.next.format()],
    "sign-subtree": [SUBTREE_REQUEST.format()],
    "witnessed-request": [b""],
    "witness-answer": [b""],
    "witness-size": [b"0\n", b"9223372036854775807\n"],
    "witness-vkey": [WITNESSES[0].verifier.format().encode(), SUBTREE_COSIGNER.verifier.format().encode()],
    "misbehaviour": [HONEST_PAIR],
    "judged-honest-pair": [b""],
    "object-state": [STATE],
}


def main() -> None:
    """Write every corpus."""
    assert WORLD.entries
    for name, fuzzed in TARGETS.items():
        for seed in SEEDS[name]:
            assert accepts(fuzzed, seed), f"{name}: a seed is refused: {seed[:80]!r}"
        kept = [(label, data) for label, data in read_corpus(name) if label != "seed"]
        write_corpus(name, [*(("seed", seed) for seed in SEEDS[name]), *kept])


if __name__ == "__main__":
    main()
