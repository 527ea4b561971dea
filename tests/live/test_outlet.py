"""The outlet: what sources give goes on in messages that the door takes, no faster than it takes them."""

import asyncio
from pathlib import Path

from source_runs import Broker
from veracity.data.text import RECORD_BYTES
from veracity.feeds.source import Fetched
from veracity.home.live.limits import parse_limits
from veracity.live.outlet import BODY_BYTES, Outlet, bodies
from veracity.stores.objects import LocalObjects


def test_bodies_are_of_bounded_size() -> None:
    """Every record is in one body, in order; a body is no larger than allowed, unless one record is."""
    records = [b'{"n":"%s"}' % (b"x" * (n * 997 % 9_000)) for n in range(700)]
    made = list(bodies(records))
    assert b"\n".join(made).split(b"\n") == records
    assert all(len(body) <= BODY_BYTES for body in made)
    assert len(made) < 10
    assert [body.count(b"\n") + 1 for body in bodies([b"{}"] * 20_000)] == [8_192, 8_192, 3_616]
    assert list(bodies([])) == []


def test_what_the_door_turns_away_takes_no_other_with_it() -> None:
    """A record that is too long, or is no line, goes alone."""
    long, broken = b'{"a":"%s"}' % (b"x" * 70_000), b'{\n"a":1}'
    assert list(bodies([b"1", long, b"2", b"3", broken, b"4"])) == [b"1", long, b"2\n3", broken, b"4"]


def test_a_record_that_no_message_holds_is_counted_and_stops_no_source() -> None:
    """Its beginning goes to the door, which refuses it as too long; those around it are not touched."""
    made = list(bodies([b"1", b"x" * 3_000_000, b"2"]))
    assert (made[0], made[2]) == (b"1", b"2")
    assert RECORD_BYTES < len(made[1]) <= RECORD_BYTES + 1


def test_no_source_sends_faster_than_the_door_takes(tmp_path: Path) -> None:
    """However much it gives at once: a thousand messages, then so many a second; each device by itself."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    broker = Broker(LocalObjects(tmp_path))
    outlet = Outlet(broker.objects, broker.publish, clock=lambda: sum(waits), sleep=sleep)
    long = [b'{"a":"%s"}' % (b"x" * RECORD_BYTES)] * 1_500
    asyncio.run(outlet.send("f", "a", Fetched(b"d", "text/plain", long)))
    assert 4.9 < sum(waits) < 5.1
    before = sum(waits)
    asyncio.run(outlet.send("f", "b", Fetched(b"d", "text/plain", long[:900])))
    assert sum(waits) == before


def test_the_limits_of_a_feed_are_kept(tmp_path: Path) -> None:
    """Where the city takes less of a feed, half of that is sent: in a message, at once, and in a second."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    text = b"feeds: {slow: {max_bytes: 100, max_records: 6, device: {per_second: 2, burst: 4}}}"
    broker = Broker(LocalObjects(tmp_path))
    outlet = Outlet(broker.objects, broker.publish, parse_limits(text), clock=lambda: sum(waits), sleep=sleep)
    fetched = Fetched(b"d", "text/plain", [b"[%d]" % n for n in range(18)])
    assert asyncio.run(outlet.send("slow", "a", fetched)) == 6
    assert {payload.count(b"\n") + 1 for _, _, payload, _ in broker.messages} == {3}
    assert waits == [1.0] * 4
    assert asyncio.run(outlet.send("fast", "a", fetched)) == 1
    assert len(list(bodies([b"x" * 40] * 3, max_bytes=50))) == 3
