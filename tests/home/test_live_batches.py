"""Messages become batches: each counts once, each is somebody's, and an audit holds all of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from live_messages import FEED, bare, record, signed
from small_city import AGENCY, NOW, clock, contract, key, new_city
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_device, revoke_key
from veracity.home.errors import ClockBehind
from veracity.home.home import Home, Writer, open_writer
from veracity.home.live.accounts import accounts, hour_of, say_account, unsaid
from veracity.home.live.arrivals import Admitted, Arrival, Turned
from veracity.home.live.door import Door
from veracity.home.live.gathering import Tally
from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.rates import Rate
from veracity.home.live.sealing import Memory, Sealer, Turn, read_messages


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


@pytest.fixture
def home(root: Path) -> Iterator[Writer]:
    with open_writer(root, clock) as writer:
        for gauge in ("g00", "g01", "g02"):
            add_device(writer, f"{AGENCY}/{gauge}", key(f"{AGENCY}/{gauge}").public)
        yield writer


def turn(
    home: Writer, arrivals: Sequence[Arrival], memory: Memory | None = None, door: Door | None = None
) -> Turn:
    """What a worker does with what came since the last time."""
    door = door or Door(home)
    made = door.admit(arrivals, home.clock())
    admitted = [m for m in made if isinstance(m, Admitted)]
    turned = [m for m in made if isinstance(m, Turned)]
    made_turn = Sealer(home, memory or Memory()).seal(FEED, admitted, turned)
    assert made_turn is not None
    return made_turn


def counts(t: Turn) -> tuple[int, int, int, int, int]:
    said = t.sealed.statement
    assert said.messages is not None
    c = said.counts
    return c.accepted, c.quarantined, c.refused, said.messages.duplicate, sum(said.messages.refused.values())


def clean_audit(home: Home) -> None:
    assert [f"{f.where}: {f.what}: {f.detail}" for f in audit(home).findings] == []


def test_signed_and_bare_messages_become_rows(home: Writer) -> None:
    """One record, several on lines, an array and a compressed message are read alike."""
    array = b"[" + record("G02", 4) + b", " + record("G02", 3) + b"]"
    t = turn(
        home,
        [
            signed("G00", record("G00", 9)),
            signed("G01", record("G01", 9), record("G01", 8), compress=True),
            bare("G02", array),
        ],
    )
    assert counts(t) == (5, 0, 0, 0, 0)
    assert t.rows["sender"].to_list() == [f"{AGENCY}/g00", f"{AGENCY}/g01", "g02"]
    assert t.rows["first"].to_list() == [0, 1, 3]
    assert t.rows["event"].to_list() == [NOW - timedelta(minutes=m) for m in (9, 8, 3)]
    assert t.sealed.statement.messages is not None
    assert not t.sealed.statement.messages.signed  # one was bare
    assert home.table(FEED).scan().collect().height == 5
    clean_audit(home)


def test_each_record_is_counted_where_it_went(home: Writer) -> None:
    """sent = accepted + quarantined + refused + duplicate, for each sender."""
    good, bad, cut = record("G00", 9), record("G00", 8, 900.0), record("G00", 7)[:20]
    t = turn(
        home, [bare("G00", good, bad, cut), bare("G01", record("G01", 9)), bare("G01", record("G01", 9))]
    )
    assert counts(t) == (2, 1, 1, 1, 0)
    taken = t.rows.filter(pl.col("outcome") == "taken")
    assert taken.select("sender", "accepted", "quarantined", "refused").rows() == [
        ("g00", 1, 1, 1),
        ("g01", 1, 0, 0),
    ]
    assert t.rows.filter(pl.col("outcome") == "duplicate")["sender"].to_list() == ["g01"]
    clean_audit(home)


def test_a_message_counts_once_in_another_process(root: Path, home: Writer) -> None:
    """What a broker gives again after a crash is known by the lists that the log names, by nothing else."""
    first = [signed("G00", record("G00", 9)), signed("G01", record("G01", 9))]
    turn(home, first)
    t = turn(home, [*first, signed("G02", record("G02", 9))], Memory())
    assert counts(t) == (1, 0, 0, 2, 0)
    clean_audit(home)


def test_only_repetitions_make_a_batch_without_records(home: Writer) -> None:
    first = [signed("G00", record("G00", 9))]
    memory = Memory()
    turn(home, first, memory)
    t = turn(home, first, memory)
    assert t.sealed.statement.part.n_records == 0
    assert counts(t) == (0, 0, 0, 1, 0)
    assert counts(turn(home, [signed("G00", record("G00", 8))], memory)) == (1, 0, 0, 0, 0)
    clean_audit(home)


def test_what_a_broker_gives_again_is_no_duplicate(home: Writer) -> None:
    """After a crash the broker gives everything again that was not acknowledged: nothing counts twice.

    Neither what gave records, nor what was a duplicate, nor what was turned away; and what was never
    sealed counts now.
    """
    sent = [signed("G00", record("G00", 9)), signed("G00", record("G00", 9)), bare("G01", b"[")]
    first = [replace(a, origin=("00" * 8, n)) for n, a in enumerate(sent)]
    assert counts(turn(home, first)) == (1, 0, 0, 1, 1)
    again = [replace(a, is_again=True) for a in first]
    late = replace(bare("G01", b"["), origin=("00" * 8, 3), is_again=True)
    other_stream = replace(again[2], origin=("11" * 8, 2))
    t = turn(home, [*again, late, other_stream])
    assert counts(t) == (0, 0, 0, 0, 2)
    assert t.rows["origin"].to_list() == ["0000000000000000:3;1111111111111111:2"]
    clean_audit(home)


def test_a_cluster_that_forgot_what_it_gave(home: Writer) -> None:
    """A new leader may give a message again as if for the first time, in the same turn or a later one.

    It counts once. The same content at another place was sent again, and is a duplicate; other content at
    the same place, as after a broker's power cut, is a message of its own.
    """
    a, b = (replace(signed("G00", record("G00", n)), origin=("00" * 8, n)) for n in (1, 2))
    assert counts(turn(home, [a, b, a])) == (2, 0, 0, 0, 0)
    other_place = replace(a, origin=("00" * 8, 3))
    other_content = replace(signed("G00", record("G00", 4)), origin=b.origin)
    t = turn(home, [b, a, other_place, other_content])
    assert counts(t) == (1, 0, 0, 1, 0)
    assert sorted(t.rows["origin"].to_list()) == ["0000000000000000:2", "0000000000000000:3"]
    clean_audit(home)


def test_a_replay_beyond_memory_is_still_known(home: Writer) -> None:
    """A batch of the very same records is known by the digest of its lines."""
    first = [signed("G00", record("G00", 9))]
    turn(home, first)

    class Forgetful(Memory):
        def catch_up(self, home: Home, feed: str, batch: int):  # type: ignore[no-untyped-def]
            self._feeds.clear()
            return super().catch_up(home, feed, 0)

    t = turn(home, first, Forgetful())
    assert counts(t) == (0, 0, 0, 1, 0)
    both = turn(home, [*first, signed("G00", record("G00", 8))], Forgetful())
    assert both.sealed.statement.reasons == {"duplicate-key": 1}  # among others, by the contract's key
    clean_audit(home)


def refused(home: Writer, *arrivals: Arrival, door: Door | None = None) -> list[str]:
    door = door or Door(home)
    made = door.admit(arrivals, home.clock())
    return [m.reason if isinstance(m, Turned) else "admitted" for m in made]


def test_the_door_turns_away(home: Writer, root: Path) -> None:
    """Each hostile message has its reason, and the next good one is let in."""
    add_feed(home, contract(root.parent, FEED, version="1.1.0", signature="required"))
    good = signed("G00", record("G00", 9))
    flipped = Arrival(FEED, "g00", good.payload.replace(b"0.4", b"0.5"), NOW)
    moved = Arrival(FEED, "g01", good.payload, NOW)
    stranger = signed("G00", record("G00", 9), by="g77")
    assert refused(
        home,
        bare("G00", record("G00", 9)),
        flipped,
        moved,
        stranger,
        bare("G00", b"[" * 1_000_000),
        bare("G00", b'{"a":' * 100_000),
        bare("G00", b""),
        Arrival(FEED, "g00", b"veracity-message/v1 x", NOW),
        bare("G00", b"x" * 2_000_000),
        bare("G00", record("G00", 9), feed="nowhere"),
        good,
    ) == [
        "unsigned",
        "signature",
        "foreign-device",
        "unknown-key",
        "malformed-body",
        "too-long",
        "malformed-body",
        "malformed-message",
        "too-large",
        "unknown-feed",
        "admitted",
    ]
    revoke_key(home, f"{AGENCY}/g00", "stolen")
    assert refused(home, signed("G00", record("G00", 8))) == ["revoked-key"]


def test_a_flood_is_cut_off_and_others_are_not(home: Writer) -> None:
    """A device's own bucket runs dry; what was turned away is counted in the log."""
    door = Door(home, LimitsByFeed(feeds={FEED: Limits(device=Rate(1.0, 10))}))
    flood = [bare("G00", record("G00", 9, i / 100)) for i in range(500)]
    t = turn(home, [*flood, bare("G01", record("G01", 9))], door=door)
    assert t.sealed.statement.messages is not None
    assert t.sealed.statement.messages.refused == {"rate": 490}
    assert t.rows.filter(pl.col("outcome") == "taken")["sender"].to_list() == ["g00"] * 10 + ["g01"]
    later = [Arrival(a.feed, a.device, a.payload, NOW + timedelta(seconds=3)) for a in flood[:9]]
    assert refused(home, *later, door=door) == ["admitted"] * 3 + ["rate"] * 6


def test_names_without_end_fit_into_one_list(home: Writer) -> None:
    """A sender who makes up a name for each message cannot make the list long."""
    tally = Tally()
    for i in range(10_000):
        tally.turned(Turned(Arrival(FEED, f"d{i}", b"", NOW), "rate", ""))
    assert len(tally.counts) <= 4_097
    assert tally.refused() == {"rate": 10_000}


def test_an_hour_is_accounted_for_once(root: Path, home: Writer) -> None:
    turn(home, [signed("G00", record("G00", 9)), bare("G01", record("G01", 9, 900.0)), bare("G01", b"{")])
    turn(home, [signed("G00", record("G00", 9)), signed("G02", record("G02", 9))])
    hour = hour_of(NOW)
    assert unsaid(home, FEED) == []  # the hour is not over
    (now,) = accounts(home, FEED)
    assert now.idx is None
    home.clock = lambda: NOW + timedelta(hours=1)
    assert unsaid(home, FEED) == [hour]
    said = say_account(home, FEED, hour)
    assert said is not None
    assert said.idx == home.log.size - 1
    assert said.devices.select(
        "sender", "messages", "sent", "accepted", "quarantined", "refused", "duplicate"
    ).rows() == [
        ("g01", 2, 2, 0, 1, 1, 0),
        (f"{AGENCY}/g00", 2, 2, 1, 0, 0, 1),
        (f"{AGENCY}/g02", 1, 1, 1, 0, 0, 0),
    ]
    again = say_account(home, FEED, hour)
    assert again is not None
    assert again.idx == said.idx
    clean_audit(home)
    home.clock = lambda: NOW - timedelta(hours=1)
    late = [signed("G00", record("G00", 7))]
    with pytest.raises(ClockBehind, match="hour accounted for"):
        turn(home, late)


@pytest.mark.parametrize("column", ["sender", "signature", "accepted", "first", "outcome"])
def test_an_audit_sees_a_changed_list(home: Writer, root: Path, column: str) -> None:
    t = turn(home, [signed("G00", record("G00", 9)), signed("G01", record("G01", 9))])
    rows = read_messages(home, FEED, t.sealed.statement.batch)
    assert rows is not None
    (path,) = (root / "store" / "messages" / FEED).glob("*.parquet")
    value = rows[column][1] if column != "accepted" else 7
    rows.with_columns(pl.lit(value, rows.schema[column]).alias(column)).with_columns(
        pl.lit("x").alias("outcome") if column == "outcome" else pl.col("outcome")
    ).write_parquet(path)
    assert [f.what for f in audit(home).findings] == ["messages"]


def test_csv_messages(tmp_path: Path) -> None:
    root = new_city(tmp_path / "city", feeds=())
    path = contract(tmp_path, FEED)
    path.write_text(path.read_text().replace("format: ndjson", "format: csv"))
    with open_writer(root, clock) as home:
        add_feed(home, path)
        head = b"gauge,observed_at,rain"
        a, b = b"G00,2026-09-03T11:50:00Z,0.1", b"G01,2026-09-03T11:50:00Z,900"
        assert refused(home, bare("G00", a)) == ["no-header"]
        t = turn(home, [bare("G00", head, a), bare("G01", head, b)])
        assert counts(t) == (1, 1, 0, 0, 0)
        assert t.rows.select("first", "records", "accepted", "quarantined").rows() == [
            (0, 2, 1, 0),
            (2, 2, 0, 1),
        ]
        clean_audit(home)
