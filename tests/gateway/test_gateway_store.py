"""What a gateway has taken is there after any end, leaves in order and once, and stays within bounds."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from veracity.gateway.database import FILE, alone, is_held
from veracity.gateway.errors import GatewayBusy, MalformedReading, StoreFull, StoreUnusable
from veracity.gateway.limits import MAX_RECORD_BYTES, Cut, Keep
from veracity.gateway.store import Store

SECOND = 1_000_000_000


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ns = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.ns


def joined(feed: str, records: Sequence[bytes]) -> bytes:
    return feed.encode() + b":" + b"\n".join(records)


def made(folder: Path, keep: Keep = Keep(), clock: Hand | None = None) -> Store:  # noqa: B008
    return Store(folder / "state", keep, clock or Hand())


def filled(store: Store) -> int:
    """Put records until one is refused; return how many were taken."""
    for n in range(100_000):
        try:
            store.put([("air", b"%08d" % n + 2_000 * b"x")])
        except StoreFull:
            return n
    raise AssertionError("a store without bounds")


def test_records_become_batches_in_order_by_count_bytes_and_age(tmp_path: Path) -> None:
    clock = Hand()
    store = made(tmp_path, clock=clock)
    cut = Cut(max_records=3, max_bytes=1_000, max_age_s=2)
    store.put([("air", b"%d" % i) for i in range(5)] + [("rain", b"r")])
    assert store.cut(cut, joined) == 1  # three make one; the others are too few and too young
    clock.ns += 2 * SECOND
    assert store.cut(cut, joined) == 2
    store.put([("air", 600 * b"a"), ("air", 600 * b"b")])
    assert store.cut(cut, joined) == 1  # enough bytes, and no more in one than may be
    payloads = [b.payload for b in store.unsent(0, 10)]
    assert payloads == [b"air:0\n1\n2", b"air:3\n4", b"rain:r", b"air:" + 600 * b"a"]
    assert store.queue().n_records == 1


def test_without_network_batches_get_full_instead_of_many(tmp_path: Path) -> None:
    clock = Hand()
    store = made(tmp_path, clock=clock)
    for i in range(200):
        store.put([("air", b"%d" % i)])
        clock.ns += 2 * SECOND
        store.cut(Cut(max_records=20, max_age_s=1), joined)
    queue = store.queue()
    assert queue.n_unsent < 16 + 200 // 20 + 1
    assert queue.n_records < 20


def test_sent_batches_are_kept_for_a_time_and_can_be_sent_again(tmp_path: Path) -> None:
    clock = Hand()
    store = made(tmp_path, Keep(sent_s=60), clock)
    store.put([("air", b"1")])
    store.cut(Cut(), joined, flush=True)
    (first,) = store.unsent(0, 9)
    store.mark_sent([first.seq])
    assert (store.unsent(0, 9), store.queue().n_sent) == ([], 1)
    assert store.resend(clock.ns) == 1
    assert store.unsent(0, 9) == [first]  # the same bytes
    store.mark_sent([first.seq])
    clock.ns += 61 * SECOND
    store.mark_sent([])
    assert (store.queue().n_sent, store.resend(0)) == (0, 0)


def test_a_full_store_refuses_and_forgets_only_what_was_sent(tmp_path: Path) -> None:
    """The bound holds on the disk; what is refused was not taken; what the city has makes room."""
    keep = Keep(max_bytes=400_000, sent_bytes=10**9)
    store = made(tmp_path, keep)
    n = filled(store)
    assert 100 < n < 200
    while store.queue().n_records:  # a full store can still be cut and sent
        store.cut(Cut(max_records=10), joined, flush=True)
    batches = store.unsent(0, 1_000)
    assert b"".join(b.payload for b in batches).count(b"air:") == len(batches)
    assert sum(b.n_records for b in batches) == n
    store.mark_sent([b.seq for b in batches])
    for i in range(n):
        store.put([("air", b"%08d" % i + 2_000 * b"y")])
    store.close()
    used = sum(path.stat().st_size for path in (tmp_path / "state").iterdir())
    assert used < keep.max_bytes + 1_000_000


def test_what_is_kept_after_sending_is_bounded(tmp_path: Path) -> None:
    store = made(tmp_path, Keep(sent_bytes=20_000))
    for _ in range(60):
        store.put([("air", 1_000 * b"x")])
        store.cut(Cut(), joined, flush=True)
    store.mark_sent([b.seq for b in store.unsent(0, 1_000)])
    assert store.queue().n_sent * 1_000 <= 20_000


def test_losses_are_counted_durably_and_become_records(tmp_path: Path) -> None:
    clock = Hand()
    store = made(tmp_path, clock=clock)
    store.lose("line", "rain", "full", 2)
    clock.ns += SECOND
    store.lose("line", "rain", "full")
    store.close()
    store = made(tmp_path, clock=clock)
    assert store.queue().n_lost == 3
    assert store.report_losses("city/g1", "losses") == 1
    assert store.report_losses("city/g1", "losses") == 0
    store.cut(Cut(), joined, flush=True)
    assert store.unsent(0, 1)[0].payload == (
        b'losses:{"feed":"rain","first_at":"2027-01-15T08:00:00.000000Z","gateway":"city/g1",'
        b'"last_at":"2027-01-15T08:00:01.000000Z","lost":3,"reason":"full","source":"line"}'
    )


def test_nothing_is_half_taken(tmp_path: Path) -> None:
    store = made(tmp_path)
    with pytest.raises(MalformedReading):
        store.put([("air", b"1"), ("air", (MAX_RECORD_BYTES + 1) * b"x")])
    assert store.queue().n_records == 0


def test_a_failing_signature_leaves_the_records(tmp_path: Path) -> None:
    store = made(tmp_path)
    store.put([("air", b"1")])

    def fails(feed: str, records: Sequence[bytes]) -> bytes:
        raise OSError("token gone")

    with pytest.raises(OSError, match="token gone"):
        store.cut(Cut(), fails, flush=True)
    assert (store.queue().n_records, store.queue().n_unsent) == (1, 0)


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    """A lost second of power must lose nothing: WAL alone would not promise it."""
    store = made(tmp_path)
    ((level,),) = store._database.execute("PRAGMA synchronous").fetchall()
    assert level == 2
    store.close()


def test_one_gateway_at_a_time(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    with alone(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(GatewayBusy), alone(tmp_path):
            pass
    assert not is_held(tmp_path)


def test_a_damaged_file_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / FILE).write_bytes(b"no database at all" * 1_000)
    with pytest.raises(StoreUnusable):
        made(tmp_path)
    assert sqlite3.sqlite_version_info > (3, 37)


def test_a_full_disk_loses_nothing_taken_and_no_count(tmp_path: Path) -> None:
    """The system refuses a write: the record was not taken, and its loss is counted when there is room."""
    store = made(tmp_path)
    store._database.execute("PRAGMA max_page_count = 60")
    n = filled(store)
    assert n > 10
    store.lose("line", "air", "full", 2)
    store.lose("line", "air", "full")
    store._database.execute("PRAGMA max_page_count = 1000000")
    assert store.queue().n_records == n
    assert store.report_losses("city/g1", "losses") == 1
    store.cut(Cut(max_records=10_000, max_bytes=900_000), joined, flush=True)
    assert b'"lost":3' in b"".join(batch.payload for batch in store.unsent(0, 9))


def test_a_clock_that_is_set_back_holds_nothing_up(tmp_path: Path) -> None:
    clock = Hand()
    store = made(tmp_path, clock=clock)
    store.put([("air", b"1")])
    clock.ns -= 86_400 * SECOND
    assert store.cut(Cut(max_age_s=1), joined) == 1
