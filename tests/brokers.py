"""Brokers and devices for the tests of the running city: real ones, on loopback and free ports."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nats.errors
import paho.mqtt.client as mqtt
from nats.aio.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from veracity.live.broker import Broker, running
from veracity.live.broker_config import Address, BrokerSettings, User
from veracity.live.connection import connect
from veracity.live.streams import held, make_streams

DEADLINE_S = 60.0  # a busy machine; an idle one needs a tenth of a second
OPEN = BrokerSettings(mqtt=("127.0.0.1", 0), is_open=True, max_bytes=64 * 1024**2)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test; its arguments are fixtures as ever."""
    import functools
    import inspect

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        answer = true()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return
        assert time.monotonic() < deadline, "it never came to be so"
        await asyncio.sleep(0.02)


async def until_drained(client: Client) -> None:
    """Wait until the streams are empty; however much there is, some of it must go within the deadline."""
    least, deadline = float("inf"), time.monotonic() + DEADLINE_S
    while True:
        with suppress(nats.errors.Error, TimeoutError):
            n = sum(h.n_messages for h in await held(client)) if client.is_connected else least
            if n == 0:
                return
            if n < least:
                least, deadline = n, time.monotonic() + DEADLINE_S
        assert time.monotonic() < deadline, f"{least} messages stay"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def broker(
    folder: Path, settings: BrokerSettings = OPEN, users: tuple[User, ...] = (), max_bytes: int | None = None
) -> AsyncIterator[tuple[Broker, Client]]:
    """Start a broker with its streams made; give it and a connection of the city."""
    async with running(folder / "broker", settings, lambda: users) as started:
        client = await connect(started.url, "test")
        try:
            await make_streams(client, max_bytes or settings.max_bytes)
            yield started, client
        finally:
            await client.close()


class Device:
    """An MQTT device that writes down what happens to it."""

    def __init__(
        self, broker: Broker | Address, name: str = "d", password: str | None = None, **tls: Any
    ) -> None:
        self.acknowledged: set[int] = set()
        self.connections: list[str] = []
        self.disconnections = 0
        self.granted: list[str] = []
        self.messages: list[tuple[str, bytes]] = []
        self._lock = threading.Lock()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"c-{name.replace('/', '-')}")
        self.client.reconnect_delay_set(1, 1)
        if password is not None:
            self.client.username_pw_set(name, password)
        if tls:
            self.client.tls_set(**tls)
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._disconnected
        self.client.on_publish = self._acknowledged
        self.client.on_subscribe = self._granted
        self.client.on_message = self._told
        self.address = broker.places.mqtt if isinstance(broker, Broker) else broker

    async def __aenter__(self) -> "Device":
        await asyncio.to_thread(self.client.connect, *self.address)
        self.client.loop_start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)

    @property
    def is_connected(self) -> bool:
        return self.client.is_connected()

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> int:
        return self.client.publish(topic, payload, qos).mid

    def _connected(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self.connections.append(str(reason))

    def _disconnected(self, _c: Any, _u: Any, _f: Any, _reason: Any, _p: Any) -> None:
        self.disconnections += 1

    def _acknowledged(self, _c: Any, _u: Any, mid: int, _r: Any, _p: Any) -> None:
        self.acknowledged.add(mid)

    def _granted(self, _c: Any, _u: Any, _m: int, reasons: Any, _p: Any) -> None:
        self.granted += [str(r) for r in reasons]

    def _told(self, _c: Any, _u: Any, message: Any) -> None:
        self.messages.append((message.topic, message.payload))
