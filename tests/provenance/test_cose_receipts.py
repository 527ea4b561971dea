"""COSE receipts: read by the public library ``scitt-cose``, its own read by ours, and tampered with."""

from collections.abc import Callable, Sequence
from typing import Any

import cbor2
import pytest
import scitt_cose  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from receipt_world import LOG, OPERATOR, ORIGIN, World

from veracity.errors import Malformed, Rejected
from veracity.log.checkpoints import Checkpoint
from veracity.log.errors import InclusionRejected
from veracity.log.merkle import consistency_path, inclusion_path, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import Signer
from veracity.provenance.cose_receipts import (
    consistency_receipt,
    inclusion_receipt,
    parse_statement,
    transparent_statement,
    verify_consistency_receipt,
    verify_inclusion_receipt,
)
from veracity.provenance.errors import CoseRejected, MalformedCose, NotExpressible
from veracity.provenance.keys import SigningKey

ENTRIES = World().entries
SIGN = SigningKey(LOG.seed).sign
SUBJECT = "sha256:" + 64 * "1"


def tree(entries: Sequence[bytes]) -> Checkpoint:
    return Checkpoint(ORIGIN, len(entries), root_from_leaf_hashes([leaf_hash(e) for e in entries]))


def receipt_of(entries: Sequence[bytes], index: int) -> bytes:
    path = inclusion_path([leaf_hash(e) for e in entries], index)
    return inclusion_receipt(entries[index], tree(entries), index, path, LOG.verifier, SIGN, SUBJECT)


def public_pem(raw: bytes) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(raw)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


LOG_PEM = public_pem(LOG.verifier.public_key)
RECEIPT = receipt_of(ENTRIES, 5)
STATEMENT = transparent_statement(ENTRIES[5], RECEIPT, OPERATOR.public, OPERATOR.sign, ORIGIN, SUBJECT)


def test_every_entry_of_every_small_tree() -> None:
    """The public library and ours accept the receipt of each entry, and not for another entry."""
    small = [b"entry %d" % i for i in range(20)]
    for size in range(2, len(small) + 1):
        for index in range(size):
            receipt = receipt_of(small[:size], index)
            shown = verify_inclusion_receipt(receipt, small[index], LOG.verifier)
            assert (shown.size, shown.index, shown.root) == (size, index, tree(small[:size]).root)
            theirs = scitt_cose.verify_receipt(
                receipt, leaf_entry_hex=small[index].hex(), log_public_key_pem=LOG_PEM
            )
            assert (theirs.ok, theirs.tree_size, theirs.leaf_index) == (True, size, index), theirs.errors
            assert (theirs.root, theirs.issuer, theirs.subject) == (shown.root.hex(), ORIGIN, SUBJECT)
            other = small[(index + 1) % size]
            with pytest.raises(CoseRejected):
                verify_inclusion_receipt(receipt, other, LOG.verifier)
            assert not scitt_cose.verify_receipt(
                receipt, leaf_entry_hex=other.hex(), log_public_key_pem=LOG_PEM
            ).ok


def test_the_public_library_writes_the_same() -> None:
    """A receipt that ``scitt-cose`` makes of the same entries has the same headers and the same proof."""
    pem = Ed25519PrivateKey.from_private_bytes(LOG.seed).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    entries = [entry.hex() for entry in ENTRIES]
    theirs = scitt_cose.build_receipt(
        leaf_entry_hex=entries[5],
        leaf_index=5,
        tree_entries_hex=entries,
        alg="EdDSA",
        log_private_key_pem=pem,
        iss=ORIGIN,
        sub=SUBJECT,
        kid=LOG.verifier.key_id,
    )
    message, again = cbor2.loads(theirs).value, cbor2.loads(RECEIPT).value
    assert cbor2.loads(message[0]) == cbor2.loads(again[0])
    # It writes the header's labels in another order, which ours refuses: one receipt, one encoding.
    assert cbor2.dumps(cbor2.loads(message[0]), canonical=True) == again[0] != message[0]
    with pytest.raises(MalformedCose, match="deterministic"):
        verify_inclusion_receipt(theirs, ENTRIES[5], LOG.verifier)
    assert message[1] == again[1]


def test_a_tree_of_one_entry_has_no_receipt() -> None:
    """The format has no empty path, so that tree is refused in words, not with a receipt nobody can read."""
    with pytest.raises(NotExpressible, match="one hash or more"):
        receipt_of(ENTRIES[:1], 0)


def test_only_what_the_tree_holds_is_signed() -> None:
    """A proof that does not lead to the root gets no receipt."""
    with pytest.raises(InclusionRejected):
        inclusion_receipt(b"other", tree(ENTRIES), 0, [bytes(32)] * 3, LOG.verifier, SIGN, SUBJECT)


def test_consistency() -> None:
    """Each pair of sizes with a path gives a receipt that verifies, between those trees and no others."""
    hashes = [leaf_hash(e) for e in ENTRIES]
    for n in range(2, len(ENTRIES) + 1):
        new = tree(ENTRIES[:n])
        for m in range(1, n):
            old, path = tree(ENTRIES[:m]), consistency_path(hashes[:n], m)
            receipt = consistency_receipt(old, new, path, LOG.verifier, SIGN)
            assert verify_consistency_receipt(receipt, old, LOG.verifier) == new
            for wrong in (Checkpoint(ORIGIN, m, bytes(32)), Checkpoint(ORIGIN, m + 1, old.root)):
                with pytest.raises(CoseRejected):
                    verify_consistency_receipt(receipt, wrong, LOG.verifier)
            with pytest.raises(MalformedCose):
                verify_inclusion_receipt(receipt, ENTRIES[0], LOG.verifier)
            # scitt-cose reads no consistency receipt; its arithmetic agrees with the path inside.
            (wrapped,) = cbor2.loads(receipt).value[1][396][-2]
            size1, size2, hashes_in = cbor2.loads(wrapped)
            assert scitt_cose.verify_consistency(
                old.root.hex(), new.root.hex(), size1, size2, [h.hex() for h in hashes_in]
            )
    for m in (0, len(ENTRIES)):
        whole = tree(ENTRIES)
        with pytest.raises(NotExpressible):
            consistency_receipt(tree(ENTRIES[:m]), whole, [], LOG.verifier, SIGN)


def test_the_public_library_reads_the_statement() -> None:
    """``scitt-cose`` verifies the statement with the operator's key, and its receipt over the payload."""
    parsed = scitt_cose.parse_signed_statement(STATEMENT, public_key_pem=public_pem(OPERATOR.public.raw))
    assert parsed["signature_verified"] is True
    assert (parsed["issuer"], parsed["subject"], parsed["payload"]) == (ORIGIN, SUBJECT, ENTRIES[5])
    (receipt,) = scitt_cose.extract_receipts(STATEMENT)
    done = scitt_cose.verify_receipt(
        receipt, leaf_entry_hex=parsed["payload"].hex(), log_public_key_pem=LOG_PEM
    )
    assert done.ok, done.errors
    # Of the message itself there is no receipt: the leaf is the payload, the bytes of the log's entry.
    assert not scitt_cose.verify_receipt(
        receipt, leaf_entry_hex=STATEMENT.hex(), log_public_key_pem=LOG_PEM
    ).ok


def test_statement() -> None:
    """Ours reads a statement's parts, and only the key that wrapped it verifies it."""
    statement = parse_statement(STATEMENT)
    statement.verify(OPERATOR.public)
    assert (statement.entry, statement.receipt) == (ENTRIES[5], RECEIPT)
    with pytest.raises(CoseRejected):
        statement.verify(SigningKey(bytes(32)).public)


def test_no_bit_can_be_flipped_unseen() -> None:
    """Flip any bit of a receipt or a statement: it is refused, by ours."""
    for bit in range(8 * len(RECEIPT)):
        changed = bytearray(RECEIPT)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((MalformedCose, CoseRejected)):
            verify_inclusion_receipt(bytes(changed), ENTRIES[5], LOG.verifier)
    for bit in range(0, 8 * len(STATEMENT), 7):
        changed = bytearray(STATEMENT)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((MalformedCose, CoseRejected)):
            check_statement(bytes(changed))


def check_statement(data: bytes) -> None:
    statement = parse_statement(data)
    statement.verify(OPERATOR.public)
    verify_inclusion_receipt(statement.receipt, statement.entry, LOG.verifier)


def test_another_log() -> None:
    """A receipt of one log is none of another, be it of the same name or with the same key."""
    for other in (Signer(ORIGIN, bytes(32)), Signer("example.org/town", LOG.seed)):
        with pytest.raises(CoseRejected):
            verify_inclusion_receipt(RECEIPT, ENTRIES[5], other.verifier)


def edited(edit: Callable[[list[Any]], None]) -> bytes:
    """Return the receipt with its four parts edited and the message written again, not signed again."""
    parts = list(cbor2.loads(RECEIPT).value)
    parts[0] = dict(cbor2.loads(parts[0]))
    parts[1] = {396: {k: list(v) for k, v in parts[1][396].items()}}
    edit(parts)
    if isinstance(parts[0], dict):
        parts[0] = cbor2.dumps(parts[0], canonical=True)
    return cbor2.dumps(cbor2.CBORTag(18, parts), canonical=True)


def put(*path: Any, value: Any) -> Callable[[list[Any]], None]:
    def edit(parts: list[Any]) -> None:
        target: Any = parts
        for name in path[:-1]:
            target = target[name]
        target[path[-1]] = value

    return edit


PROOF = cbor2.loads(cbor2.loads(RECEIPT).value[1][396][-1][0])
EDITS = {
    "no wrapper of bytes": put(1, 396, -1, 0, value=PROOF),
    "no wrapper of an array": put(1, 396, -1, value=cbor2.dumps(PROOF)),
    "two proofs": put(1, 396, -1, value=2 * [cbor2.dumps(PROOF)]),
    "proof of another kind beside": put(1, 396, -2, value=[]),
    "an empty path": put(1, 396, -1, 0, value=cbor2.dumps([1, 0, []])),
    "a hash of 31 bytes": put(1, 396, -1, 0, value=cbor2.dumps([7, 5, 3 * [bytes(31)]])),
    "a size that is true": put(1, 396, -1, 0, value=cbor2.dumps([True, 0, [bytes(32)]])),
    "a huge size": put(1, 396, -1, 0, value=cbor2.dumps([2**64, 0, [bytes(32)]])),
    "64 hashes": put(1, 396, -1, 0, value=cbor2.dumps([7, 5, 64 * [bytes(32)]])),
    "an attached payload": put(2, value=bytes(32)),
    "another header beside": put(1, 7, value=1),
    "another tree": put(0, 395, value=2),
    "the tree outside the signature": put(1, 395, value=1),
    "ES256": put(0, 1, value=-7),
    "no claims": put(0, 15, value={}),
    "a critical header": put(0, 2, value=[395]),
    "no key ID": put(0, 4, value="key"),
    "no signature": put(3, value=None),
    "no header": put(0, value=b""),
}


@pytest.mark.parametrize("name", EDITS)
def test_edits(name: str) -> None:
    """Whatever form it is brought into, a receipt of another form is malformed."""
    with pytest.raises(MalformedCose):
        verify_inclusion_receipt(edited(EDITS[name]), ENTRIES[5], LOG.verifier)


def test_one_encoding() -> None:
    """What follows the message, a longer number, an open array: each is another encoding, and refused."""
    assert verify_inclusion_receipt(edited(lambda parts: None), ENTRIES[5], LOG.verifier).index == 5
    longer = RECEIPT.replace(b"\xd2\x84", b"\xd8\x12\x84", 1)
    opened = RECEIPT.replace(b"\xd2\x84", b"\xd2\x9f", 1) + b"\xff"
    for other in (
        RECEIPT + b"\0",
        longer,
        opened,
        RECEIPT[1:],
        RECEIPT[:-1],
        b"",
        b"\x80",
        200_000 * b"\x81",
    ):
        with pytest.raises(MalformedCose):
            verify_inclusion_receipt(other, ENTRIES[5], LOG.verifier)


@settings(deadline=None)
@given(
    st.binary(max_size=80)
    | st.builds(lambda a, b: RECEIPT[:a] + b, st.integers(0, 300), st.binary(max_size=20))
)
def test_only_our_errors(data: bytes) -> None:
    """Any bytes fail as our own error, in one line."""
    for read in (lambda: verify_inclusion_receipt(data, b"", LOG.verifier), lambda: parse_statement(data)):
        with pytest.raises((Malformed, Rejected)) as caught:
            read()
        assert "\n" not in str(caught.value)
