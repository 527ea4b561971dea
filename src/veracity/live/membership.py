"""Which worker takes which partitions, where several work on one city.

Each worker says in a stream of the broker, every few seconds, that it is there; the stream forgets what is
older than a few seconds more. Who said so lately shares the partitions with the others, by a rule that each
of them can reckon alone: a partition goes to the worker whose name, hashed with it, is highest. So one that
comes or goes moves as few as can be. While two do not know of each other yet, both may take messages of one
partition; that costs its order for a moment, and nothing else, since what counts once is settled under the
home's lock. Where the broker does not say who is there, all keep what they have.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence

import nats.errors
from nats.aio.client import Client

from veracity.live.subjects import PARTITIONS, WORKER_STREAM, worker_subject

logger = logging.getLogger(__name__)
HEARTBEAT_S = 2.0  #: the stream's own patience is ``streams.GONE_S``


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
    name
        Letters, digits, ``_`` and ``-``.
    changed
        Called with the partitions that are ours, at first and whenever they are others.
    """

    def __init__(self, client: Client, name: str, changed: Callable[[Sequence[int]], None]) -> None:
        self._client, self._name, self._changed = client, name, changed
        self._js = client.jetstream()
        self._mine: tuple[int, ...] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Say that we are there and look who else is, until told to stop; then say that we are gone."""
        while not stop.is_set():
            try:
                await self._js.publish(worker_subject(self._name), b"", stream=WORKER_STREAM)
                self._settle(await self._names())
            except (nats.errors.Error, TimeoutError) as exc:
                logger.warning("workers: want to know who is there, got: %r", exc)
            await _sleep(stop, HEARTBEAT_S)
        if self._client.is_connected:
            try:
                await self._js.purge_stream(WORKER_STREAM, subject=worker_subject(self._name))
            except (nats.errors.Error, TimeoutError) as exc:
                logger.warning("workers: want to say that we are gone, got: %r", exc)

    def _settle(self, names: Sequence[str]) -> None:
        mine = share(self._name, names)
        if mine != self._mine:
            logger.info(
                "workers: %d, ours are partitions %s", len(names), ", ".join(map(str, mine)) or "none"
            )
            self._mine = mine
            self._changed(mine)

    async def _names(self) -> list[str]:
        """Return who said so lately: one question to the stream, that makes nothing in the broker."""
        told = await self._js.stream_info(WORKER_STREAM, subjects_filter=worker_subject("*"))
        return [subject.rpartition(".")[2] for subject in told.state.subjects or ()]


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
