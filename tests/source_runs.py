"""Sources that count, a broker that takes what they give, and a clock that waiting moves."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from veracity.feeds.source import Fetched, Source, Stream
from veracity.live.documents import document_path
from veracity.live.outlet import Outlet
from veracity.live.source_state import FILE, SourceState
from veracity.live.sources import SourceRunner
from veracity.stores.objects import LocalObjects

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
DEADLINE_S = 60


@dataclass
class Broker:
    """Takes messages, or raises what it is told to, once each."""

    objects: LocalObjects
    errors: list[Exception] = field(default_factory=list)
    messages: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)

    async def publish(self, feed: str, device: str, payload: bytes, document: str | None) -> None:
        if self.errors:
            raise self.errors.pop(0)
        assert document is not None
        assert self.objects.exists(document_path(feed, document)), "kept before it is published"
        self.messages.append((feed, device, payload, document))

    @property
    def records(self) -> list[Any]:
        """All records published, in order."""
        return [json.loads(line) for _, _, payload, _ in self.messages for line in payload.split(b"\n")]


@dataclass
class Counting:
    """A source that gives the next number at each asking, or raises what it is told to; it remembers."""

    name: str = "counting"
    feed: str = "numbers"
    every_s: float = 60.0
    memory: Mapping[str, Any] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)
    n_documents: int = 1

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        self.asked_at.append(now)
        if self.errors:
            raise self.errors.pop(0)
        n = int(self.memory.get("n", 0))
        self.memory = {"n": n + self.n_documents}
        return [
            Fetched(b"document %d" % i, "text/plain", [b'{"n":%d}' % i])
            for i in range(n, n + self.n_documents)
        ]


@dataclass
class Time:
    """A clock that waiting moves, and the runner of one home."""

    home: Path
    now: datetime = NOW
    waits: list[float] = field(default_factory=list)
    broker: Broker = field(init=False)

    def __post_init__(self) -> None:
        self.broker = Broker(LocalObjects(self.home / "store"))

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def runner(self, *sources: Source | Stream) -> SourceRunner:
        return SourceRunner(
            sources,
            Outlet(self.broker.objects, self.broker.publish),
            SourceState(self.home / FILE),
            clock=lambda: self.now,
            rng=np.random.default_rng(7),
            sleep=self.sleep,
        )

    def run(self, *sources: Source | Stream, until: Callable[[], bool]) -> SourceRunner:
        """Run sources until something is so."""
        runner = self.runner(*sources)

        async def main() -> None:
            task = asyncio.create_task(runner.run())
            async with asyncio.timeout(DEADLINE_S):
                while not until():
                    assert not task.done(), task.exception()
                    await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(main())
        return runner
