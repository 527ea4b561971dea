"""The line before a turn: nothing passes another, and whoever brings more than a turn waits."""

import asyncio

import pytest
from nats.aio.msg import Msg

from small_city import NOW
from veracity.home.live.arrivals import Arrival
from veracity.home.live.door import Ahead
from veracity.live import ready
from veracity.live.pulling import Delivered
from veracity.live.ready import Ready, ReadyLine


def some(*bodies: bytes, since: float = 0.0) -> Ready:
    """Messages that are read, of a stream that is not there."""
    messages = [Msg(None, data=body) for body in bodies]  # type: ignore[arg-type]
    return Ready(
        messages,
        [Delivered("S", n, 1, 0) for n, _ in enumerate(bodies)],
        [Arrival("rain", "g00", body, NOW) for body in bodies],
        Ahead(),
        since,
    )


def bodies(taken: Ready) -> list[bytes]:
    assert [m.data for m in taken.messages] == [a.payload for a in taken.arrivals]
    assert len(taken.delivered_as) == len(taken.messages)
    return [m.data for m in taken.messages]


def test_a_turn_takes_all_that_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, as old as the first of them, and by messages or by bytes, whichever ends first."""
    monkeypatch.setattr(ready, "TURN_MESSAGES", 3)
    monkeypatch.setattr(ready, "TURN_BYTES", 10)

    async def run() -> None:
        line = ReadyLine()
        assert not line.some.is_set()
        await line.put(some(b"1", b"2", since=4.0))
        await line.put(some(b"33333333", since=5.0))
        assert line.is_full
        assert line.since == 4.0
        taken = line.take()
        assert bodies(taken) == [b"1", b"2", b"33333333"]
        assert taken.since == 4.0
        assert not line.some.is_set()
        await line.put(some(b"1", b"2"))
        await line.put(some(b"333333333"))  # eleven bytes together
        assert bodies(line.take()) == [b"1", b"2"]
        assert line.some.is_set()
        assert bodies(line.take()) == [b"333333333"]

    asyncio.run(run())


def test_more_than_a_turn_alone_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came as one is one, also where it is more than a turn should have: nothing stays for ever."""
    monkeypatch.setattr(ready, "TURN_BYTES", 10)

    async def run() -> None:
        line = ReadyLine()
        await line.put(some(bytes(100)))
        assert bodies(line.take()) == [bytes(100)]

    asyncio.run(run())


def test_who_brings_more_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is full takes no more until a turn has; then it goes on by itself."""
    monkeypatch.setattr(ready, "TURN_MESSAGES", 2)

    async def run() -> None:
        line = ReadyLine()
        await line.put(some(b"1", b"2"))
        bringing = asyncio.create_task(line.put(some(b"3")))
        await asyncio.sleep(0.05)
        assert not bringing.done()
        assert bodies(line.take()) == [b"1", b"2"]
        await asyncio.wait_for(bringing, 5)
        assert bodies(line.take()) == [b"3"]

    asyncio.run(run())
