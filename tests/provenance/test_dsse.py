import json
from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.errors import VeracityError
from veracity.provenance.dsse import IN_TOTO, Envelope, open_envelope, pae, seal, sign_envelope, verify
from veracity.provenance.errors import EnvelopeRejected, EnvelopeTooLarge, MalformedEnvelope
from veracity.provenance.keys import SigningKey

KEY, OTHER = SigningKey(bytes(32)), SigningKey(bytes([1]) * 32)


def test_published_pae() -> None:
    """The bytes signed are those of the DSSE specification's example."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(st.binary(max_size=300))
def test_round_trip(payload: bytes) -> None:
    """What is sealed opens to the same payload, verifies, and is written the same again."""
    entry = sign_envelope(payload, [KEY, OTHER])
    envelope = open_envelope(entry)
    assert envelope.payload == payload
    assert envelope.format() == entry
    assert verify(envelope, [KEY.public]) == (KEY.public,)
    assert verify(envelope, [OTHER.public, KEY.public]) == (KEY.public, OTHER.public)


def test_every_flipped_bit_of_a_payload_is_rejected() -> None:
    """No bit of what was signed may change."""
    envelope = seal(b'{"a":1}', [KEY])
    for bit in range(8 * len(envelope.payload)):
        flipped = bytearray(envelope.payload)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EnvelopeRejected):
            verify(Envelope(bytes(flipped), envelope.signatures), [KEY.public])


def test_both_base64_alphabets_are_read() -> None:
    """An envelope of another tool may use the URL alphabet."""
    payload = bytes(range(256))
    envelope = seal(payload, [KEY])
    document = envelope.to_object()
    document["payload"] = urlsafe_b64encode(payload).decode()
    assert "_" in document["payload"]
    document["signatures"][0]["sig"] = urlsafe_b64encode(envelope.signatures[0].signature).decode()
    assert open_envelope(json.dumps(document, indent=2).encode()) == envelope


def test_keyid_is_only_a_hint() -> None:
    """A signature without a key ID is tried; one with a false key ID is not believed."""
    document = seal(b"{}", [KEY]).to_object()
    del document["signatures"][0]["keyid"]
    assert verify(Envelope.from_object(document), [OTHER.public, KEY.public]) == (KEY.public,)
    document["signatures"][0]["keyid"] = OTHER.public.keyid
    with pytest.raises(EnvelopeRejected):
        verify(Envelope.from_object(document), [OTHER.public, KEY.public])


def test_unknown_keys_do_not_count() -> None:
    """An envelope signed only by others is rejected, and so is one checked against no key."""
    with pytest.raises(EnvelopeRejected, match="want a signature of"):
        verify(seal(b"{}", [OTHER]), [KEY.public])
    with pytest.raises(EnvelopeRejected, match="no key"):
        verify(seal(b"{}", [OTHER]), [])


def test_a_known_key_that_fails_rejects_all() -> None:
    """One good signature does not excuse a bad one by another known key."""
    good, bad = seal(b"{}", [KEY]).signatures, seal(b"[]", [OTHER]).signatures
    with pytest.raises(EnvelopeRejected):
        verify(Envelope(b"{}", good + bad), [KEY.public, OTHER.public])


def test_too_large() -> None:
    """What a log entry cannot carry is not signed; the largest that fits is."""
    with pytest.raises(EnvelopeTooLarge):
        sign_envelope(bytes(49_152), [KEY])
    assert len(sign_envelope(bytes(48_900), [KEY])) <= 65_535


GOOD: dict[str, Any] = seal(b"{}", [KEY]).to_object()
SIG: str = GOOD["signatures"][0]["sig"]


@pytest.mark.parametrize(
    "change",
    [
        {"payloadType": "text/plain"},
        {"payloadType": None},
        {"payload": 5},
        {"payload": "e30"},
        {"payload": "e31="},
        {"payload": "e30=\n"},
        {"payload": "+-=="},
        {"payload": "é"},
        {"signatures": []},
        {"signatures": {}},
        {"signatures": [{"sig": SIG}] * 17},
        {"signatures": [{"keyid": "a"}]},
        {"signatures": [{"keyid": 1, "sig": SIG}]},
        {"signatures": [{"sig": SIG, "cert": ""}]},
        {"extra": 1},
    ],
    ids=str,
)
def test_malformed(change: dict[str, Any]) -> None:
    """Whatever is not exactly an envelope is refused in one line."""
    with pytest.raises(MalformedEnvelope) as caught:
        open_envelope(json.dumps(GOOD | change).encode())
    assert "\n" not in str(caught.value)


@given(
    st.binary(max_size=300)
    | st.binary(max_size=80).map(lambda b: json.dumps(GOOD | {"payload": b64encode(b).decode()}).encode())
)
def test_only_our_errors(data: bytes) -> None:
    """Any bytes open or fail as our own error."""
    with suppress(VeracityError):
        verify(open_envelope(data), [KEY.public])


def test_oversized_input_is_not_parsed() -> None:
    """More than a log entry's 65,535 bytes are refused before they are read."""
    with pytest.raises(MalformedEnvelope, match="at most 65535 bytes, got 65536"):
        open_envelope(b" " * 65_536)


def test_media_type() -> None:
    """Envelopes carry in-toto statements."""
    assert GOOD["payloadType"] == IN_TOTO
