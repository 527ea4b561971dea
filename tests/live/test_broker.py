"""The broker: started, killed, started again, full, attacked by strangers, and nobody else's."""

import asyncio
import logging
import os
import signal
import socket
from pathlib import Path

import pytest
from nats.aio.client import Client

from brokers import OPEN, Device, broker, in_loop, until
from veracity.live import broker as broker_module
from veracity.live.broker import running
from veracity.live.broker_config import BrokerSettings, max_connections, partition_of
from veracity.live.connection import connect
from veracity.live.errors import AlreadyUp, BrokerFull, BrokerUnavailable
from veracity.live.publishing import Publisher
from veracity.live.streams import consumer_name, held, make_streams, waiting
from veracity.live.subjects import DOCUMENT_HEADER, MQTT_STREAM, PARTITIONS, STREAM, parse_subject


async def taken(client: Client, stream: str, n: int) -> list[tuple[str, bytes, dict[str, str]]]:
    """Take n messages of a stream, from whatever partition, and acknowledge them."""
    found: list[tuple[str, bytes, dict[str, str]]] = []
    js = client.jetstream()
    subscriptions = [
        await js.pull_subscribe_bind(durable=consumer_name(k), stream=stream) for k in range(PARTITIONS)
    ]
    while len(found) < n:
        for subscription in subscriptions:
            try:
                messages = await subscription.fetch(n, timeout=0.05)
            except TimeoutError:
                continue
            for m in messages:
                found.append((m.subject, m.data, m.headers or {}))
                await m.ack_sync()
    return found


@in_loop
async def test_an_acknowledged_message_is_in_the_stream_of_its_partition(tmp_path: Path) -> None:
    """QoS 1 is acknowledged when the stream has the message; the partition is that of feed and device."""
    async with broker(tmp_path) as (it, client), Device(it) as device:
        sent = {device.publish("feed/air/s1", b"a"), device.publish("feed/air/s2/receipt", b"b")}
        await until(lambda: device.acknowledged >= sent)
        got = await taken(client, MQTT_STREAM, 2)
        assert {(s, d) for s, d, _ in got} == {
            (f"$MQTT.msgs.feed.air.s1.{partition_of('air', 's1')}", b"a"),
            (f"$MQTT.msgs.feed.air.s2.{partition_of('air', 's2')}.receipt", b"b"),
        }
        assert [s.n_messages for s in await held(client)] == [0, 0]


@in_loop
async def test_the_partition_is_reckoned_as_the_server_does(tmp_path: Path) -> None:
    """Rights name partitions: ours and the server's hash must agree on every name."""
    async with broker(tmp_path) as (_, client):
        publisher = Publisher(client)
        pairs = [(f"f-{i}", f"dev_{j}") for i in range(8) for j in range(16)]
        await asyncio.gather(*(publisher.publish(f, d, b"x") for f, d in pairs))
        got = await taken(client, STREAM, len(pairs))
        assert {s for s, _, _ in got} == {f"in.{f}.{d}.{partition_of(f, d)}" for f, d in pairs}


@in_loop
async def test_what_sources_publish_names_its_document(tmp_path: Path) -> None:
    async with broker(tmp_path) as (_, client):
        await Publisher(client).publish("air", "open-meteo", b"{}", document="ab" * 32)
        ((subject, _, headers),) = await taken(client, STREAM, 1)
        assert headers[DOCUMENT_HEADER] == "ab" * 32
        assert parse_subject(subject).device == "open-meteo"


@in_loop
async def test_a_killed_broker_comes_back_with_what_it_acknowledged(tmp_path: Path) -> None:
    """Kill −9 of the server: it is started again, and every acknowledged message is still there, once."""
    stop = asyncio.Event()
    async with broker(tmp_path) as (it, client), Device(it) as device:
        kept = asyncio.create_task(it.child.keep(stop))
        first = {device.publish("feed/air/s1", b"%d" % i) for i in range(50)}
        await until(lambda: device.acknowledged >= first)
        before = it.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: it.pid not in (None, before))
        await until(it.answers)
        await until(lambda: device.is_connected)
        more = {device.publish("feed/air/s1", b"%d" % i) for i in range(50, 100)}
        await until(lambda: device.acknowledged >= more)
        await until(lambda: client.is_connected)
        got = await taken(client, MQTT_STREAM, 100)
        assert {int(d) for _, d, _ in got} == set(range(100))
        config = (await client.jetstream().stream_info(MQTT_STREAM)).config
        assert config.discard == "new"  # the server has not put its own settings back
        stop.set()
        await kept


@in_loop
async def test_a_full_broker_never_acknowledges(tmp_path: Path) -> None:
    """A device is disconnected, a source gets BrokerFull; with room both go on, and all is there."""
    async with broker(tmp_path, max_bytes=100_000) as (it, client), Device(it) as device:
        payloads = {device.publish("feed/air/s1", b"%3d" % i + b"x" * 10_000): i for i in range(30)}
        await until(lambda: device.disconnections > 0)
        assert len(device.acknowledged) < 30
        await until(lambda: it.refused["broker-full"] > 0)  # counted from the server's log, a moment later
        publisher = Publisher(client)
        answers = await asyncio.gather(
            *(publisher.publish("air", "s", b"x" * 10_000) for _ in range(30)), return_exceptions=True
        )
        assert {type(a) for a in answers} == {type(None), BrokerFull}
        n_kept = (await held(client))[0].n_messages
        assert 0 < n_kept < 30
        got: set[int] = set()
        while len(got) < 30:  # the device sends again what was not acknowledged
            n = (await held(client))[1].n_messages
            got |= {int(d[:3]) for _, d, _ in await taken(client, MQTT_STREAM, n)}
            await asyncio.sleep(0.05)
        await until(lambda: device.acknowledged >= set(payloads))


@in_loop
async def test_a_message_too_long_is_not_acknowledged(tmp_path: Path) -> None:
    """More than a message may have: the server closes the connection and says why, once."""
    async with broker(tmp_path) as (it, _), Device(it) as device:
        sent = device.publish("feed/air/s1", b"x" * 1_100_000)
        await until(lambda: it.refused["too-long"] > 0)
        assert sent not in device.acknowledged


@in_loop
async def test_streams_are_made_again_as_they_are(tmp_path: Path) -> None:
    """Making what is there changes nothing that waits in it; bounds can be raised."""
    async with broker(tmp_path) as (_, client):
        await Publisher(client).publish("air", "s1", b"x")
        await make_streams(client, 1_000_000)
        assert [h.max_bytes for h in await held(client)] == [1_000_000, 1_000_000]
        assert sum(w.n_waiting for w in await waiting(client)) == 1


@in_loop
async def test_it_starts_again_where_it_was(tmp_path: Path) -> None:
    """The next run finds what the last one kept, and none of its addresses or passwords."""
    for n in (1, 2):
        async with broker(tmp_path) as (it, client):
            await Publisher(client).publish("air", "s1", b"x")
            assert (await held(client))[0].n_messages == n
            password = it.places.password
        async with broker(tmp_path) as (it, _):
            assert it.places.password != password


@in_loop
async def test_a_second_broker_of_one_folder_is_refused(tmp_path: Path) -> None:
    async with broker(tmp_path):
        with pytest.raises(AlreadyUp):
            async with running(tmp_path / "broker", OPEN):
                pass


@in_loop
async def test_an_address_in_use_is_said_so(tmp_path: Path) -> None:
    """What listens already is not adopted, whoever it is."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = BrokerSettings(mqtt=("127.0.0.1", other.getsockname()[1]), is_open=True)
        with pytest.raises(BrokerUnavailable):
            async with running(tmp_path / "broker", settings):
                pass


@in_loop
async def test_a_free_port_that_somebody_takes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and the server's listening a port is taken: others are tried, but not for ever."""
    free, n_asked, n_lost = broker_module._free, 0, 1

    def lost(address: tuple[str, int]) -> tuple[str, int]:
        nonlocal n_asked
        n_asked += 1
        is_mqtt = n_asked % 3 == 2
        return other.getsockname() if is_mqtt and n_asked <= 3 * n_lost else free(address)

    monkeypatch.setattr(broker_module, "_free", lost)
    with socket.create_server(("127.0.0.1", 0)) as other:
        async with running(tmp_path / "broker", OPEN) as it:
            assert it.places.mqtt != other.getsockname()
            assert n_asked == 6
        n_lost = 99  # every one from now on
        with pytest.raises(BrokerUnavailable, match="address already in use"):
            async with running(tmp_path / "broker", OPEN):
                pass
        assert n_asked == 6 + 3 * broker_module.MOST_LOST


@in_loop
async def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    async with broker(tmp_path) as (it, _):
        config = tmp_path / "broker" / "nats-server.json"
        assert config.stat().st_mode & 0o077 == 0
        assert it.places.password in config.read_text()
        assert it.places.password not in " ".join(it.child.command.arguments)


def mqtt_connect(name: bytes) -> bytes:
    """The first packet of a device that says this name and a wrong password."""

    def text(value: bytes) -> bytes:
        return len(value).to_bytes(2, "big") + value

    body = text(b"MQTT") + b"\x04\xc2\x00\x3c" + text(b"x") + text(name) + text(b"wrong")
    n, length = len(body), bytearray()
    while n > 127:
        length.append(n % 128 | 128)
        n //= 128
    return b"\x10" + bytes([*length, n]) + body


@in_loop
async def test_strangers_cannot_fill_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is no MQTT, and names of 60,000 letters: each is counted, few are said, and none at length."""
    caplog.set_level(logging.INFO, "veracity.live.broker")
    closed = BrokerSettings(mqtt=("127.0.0.1", 0), max_bytes=OPEN.max_bytes)
    async with broker(tmp_path, closed) as (it, _):
        for junk in (b"\xf0\x00", b"GET / HTTP/1.1\r\n\r\n", mqtt_connect(b"u" * 60_000)):
            for _ in range(30):
                reader, writer = await asyncio.open_connection(*it.places.mqtt)
                writer.write(junk)
                await reader.read()
                writer.close()
        await until(lambda: it.refused["protocol"] >= 60 and it.refused["authentication"] >= 30)
        assert it.refused.keys() == {"protocol", "authentication"}
    said = [r.getMessage() for r in caplog.records if "mid:" in r.getMessage()]
    assert 1 <= len(said) <= 4
    assert max(map(len, said)) <= 500


@in_loop
async def test_a_partition_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """A device of an open broker may name a partition, but none whose messages nobody would take."""
    async with broker(tmp_path) as (it, client), Device(it) as device:
        for topic in ("feed/air/s1/99", "feed/air/s1/x", "feed/air/s1/8/receipt"):
            device.publish(topic, b"lost")
        device.publish("feed/air/s1/3", b"kept")
        await until(lambda: it.refused["foreign-topic"] == 3)
        assert [data for _, data, _ in await taken(client, MQTT_STREAM, 1)] == [b"kept"]


def test_connections_leave_files_for_the_streams() -> None:
    """A server that strangers connect to until it can open no file more does not find its own streams."""
    assert [max_connections(n) for n in (2, 256, 4_096, 20_000, 2**20)] == [1, 128, 3_072, 18_976, 65_536]


@in_loop
async def test_no_address_is_no_broker() -> None:
    for url in ("", " , "):
        with pytest.raises(BrokerUnavailable, match="want nats://HOST:PORT"):
            await connect(url, "test")


@in_loop
async def test_a_connection_that_breaks_is_the_brokers_fault_and_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long after it was made: who asks meanwhile is told by our own error, and it comes back by itself."""
    async with broker(tmp_path) as (it, _):
        client = await connect(it.url, "test", within_s=0.0)
        ended = asyncio.Event()
        keeping = asyncio.create_task(it.child.keep(ended))
        for _ in range(2):
            pid, n = it.pid, client.stats["reconnects"]
            it.child.signal(signal.SIGKILL)
            await until(lambda pid=pid: it.pid not in (None, pid))  # type: ignore[misc]
            await until(lambda n=n: client.stats["reconnects"] > n and client.is_connected)  # type: ignore[misc]
        assert len(await held(client)) == 2

        async def broken(*_: object, **__: object) -> None:
            raise BrokenPipeError

        monkeypatch.setattr(client, "request", broken)
        for asking in (held, waiting):
            with pytest.raises(BrokerUnavailable):
                await asking(client)
        await client.close()
        ended.set()
        await keeping
