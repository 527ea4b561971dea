"""A receipt of a record that a device sent: nothing in it can be changed, and what is shown is said."""

from dataclasses import replace

import pytest
from live_world import AGENCY, AQ05, AQ06, DEVICE_6, LiveLies, LiveWorld, Sent
from receipt_world import DEVICE, POLICY, reexecute

from veracity.provenance.errors import MalformedReceipt, ReceiptRejected
from veracity.provenance.receipts import (
    SCHEMA,
    SCHEMA_4,
    ProvenMessage,
    Receipt,
    format_receipt,
    parse_receipt,
    verify_receipt,
)

WORLD = LiveWorld()


def failed_step(receipt: Receipt) -> str | None:
    try:
        verify_receipt(receipt, POLICY)
    except ReceiptRejected as rejected:
        return rejected.step
    return None


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13])
def test_every_place_in_a_message_of_any_size(n: int) -> None:
    """Each record is shown as the one it is of just so many, and as no other."""
    world = LiveWorld(LiveLies(sent=(Sent(AQ05, DEVICE, n),)))
    for number in range(n):
        receipt = world.receipt(number)
        message = receipt.message
        assert message is not None
        assert verify_receipt(receipt, POLICY, reexecute).is_row_checked
        others = [replace(message, index=i) for i in range(n + 1) if i != number]
        for other in [*others, replace(message, n=n + 1), replace(message, n=max(n - 1, number + 1) + 2)]:
            assert failed_step(replace(receipt, message=other)) == "message"


def flipped(message: ProvenMessage) -> list[ProvenMessage]:
    """Return the message with each bit of its signature, of its key ID and of its path flipped in turn."""
    changed = [replace(message, signature=flip(message.signature, bit)) for bit in range(512)]
    for bit in range(0, 256, 5):
        keyid = flip(bytes.fromhex(message.keyid), bit).hex()
        path = tuple(
            flip(value, bit) if i == bit % len(message.path) else value
            for i, value in enumerate(message.path)
        )
        changed += [replace(message, keyid=keyid), replace(message, path=path)]
    return changed


def flip(data: bytes, bit: int) -> bytes:
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


def test_no_bit_can_be_flipped() -> None:
    receipt = WORLD.receipt(3)
    assert receipt.message is not None
    for message in flipped(receipt.message):
        assert failed_step(replace(receipt, message=message)) == "message"


def test_what_is_said() -> None:
    """Who signed, and what a device's signature does not show; of a bare message that nobody's is shown."""
    signed = verify_receipt(WORLD.receipt(3), POLICY)
    assert (signed.agency, signed.device) == (AGENCY, AQ06)
    key = DEVICE_6.public.keyid[:16]
    (said,) = [s.detail for s in signed.steps if s.name == "message"]
    assert said == f"record 3 of 5 signed by device {AQ06}, key {key}"
    assert (
        "message: when it was signed, and that its other records are in the batch too" in signed.not_checked
    )
    agency = verify_receipt(WORLD.receipt(6), POLICY)
    assert (agency.agency, agency.device) == (AGENCY, None)
    bare = LiveWorld(LiveLies(sent=(Sent("aq07", None, 1),), signature="optional"))
    nobody = verify_receipt(bare.receipt(0), POLICY, reexecute)
    assert (nobody.agency, nobody.device, nobody.is_row_checked) == (None, None, True)
    line = "message: no device's signature of this record is shown, whatever its topic said"
    assert line in nobody.not_checked
    batch = verify_receipt(WORLD.statement_receipt(WORLD.ingest_at), POLICY)
    assert "messages: who signed each; a receipt of a record shows it" in batch.not_checked


def test_the_least_version_that_it_takes() -> None:
    """Only a receipt that carries a message is of version 4; without a record it can carry none."""
    receipt = WORLD.receipt(0)
    assert (receipt.schema, WORLD.statement_receipt(WORLD.ingest_at).schema) == (SCHEMA_4, SCHEMA)
    assert parse_receipt(format_receipt(receipt)) == receipt
    with pytest.raises(MalformedReceipt, match="message: want a record"):
        parse_receipt(format_receipt(replace(receipt, record=None, row=None)))
