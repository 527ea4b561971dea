"""Turns: each message counts once and as what it is, however often a turn is tried and whatever is in it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from live_messages import FEED, bare, record, signed
from small_city import AGENCY, NOW, clock, contract, key, new_city
from veracity.data.text import TooManyLayouts
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_device
from veracity.home.home import Home, Writer, open_writer
from veracity.home.live import room
from veracity.home.live.accounts import accounts
from veracity.home.live.arrivals import Arrival
from veracity.home.live.door import Ahead
from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.rates import Buckets, Rate
from veracity.home.live.sealing import Sealer
from veracity.home.live.verifying import Claim, verify_here
from veracity.live.turning import Turner
from veracity.log.doors import StoreUnavailable

STREAM = "00" * 8


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = new_city(tmp_path / "city")
    with open_writer(made, clock) as home:
        for gauge in ("g00", "g01"):
            add_device(home, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
    return made


def given(*arrivals: Arrival) -> list[Arrival]:
    """Messages as a broker gives them, each from a place of its own."""
    return [replace(a, origin=(STREAM, n)) for n, a in enumerate(arrivals)]


def sums(root: Path) -> tuple[int, int, int, int, int]:
    """Messages, then accepted, quarantined, refused and duplicate records, as accounts say; audited."""
    home = Home.open(root, clock)
    try:
        assert [f"{f.what}: {f.detail}" for f in audit(home).findings] == []
        s = [account.said.sums for account in accounts(home, FEED)]
    finally:
        home.close()
    return (
        sum(i.messages for i in s),
        sum(i.accepted for i in s),
        sum(i.quarantined for i in s),
        sum(i.refused for i in s),
        sum(i.duplicate for i in s),
    )


@pytest.mark.parametrize("is_in_the_log", [True, False])
def test_a_turn_tried_again_counts_once(
    root: Path, monkeypatch: pytest.MonkeyPatch, is_in_the_log: bool
) -> None:
    """A turn that fails, before or after its batch is in the log, takes no rate and makes no duplicates."""
    messages = given(signed("G00", record("G00", 9)), signed("G00", record("G00", 8)), bare("G01", b"["))
    turner = Turner(root, clock, LimitsByFeed(Limits(device=Rate(0.001, 2))))
    sealed = Sealer.seal

    def failing(*args: object, **named: object) -> None:
        if is_in_the_log:
            sealed(*args, **named)  # type: ignore[arg-type]
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(Sealer, "seal", failing)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            turner.turn(messages)
    monkeypatch.undo()
    turner.turn(messages)
    turner.close()
    assert sums(root) == (3, 2, 0, 1, 0)


def test_a_message_given_twice_in_one_turn_counts_once(root: Path) -> None:
    """The broker gives a message again that waited for long: it is no duplicate of a device."""
    messages = given(signed("G00", record("G00", 9)), bare("G01", b"["))
    turner = Turner(root, clock)
    turner.turn([*messages, *(replace(m, is_again=True) for m in messages)])
    turner.close()
    assert sums(root) == (2, 1, 0, 1, 0)


def test_a_late_message_fills_no_bucket() -> None:
    """Messages out of order, as of several partitions, give a device no more than its rate."""
    buckets = Buckets(Rate(1.0, 1))
    assert [buckets.take("d", at) for at in (100.0, 0.0, 100.0, 50.0, 101.0)] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_what_is_large_within_becomes_several_batches(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small messages that are large when no longer compressed are not all held at once."""
    monkeypatch.setattr(room, "BATCH_BYTES", 20_000)
    messages = [
        signed("G00", *(record("G00", 1, (100 * m + i) / 10_000) for i in range(100)), compress=True)
        for m in range(6)
    ]
    turner = Turner(root, clock)
    told = turner.turn(given(*messages))
    turner.close()
    assert [(t.batch, t.n_messages) for t in told] == [(0, 2), (1, 2), (2, 2)]
    assert sums(root)[0] == 6


def test_a_key_that_expires_while_it_is_verified(root: Path) -> None:
    """A batch was received when its keys were asked, so that its receipts verify ever after."""
    times = [NOW]
    with open_writer(root, clock) as home:
        name = f"{AGENCY}/g02"
        add_device(home, name, key(name).public, expires=NOW + timedelta(seconds=10))

    def slow(claims: Sequence[Claim]) -> list[bool]:
        times[0] = NOW + timedelta(seconds=20)
        return verify_here(claims)

    def now() -> datetime:
        return times[0]

    turner = Turner(root, now, verify=slow)
    (told,) = turner.turn(given(signed("G02", record("G02", 9))), Ahead())  # it was not looked at before
    assert told.accepted == 1
    (later,) = turner.turn(given(signed("G02", record("G02", 8))))
    assert dict(later.turned) == {"expired-key": 1}
    turner.close()
    assert sums(root) == (2, 1, 0, 1, 0)


def test_a_place_given_to_another_message(root: Path) -> None:
    """What was read ahead of one message counts for no other, though the broker gave it the same place."""
    turner = Turner(root, clock)
    (one,), (other,) = (given(signed("G01", record("G01", n))) for n in (1, 2))
    (told,) = turner.turn([one], turner.look_ahead([replace(other, origin=one.origin)]))
    turner.close()
    assert told.accepted == 1
    home = Home.open(root, clock)
    rows = home.table("rain").scan().select("observed_at").collect()
    home.close()
    assert rows["observed_at"].to_list() == [NOW - timedelta(minutes=1)]


@pytest.mark.parametrize("turns", ["one", "two", "two workers"])
def test_both_messages_of_one_place_count(root: Path, turns: str) -> None:
    """A broker that was killed may give a place again: the second message is another, whoever asks."""
    (one,), (other,) = (given(signed("G01", record("G01", n))) for n in (1, 2))
    other = replace(other, is_again=turns != "one")
    turner = Turner(root, clock)
    if turns == "one":
        turner.turn([one, other])
    else:
        turner.turn([one])
        if turns == "two workers":
            turner.close()
            turner = Turner(root, clock)
        turner.turn([other])
    turner.turn([replace(m, is_again=True) for m in (one, other)])  # neither is new by now
    turner.close()
    assert sums(root) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("is_another_worker", [True, False])
def test_what_gave_nothing_is_told_once(root: Path, is_another_worker: bool) -> None:
    """A message turned away or sent twice that the broker gives again is not counted again."""
    sent = signed("G01", record("G01", 1))
    messages = given(sent, bare("G01", b"["), sent)
    turner = Turner(root, clock)
    turner.turn(messages)
    if is_another_worker:
        turner.close()
        turner = Turner(root, clock)
    turner.turn([replace(m, is_again=True) for m in messages])
    turner.close()
    assert sums(root) == (3, 1, 0, 1, 1)


@pytest.fixture
def csv_root(tmp_path: Path) -> Path:
    made = new_city(tmp_path / "city", feeds=())
    path = contract(tmp_path, FEED)
    path.write_text(path.read_text().replace("format: ndjson", "format: csv"))
    with open_writer(made, clock) as home:
        add_feed(home, path)
    return made


def row(gauge: str, minute: int, *, is_turned: bool = False) -> bytes:
    at = (NOW - timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"0.4,{at},{gauge}".encode() if is_turned else f"{gauge},{at},0.4".encode()


STRAIGHT, TURNED = b"gauge,observed_at,rain", b"rain,observed_at,gauge"


def test_devices_may_order_their_columns_as_they_like(csv_root: Path) -> None:
    """Two hundred changes of the header in one turn are two layouts in its statement."""
    messages = [
        bare(f"G0{m % 2}", TURNED if m % 2 else STRAIGHT, row(f"G0{m % 2}", m, is_turned=m % 2 == 1))
        for m in range(200)
    ]
    turner = Turner(csv_root, clock, LimitsByFeed())
    (told,) = turner.turn(given(*messages))
    turner.close()
    assert told.accepted == 200
    home = Home.open(csv_root, clock)
    layouts = home.index.predicate(home.index.batches(FEED)[0].idx)["layouts"]
    home.close()
    assert len(layouts) == 2
    assert sums(csv_root) == (200, 200, 0, 0, 0)


def test_more_headers_than_a_statement_holds_become_several_batches(
    csv_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that makes up an order of columns for each message stops nobody."""
    monkeypatch.setattr(room, "LAYOUTS", 2)
    order = [b"gauge,observed_at,rain", b"rain,observed_at,gauge", b"gauge,observed_at,rain,rain"]
    messages = [bare("G00", head, b"x,y,z") for head in order]
    turner = Turner(csv_root, clock)
    told = turner.turn(given(*messages, bare("G01", STRAIGHT, row("G01", 3))))
    turner.close()
    assert [t.batch for t in told] == [0, 1]
    assert sum(t.accepted for t in told) == 1


def test_a_header_that_is_none_in_mid_batch_is_turned_away(csv_root: Path) -> None:
    """A message is never read under the columns of the one before."""
    turner = Turner(csv_root, clock)
    (told,) = turner.turn(
        given(
            bare("G00", STRAIGHT, row("G00", 9)),
            bare("G01", b"gauge,observed_at,temperature", row("G01", 9)),
            bare("G01", STRAIGHT, row("G01", 8), TURNED, row("G01", 7, is_turned=True)),
        )
    )
    turner.close()
    assert dict(told.turned) == {"no-header": 1, "malformed-body": 1}
    assert sums(csv_root)[:2] == (3, 1)


def test_headers_are_counted_nowhere(csv_root: Path) -> None:
    """What comes twice counts by its records; one of a header alone as one, so that it is said."""
    turner = Turner(csv_root, clock)
    messages = [bare("G00", STRAIGHT, row("G00", 9), row("G00", 8)), bare("G01", STRAIGHT)]
    turner.turn(given(*messages))
    (told,) = turner.turn([replace(m, origin=None) for m in messages])
    turner.close()
    assert told.duplicate == 3
    assert sums(csv_root) == (4, 2, 0, 0, 3)


def test_a_message_that_no_statement_holds_stops_no_other(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails of its own content fails alone, and is counted."""
    sealed = Sealer.seal

    def picky(self: Sealer, feed: str, admitted: Sequence[object], *rest: object) -> object:
        if any(b"G01" in m.records[0] for m in admitted):  # type: ignore[attr-defined]
            raise TooManyLayouts("headers: want fewer, got more")
        return sealed(self, feed, admitted, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Sealer, "seal", picky)
    turner = Turner(root, clock)
    turner.turn(given(*(signed(g, record(g, 9)) for g in ("G00", "G01"))))
    turner.close()
    assert sums(root) == (2, 1, 0, 1, 0)


def test_the_log_is_not_read_again_at_each_turn(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that lets others in goes on from what it knew of the log, unless a turn failed."""
    opened: list[Writer | None] = []

    @contextmanager
    def noting(*args: Any, after: Writer | None, **named: Any) -> Iterator[Writer]:
        opened.append(after)
        with open_writer(*args, after=after, **named) as writer:
            yield writer

    monkeypatch.setattr("veracity.live.turning.open_writer", noting)
    turner = Turner(root, clock)
    for minute in range(2):
        turner.turn(given(signed("G00", record("G00", minute))))
        turner.close()
    assert [after is None for after in opened] == [True, False]
    assert sums(root) == (2, 2, 0, 0, 0)
