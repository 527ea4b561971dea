"""The tlog-proof text: one file that proves one entry."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_fakes import SIGNER, new_log, numbered

from veracity.log.errors import InclusionRejected, LogError, MalformedProof
from veracity.log.policy import policy_for
from veracity.log.tlog_proof import TlogProof

POLICY = policy_for(SIGNER.verifier)
LOG = new_log(11)
PROOF = LOG.prove(6)
HASH = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def test_a_proof_verifies_for_its_entry_only() -> None:
    """The entry verifies at its index; any other entry does not."""
    proof = TlogProof.parse(PROOF)
    accepted = proof.verify(LOG.entry(6), POLICY)
    assert accepted.checkpoint == LOG.checkpoint
    with pytest.raises(InclusionRejected):
        proof.verify(LOG.entry(5), POLICY)


def test_the_text_is_that_of_the_specification() -> None:
    """Header, index, hashes, a blank line, the checkpoint as it is."""
    lines = PROOF.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 6"]
    assert PROOF.endswith("\n\n" + LOG.checkpoint_note.decode())
    assert TlogProof.parse(PROOF).format() == PROOF
    assert TlogProof.parse(PROOF.encode()).format() == PROOF


def test_a_tree_of_one_has_no_proof_lines() -> None:
    """The proof of the only entry is empty, and verifies."""
    log = new_log(1)
    proof = TlogProof.parse(log.prove(0))
    assert proof.path == ()
    proof.verify(numbered(0, 1)[0], POLICY)


def test_extra_data_is_carried() -> None:
    """Extra data survives and changes nothing that is verified."""
    proof = TlogProof.parse(PROOF)
    extra = TlogProof(proof.index, proof.path, proof.checkpoint_note, b"hint")
    assert TlogProof.parse(extra.format()) == extra
    extra.verify(LOG.entry(6), POLICY)


def test_every_bit_of_a_proof_counts() -> None:
    """Flip any one bit of the text: it is refused or rejected."""
    data = PROOF.encode()
    for at in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[at // 8] ^= 1 << at % 8
        with pytest.raises(LogError):
            TlogProof.parse(bytes(flipped)).verify(LOG.entry(6), POLICY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nx",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{HASH[:-2]}B=\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{HASH}\n" * 64 + "\nx",
        "\ud800\n\nx",
        "0" * 1_000_000,
    ],
)
def test_malformed_proofs(text: str) -> None:
    """What the format forbids is refused."""
    with pytest.raises(MalformedProof):
        TlogProof.parse(text)


@given(st.binary(max_size=120))
def test_random_bytes_raise_only_our_errors(data: bytes) -> None:
    """Whatever the bytes, our own error comes out."""
    for prefix in (b"", b"c2sp.org/tlog-proof@v1\n", b"c2sp.org/tlog-proof@v1\nindex 0\n\n"):
        with suppress(LogError):
            TlogProof.parse(prefix + data).verify(b"", POLICY)
