"""What came in of feeds, read once for a whole audit: what a log entry could know, and what came after it."""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate

from veracity.home.home import Home
from veracity.home.index import BatchRow
from veracity.home.panels import snapshot_lines


class FeedReceived:
    """The batches of one feed. Each question takes the logarithm of their number.

    Nothing is taken for granted of the order of their numbers: the log may say any.

    Parameters
    ----------
    rows
        All its batches, in any order.
    lines
        As ``snapshot_lines`` gives them.
    """

    def __init__(self, rows: Iterable[BatchRow], lines: Iterable[tuple[int, bytes]]) -> None:
        self._rows = sorted(rows, key=lambda row: row.idx)
        self._entries = [row.idx for row in self._rows]
        self._entry_of = {row.batch: row.idx for row in self._rows}
        self._newest = list(accumulate(self._rows, _newer))
        self._lines = list(lines)
        self._numbers = [batch for batch, _ in self._lines]
        self._is_in_order = self._numbers == sorted(self._numbers)
        hasher = hashlib.sha256()
        self._digests = [hasher.hexdigest()]
        for _, line in self._lines:
            hasher.update(line)
            self._digests.append(hasher.hexdigest())

    def is_before(self, batch: int, idx: int) -> bool:
        """Whether there is such a batch, in the log before an entry."""
        entry = self._entry_of.get(batch)
        return entry is not None and entry < idx

    def newest_before(self, idx: int) -> BatchRow | None:
        """Return the batch of the highest number that was in the log before an entry."""
        n_before = bisect_left(self._entries, idx)
        return self._newest[n_before - 1] if n_before else None

    def next_after(self, idx: int) -> BatchRow | None:
        """Return the batch that comes first in the log after an entry."""
        at = bisect_right(self._entries, idx)
        return self._rows[at] if at < len(self._rows) else None

    def snapshot_digest(self, up_to_batch: int) -> str:
        """Return what ``panels.snapshot_digest`` gives."""
        if self._is_in_order:
            return self._digests[bisect_right(self._numbers, up_to_batch)]
        known = (line for batch, line in self._lines if batch <= up_to_batch)
        return hashlib.sha256(b"".join(known)).hexdigest()


def _newer(one: BatchRow, other: BatchRow) -> BatchRow:
    return max(one, other, key=lambda row: row.batch)


class Received:
    """What came in of every feed of a home; a feed is read when first asked for."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._feeds: dict[str, FeedReceived] = {}

    def of(self, feed: str) -> FeedReceived:
        """Return what came in of a feed."""
        if feed not in self._feeds:
            lines = snapshot_lines(self._home, feed)
            self._feeds[feed] = FeedReceived(self._home.index.batches(feed), lines)
        return self._feeds[feed]
