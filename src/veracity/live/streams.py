"""The broker's streams and their consumers: nothing is dropped, and a full one says so.

``FEEDS`` keeps each message until a worker has acknowledged it. ``$MQTT_msgs`` is the server's own for
MQTT messages of QoS 1 and 2; it is made before the server would make it, with bounds that refuse instead
of forgetting: to a publisher of QoS 1 the server then gives no acknowledgement and closes the connection.

A partition has one durable consumer in each stream, ``p<k>``. All of them are there before anything is
taken in: the server keeps an MQTT message only as long as a consumer wants it.

``WORKERS`` holds the last word of each worker that is there, for some seconds; see ``membership``.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api

from veracity.live.errors import BrokerUnavailable
from veracity.live.subjects import MQTT_STREAM, PARTITIONS, STREAM, WORKER_STREAM, filters, worker_subject

ACK_WAIT_S = 60.0  #: how long a worker may have a message before another gets it
GONE_S = 8.0  #: after its last word a worker is taken for dead
LEADER_S = 30.0  #: how long the servers of a cluster may take to choose a leader
_AGAIN_S = 0.5
MAX_ACK_PENDING = 20_000  #: messages of a partition in the hands of workers at once


@dataclass(frozen=True)
class Waiting:
    """How much of one partition of a stream waits for a worker, or is in the hands of one."""

    stream: str
    partition: int
    n_waiting: int
    n_in_hand: int


@dataclass(frozen=True)
class Held:
    """How much a stream holds, and may hold."""

    stream: str
    n_messages: int
    n_bytes: int
    max_bytes: int


def consumer_name(partition: int) -> str:
    """Return the name of a partition's durable consumer, the same in both streams."""
    return f"p{partition}"


async def make_streams(client: Client, max_bytes: int, replicas: int = 1) -> None:
    """Make the streams and every consumer, or bring what there is to these settings.

    Parameters
    ----------
    max_bytes
        What each stream of messages may hold.
    replicas
        On how many servers each message is, before it is acknowledged.

    Raises
    ------
    BrokerUnavailable
        If the server does not answer, or does not allow it.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + (LEADER_S if replicas > 1 else 0.0)
    while True:
        try:
            return await _make_all(client.jetstream(), max_bytes, replicas)
        except nats.errors.Error as exc:
            if loop.time() >= until:
                raise BrokerUnavailable(f"broker: want its streams made, got: {exc}") from exc
            await asyncio.sleep(_AGAIN_S)  # the servers of a cluster are choosing their leader


async def _make_all(js: JetStreamContext, max_bytes: int, replicas: int) -> None:
    for config in (_feeds(max_bytes, replicas), _mqtt(max_bytes, replicas), _workers(replicas)):
        await _make_stream(js, config)
    for stream in (STREAM, MQTT_STREAM):
        for partition in range(PARTITIONS):
            # The server takes the same call for one that is there: it is brought to these settings.
            await js.add_consumer(stream, _consumer(stream, partition))


async def _make_stream(js: JetStreamContext, config: api.StreamConfig) -> None:
    assert config.name is not None
    try:
        await js.stream_info(config.name)
    except nats.js.errors.NotFoundError:
        await js.add_stream(config)
    else:
        await js.update_stream(config)


async def waiting(client: Client) -> list[Waiting]:
    """Return what waits in each partition of each stream."""
    js, found = client.jetstream(), []
    try:
        for stream in (STREAM, MQTT_STREAM):
            for partition in range(PARTITIONS):
                told = await js.consumer_info(stream, consumer_name(partition))
                found.append(Waiting(stream, partition, told.num_pending or 0, told.num_ack_pending or 0))
    except (nats.errors.Error, OSError) as exc:
        raise BrokerUnavailable(f"broker: want its consumers, got: {exc}") from exc
    return found


async def held(client: Client) -> Sequence[Held]:
    """Return what each stream holds."""
    js, found = client.jetstream(), []
    try:
        for stream in (STREAM, MQTT_STREAM):
            told = await js.stream_info(stream)
            found.append(Held(stream, told.state.messages, told.state.bytes, told.config.max_bytes or -1))
    except (nats.errors.Error, OSError) as exc:
        raise BrokerUnavailable(f"broker: want its streams, got: {exc}") from exc
    return found


def _feeds(max_bytes: int, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=STREAM,
        description="Messages of feeds until they are sealed",
        # As mapped: with their partition. One without is a mistake of its publisher, who is told.
        subjects=["in.*.*.*", "in.*.*.*.receipt"],
        retention=api.RetentionPolicy.WORK_QUEUE,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.NEW,
        max_bytes=max_bytes,
        num_replicas=replicas,
        duplicate_window=0,  # what was sent before is recognised by content, however long ago
    )


def _mqtt(max_bytes: int, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=MQTT_STREAM,
        subjects=["$MQTT.msgs.>"],
        retention=api.RetentionPolicy.INTEREST,
        storage=api.StorageType.FILE,
        discard=api.DiscardPolicy.NEW,
        max_bytes=max_bytes,
        num_replicas=replicas,
    )


def _workers(replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=WORKER_STREAM,
        description="Workers that are there",
        subjects=[worker_subject("*")],
        storage=api.StorageType.MEMORY,
        max_msgs_per_subject=1,
        max_age=GONE_S,
        max_bytes=1024**2,
        num_replicas=replicas,
        duplicate_window=0,
    )


def _consumer(stream: str, partition: int) -> api.ConsumerConfig:
    return api.ConsumerConfig(
        durable_name=consumer_name(partition),
        filter_subjects=filters(stream, partition),
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_ack_pending=MAX_ACK_PENDING,
        max_deliver=-1,
    )
