"""The built-in city live: its stations sign what they send, its faults come, and it goes on where it was."""

import asyncio
import itertools
import time
from datetime import timedelta
from pathlib import Path

import pytest

from brokers import broker, in_loop, until
from small_city import new_city
from veracity.city import FEEDS
from veracity.city.demo import START
from veracity.city.twin import Twin
from veracity.data.bodies import cut_body
from veracity.home.errors import HomeExists
from veracity.home.ground import read_ground
from veracity.home.home import Home
from veracity.live.simulated import device_key, make_or_open, messages_from, payload_of, run_devices
from veracity.live.simulated_clock import RunningClock
from veracity.live.streams import held
from veracity.provenance.errors import ProvenanceError
from veracity.provenance.messages import parse_message, records_root, signed_text


def test_single_messages_are_those_of_the_deliveries() -> None:
    """The same readings and faults, message by message, in the order of their times."""
    twin = Twin(3, START)
    single = list(twin.messages())
    assert [m.at for m in single] == sorted(m.at for m in single)
    for feed in FEEDS:
        in_files = b"".join(d.payload for d in twin.deliveries() if d.feed == feed).splitlines()
        assert sorted(m.line.rstrip() for m in single if m.feed == feed) == sorted(in_files)
    assert any(m.is_forged for m in single)
    assert len({(m.feed, m.line) for m in single}) < len(single)  # some come twice


def test_each_message_is_signed_by_its_station_and_a_forged_one_is_not() -> None:
    forged = 0
    week = list(Twin(1, START, 7).messages())
    for sent in [*week[::97], *(m for m in week if m.is_forged)]:
        message = parse_message(payload_of(sent, 1))
        records = cut_body(message.body, "ndjson")
        agency = {"air-quality": "environment", "hydrology": "hydromet", "traffic": "transport"}[sent.feed]
        device = f"danang-{agency}/{sent.station.lower()}"
        text = signed_text(sent.feed, device, len(records), records_root(records))
        assert message.signature is not None
        key = device_key(1, sent.station).public
        if sent.is_forged:
            forged += 1
            with pytest.raises(ProvenanceError):
                key.verify(message.signature, text)
        else:
            key.verify(message.signature, text)
            assert message.keyid == key.keyid
    assert forged > 0


def test_it_goes_on_without_end_from_any_time() -> None:
    """After the first week comes the next, with other readings; begun in the middle it is the same city."""
    later = START + timedelta(days=6, hours=23, minutes=50)
    some = list(itertools.islice(messages_from(1, later), 400))
    assert some[0].at > later
    assert some[-1].at > START + timedelta(days=7)
    assert some[:50] == list(itertools.islice(messages_from(1, later), 50))


def test_the_home_is_made_once_and_is_not_another_citys(tmp_path: Path) -> None:
    assert make_or_open(tmp_path / "city", 1) == START
    assert make_or_open(tmp_path / "city", 1) == START
    home = Home.open(tmp_path / "city")
    devices = [a for a in home.agencies().enrolled() if a.role == "device"]
    assert len(devices) == 72
    assert all(f.contract.simulated for f in home.feeds().values())
    home.close()
    ground = read_ground(tmp_path / "city")
    assert ground is not None
    assert ground.simulated
    with pytest.raises(HomeExists):
        make_or_open(tmp_path / "city", 2)
    with pytest.raises(HomeExists):
        make_or_open(new_city(tmp_path / "other"), 1)


@in_loop
async def test_the_stations_publish_at_the_speed_of_the_clock(tmp_path: Path) -> None:
    """An hour of the city in a second: hundreds of messages are durable in the broker, none is lost."""
    stop = asyncio.Event()
    async with broker(tmp_path) as (it, client):
        clock = RunningClock(START, time.time(), 3_600.0)
        running = asyncio.create_task(run_devices(tmp_path, it.places.mqtt, 1, clock, stop))

        async def enough() -> bool:
            return (await held(client))[1].n_messages > 500

        await until(enough)
        stop.set()
        await running
        assert it.refused == {}
