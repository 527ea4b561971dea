"""Sources run: each is asked in its turn, or listened to, and what it gives is published; nothing is skipped.

A source is asked in a thread of its own, so that a slow one holds up no other. Its document is kept and
its records are published before what it remembers is kept, so that a crash between the two asks for them
again: they come twice then, and are recognised, and never not at all. While the broker is full or away, the
source waits with what it has in hand and is not asked for more.

One that fails is asked again after a while that doubles at each failure, or that it says itself, whichever is
longer; others go on. An error that is none of ours is logged with its trace and treated alike.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from veracity.errors import Unavailable, VeracityError
from veracity.feeds.errors import SourceUnavailable
from veracity.feeds.source import Fetched, Remembers, Source, Stream
from veracity.live.outlet import Outlet
from veracity.live.source_state import SourceState
from veracity.live.threads import in_thread

FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 3_600.0
BROKER_WAIT_S = 60.0
N_AT_ONCE = 16
LONGEST_ASKING_S = 180.0  # then others have its place; what it gives is taken when it comes
_SPREAD_S = 5.0  # over which sources that are all due at the start are asked

logger = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class SourceStatus:
    """How a source does: counts since the start, the last success, and the failure it is in, if any.

    ``failures`` is how many turns in a row have failed; ``waits_for_broker`` says that it holds something
    that the broker, or the store, does not take.
    """

    name: str
    feed: str
    asked: int = 0
    documents: int = 0
    records: int = 0
    messages: int = 0
    failed: int = 0
    failures: int = 0
    ok_at: datetime | None = None
    error: str | None = None
    error_code: str | None = None
    error_at: datetime | None = None
    waits_for_broker: bool = False


@dataclass(frozen=True)
class _Asking:
    """A source being asked: since when, and what it remembered before."""

    task: asyncio.Task[Sequence[Fetched]]
    begun: datetime
    before: Mapping[str, Any] | None


class SourceRunner:
    """Runs sources until it is cancelled.

    Parameters
    ----------
    sources
        Each with another name.
    outlet
        Where what they fetched goes.
    state
        What they remember.
    clock
        The time now, UTC.
    rng
        For the jitter of waiting: many sources must not all ask at once.
    sleep
        How to wait; ``asyncio.sleep``, but for tests.
    """

    def __init__(
        self,
        sources: Sequence[Source | Stream],
        outlet: Outlet,
        state: SourceState,
        *,
        clock: Callable[[], datetime],
        rng: np.random.Generator,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._sources = list(sources)
        self._outlet, self._state = outlet, state
        self._clock, self._rng, self._sleep = clock, rng, sleep
        self._at_once = asyncio.Semaphore(N_AT_ONCE)
        self._under_way: dict[str, _Asking] = {}
        self._statuses = {s.name: SourceStatus(s.name, s.feed) for s in self._sources}

    def statuses(self) -> list[SourceStatus]:
        """Return how each source does, in the order given."""
        return list(self._statuses.values())

    async def run(self) -> None:
        """Ask and listen until cancelled."""
        self._state.forget_others(self._sources)
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._ask(source) if isinstance(source, Source) else self._listen(source))

    async def _ask(self, source: Source) -> None:
        """Ask a source every so often; after a restart, when it is due and not before."""
        asked_at = self._state.restore(source)
        wait_s = 0.0
        if asked_at is not None:
            age_s = (self._clock() - asked_at).total_seconds()
            wait_s = min(max(source.every_s - age_s, 0.0), source.every_s)
        wait_s += self._rng.uniform(0, min(_SPREAD_S, source.every_s / 10))
        while True:
            await self._sleep(wait_s)
            wait_s = await self._turn(source)

    async def _turn(self, source: Source) -> float:
        """Ask once and publish what came; return how long to wait before the next time."""
        begun = self._clock()
        try:
            asking = await self._fetched(source, begun)
            await self._send_all(source, asking.task.result(), asking.before)
            self._state.keep(source, asking.begun)
        except Exception as exc:
            return self._failed(source, exc, source.every_s)
        self._succeeded(source)
        return max(source.every_s - (self._clock() - begun).total_seconds(), 0.0)

    async def _fetched(self, source: Source, begun: datetime) -> _Asking:
        """Ask, or go on waiting for an asking that took too long; return it when it is over.

        A source is never asked while an asking of it is under way.
        """
        async with self._at_once:
            asking = self._under_way.pop(source.name, None)
            if asking is None:
                task = asyncio.create_task(in_thread(source.fetch, begun))
                asking = _Asking(task, begun, source.memory if isinstance(source, Remembers) else None)
            await asyncio.wait([asking.task], timeout=LONGEST_ASKING_S)
        if not asking.task.done():
            self._under_way[source.name] = asking
            raise SourceUnavailable(f"want an answer within {LONGEST_ASKING_S:.0f} s, got none")
        return asking

    async def _listen(self, stream: Stream) -> None:
        """Publish what a stream gives. Asking it for the next says that the last is safe."""
        self._state.restore(stream)
        while True:
            error: Exception = SourceUnavailable(f"source {stream.name}: want it to go on, got its end")
            documents = stream.documents()
            try:
                async for one in documents:
                    await self._send(stream, one)
                    if isinstance(stream, Remembers):
                        self._state.keep(stream, self._clock())
                    self._succeeded(stream)
            except Exception as exc:
                error = exc
            finally:
                if isinstance(documents, AsyncGenerator):
                    await documents.aclose()
            await self._sleep(self._failed(stream, error, FIRST_WAIT_S))

    async def _send_all(
        self, source: Source, fetched: Sequence[Fetched], before: Mapping[str, Any] | None
    ) -> None:
        """Publish what came; where that cannot be, the source has not seen it."""
        try:
            for one in fetched:
                await self._send(source, one)
        except Exception:
            if isinstance(source, Remembers) and before is not None:
                source.memory = before
            raise

    async def _send(self, source: Source | Stream, fetched: Fetched) -> None:
        waited = 0

        async def patience(error: Unavailable) -> None:
            nonlocal waited
            self._note(source, error, waits_for_broker=True)
            wait_s = min(2.0**waited, BROKER_WAIT_S) * self._rng.uniform(0.5, 1.0)
            waited = min(waited + 1, 10)
            await self._sleep(wait_s)

        n_messages = await self._outlet.send(source.feed, source.name, fetched, patience)
        status = self._statuses[source.name]
        self._statuses[source.name] = replace(
            status,
            documents=status.documents + 1,
            records=status.records + len(fetched.records),
            messages=status.messages + n_messages,
            waits_for_broker=False,
        )

    def _succeeded(self, source: Source | Stream) -> None:
        status = self._statuses[source.name]
        if status.failures:
            logger.info("source %s: answers again after %d failures", source.name, status.failures)
        self._statuses[source.name] = replace(
            status,
            asked=status.asked + 1,
            failures=0,
            ok_at=self._clock(),
            error=None,
            error_code=None,
            waits_for_broker=False,
        )

    def _failed(self, source: Source | Stream, error: Exception, every_s: float) -> float:
        """Note a failure; return how long to leave the source alone."""
        self._note(source, error, waits_for_broker=False)
        status = self._statuses[source.name]
        failures = status.failures + 1
        self._statuses[source.name] = replace(
            status, asked=status.asked + 1, failed=status.failed + 1, failures=failures
        )
        logger.warning(
            "source %s: %s (failure %d in a row)",
            source.name,
            error,
            failures,
            exc_info=None if isinstance(error, VeracityError) else error,
        )
        first = min(FIRST_WAIT_S, every_s)
        longest = max(every_s, min(LONGEST_WAIT_S, 20 * every_s))
        wait_s = min(first * 2.0 ** min(failures - 1, 30), longest) * self._rng.uniform(0.75, 1.25)
        asked_s = error.retry_after_s if isinstance(error, SourceUnavailable) else None
        return max(wait_s, asked_s or 0.0)

    def _note(self, source: Source | Stream, error: Exception, *, waits_for_broker: bool) -> None:
        code = error.code if isinstance(error, VeracityError) else "bug"
        self._statuses[source.name] = replace(
            self._statuses[source.name],
            error=f"{error}"[:500] or type(error).__name__,
            error_code=code,
            error_at=self._clock(),
            waits_for_broker=waits_for_broker,
        )
