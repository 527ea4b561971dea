"""A feed that cannot be sealed holds up no other, and nothing of it is lost: it comes again until then."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from brokers import broker, in_loop, until
from live_messages import FEED, record
from small_city import NOW, clock, new_city
from veracity.data.errors import TableMismatch
from veracity.home.audit import audit
from veracity.home.clock import Clock
from veracity.home.home import Home
from veracity.home.live.arrivals import Arrival
from veracity.home.live.sealing import Sealer, Turn
from veracity.live import worker
from veracity.live.feed_turn import FeedTurn
from veracity.live.publishing import Publisher
from veracity.live.streams import held
from veracity.live.turning import Turner
from veracity.live.worker import TurnReport, WorkerSettings, run_worker

STREAM = "00112233445566aa"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city", feeds=(FEED, "snow"))


@pytest.fixture
def turner(root: Path) -> Iterator[Turner]:
    turner = Turner(root, clock)
    yield turner
    turner.close()


def sent(feed: str, *minutes: int) -> list[Arrival]:
    first = 0 if feed == FEED else 1_000
    return [Arrival(feed, "g01", record("G01", n), NOW, origin=(STREAM, first + n)) for n in minutes]


def again(arrivals: Sequence[Arrival]) -> list[Arrival]:
    return [replace(a, is_again=True) for a in arrivals]


def outcomes(told: Sequence[FeedTurn]) -> list[tuple[str, int, int, bool]]:
    return [(t.feed, t.n_messages, t.accepted, t.trouble is not None) for t in told]


def n_rows(root: Path, feed: str) -> int:
    home = Home.open(root, clock)
    try:
        return home.table(feed).scan().collect().height
    finally:
        home.close()


def lists_of(root: Path, feed: str) -> list[Path]:
    """The files that a batch's list of messages is in."""
    return [p for p in (root / "store").rglob("*") if p.is_file() and "messages" in str(p) and feed in str(p)]


def test_a_list_that_is_gone_holds_up_its_feed_alone(root: Path, turner: Turner) -> None:
    """What a worker needs to know of one feed is damaged: the other goes on; mended, all of it counts."""
    turner.turn([*sent(FEED, 1), *sent("snow", 1)])
    turner.close()
    (path,) = lists_of(root, "snow")
    text = path.read_bytes()
    path.unlink()
    late = Turner(root, clock)
    arrivals = [*sent(FEED, 2, 3), *sent("snow", 2, 3)]
    assert outcomes(late.turn(arrivals)) == [(FEED, 2, 2, False), ("snow", 2, 0, True)]
    path.write_bytes(text)
    assert outcomes(late.turn(again(arrivals[2:]))) == [("snow", 2, 2, False)]
    late.close()
    assert (n_rows(root, FEED), n_rows(root, "snow")) == (3, 3)


@pytest.mark.parametrize("troubled", [FEED, "snow"])
def test_a_feed_that_fails_once_it_is_in_the_log(
    root: Path, turner: Turner, monkeypatch: pytest.MonkeyPatch, troubled: str
) -> None:
    """Its batch is in the log and then its table fails: given again, its messages are rows once."""
    seal, failures = Sealer.seal, iter([True])

    def failing(self: Sealer, feed: str, *args: object) -> Turn | None:
        turn = seal(self, feed, *args)  # type: ignore[arg-type]
        if feed == troubled and next(failures, False):
            raise TableMismatch("table: want its files as they were written, got another")
        return turn

    monkeypatch.setattr(Sealer, "seal", failing)
    arrivals = [*sent(FEED, 1, 2), *sent("snow", 1, 2)]
    told = turner.turn(arrivals)
    assert [(t.feed, t.trouble is not None) for t in told if t.feed == troubled] == [(troubled, True)]
    assert sum(t.accepted for t in told) == 2
    turner.turn(again([a for a in arrivals if a.feed == troubled]))
    turner.close()
    assert (n_rows(root, FEED), n_rows(root, "snow")) == (2, 2)
    home = Home.open(root, clock)
    assert [f.detail for f in audit(home).findings] == []
    home.close()


def behind(root: Path) -> Clock:
    """Seal snow a day ahead of the clock, as one that ran wrong."""
    late = Turner(root, lambda: NOW + timedelta(days=1))
    late.turn(sent("snow", 1))
    late.close()
    return clock


def test_a_time_to_come_in_one_feed_stops_no_other(root: Path) -> None:
    """A clock that was wrong once has sealed one feed in the future: that feed waits, the others do not."""
    turner = Turner(root, behind(root))
    told = turner.turn([*sent(FEED, 1), *sent("snow", 2)])
    turner.close()
    assert outcomes(told) == [(FEED, 1, 1, False), ("snow", 1, 0, True)]
    assert "clock" in str(told[1].trouble)


@in_loop
async def test_a_worker_asks_for_them_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker keeps the messages of a feed in trouble, and gives them until they are sealed."""
    monkeypatch.setattr(worker, "AGAIN", b'-NAK {"delay": 200000000}')
    seal, failures = Sealer.seal, iter([True] * 3)

    def failing(self: Sealer, feed: str, *args: object) -> Turn | None:
        if feed == "snow" and next(failures, False):
            raise TableMismatch("table: want its files as they were written, got another")
        return seal(self, feed, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Sealer, "seal", failing)
    stop, told = asyncio.Event(), list[TurnReport]()
    async with broker(tmp_path) as (it, client):
        settings = WorkerSettings(root, it.url, linger_s=0.05, n_verifiers=0)
        task = asyncio.create_task(run_worker(settings, stop, told.append, clock))
        publisher = Publisher(client)
        await publisher.publish("snow", "g01", record("G01", 1))
        await until(lambda: any(t.trouble for report in told for t in report.feeds))
        await publisher.publish(FEED, "g01", record("G01", 1))

        async def is_empty() -> bool:
            return all(h.n_messages == 0 for h in await held(client))

        await until(is_empty)
        stop.set()
        await task
    assert (n_rows(root, FEED), n_rows(root, "snow")) == (1, 1)
