"""Messages that no device sent, or not so: an insider with the operator's key, and what gives it away."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from live_messages import record, signed
from run_cli import Here
from small_city import AGENCY, clock, key, new_city
from threats import Attack, attack
from veracity.home.enrolments import add_device
from veracity.home.home import Writer, open_writer
from veracity.home.live.arrivals import Admitted
from veracity.home.live.door import Door
from veracity.home.live.sealing import Memory, Sealer

AUDITOR, READER = "whoever audits the city", "whoever was given the receipt"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A city whose feeds take signed messages only, of two gauges; nothing has come yet."""
    root = new_city(tmp_path / "city", signature="required", feeds=("rain", "snow"))
    with open_writer(root, clock) as home:
        for gauge in ("g00", "g01"):
            add_device(home, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
    return root


def let_in(home: Writer) -> list[Admitted]:
    """A message of each gauge, as the door lets it in."""
    sent = [signed("G00", record("G00", 9)), signed("G01", record("G01", 9), record("G01", 8))]
    return [m for m in Door(home).admit(sent, home.clock()) if isinstance(m, Admitted)]


def seal(city: Path, *messages: Admitted, feed: str = "rain") -> None:
    """Seal what somebody with the operator's key says that the door let in; as it was, if nothing."""
    with open_writer(city, clock) as home:
        assert Sealer(home, Memory()).seal(feed, messages or let_in(home), []) is not None


def came(city: Path) -> list[Admitted]:
    with open_writer(city, clock) as home:
        return let_in(home)


def receipt_of(here: Here, city: Path, record: str) -> Path:
    path = city.parent / "receipt.json"
    done = here("receipt", "rain", "--record", record, "-o", path, "--home", city)
    assert done.code == 0, done
    return path


def audited(city: Path) -> Sequence[str | Path]:
    return ("audit", "--home", city)


def test_an_honest_city_passes(here: Here, city: Path) -> None:
    """What the attacks change is sound before: the audit passes, and a receipt names the gauge."""
    seal(city)
    assert here(*audited(city)).code == 0
    done = here("verify", receipt_of(here, city, "0:2"), "--policy", city / "trust.policy")
    assert done.code == 0
    assert f"record 2 of 2 signed by device {AGENCY}/g01" in done.out


@attack(
    "forged or revoked key",
    act="swaps the signatures of two devices in the list that is kept with a batch of messages",
    notices=AUDITOR,
    command="veracity audit",
    sees="messages: messages/rain/",
)
def test_signatures_swapped(here: Here, city: Path, this: Attack) -> None:
    seal(city)
    (path,) = (city / "store" / "messages" / "rain").glob("*.parquet")
    rows = pl.read_parquet(path)
    rows.with_columns(rows["signature"].reverse(), rows["key"].reverse()).write_parquet(path)
    this.notice(here, *audited(city))


@attack(
    "tampered record",
    act="holds the operator's key and changes what a device sent, before it is sealed with its signature",
    notices=AUDITOR,
    command="veracity audit",
    sees="messages: record 0: signature",
)
def test_a_message_changed_before_it_is_sealed(here: Here, city: Path, this: Attack) -> None:
    first, second = came(city)
    seal(city, replace(first, records=(first.records[0].replace(b"0.4", b"0.1"),)), second)
    this.notice(here, *audited(city))


@attack(
    "tampered record",
    act="hands out a receipt of such a record",
    notices=READER,
    command="veracity verify",
    sees="NOT VERIFIED: message: signature",
)
def test_the_receipt_of_a_changed_message(here: Here, city: Path, this: Attack) -> None:
    first, second = came(city)
    seal(city, replace(first, records=(first.records[0].replace(b"0.4", b"0.1"),)), second)
    receipt = receipt_of(here, city, "0:0")
    this.notice(here, "verify", receipt, "--policy", city / "trust.policy")


def test_a_byte_that_changes_nothing(here: Here, city: Path) -> None:
    """A carriage return gives the same row and is still not what the device signed: both checks say so."""
    first, second = came(city)
    seal(city, replace(first, records=(first.records[0] + b"\r",)), second)
    done = here(*audited(city))
    assert (done.code, "messages: record 0: signature" in done.out + done.err) == (1, True)
    done = here("verify", receipt_of(here, city, "0:0"), "--policy", city / "trust.policy")
    assert (done.code, "NOT VERIFIED: message: " in done.out + done.err) == (1, True)


@attack(
    "replayed or backdated message",
    act="holds the operator's key and seals a device's message once more, in another feed",
    notices=AUDITOR,
    command="veracity audit",
    sees="snow batch 0",
)
def test_a_message_replayed_on_another_feed(here: Here, city: Path, this: Attack) -> None:
    first, second = came(city)
    seal(city, first, second)
    seal(city, first, feed="snow")
    done = this.notice(here, *audited(city))
    assert "messages: record 0: signature" in done.out + done.err


@attack(
    "replayed or backdated message",
    act="holds the operator's key and seals a device's message as another device's",
    notices=AUDITOR,
    command="veracity audit",
    sees=f"want a key of {AGENCY}/g01",
)
def test_a_message_of_another_device(here: Here, city: Path, this: Attack) -> None:
    first, _ = came(city)
    seal(city, replace(first, sender=f"{AGENCY}/g01"))
    this.notice(here, *audited(city))


def test_a_message_replayed_from_outside(city: Path) -> None:
    """Who only reads the broker can send a message again: on another feed or topic the door refuses it."""
    sent = signed("G00", record("G00", 9))
    with open_writer(city, clock) as home:
        made = Door(home).admit([replace(sent, feed="snow"), replace(sent, device="g01"), sent], home.clock())
    assert [getattr(m, "reason", "let in") for m in made] == ["signature", "foreign-device", "let in"]


@attack(
    "receipt edited",
    act="takes the device's signature out of a receipt, to say that it was never asked for",
    notices=READER,
    command="veracity verify",
    sees="NOT VERIFIED: message: message: want one signed",
)
def test_a_receipt_without_its_message(here: Here, city: Path, this: Attack) -> None:
    seal(city)
    path = receipt_of(here, city, "0:0")
    document = json.loads(path.read_bytes())
    for name in ("message", "revocations", "time_stamps"):
        del document[name]
    path.write_text(json.dumps(document | {"schema": "veracity.receipt/v1"}))
    this.notice(here, "verify", path, "--policy", city / "trust.policy")
