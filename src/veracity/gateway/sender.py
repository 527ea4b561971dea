"""The way to the city: batches over MQTT at QoS 1, in order, until the city has acknowledged each.

Every connection begins with the oldest batch that the city has not acknowledged. What it may have had
before the connection was cut comes once more, the same bytes, and the city knows it by its content.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from veracity.errors import Unavailable
from veracity.gateway.broker import KEEPALIVE_S, BrokerConfig
from veracity.gateway.errors import CityUnavailable
from veracity.gateway.limits import Cut
from veracity.gateway.status import Told
from veracity.gateway.store import Store

WINDOW = 16  #: batches under way at once
ANSWER_S = 20.0  #: for an acknowledgement; then the connection counts as lost
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
_LOOP_S = 0.05
_LOG = logging.getLogger(__name__)


class Sender:
    """Sends what the store has to one broker, as one gateway.

    Parameters
    ----------
    name
        ``<agency>/<gateway>``; the last part of each topic is what follows the slash.
    monotonic
        Seconds that only grow.
    per_s
        Batches sent in a second, at most, over all connections; after a pause a second's worth at once.
    """

    def __init__(
        self,
        store: Store,
        broker: BrokerConfig,
        name: str,
        told: Told,
        monotonic: Callable[[], float],
        per_s: float = Cut.per_s,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._store, self._broker, self._name, self._told = store, broker, name, told
        self._monotonic = monotonic
        self._longest_pause_s = longest_pause_s
        self._gap_s, self._next_at = 1 / per_s, float("-inf")  # a second's worth may go at once

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; a city out of reach is tried again, less and less often."""
        pause_s = FIRST_PAUSE_S
        while not stop.is_set():
            try:
                n_sent = self._connected(stop)
            except Unavailable as exc:
                n_sent = 0
                self._told.failed(str(exc))
                _LOG.warning("city out of reach", extra={"error": str(exc)})
            pause_s = FIRST_PAUSE_S if n_sent else min(2 * pause_s, self._longest_pause_s)
            stop.wait(min(pause_s, self._longest_pause_s))

    def _connected(self, stop: threading.Event) -> int:
        """Send over one connection until it ends; return how many batches were acknowledged."""
        link = _Link(self._broker, self._name, self._monotonic)
        n_sent, last = 0, 0
        try:
            link.open(stop)
            self._told.worked()
            while not stop.is_set():
                if not link.n_under_way:
                    last = 0  # what is to be sent once more stands before what was sent
                for batch in self._store.unsent(last, min(WINDOW - link.n_under_way, self._n_allowed())):
                    link.send(batch.feed, batch.payload, batch.seq)
                    last = batch.seq
                    self._next_at += self._gap_s
                link.turn()
                if link.acknowledged:
                    self._store.mark_sent(link.acknowledged)
                    self._told.worked(len(link.acknowledged))
                    n_sent += len(link.acknowledged)
                    link.acknowledged.clear()
        except Unavailable as exc:
            if not n_sent:
                raise
            self._told.failed(str(exc))
            _LOG.warning("city lost", extra={"error": str(exc)})
        finally:
            link.close()
        return n_sent

    def _n_allowed(self) -> int:
        """Return how many batches may be sent now."""
        now = self._monotonic()
        self._next_at = max(self._next_at, now - max(1.0, self._gap_s))
        return int((now - self._next_at) / self._gap_s + 1e-3)


class _Link:
    """One connection, worked by one thread."""

    def __init__(self, broker: BrokerConfig, name: str, monotonic: Callable[[], float]) -> None:
        self._broker, self._monotonic = broker, monotonic
        self._device = name.partition("/")[2]
        self._client: Any = broker.client(f"veracity-gateway-{name.replace('/', '-')}")
        self._client.max_inflight_messages_set(WINDOW)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._under_way: dict[int, int] = {}  # MQTT's number of a message -> the batch
        self._heard = monotonic()
        self._answer: str | None = None
        self.acknowledged: list[int] = []

    @property
    def n_under_way(self) -> int:
        return len(self._under_way)

    def open(self, stop: threading.Event) -> None:
        """Connect and wait for the broker's word; CityUnavailable if it is not yes."""
        try:
            self._client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
        except (OSError, ValueError) as exc:
            raise self._lost(f"{exc.strerror or exc}" if isinstance(exc, OSError) else str(exc)) from exc
        self._heard = self._monotonic()
        while self._answer is None and not stop.is_set():
            self.turn(awaits=True)
        if self._answer not in (None, "Success"):
            raise self._lost(f"the answer {self._answer!r}")

    def send(self, feed: str, payload: bytes, seq: int) -> None:
        if not self._under_way:
            self._heard = self._monotonic()
        done = self._client.publish(f"feed/{feed}/{self._device}", payload, qos=1)
        self._under_way[done.mid] = seq

    def turn(self, *, awaits: bool = False) -> None:
        """Let the connection work for a moment."""
        code = self._client.loop(_LOOP_S)
        if code != 0 and self._answer in (None, "Success"):
            raise self._lost(f"a closed connection ({code.name if hasattr(code, 'name') else code})")
        if (awaits or self._under_way) and self._monotonic() - self._heard > ANSWER_S:
            raise self._lost(f"no answer for {ANSWER_S:.0f} s")

    def close(self) -> None:
        """End the connection, whatever its state."""
        self._client.disconnect()
        self._client.loop(_LOOP_S)

    def _lost(self, got: str) -> CityUnavailable:
        return CityUnavailable(f"city {self._broker.url}: want a connection, got {got}")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._answer = str(reason)

    def _on_publish(self, _client: Any, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        self._heard = self._monotonic()
        seq = self._under_way.pop(mid, None)
        if seq is not None:
            self.acknowledged.append(seq)
