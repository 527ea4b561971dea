"""Turns that fail are made again without harm to who sent, and are bounded whatever unpacks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from live_messages import FEED, record
from small_city import AGENCY, NOW, clock, key, new_city
from veracity.home.audit import audit
from veracity.home.enrolments import add_device
from veracity.home.errors import HomeUnusable
from veracity.home.home import Home, open_writer
from veracity.home.live.arrivals import Admitted, Arrival
from veracity.home.live.door import Door
from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.rates import Rate
from veracity.home.live.room import BATCH_BYTES
from veracity.home.live.sealing import Sealer, Turn
from veracity.live.feed_turn import FeedTurn
from veracity.live.turning import Turner
from veracity.provenance.messages import MAX_MESSAGE_BYTES, sign_message

FEW = LimitsByFeed(Limits(device=Rate(1.0, 5)))
STREAM = "00112233445566aa"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = new_city(tmp_path / "city", feeds=(FEED, "snow"))
    with open_writer(root, clock) as home:
        add_device(home, f"{AGENCY}/g00", key(f"{AGENCY}/g00").public)
    return root


@pytest.fixture
def turner(root: Path) -> Iterator[Turner]:
    turner = Turner(root, clock, FEW)
    yield turner
    turner.close()


def bombs(n: int) -> list[Arrival]:
    """Messages of a few hundred bytes and a mebibyte inside, of a key that is enrolled."""
    made = []
    for i in range(n):
        lines = [b'{"n":%d,"x":"' % i + b"0" * 65_000 + b'"}'] * 16
        name = f"{AGENCY}/g00"
        payload = sign_message(b"\n".join(lines), lines, FEED, name, key(name), compress=True)
        assert len(payload) < 1_000
        made.append(Arrival(FEED, "g00", payload, NOW))
    return made


def sent(feed: str, n: int, first: int) -> list[Arrival]:
    """As the broker gives them for the first time."""
    return [Arrival(feed, "g01", record("G01", first + i), NOW, origin=(STREAM, first + i)) for i in range(n)]


def sums(turns: Sequence[FeedTurn]) -> tuple[int, int, int, int]:
    return (
        sum(t.accepted for t in turns),
        sum(t.quarantined for t in turns),
        sum(t.refused for t in turns),
        sum(t.duplicate for t in turns),
    )


def fails_once(monkeypatch: pytest.MonkeyPatch, feed: str, times: int = 1) -> None:
    seal, failures = Sealer.seal, iter(range(times))

    def failing(self: Sealer, of: str, *args) -> Turn | None:  # type: ignore[no-untyped-def]
        if of == feed and next(failures, None) is not None:
            raise HomeUnusable("no space left on device")
        return seal(self, of, *args)

    monkeypatch.setattr(Sealer, "seal", failing)


def test_what_unpacks_to_much_is_let_in_by_portions(root: Path) -> None:
    """A hundred messages of 300 bytes that are a mebibyte each are never all in memory, and all counted."""
    sent = bombs(100)
    with open_writer(root, clock) as home:
        made = Door(home).admit(sent, NOW)
    inside = sum(sum(map(len, m.records)) for m in made if isinstance(m, Admitted))
    assert 0 < inside <= BATCH_BYTES + MAX_MESSAGE_BYTES
    assert len(made) < 100
    turner = Turner(root, clock)
    turns = turner.turn(sent)
    turner.close()
    assert sum(t.n_messages for t in turns) == 100
    assert sum(sums(turns)) == 1_600
    assert len(turns) > 1


def test_many_small_records_count_as_what_they_take(root: Path) -> None:
    """A record of one byte takes more memory than one byte: of such, too, only so many at once."""
    lines = b"\n".join([b"1"] * 16_384)
    with open_writer(root, clock) as home:
        made = Door(home).admit([Arrival(FEED, "g01", lines, NOW)] * 200, NOW)
    assert len(made) < 100


def test_a_turn_made_again_asks_for_no_more_of_the_rate(
    turner: Turner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that kept its rate is let in after the third attempt as it would have been at the first."""
    fails_once(monkeypatch, FEED, times=2)
    arrivals = sent(FEED, 4, 1)
    for _ in range(2):
        with pytest.raises(HomeUnusable):
            turner.turn(arrivals)
    assert sums(turner.turn(arrivals)) == (4, 0, 0, 0)


def test_what_was_sealed_before_a_failure_is_no_duplicate(
    root: Path, turner: Turner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One feed of a turn is sealed, the other fails: made again, nobody is said to have sent twice."""
    fails_once(monkeypatch, "snow")
    hostile = Arrival(FEED, "g02", b"[", NOW, origin=(STREAM, 9))
    arrivals = [*sent(FEED, 3, 1), hostile, *sent("snow", 2, 10)]
    with pytest.raises(HomeUnusable):
        turner.turn(arrivals)
    assert sums(turner.turn(arrivals)) == (2, 0, 0, 0)  # what was said of the others is in the log
    assert sums(turner.turn([replace(sent(FEED, 1, 1)[0], origin=(STREAM, 20))])) == (0, 0, 0, 1)
    turner.close()
    home = Home.open(root, clock)
    assert home.table(FEED).scan().collect().height == 3
    assert audit(home).findings == []
    home.close()
