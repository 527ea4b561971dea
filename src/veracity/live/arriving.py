"""What a broker's messages are at the door: by their subjects, and by their places in its streams."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import nats.errors
import nats.js.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg

from veracity.home.clock import Clock
from veracity.home.live.arrivals import Arrival
from veracity.home.live.origins import stream_name
from veracity.live.errors import BrokerUnavailable, ForeignSubject
from veracity.live.feed_turn import Answer
from veracity.live.pulling import Delivered
from veracity.live.subjects import DOCUMENT_HEADER, MQTT_STREAM, STREAM, parse_subject, receipt_subject

STREAMS_S = 30.0  #: how long the streams may have nobody that speaks for them when a worker starts
_ASK_S = 0.5  # between two questions for them


class Arriving:
    """Makes arrivals of messages; ``name_streams`` first.

    Parameters
    ----------
    clock, speed
        The home's, and how many of its seconds pass in one; the system's if there is none.
    """

    def __init__(self, client: Client, clock: Clock | None = None, speed: float = 1.0) -> None:
        self._client, self._clock, self._speed = client, clock, speed
        self._streams: dict[str, str] = {}

    async def name_streams(self) -> None:
        """Learn the names of the streams: one made anew has another. A cluster may be choosing its leader.

        Raises
        ------
        BrokerUnavailable
            If the broker has not the streams, or nobody spoke for them for ``STREAMS_S``.
        """
        js = self._client.jetstream()
        until = asyncio.get_running_loop().time() + STREAMS_S
        for name in (STREAM, MQTT_STREAM):
            while name not in self._streams:
                try:
                    told = await js.stream_info(name)
                    self._streams[name] = stream_name(name, str(told.created))
                except (nats.errors.Error, TimeoutError) as exc:
                    is_late = asyncio.get_running_loop().time() > until
                    if is_late or isinstance(exc, nats.js.errors.NotFoundError):
                        raise BrokerUnavailable(f"broker: want its stream {name}, got: {exc}") from exc
                    await asyncio.sleep(_ASK_S)

    def arrivals(self, messages: Sequence[Msg], delivered_as: Sequence[Delivered]) -> list[Arrival]:
        """Return the messages as they came to the door; those on subjects of no feed are left out."""
        now, real_s = self._now(), datetime.now(UTC).timestamp()
        arrivals = []
        for message, of in zip(messages, delivered_as, strict=True):
            try:
                place = parse_subject(message.subject)
            except ForeignSubject:
                continue
            age_s = max(0.0, real_s - of.at_ns / 1e9) * self._speed
            arrivals.append(
                Arrival(
                    feed=place.feed,
                    device=place.device,
                    payload=message.data,
                    arrived_at=datetime.fromtimestamp(now - age_s, UTC),
                    document=(message.headers or {}).get(DOCUMENT_HEADER),
                    wants_receipt=place.wants_receipt,
                    origin=(self._streams[of.stream], of.sequence),
                    is_again=of.n_times > 1,
                )
            )
        return arrivals

    def _now(self) -> float:
        return datetime.now(UTC).timestamp() if self._clock is None else self._clock().timestamp()


def feed_of(message: Msg) -> str | None:
    """Return the feed that a message is of; None for one on a subject of no feed."""
    try:
        return parse_subject(message.subject).feed
    except ForeignSubject:
        return None


async def tell(client: Client, answer: Answer) -> None:
    """Tell a device what became of its message, on its own subject."""
    arrival = answer.arrival
    body = {
        "schema": "veracity.told/v1",
        "feed": arrival.feed,
        "id": answer.id,
        "outcome": answer.outcome,
        "batch": answer.batch,
        "entry": answer.entry,
        "accepted": answer.accepted,
        "quarantined": answer.quarantined,
        "refused": answer.refused,
        "detail": answer.detail,
    }
    await client.publish(receipt_subject(arrival.feed, arrival.device), orjson.dumps(body))
