"""Floods of input: a device that sends far more than it may, and messages that unpack to much."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from brokers import Device, broker, until
from live_messages import FEED, bare, record, signed
from run_cli import Here
from small_city import AGENCY, clock, key, new_city
from threats import Attack, attack
from veracity.home.enrolments import add_device
from veracity.home.home import Home, open_writer
from veracity.home.live.arrivals import Arrival
from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.rates import Rate
from veracity.live.worker import TurnReport, WorkerSettings, run_worker

OPERATOR = "the operator, and whoever reads the hour's account"
FEW = LimitsByFeed(Limits(device=Rate(1.0, 50)))


@pytest.fixture
def city(tmp_path: Path) -> Path:
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        add_device(home, f"{AGENCY}/g00", key(f"{AGENCY}/g00").public)
    return root


def sent_to(city: Path, messages: Sequence[Arrival]) -> None:
    """Send messages over MQTT to a real broker, and have a real worker take them in."""

    async def run() -> None:
        told, stop = list[TurnReport](), asyncio.Event()
        async with broker(city.parent) as (it, _), Device(it) as device:
            settings = WorkerSettings(city, it.url, linger_s=0.05, n_verifiers=0, limits=FEW)
            working = asyncio.create_task(run_worker(settings, stop, told.append, clock))
            for message in messages:
                device.publish(f"feed/{message.feed}/{message.device}", message.payload)
            await until(lambda: sum(t.n_messages for t in told) == len(messages))
            stop.set()
            await working

    asyncio.run(run())


def rows_of(city: Path, gauge: str) -> int:
    home = Home.open(city, clock)
    try:
        rows = home.table(FEED).scan().collect()
    finally:
        home.close()
    return rows.filter(rows["gauge"] == gauge).height


@attack(
    "flood of input",
    act="sends five thousand tiny messages at once, with a name that may send fifty",
    notices=OPERATOR,
    command="veracity feed account",
    sees="rate",
    code=0,
)
def test_a_flood_of_tiny_messages(here: Here, city: Path, this: Attack) -> None:
    """All but the first fifty are turned away and counted; another device's messages are all taken."""
    flood = [bare("G01", b'{"gauge":"G01","n":%d}' % i) for i in range(5_000)]
    others = [signed("G00", record("G00", minute)) for minute in range(20)]
    sent_to(city, [m for i, f in enumerate(flood) for m in ([f, others[i // 250]] if i % 250 == 0 else [f])])
    done = this.notice(here, "feed", "account", FEED, "--home", city)
    assert "4,950" in done.out
    assert rows_of(city, "G00") == 20
    assert here("audit", "--home", city).code == 0


@attack(
    "flood of input",
    act="sends messages of a few hundred bytes that unpack to a mebibyte each, under the name of another",
    notices=OPERATOR,
    command="veracity feed account",
    sees="signature",
    code=0,
)
def test_a_flood_that_unpacks(here: Here, city: Path, this: Attack) -> None:
    """None is taken, each record is counted, and the honest one among them is."""
    lines = [b'{"x":"' + b"0" * 60_000 + b'"}'] * 16
    honest = signed("G00", record("G00", 1))
    wrong = honest.payload.split(b" ")[2].split(b"\n")[0]
    bombs = [signed("G00", *lines[i:], compress=True) for i in range(4)]
    forged = [replace(m, payload=_signed_as(m.payload, wrong)) for m in bombs]
    sent_to(city, [*forged, honest])
    this.notice(here, "feed", "account", FEED, "--home", city)
    assert rows_of(city, "G00") == 1
    assert here("audit", "--home", city).code == 0


def _signed_as(payload: bytes, signature: bytes) -> bytes:
    """Put another message's signature on a message."""
    head, _, body = payload.partition(b"\n")
    magic, keyid, _, how = head.split(b" ")
    return b" ".join((magic, keyid, signature, how)) + b"\n" + body
