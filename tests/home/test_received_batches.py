"""What came in, read once, answers as the batches listed for each question would."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from veracity.home.index import BatchRow
from veracity.home.models.received import FeedReceived


def batch(number: int, idx: int) -> BatchRow:
    """A batch at a log entry."""
    return BatchRow("rain", number, idx, "0" * 64, 0, True, "2026-09-01T00:00:00Z", 1, 1, 0, 0)


@st.composite
def logs(draw: st.DrawFn) -> list[BatchRow]:
    """Batches at entries of a log, numbered in any order: what a log may say."""
    entries = draw(st.lists(st.integers(0, 12), unique=True, max_size=7))
    numbers = draw(st.permutations(range(len(entries))) | st.just(range(len(entries))))
    return [batch(number, idx) for number, idx in zip(numbers, sorted(entries), strict=True)]


@given(logs(), st.sets(st.integers(0, 6)))
def test_it_answers_as_the_list_does(rows: list[BatchRow], empty: set[int]) -> None:
    """Before, newest, next and snapshot, at every entry and up to every batch, are what the list gives."""
    lines = [(row.batch, f"{row.batch} x\n".encode()) for row in rows if row.batch not in empty]
    received = FeedReceived(reversed(rows), lines)
    for idx in range(-1, 14):
        before = [row for row in rows if row.idx < idx]
        after = [row for row in rows if row.idx > idx]
        assert received.newest_before(idx) == max(before, key=lambda row: row.batch, default=None)
        assert received.next_after(idx) == min(after, key=lambda row: row.idx, default=None)
        for number in range(-1, 8):
            assert received.is_before(number, idx) == any(row.batch == number for row in before)
    for up_to in range(-1, 8):
        known = b"".join(line for number, line in lines if number <= up_to)
        assert received.snapshot_digest(up_to) == hashlib.sha256(known).hexdigest()
