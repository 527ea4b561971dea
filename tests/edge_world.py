"""The surroundings of a gateway in tests: a real MQTT broker, a network to cut, what the city received."""

import os
import select
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from free_ports import free_port
from veracity.gateway.broker import BrokerConfig
from veracity.provenance.keys import SigningKey
from veracity.provenance.messages import parse_message, records_root, signed_text

WAIT_S = 60  #: a busy machine
NATS = Path(sysconfig.get_path("scripts")) / "nats-server"
NAME = "river-office/edge-1"
KEY = SigningKey(b"edge".ljust(32, b"\0"))


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for something to be so."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {WAIT_S} s for {what}")


class Broker:
    """A NATS server with MQTT on, which can be stopped and started again with what it keeps."""

    def __init__(self, folder: Path, more: str = "", mqtt_more: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._file = folder / "nats.conf"
        self._file.write_text(
            f'server_name: edge\nlisten: "127.0.0.1:{free_port()}"\n'
            f'jetstream {{ store_dir: "{folder / "js"}" }}\n'
            f'mqtt {{ listen: "127.0.0.1:{self.port}"\n{mqtt_more} }}\n{more}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        assert self._process is None
        self._process = subprocess.Popen(
            [str(NATS), "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._listens, "the broker")
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def config(self) -> BrokerConfig:
        return BrokerConfig("127.0.0.1", self.port, tls=False)


@contextmanager
def broker(folder: Path, **more: str) -> Iterator[Broker]:
    """A running broker until the block ends."""
    made = Broker(folder, **more)
    made.start()
    try:
        yield made
    finally:
        made.stop()


class City:
    """Subscribes to what gateways send and keeps each message once, by its bytes, in order of arrival."""

    def __init__(self, port: int, key: SigningKey = KEY, name: str = NAME) -> None:
        self._key, self._name = key, name
        self.payloads: list[tuple[str, bytes]] = []
        self.n_again = 0
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "city", protocol=mqtt.MQTTv311)
        self._client.on_connect = lambda c, *_: c.subscribe("feed/#", qos=1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(WAIT_S)

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        if (message.topic, message.payload) in self.payloads:
            self.n_again += 1
        else:
            self.payloads.append((message.topic, message.payload))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def records(self, feed: str) -> list[bytes]:
        """The records of a feed in order, each message's signature verified."""
        found: list[bytes] = []
        for topic, payload in list(self.payloads):
            _, to, device = topic.split("/")
            if to == feed:
                message = parse_message(payload)
                assert message.signature is not None
                records = message.body.split(b"\n")
                text = signed_text(feed, self._name, len(records), records_root(records))
                self._key.public.verify(message.signature, text)
                assert device == self._name.partition("/")[2]
                found += records
        return found


@contextmanager
def city(port: int, **more: Any) -> Iterator[City]:
    """A city that listens until the block ends."""
    made = City(port, **more)
    try:
        yield made
    finally:
        made.close()


class Wire:
    """A TCP proxy on loopback: a network that can be cut, also in the middle of a message, and mended."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._is_open = True
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._stop = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Drop all connections and every new one."""
        with self._lock:
            self._is_open = False
            self._drop()

    def mend(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._is_open = True

    def close(self) -> None:
        self._stop = True
        self._thread.join(WAIT_S)
        self._listening.close()
        self._drop()

    @property
    def config(self) -> BrokerConfig:
        return BrokerConfig("127.0.0.1", self.port, tls=False)

    def _drop(self) -> None:
        for pair in self._pairs:
            for end in pair:
                end.close()
        self._pairs.clear()

    def _work(self) -> None:
        while not self._stop:
            with self._lock:
                ends = [end for pair in self._pairs for end in pair]
                try:
                    ready = select.select([self._listening, *ends], [], [], 0.01)[0]
                    for end in ready:
                        self._accept() if end is self._listening else self._pass_on(end)
                except (OSError, ValueError):
                    self._drop()
            time.sleep(0.001)

    def _accept(self) -> None:
        near, _ = self._listening.accept()
        if not self._is_open:
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self._to_port), 5)
        except OSError:
            near.close()
            return
        self._pairs.append((near, far))

    def _pass_on(self, end: socket.socket) -> None:
        pair = next((p for p in self._pairs if end in p), None)
        if pair is None:
            return
        other = pair[1] if end is pair[0] else pair[0]
        data = end.recv(65_536)
        if data:
            other.sendall(data)
            return
        self._pairs.remove(pair)
        for one in pair:
            one.close()


@contextmanager
def wire(to_port: int) -> Iterator[Wire]:
    """A network until the block ends."""
    made = Wire(to_port)
    try:
        yield made
    finally:
        made.close()


def publish(port: int, topic: str, payloads: list[bytes], qos: int = 1, client_id: str = "device") -> int:
    """Publish as a local device; return how many were acknowledged in time."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv311)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = [client.publish(topic, payload, qos=qos) for payload in payloads]
    n = 0
    for one in sent:
        one.wait_for_publish(WAIT_S)
        n += one.is_published()
    client.disconnect()
    client.loop_stop()
    return n


def configured(folder: Path, port: int, rest: str, name: str = NAME) -> Path:
    """A configuration, its state and its key in a folder."""
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    pem = state / "key.pem"
    if not pem.exists():
        pem.touch(0o600)
        pem.write_bytes(KEY.to_pem())
    path = folder / "gateway.yaml"
    path.write_text(
        f"gateway: {name}\ncity: {{url: 'mqtt://127.0.0.1:{port}'}}\nlosses: gateway-losses\n{rest}\n"
    )
    return path


def command(*arguments: str | Path) -> list[str]:
    """The gateway's command line."""
    return [sys.executable, "-m", "veracity.gateway", *map(str, arguments)]


@contextmanager
def running(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A gateway as a process of its own; killed when the block ends, if it has not ended."""
    process = subprocess.Popen(
        command("run", "-c", path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ.copy()
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=WAIT_S)


def has_nats() -> bool:
    """Whether the broker's wheel is installed."""
    return NATS.exists() or shutil.which("nats-server") is not None
