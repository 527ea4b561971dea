"""Subtrees: their proofs and their ML-DSA-44 cosignatures, type 0x06."""

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from log_fakes import SIGNER, numbered

from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import add_signatures, cosignature_time
from veracity.log.errors import ConsistencyRejected, IndexOutOfRange, MalformedKey, SignatureRejected
from veracity.log.merkle import consistency_path, inclusion_path, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import open_note, sign_note
from veracity.log.policy import format_policy, parse_policy
from veracity.log.subtree_cosignatures import Subtree, SubtreeCosigner, SubtreeVerifier
from veracity.log.subtree_proofs import is_subtree, subtree_path, verify_subtree
from veracity.log.witness_keys import parse_witness_key, parse_witness_vkey

COSIGNER = SubtreeCosigner("witness.example/w1", bytes(range(32)))
LEAVES = [leaf_hash(entry) for entry in numbered(0, 40)]
TEXT = Checkpoint("example.org/city", 40, root_from_leaf_hashes(LEAVES)).format()


def test_the_message_is_that_of_the_specification() -> None:
    """The bytes signed are label, cosigner, time, origin, start, end and root, lengths before names."""
    got = Subtree("ab", 8, 13, bytes(32)).message("wit", 0)
    assert got == (
        b"subtree/v1\n\0\x03wit" + bytes(8) + b"\x02ab" + bytes(7) + b"\x08" + bytes(7) + b"\x0d" + bytes(32)
    )
    assert Subtree("ab", 0, 13, bytes(32)).message("wit", 258)[16:24] == bytes(6) + b"\x01\x02"


def test_a_cosignature_verifies_and_carries_its_time() -> None:
    """What a witness signs verifies under its key, for that tree only; the key alone checks the bytes."""
    signature = COSIGNER.cosign(TEXT, 1679315147)
    COSIGNER.verifier.verify(TEXT, signature.payload)
    assert len(signature.payload) == 8 + 2420
    assert cosignature_time(signature.payload) == 1679315147
    message = Subtree("example.org/city", 0, 40, root_from_leaf_hashes(LEAVES)).message(
        COSIGNER.name, 1679315147
    )
    key = MLDSA44PublicKey.from_public_bytes(COSIGNER.verifier.public_key)
    key.verify(signature.payload[8:], message)
    other = Checkpoint("example.org/city", 39, root_from_leaf_hashes(LEAVES)).format()
    for text in (other, "no checkpoint\n"):
        with pytest.raises(SignatureRejected):
            COSIGNER.verifier.verify(text, signature.payload)
    for payload in (signature.payload[:-1], bytes(8) + signature.payload[8:], signature.payload[:8]):
        with pytest.raises(SignatureRejected):
            COSIGNER.verifier.verify(TEXT, payload)
    COSIGNER.verifier.verify(TEXT + "extension\n", signature.payload)  # extensions are not covered


def test_what_the_format_cannot_say_is_not_signed() -> None:
    """A time for a part of a tree, an origin over 255 bytes and a time of 0 from a witness are refused."""
    with pytest.raises(SignatureRejected):
        Subtree("ab", 8, 13, bytes(32)).message("wit", 1)
    with pytest.raises(SignatureRejected):
        COSIGNER.sign(Checkpoint("x" * 256, 40, bytes(32)).format())
    with pytest.raises(SignatureRejected):
        COSIGNER.cosign(TEXT, 0)


def test_keys_round_trip_and_do_not_mix() -> None:
    """Keys are read back from their text by their type, and no type is taken for another."""
    assert SubtreeVerifier.parse(COSIGNER.verifier.format()) == COSIGNER.verifier
    assert parse_witness_vkey(COSIGNER.verifier.format()) == COSIGNER.verifier
    assert parse_witness_key(COSIGNER.format()) == COSIGNER
    assert SubtreeCosigner.generate("w").name == "w"
    assert "seed" not in repr(COSIGNER)
    for parse in (parse_witness_vkey, SubtreeVerifier.parse):
        with pytest.raises(MalformedKey):
            parse(SIGNER.verifier.format())
    for text in (SIGNER.format(), COSIGNER.format().replace("+witness", "+witnezz")):
        with pytest.raises(MalformedKey):
            parse_witness_key(text)


def test_a_policy_takes_either_kind_of_witness() -> None:
    """A log may add an ML-DSA-44 signature to its own, and a policy may ask for such a witness."""
    log_too = SubtreeCosigner(SIGNER.name, bytes(32))
    text = f"log {SIGNER.verifier.format()}\nwitness w {COSIGNER.verifier.format()} http://w\nquorum w\n"
    policy = parse_policy(text)
    assert format_policy(policy) == text
    note = add_signatures(sign_note(TEXT, [SIGNER, log_too]), (COSIGNER.cosign(TEXT, 1_700_000_000),))
    assert policy.check(note).witnesses == ("w",)
    opened = open_note(note, [log_too.verifier])
    assert cosignature_time(opened.verified[0].payload) == 0


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 14, 40])
def test_every_subtree_of_a_tree_is_proven(size: int) -> None:
    """Each subtree's proof verifies, and with any hash, size or root changed it does not."""
    leaves = LEAVES[:size]
    root = root_from_leaf_hashes(leaves)
    for start in range(size):
        for end in range(start + 1, size + 1):
            if not is_subtree(start, end):
                with pytest.raises(IndexOutOfRange):
                    subtree_path(leaves, start, end)
                continue
            part = root_from_leaf_hashes(leaves[start:end])
            path = subtree_path(leaves, start, end)
            verify_subtree(start, end, size, path, part, root)
            if start == 0:
                assert path == consistency_path(leaves, end)
            if end == start + 1:
                assert path == inclusion_path(leaves, start)
            changed = [
                [*path, bytes(32)],
                *([[*path[:i], bytes(32), *path[i + 1 :]] for i in range(len(path))]),
            ]
            for wrong in changed:
                with pytest.raises(ConsistencyRejected):
                    verify_subtree(start, end, size, wrong, part, root)
            with pytest.raises(ConsistencyRejected):
                verify_subtree(start, end, size, path, bytes(32), root)
            with pytest.raises(ConsistencyRejected):
                verify_subtree(start, end, size, path, part, bytes(32))
