"""A signed message counts for its records, its feed and its device, and for nothing else."""

import pytest

from veracity.log.merkle import inclusion_path, leaf_hash, verify_inclusion
from veracity.provenance.errors import EnvelopeRejected, MalformedMessage
from veracity.provenance.keys import SigningKey
from veracity.provenance.messages import (
    MAX_MESSAGE_BYTES,
    parse_message,
    records_root,
    sign_message,
    signed_text,
)

KEY = SigningKey(bytes(32))
RECORDS = [b'{"pm25":%d}' % i for i in range(5)]
BODY = b"\n".join(RECORDS)


@pytest.mark.parametrize("compress", [False, True])
def test_round_trip(compress: bool) -> None:
    message = parse_message(sign_message(BODY, RECORDS, "air", "city/s1", KEY, compress=compress))
    assert (message.body, message.keyid) == (BODY, KEY.public.keyid)
    assert message.signature is not None
    text = signed_text("air", "city/s1", 5, records_root(RECORDS))
    KEY.public.verify(message.signature, text)
    for other in (
        signed_text("water", "city/s1", 5, records_root(RECORDS)),
        signed_text("air", "city/s2", 5, records_root(RECORDS)),
        signed_text("air", "city/s1", 4, records_root(RECORDS)),
        signed_text("air", "city/s1", 5, records_root(RECORDS[::-1])),
    ):
        with pytest.raises(EnvelopeRejected):
            KEY.public.verify(message.signature, other)


def test_one_record_is_shown_without_the_others() -> None:
    leaves = [leaf_hash(r) for r in RECORDS]
    verify_inclusion(leaves[3], 3, 5, inclusion_path(leaves, 3), records_root(RECORDS))


def test_a_bare_message_is_its_body() -> None:
    message = parse_message(b'{"pm25":1}')
    assert (message.body, message.keyid, message.signature) == (b'{"pm25":1}', None, None)


SIGNED = sign_message(BODY, RECORDS, "air", "city/s1", KEY)
PACKED = sign_message(BODY, RECORDS, "air", "city/s1", KEY, compress=True)


@pytest.mark.parametrize(
    "payload",
    [
        b"veracity-message/v2 x\n" + BODY,
        SIGNED.replace(b"\n", b" \n", 1),
        SIGNED[:100],
        PACKED[:-3],
        PACKED + b"x",
        SIGNED.replace(b"\n", b" zstd\n", 1),
        b"x" * (MAX_MESSAGE_BYTES + 1),
    ],
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_message(payload)


def test_a_bomb_is_not_unpacked() -> None:
    """The size that a frame gives is asked before memory is taken for it."""
    bomb = sign_message(b"\0" * (MAX_MESSAGE_BYTES + 1), RECORDS, "air", "city/s1", KEY, compress=True)
    with pytest.raises(MalformedMessage, match="inside"):
        parse_message(bomb)
