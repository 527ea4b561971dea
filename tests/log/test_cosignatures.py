"""Witness cosignatures, type 0x04."""

import pytest
from log_fakes import SIGNER

from veracity.log.cosignatures import CosignatureVerifier, Cosigner, cosignature_time, cosigned_message
from veracity.log.errors import MalformedKey, SignatureRejected
from veracity.log.notes import Verifier

COSIGNER = Cosigner("witness.example/w1", bytes(range(32)))
TEXT = "example.org/city\n1\nroot\n"


def test_the_message_is_that_of_the_specification() -> None:
    """The bytes signed are the header, the time, and the whole checkpoint text."""
    assert cosigned_message(TEXT, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()


def test_a_cosignature_verifies_and_carries_its_time() -> None:
    """What a witness signs verifies under its key, for that text only."""
    signature = COSIGNER.cosign(TEXT, 1679315147)
    COSIGNER.verifier.verify(TEXT, signature.payload)
    assert len(signature.payload) == 72
    assert cosignature_time(signature.payload) == 1679315147
    with pytest.raises(SignatureRejected):
        COSIGNER.verifier.verify(TEXT + "x\n", signature.payload)


def test_keys_round_trip_and_do_not_mix() -> None:
    """Keys are read back from their text, and a log's key is no witness's key."""
    assert CosignatureVerifier.parse(COSIGNER.verifier.format()) == COSIGNER.verifier
    assert Cosigner.parse(COSIGNER.format()) == COSIGNER
    assert Cosigner.generate("w").name == "w"
    with pytest.raises(MalformedKey):
        CosignatureVerifier.parse(SIGNER.verifier.format())
    with pytest.raises(MalformedKey):
        Verifier.parse(COSIGNER.verifier.format())
    with pytest.raises(MalformedKey):
        Cosigner.parse(SIGNER.format())


@pytest.mark.parametrize("time_s", [0, -1, 2**63])
def test_impossible_times(time_s: int) -> None:
    """A witness signs no time outside 1 to 2**63 - 1, and none beyond is accepted."""
    with pytest.raises(SignatureRejected):
        COSIGNER.cosign(TEXT, time_s)
    with pytest.raises(SignatureRejected):
        cosignature_time((2**63).to_bytes(8, "big") + bytes(64))
