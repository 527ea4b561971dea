"""The built-in city, live and simulated: a home made for it, and its stations as devices.

Each of the 72 stations has a key of its own, signs each of its messages and publishes it by MQTT at QoS 1
to ``feed/<feed>/<station>``. The faults of the twin are in it: late bursts, messages that come twice,
broken lines, an hour that is sent again, and a forger who says that the rivers are calm. A week of the
twin follows the other, each with a storm and faults of its own, for as long as it runs.

Everything is simulated and says so; the keys are made from the seed, and are no secret.
"""

import asyncio
import hashlib
import itertools
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from veracity.city import AGENCIES, FEEDS, contracts, stations
from veracity.city.demo import ORIGIN, START
from veracity.city.ground import lay_ground
from veracity.city.twin import Sent, Twin, agency_of
from veracity.home.clock import parse_time
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency, add_device
from veracity.home.errors import HomeExists
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, open_writer
from veracity.live.simulated_clock import RunningClock
from veracity.provenance.keys import SigningKey
from veracity.provenance.messages import sign_message

logger = logging.getLogger(__name__)

DAYS = 7  #: of one twin; the next has another seed
MAX_QUEUED = 20_000  #: messages of a feed that wait for the broker's acknowledgement
_TAKEN = 64  # messages made at once
_LAST_S = 5.0  # for the last acknowledgements, when told to stop


def make_or_open(root: Path, seed: int) -> datetime:
    """Make the built-in city's home in a new or empty directory, or open one made before; return its time.

    Raises
    ------
    HomeExists
        If there is another city, or one of another seed.
    """
    if not (root / "veracity.json").exists():
        _make(root, seed)
        return START
    home = Home.open(root)
    try:
        own = device_key(seed, stations()[0].id).public
        if own not in {
            a.key for a in home.agencies().enrolled(_device(stations()[0].feed, stations()[0].id))
        }:
            raise HomeExists(f"up: want the built-in city of seed {seed} or an empty directory, got {root}")
        came = [at for feed in home.feed_names() if (at := home.index.next_batch(feed)[1]) is not None]
    finally:
        home.close()
    return max([START, *(parse_time("received_at", at) + timedelta(seconds=1) for at in came)])


def _make(root: Path, seed: int) -> None:
    def clock() -> datetime:
        return START

    init(root, ORIGIN, clock, CityKeys(_secret(seed, "log"), _key(seed, "operator")))
    lay_ground(root, seed, clock())
    with open_writer(root, clock) as home, tempfile.TemporaryDirectory(prefix="veracity-up-") as folder:
        for agency in AGENCIES:
            add_agency(home, agency.name, _key(seed, agency.name).public)
        for name, source in contracts().items():
            path = Path(folder) / f"{name}.yaml"
            path.write_bytes(source.read_bytes())
            add_feed(home, path)
        for station in stations():
            add_device(home, _device(station.feed, station.id), device_key(seed, station.id).public)


def device_key(seed: int, station: str) -> SigningKey:
    """Return the key of a station, made from the seed: simulated, not secret."""
    return _key(seed, f"device {station}")


def messages_from(seed: int, since: datetime) -> Iterator[Sent]:
    """Give the city's messages after a time, without end, week after week."""
    first = max(0, (since - START) // timedelta(days=DAYS))
    for week in itertools.count(first):
        twin = Twin(seed + week, START + timedelta(days=DAYS * week), DAYS)
        yield from (sent for sent in twin.messages() if sent.at > since)


def payload_of(sent: Sent, seed: int) -> bytes:
    """Return a message as its station signs it, or as a forger does."""
    key = _key(seed, "forger") if sent.is_forged else device_key(seed, sent.station)
    return sign_message(
        sent.line, [sent.line.rstrip(b"\n")], sent.feed, _device(sent.feed, sent.station), key
    )


async def run_devices(
    root: Path,  # noqa: ARG001 - the stations know nothing of the city's home
    broker: tuple[str, int],
    seed: int,
    clock: RunningClock,
    stop: asyncio.Event,
) -> None:
    """Publish each message at its time until told to stop. A broker that is away is waited for."""
    clients = {feed: _client(feed, broker) for feed in FEEDS}
    messages = messages_from(seed, clock())
    logger.info("%d simulated stations send, %g times as fast as time goes", len(stations()), clock.speed)
    try:
        while not stop.is_set():
            # A new week is computed for seconds: not here, where the connections are kept.
            some = await asyncio.to_thread(lambda: list(itertools.islice(messages, _TAKEN)))
            for sent in some:
                await _until(clock.unix_s(sent.at), stop)
                if stop.is_set():
                    return
                topic = f"feed/{sent.feed}/{sent.station.lower()}"
                while not _publish(clients[sent.feed], topic, payload_of(sent, seed)):
                    await _until(time.time() + 0.5, stop)
                    if stop.is_set():
                        return
    finally:
        await asyncio.to_thread(_close, list(clients.values()))


def _client(feed: str, broker: tuple[str, int]) -> mqtt.Client:
    """Return a connection that comes back by itself, and sends again what was not acknowledged."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=f"simulated-{feed}-{os.getpid()}", clean_session=True
    )
    client.max_inflight_messages_set(200)
    client.max_queued_messages_set(MAX_QUEUED)
    client.reconnect_delay_set(1, 10)
    client.connect_async(*broker)
    client.loop_start()
    return client


def _publish(client: mqtt.Client, topic: str, payload: bytes) -> bool:
    """Publish, or say that too many wait already."""
    return client.publish(topic, payload, qos=1).rc != mqtt.MQTT_ERR_QUEUE_SIZE


def _close(clients: list[mqtt.Client]) -> None:
    deadline = time.monotonic() + _LAST_S
    for client in clients:
        while client.is_connected() and client.want_write() and time.monotonic() < deadline:
            time.sleep(0.02)
        client.disconnect()
        client.loop_stop()


async def _until(unix_s: float, stop: asyncio.Event) -> None:
    wait_s = unix_s - time.time()
    if wait_s > 0:
        try:
            await asyncio.wait_for(stop.wait(), wait_s)
        except TimeoutError:
            return


def _device(feed: str, station: str) -> str:
    """Return the enrolled name of a station."""
    return f"{agency_of(feed)}/{station.lower()}"


def _secret(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"veracity up, simulated, not secret: {seed} {name}".encode()).digest()


def _key(seed: int, name: str) -> SigningKey:
    return SigningKey(_secret(seed, name))
