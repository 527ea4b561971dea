"""Sources run: each document is kept before its records are published, and nothing is skipped or lost."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from answering import Asked, Reply, answering
from meteo import Service, at
from source_runs import DEADLINE_S, Counting, Time
from veracity.data.text import RECORD_BYTES
from veracity.feeds.errors import SourceUnavailable
from veracity.feeds.kinds import make_source
from veracity.feeds.source import Fetched, Source, Stream
from veracity.live.documents import read_document
from veracity.live.errors import BrokerFull, BrokerUnavailable
from veracity.live.source_state import FILE
from veracity.live.sources import LONGEST_WAIT_S, SourceRunner
from veracity.log.errors import StoreUnavailable
from veracity.stores.objects import LocalObjects


@pytest.fixture
def time(tmp_path: Path) -> Time:
    """An empty home at 08:00."""
    return Time(tmp_path)


def test_documents_are_kept_and_their_records_published(time: Time) -> None:
    """Each record comes once, in order, with the digest of a document that can be read again."""
    runner = time.run(Counting(n_documents=2), until=lambda: len(time.broker.messages) >= 6)
    assert [r["n"] for r in time.broker.records][:6] == list(range(6))
    feed, device, _, sha256 = time.broker.messages[3]
    assert (feed, device) == ("numbers", "counting")
    assert sha256 is not None
    assert read_document(time.broker.objects, feed, sha256) == b"document 3"
    (status,) = runner.statuses()
    assert (status.asked, status.failed, status.error) == (status.documents // 2, 0, None)
    assert status.records == status.messages == len(time.broker.messages)


def test_it_is_asked_as_often_as_it_says(time: Time) -> None:
    """From one asking to the next it is its interval, whatever the asking itself took."""
    source = Counting()
    time.run(source, until=lambda: len(source.asked_at) >= 5)
    gaps = {(b - a).total_seconds() for a, b in zip(source.asked_at, source.asked_at[1:], strict=False)}
    assert gaps == {60.0}


def test_a_full_broker_is_waited_for_and_nothing_is_skipped(time: Time) -> None:
    """What a source gave is held and tried again until it is safe; the source is not asked for more."""
    source = Counting(n_documents=3)
    full: list[Exception] = [BrokerFull("broker: full"), BrokerUnavailable("broker: away")] * 8
    time.broker.errors = full
    runner = time.run(source, until=lambda: len(time.broker.messages) >= 3)
    assert [r["n"] for r in time.broker.records][:3] == [0, 1, 2]
    assert len(source.asked_at) <= 2
    assert time.waits[1] <= 1.0 < max(time.waits[1:17]) <= 60.0
    assert not runner.statuses()[0].waits_for_broker


def test_that_it_waits_for_the_broker_is_told(time: Time) -> None:
    """Whoever looks at the status sees what is wrong."""
    endless = Counting()
    runner: list[SourceRunner] = []

    async def refuse(*_: Any) -> None:
        raise BrokerFull("broker: want room, got none")

    time.broker.publish = refuse  # type: ignore[assignment, method-assign]
    runner.append(time.run(endless, until=lambda: len(time.waits) > 5))
    (status,) = runner[0].statuses()
    assert status.waits_for_broker
    assert (status.error_code, status.messages) == ("broker-full", 0)
    assert not (time.home / FILE).exists(), "nothing is remembered of what was not published"


def test_a_disk_that_takes_nothing_is_waited_for(time: Time) -> None:
    """Without its document no record is published; it is tried again until there is room."""

    class Full(LocalObjects):
        n_left = 3

        def put(self, path: str, data: bytes) -> None:
            if Full.n_left:
                Full.n_left -= 1
                raise StoreUnavailable("write: no space left on device")
            super().put(path, data)

    time.broker.objects = Full(time.home / "store")
    time.run(Counting(), until=lambda: len(time.broker.messages) >= 1)
    assert time.broker.records[0] == {"n": 0}


def test_a_source_that_fails_is_left_alone_for_longer_each_time(time: Time) -> None:
    """The wait doubles, with jitter, to a limit; a success ends it. Others go on as if nothing were."""
    failing, other = Counting(), Counting(name="other")
    failing.errors = [SourceUnavailable("no answer") for _ in range(12)]
    runner = time.run(failing, until=lambda: len(failing.asked_at) >= 14)
    gaps = [(b - a).total_seconds() for a, b in zip(failing.asked_at, failing.asked_at[1:], strict=False)]
    for n, gap in enumerate(gaps[:12]):
        usual = min(5 * 2**n, 20 * 60)
        assert 0.74 * usual < gap < 1.26 * usual
    assert gaps[12] == 60
    (status,) = runner.statuses()
    assert (status.failed, status.failures, status.error) == (12, 0, None)
    time.run(failing, other, until=lambda: len(other.asked_at) >= 2)


def test_a_source_is_asked_again_when_it_says(time: Time) -> None:
    """Retry-After is longer than our own wait: it counts."""
    source = Counting(errors=[SourceUnavailable("busy", retry_after_s=777.0)])
    time.run(source, until=lambda: len(source.asked_at) >= 2)
    assert (source.asked_at[1] - source.asked_at[0]).total_seconds() == 777.0


def test_waiting_has_a_limit(time: Time) -> None:
    """However long a source fails, it is asked again within the longest wait."""
    source = Counting(every_s=900.0, errors=[SourceUnavailable("gone") for _ in range(40)])
    time.run(source, until=lambda: len(source.asked_at) >= 41)
    assert max(time.waits) <= LONGEST_WAIT_S * 1.25


def test_a_bug_in_a_source_stops_no_other(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    """An error that is none of ours is logged with its trace, counted, and the rest goes on."""
    broken, other = Counting(name="broken", errors=[KeyError("x"), StopIteration()]), Counting()
    with caplog.at_level(logging.WARNING):
        runner = time.run(broken, other, until=lambda: len(broken.asked_at) >= 3 and len(other.asked_at) >= 3)
    assert runner.statuses()[0].failed == 2
    assert any(record.exc_info for record in caplog.records)


def test_a_source_goes_on_past_a_record_that_no_message_holds(time: Time) -> None:
    """What can be published is; of the other the door is shown enough to refuse and count it."""

    class Large(Counting):
        def fetch(self, now: datetime) -> Sequence[Fetched]:
            super().fetch(now)
            return [Fetched(b"d", "text/plain", [b'{"n":0}', b"x" * 2_000_000])]

    source = Large()
    runner = time.run(source, until=lambda: len(source.asked_at) >= 3)
    assert [len(payload) for _, _, payload, _ in time.broker.messages[:2]] == [7, RECORD_BYTES + 1]
    assert runner.statuses()[0].failed == 0


def test_a_slow_source_holds_up_no_other(time: Time) -> None:
    """One that does not answer has its own thread; cancelled, nobody waits for it."""
    event = threading.Event()

    class Slow(Counting):
        def fetch(self, now: datetime) -> Sequence[Fetched]:
            event.wait(DEADLINE_S)
            return super().fetch(now)

    time.run(Slow(name="slow"), Counting(), until=lambda: len(time.broker.messages) >= 5)
    assert {device for _, device, _, _ in time.broker.messages} == {"counting"}
    event.set()


def test_many_stuck_sources_hold_up_no_other(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that never end an answer take no place for ever; what they give at last is published, once."""
    monkeypatch.setattr("veracity.live.sources.LONGEST_ASKING_S", 0.01)
    event = threading.Event()

    class Stuck(Counting):
        def fetch(self, now: datetime) -> Sequence[Fetched]:
            found = super().fetch(now)
            event.wait(DEADLINE_S)
            return found

    stuck = [Stuck(name=f"stuck{n}") for n in range(20)]
    runner = time.run(*stuck, Counting(), until=lambda: len(time.broker.messages) >= 3)
    assert {device for _, device, _, _ in time.broker.messages} == {"counting"}
    assert {s.failures > 0 for s in runner.statuses()[:20]} == {True}
    assert {len(s.asked_at) for s in stuck} == {1}, "not asked again while it is asked"
    time.broker.messages = []
    late = Stuck(name="late")
    event.clear()

    def is_late() -> bool:
        if runners and runners[0].statuses()[0].failures > 2:
            event.set()
        return len(time.broker.messages) >= 1

    runners: list[SourceRunner] = []
    make = time.runner

    def runner_of(*sources: Source | Stream) -> SourceRunner:
        runners.append(make(*sources))
        return runners[0]

    monkeypatch.setattr(time, "runner", runner_of)
    time.run(late, until=is_late)
    assert time.broker.records[0] == {"n": 0}
    event.set()


@dataclass
class Listening:
    """A stream: what was asked for after it is acknowledged."""

    given: list[int]
    name: str = "listening"
    feed: str = "numbers"
    acknowledged: list[int] = field(default_factory=list)
    closed: int = 0

    async def documents(self) -> AsyncIterator[Fetched]:
        try:
            for n in [g for g in self.given if g not in self.acknowledged]:
                yield Fetched(b"%d" % n, "text/plain", [b'{"n":%d}' % n])
                self.acknowledged.append(n)
            raise SourceUnavailable("connection lost")
        finally:
            self.closed += 1


def test_a_stream_is_acknowledged_after_publishing(time: Time) -> None:
    """While the broker is full nothing is acknowledged; a lost connection is opened again."""
    stream = Listening([1, 2, 3])
    time.broker.errors = [BrokerFull("full")] * 3
    time.run(stream, until=lambda: stream.closed >= 3)
    assert [r["n"] for r in time.broker.records] == [1, 2, 3] == stream.acknowledged
    crashed, time.waits = Listening([4]), []
    time.broker.errors = [BrokerFull("full")] * 1_000_000
    time.run(crashed, until=lambda: len(time.waits) > 5)
    assert crashed.acknowledged == []
    assert crashed.closed, "left behind properly"


@contextmanager
def meteo(answer: Callable[[Asked], Reply]) -> Iterator[Source]:
    """The current weather of two places."""
    places = [{"name": n, "latitude": 16.0, "longitude": 108.0} for n in ("a", "b")]
    with answering(answer) as server:
        made = make_source(
            {
                "kind": "open-meteo",
                "name": "weather",
                "product": "weather",
                "url": server.url,
                "places": places,
            }
        )
        assert isinstance(made, Source)
        yield made


def test_a_real_source_through_a_bad_hour(time: Time) -> None:
    """Too busy, broken off, an error page, other units, then well: each row of the day comes once."""
    service = Service(at(8))
    bad = [
        Reply(b"busy", 429, {"Retry-After": "30"}),
        Reply(b"x" * 100, cut=50),
        Reply(b"<html>error</html>"),
        Reply(b"oops", 502),
        Reply(b'{"error":true,"reason":"no"}', 400),
    ]

    def answer(asked: Asked) -> Reply:
        service.now = time.now
        return bad.pop(0) if bad and time.now > at(9) else service(asked)

    with meteo(answer) as source:
        runner = time.run(source, until=lambda: time.now > at(14))
    times = [r["observed_at"] for r in time.broker.records if r["place"] == "a"]
    assert times == sorted(set(times))
    assert times[-1] >= "2026-09-01T13:30:00Z"
    assert runner.statuses()[0].failed == 5
    assert bad == []


def test_cancelled_it_ends_at_once(time: Time) -> None:
    """Even while the broker is full and a source is asked."""

    async def main() -> None:
        runner = time.runner(Counting())
        runner._sleep = asyncio.sleep
        task = asyncio.create_task(runner.run())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
