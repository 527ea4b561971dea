"""Time stamps: a real authority's holds, its bare token too; all else fails as one of our errors."""

from pathlib import Path

import pytest
from receipt_world import World

from veracity.errors import VeracityError
from veracity.provenance.errors import MalformedTimeStamp, TimeStampRejected
from veracity.provenance.receipts.receipt import MAX_TIME_STAMP_BYTES
from veracity.provenance.receipts.time_stamps import (
    check_imprint,
    parse_roots,
    stamped_text,
    time_stamp_query,
    verify_time_stamp,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "time-stamps"
STAMP = (VECTORS / "valid-ndjson.tsr").read_bytes()
ROOTS = parse_roots((VECTORS / "tsa-roots.pem").read_bytes())
RECEIPT = World("ndjson").receipt(1, 5)
TEXT = stamped_text(RECEIPT)


def test_a_stamp_and_its_token_say_the_same() -> None:
    """The answer of an authority and the token in it give time and name; the accuracy counts on top."""
    from rfc3161_client import decode_timestamp_response

    response = decode_timestamp_response(STAMP)
    stamped = verify_time_stamp(STAMP, TEXT, ROOTS)
    assert stamped.by == "CN=Throwaway test TSA"
    assert (stamped.time - response.tst_info.gen_time).total_seconds() == 1
    assert verify_time_stamp(response.time_stamp_token(), TEXT, ROOTS) == stamped
    check_imprint(STAMP, TEXT)


def test_what_it_is_not_over() -> None:
    """Over one byte more it does not hold, with roots or without."""
    with pytest.raises(TimeStampRejected, match="want one over"):
        check_imprint(STAMP, TEXT + b"\n")
    with pytest.raises(TimeStampRejected):
        verify_time_stamp(STAMP, TEXT + b"\n", ROOTS)


def test_any_damage_is_found_or_harmless() -> None:
    """Whatever byte is changed, cut or added: our error, or the same time by the same authority."""
    want = verify_time_stamp(STAMP, TEXT, ROOTS)
    damaged = [STAMP[:i] + bytes([STAMP[i] ^ 1 << i % 8]) + STAMP[i + 1 :] for i in range(len(STAMP))]
    damaged += [STAMP[:n] for n in range(0, len(STAMP), 29)] + [STAMP + b"\x00", b"", b"\x30", b"\x30\x80"]
    held = 0
    for stamp in damaged:
        try:
            assert verify_time_stamp(stamp, TEXT, ROOTS) == want
            held += 1
        except VeracityError:
            continue
    assert held < 12  # bytes that name an algorithm's parameters or say nothing of the time


def test_bounds() -> None:
    """A stamp too long, roots that are none or too many: refused."""
    with pytest.raises(MalformedTimeStamp, match="at most"):
        check_imprint(STAMP + bytes(MAX_TIME_STAMP_BYTES), TEXT)
    for pem in (b"", b"nothing", (VECTORS / "tsa-roots.pem").read_bytes() * 65):
        with pytest.raises(MalformedTimeStamp, match="roots"):
            parse_roots(pem)


def test_the_query_asks_for_certificates() -> None:
    """The query has a nonce, and asks for the certificates that verifying takes."""
    first, second = time_stamp_query(RECEIPT), time_stamp_query(RECEIPT)
    assert first != second
    assert bytes.fromhex("0101ff") == first[-3:]  # certReq TRUE is its last field
