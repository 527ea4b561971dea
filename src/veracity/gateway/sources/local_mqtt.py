"""Devices that publish to a broker of their own, beside the gateway.

What comes at QoS 1 is acknowledged only when it is in the store, and the session outlives the connection:
while the store is full, the local broker keeps it. If the gateway ends between the two, the broker sends it
again, marked so, and it is known by its digest. (So of two messages equal to the byte, both on their way at
that moment, one may count for both.) What comes at QoS 0 cannot be held back.
"""

import select
import threading
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from veracity.gateway.broker import KEEPALIVE_S, BrokerConfig, parse_broker
from veracity.gateway.errors import SourceFault
from veracity.gateway.fields import text
from veracity.gateway.inlet import Inlet
from veracity.gateway.readings import Reader, Stamp, parse_reader, parse_stamp
from veracity.provenance.fields import Fields
from veracity.provenance.messages import MAX_MESSAGE_BYTES

_LOOP_S = 0.1
_ANSWER_S = 20
_AT_ONCE = 256
_BYTES_AT_ONCE = 1_048_576
_SIGNED = b"veracity-message/"


@dataclass(frozen=True)
class LocalMqtt:
    """Topics of a local broker, and how their messages are read."""

    name: str
    feed: str
    broker: BrokerConfig
    topic: str
    client_id: str
    reader: Reader
    stamp: Stamp

    def run(self, inlet: Inlet, stop: threading.Event) -> None:
        """Read until told to stop."""
        session = _Session(self, inlet)
        try:
            session.open(stop)
            while not stop.is_set():
                session.turn()
                session.take()
        finally:
            session.close()


def parse_local_mqtt(name: str, feed: str, fields: Fields, base: Path) -> LocalMqtt:
    """Read ``url`` and what belongs to a broker, ``topic``, ``client_id``, the reader and the stamp."""
    broker = parse_broker(fields, base)
    client_id = text(fields, "client_id", f"veracity-gateway-{name}")
    return LocalMqtt(
        name, feed, broker, fields.text("topic"), client_id, parse_reader(fields), parse_stamp(fields)
    )


class _Session:
    """One connection, worked by one thread."""

    def __init__(self, source: LocalMqtt, inlet: Inlet) -> None:
        self._source, self._inlet = source, inlet
        self._client: Any = source.broker.client(source.client_id, clean=False, manual_ack=True)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._waiting: list[Any] = []
        self._answer: str | None = None

    def open(self, stop: threading.Event) -> None:
        """Connect and subscribe."""
        broker = self._source.broker
        try:
            self._client.connect(broker.host, broker.port, KEEPALIVE_S)
        except (OSError, ValueError) as exc:
            raise SourceFault(f"broker {broker.url}: want a connection, got {exc}") from exc
        for _ in range(int(_ANSWER_S / _LOOP_S)):
            if stop.is_set() or self._answer is not None:
                break
            self.turn()
        if self._answer != "granted" and not stop.is_set():
            raise SourceFault(f"broker {broker.url}: want to subscribe, got {self._answer or 'no answer'}")
        self._inlet.well()

    def turn(self) -> None:
        """Take from the connection what has come, up to a bound."""
        code = self._client.loop(_LOOP_S)
        while code == 0 and self._has_room() and self._has_more():
            code = self._client.loop_read()
        if code != 0 and self._answer in (None, "granted"):
            raise SourceFault(f"broker {self._source.broker.url}: want a connection, got it closed")

    def take(self) -> None:
        """Put what has come into the store in one commit, and acknowledge it; StoreFull if it must wait."""
        held, self._waiting = self._waiting, []
        records: list[bytes] = []
        wrong: list[str] = []
        digests: list[bytes] = []
        for message in held:
            digest = sha256(message.topic.encode() + b"\0" + message.payload).digest()
            if message.dup and (digest in digests or self._inlet.has_taken(digest)):
                continue
            found, faults = self._read(message.payload)
            if message.qos == 0:
                self._inlet.offer(found)
                self._inlet.refuse(faults)
                continue
            records += found
            wrong += faults
            digests.append(digest)
        self._inlet.put(records, digests=digests)
        self._inlet.refuse(wrong)
        for message in held:
            if message.qos > 0:
                self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        """End the connection; the broker keeps what was not acknowledged."""
        self._client.disconnect()
        self._client.loop(_LOOP_S)

    def _read(self, payload: bytes) -> tuple[list[bytes], list[str]]:
        if len(payload) > MAX_MESSAGE_BYTES:
            return [], [f"message: want at most {MAX_MESSAGE_BYTES} bytes, got {len(payload)}"]
        if payload.startswith(_SIGNED):
            return [], ["message: want records without a signature, got a signed message"]
        return self._source.reader.read(payload, self._source.stamp, self._inlet.now_ns())

    def _has_room(self) -> bool:
        n_bytes = sum(len(message.payload) for message in self._waiting)
        return len(self._waiting) < _AT_ONCE and n_bytes < _BYTES_AT_ONCE

    def _has_more(self) -> bool:
        channel = self._client.socket()
        if channel is None:
            return False
        pending = getattr(channel, "pending", None)
        return bool(pending and pending()) or bool(select.select([channel], [], [], 0)[0])

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if str(reason) != "Success":
            self._answer = str(reason)
            return
        client.subscribe(self._source.topic, qos=1)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, codes: Any, _properties: Any) -> None:
        self._answer = "refused" if any(code.is_failure for code in codes) else "granted"

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._waiting.append(message)
