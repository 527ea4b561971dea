"""Which worker takes which partitions, where several work on one city.

Each worker says in a bucket of the broker, every few seconds, that it is there. Who said so lately shares
the partitions with the others, by a rule that each of them can reckon alone: a partition goes to the
worker whose name, hashed with it, is highest. So one that comes or goes moves as few as can be. While two
do not know of each other yet, both may take messages of one partition; that costs its order for a moment,
and nothing else, since what counts once is settled under the home's lock.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import api
from nats.js.kv import KeyValue

from veracity.live.errors import BrokerUnavailable
from veracity.live.subjects import PARTITIONS

logger = logging.getLogger(__name__)
BUCKET = "veracity_workers"
HEARTBEAT_S = 2.0
GONE_S = 8.0  #: after the last heartbeat


def share(name: str, workers: Iterable[str], n_partitions: int = PARTITIONS) -> tuple[int, ...]:
    """Return the partitions of a worker among others; all of them where it is alone.

    Examples
    --------
    >>> share("a", ["a"], 3)
    (0, 1, 2)
    >>> sorted(share("a", "ab", 3) + share("b", "ab", 3))
    [0, 1, 2]
    """
    everyone = {*workers, name}

    def owner(partition: int) -> str:
        return max(everyone, key=lambda w: hashlib.sha256(f"{w}\n{partition}".encode()).digest())

    return tuple(p for p in range(n_partitions) if owner(p) == name)


class Membership:
    """One worker among those of a city.

    Parameters
    ----------
    changed
        Called with the partitions that are ours, at first and whenever they are others.
    """

    def __init__(self, client: Client, name: str, changed: Callable[[Sequence[int]], None]) -> None:
        self._client, self._name, self._changed = client, name, changed
        self._mine: tuple[int, ...] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Say that we are there and look who else is, until told to stop; then say that we are gone."""
        bucket: KeyValue | None = None
        while not stop.is_set():
            try:
                bucket = bucket or await self._bucket()
                await bucket.put(self._name, b"")
                self._settle(await _names(bucket))
            except (nats.errors.Error, BrokerUnavailable) as exc:
                logger.warning("workers: want to know who is there, got: %s", exc)
            await _sleep(stop, HEARTBEAT_S)
        if bucket is not None and self._client.is_connected:
            try:
                await bucket.purge(self._name)
            except nats.errors.Error as exc:
                logger.warning("workers: want to say that we are gone, got: %s", exc)

    def _settle(self, names: Sequence[str]) -> None:
        mine = share(self._name, names)
        if mine != self._mine:
            logger.info(
                "workers: %d, ours are partitions %s", len(names), ", ".join(map(str, mine)) or "none"
            )
            self._mine = mine
            self._changed(mine)

    async def _bucket(self) -> KeyValue:
        js = self._client.jetstream()
        try:
            return await js.key_value(BUCKET)
        except nats.js.errors.BucketNotFoundError:
            config = api.KeyValueConfig(bucket=BUCKET, ttl=GONE_S, storage=api.StorageType.MEMORY)
            return await js.create_key_value(config)


async def _names(bucket: KeyValue) -> list[str]:
    try:
        return await bucket.keys()
    except nats.js.errors.NoKeysError:
        return []


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
