"""The rules that accepted rows broke: read from the verdicts that their batches left, one batch at a time."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

import polars as pl

from veracity.home.home import Home
from veracity.home.tables import read_kept
from veracity.server.batches import BatchFacts

MAX_BATCHES = 4_096  #: whose flags are kept in memory

Place = tuple[int, int, str | None]  #: batch, record, and of a wide feed the value its column name carried
_Flags = Mapping[tuple[int, str | None], tuple[str, ...]]


class Flags:
    """Flags of rows by batch, kept; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], _Flags] = OrderedDict()

    def of(
        self, home: Home, feed: str, facts: Sequence[BatchFacts], carried: str | None, batches: Iterable[int]
    ) -> dict[Place, tuple[str, ...]]:
        """Return the flags of the accepted rows of some batches; rows without any are left out.

        Raises
        ------
        TableMismatch
            If a batch's verdicts are gone or cannot be read.
        """
        wanted = set(batches)
        found: dict[Place, tuple[str, ...]] = {}
        for one in facts:
            if one.flagged and one.verdicts is not None and one.batch in wanted:
                of_batch = self._of_batch(home, feed, one.batch, one.verdicts, carried)
                found |= {(one.batch, *place): flags for place, flags in of_batch.items()}
        return found

    def _of_batch(self, home: Home, feed: str, batch: int, sha256: str, carried: str | None) -> _Flags:
        with self._lock:
            kept = self._kept.get((feed, sha256))
            if kept is not None:
                self._kept.move_to_end((feed, sha256))
                return kept
        made = _read(home, feed, batch, sha256, carried)
        with self._lock:
            self._kept[feed, sha256] = made
            while len(self._kept) > MAX_BATCHES:
                self._kept.popitem(last=False)
        return made


def _read(home: Home, feed: str, batch: int, sha256: str, carried: str | None) -> _Flags:
    rows = read_kept(home, "verdicts", feed, batch, sha256)
    reasons = [n for n, t in rows.schema.items() if t == pl.Boolean]
    flagged = rows.filter(
        pl.col("outcome").cast(pl.String) == "accepted", pl.any_horizontal(pl.lit(value=False), *reasons)
    )
    values: list[str | None] = [None] * flagged.height
    if carried is not None and carried in rows.columns:
        values = flagged[carried].str.strip_chars().to_list()
    return {
        (int(row["_record"]), value): tuple(r for r in reasons if row[r])
        for row, value in zip(flagged.iter_rows(named=True), values, strict=True)
    }
