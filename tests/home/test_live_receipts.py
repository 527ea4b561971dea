"""A receipt of a record that a device sent: from the row back to the device's own signature, by anybody."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from live_messages import FEED, bare, record, signed
from small_city import AGENCY, NOW, clock, contract, key, new_city
from veracity.data.errors import TableMismatch
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_device, revoke_key
from veracity.home.home import Writer, open_writer
from veracity.home.live.arrivals import Admitted, Arrival
from veracity.home.live.door import Door
from veracity.home.live.sealing import Memory, Sealer
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.messages import sign_message
from veracity.provenance.receipts import Receipt, Verification, format_receipt, parse_receipt
from veracity.verifying import verify

GAUGES = ("g00", "g01", "g02")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


@pytest.fixture
def home(root: Path) -> Iterator[Writer]:
    with open_writer(root, clock) as writer:
        for gauge in GAUGES:
            add_device(writer, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
        yield writer


def seal(home: Writer, *arrivals: Arrival) -> int:
    """Let messages in and seal them; return the batch."""
    admitted = Door(home).admit(arrivals, home.clock())
    assert all(isinstance(a, Admitted) for a in admitted), admitted
    turn = Sealer(home, Memory()).seal(FEED, [a for a in admitted if isinstance(a, Admitted)], [])
    assert turn is not None
    return turn.sealed.statement.batch


def receipt(home: Writer, batch: int, number: int) -> Receipt:
    made = make_receipt(home, FEED, find_record(home, FEED, batch, number))
    return parse_receipt(format_receipt(made))


def steps(checked: Verification) -> list[str]:
    return [step.name for step in checked.steps]


def test_every_record_leads_to_its_device(home: Writer, root: Path) -> None:
    """One record, lines, an array, compressed, by the agency itself: the row is checked, the device named."""
    items = [record("G02", minute) for minute in (3, 2, 1)]
    name = f"{AGENCY}/g02"
    array = sign_message(b"[" + b", ".join(items) + b"]", items, FEED, name, key(name))
    batch = seal(
        home,
        signed("G00", record("G00", 9)),
        bare("G01", record("G01", 9), record("G01", 8)),
        signed("G01", record("G01", 7), record("G01", 6), compress=True),
        Arrival(FEED, "g02", array, NOW),
    )
    senders = ["g00", None, None, "g01", "g01", "g02", "g02", "g02"]
    for number, gauge in enumerate(senders):
        checked = verify(receipt(home, batch, number), root / "trust.policy")
        assert checked.is_row_checked
        assert checked.device == (None if gauge is None else f"{AGENCY}/{gauge}")
        assert checked.agency == (None if gauge is None else AGENCY)
        assert ("message" in steps(checked)) == (gauge is not None)
        bare_line = "message: no device's signature of this record is shown, whatever its topic said"
        assert (bare_line in checked.not_checked) == (gauge is None)


def test_a_message_over_several_pages(home: Writer, root: Path) -> None:
    """Ten thousand records in one message: each is shown with its own page and fourteen hashes."""
    records = [record("G01", 1, i / 10_000) for i in range(10_000)]
    name = f"{AGENCY}/g01"
    payload = sign_message(b"\n".join(records), records, FEED, name, key(name), compress=True)
    assert seal(home, signed("G00", record("G00", 9)), Arrival(FEED, "g01", payload, NOW)) == 0
    for number in (1, 64, 8_000, 10_000):
        made = receipt(home, 0, number)
        assert made.message is not None
        assert (made.message.n, made.message.index) == (10_000, number - 1)
        assert len(made.message.path) <= 14
        assert made.record is not None
        assert len(made.record.pages) == 1
        assert verify(made, root / "trust.policy").device == name


def test_where_a_signature_is_required(home: Writer, root: Path) -> None:
    """A receipt that leaves the signature out, or shows another device's, does not hold."""
    add_feed(home, contract(root.parent, FEED, version="1.1.0", signature="required"))
    batch = seal(home, signed("G00", record("G00", 9)), signed("G01", record("G01", 9)))
    mine, other = receipt(home, batch, 0), receipt(home, batch, 1)
    policy = root / "trust.policy"
    assert verify(mine, policy).device == f"{AGENCY}/g00"
    assert mine.message is not None
    assert other.message is not None
    for message in (None, other.message, replace(mine.message, n=2), replace(mine.message, index=1)):
        with pytest.raises(ReceiptRejected) as caught:
            verify(replace(mine, message=message), policy)
        assert caught.value.step == "message"


def test_a_key_revoked_as_of_before(home: Writer, root: Path) -> None:
    """A key found stolen takes back what it signed since; what it signed before stays."""
    home.clock = lambda: NOW + timedelta(minutes=60)
    batch, keyid = seal(home, signed("G00", record("G00", 9))), key(f"{AGENCY}/g00").public.keyid
    home.clock = lambda: NOW + timedelta(minutes=120)
    revoke_key(home, f"{AGENCY}/g00", "sold", as_of=NOW + timedelta(minutes=61))
    checked = verify(receipt(home, batch, 0), root / "trust.policy")
    assert checked.device == f"{AGENCY}/g00"
    assert len(checked.revoked) == 1
    revoke_key(home, f"{AGENCY}/g00", "stolen", as_of=NOW + timedelta(minutes=59), keyid=keyid)
    with pytest.raises(ReceiptRejected, match="message: "):
        verify(receipt(home, batch, 0), root / "trust.policy")


def test_csv_messages(tmp_path: Path) -> None:
    """A device signs its header too; a quoted field on the page hides nothing."""
    root = new_city(tmp_path / "city", feeds=())
    path = contract(tmp_path, FEED)
    path.write_text(path.read_text().replace("format: ndjson", "format: csv"))
    with open_writer(root, clock) as home:
        add_feed(home, path)
        add_device(home, f"{AGENCY}/g00", key(f"{AGENCY}/g00").public)
        lines = [
            b"gauge,observed_at,rain",
            b'"G00",2026-09-03T11:50:00Z,0.1',
            b"G00,2026-09-03T11:51:00Z,0.2",
        ]
        batch = seal(home, bare("G01", lines[0], b"G01,2026-09-03T11:50:00Z,0.3"), signed("G00", *lines))
        for number, gauge in enumerate([None, None, "g00", "g00", "g00"]):
            checked = verify(receipt(home, batch, number), root / "trust.policy")
            assert checked.device == (None if gauge is None else f"{AGENCY}/g00")
            assert checked.is_row_checked == (number not in (0, 2))  # headers give no row


def test_a_list_that_is_gone(home: Writer, root: Path) -> None:
    """Without the list of messages there is no receipt, rather than one that says nobody signed."""
    batch = seal(home, signed("G00", record("G00", 9)))
    (path,) = (root / "store" / "messages" / FEED).glob("*.parquet")
    path.unlink()
    with pytest.raises(TableMismatch, match="want a Parquet file, got none"):
        receipt(home, batch, 0)
