"""Files of a table rewritten into one, and the replaced ones deleted later: two steps, each safe to repeat.

A reader that opened the table before goes on with the files it knows. So they stay for ``GRACE`` after
the commit that took them out.
"""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import polars as pl
from deltalake.transaction import RemoveAction

from veracity.data.compaction import TableFile
from veracity.data.errors import TableMismatch
from veracity.data.lake import Table, encoded, reading_rows

GRACE = timedelta(hours=2)  #: as long as Delta's log remembers what was taken out (see ``lake``)
_GROUP = 32_768  # rows in a row group: what the reader of one batch decodes
_N_READERS = 8


def rewrite(table: Table, group: Sequence[TableFile], statistics: Sequence[str], now: datetime) -> int:
    """Put one file in the place of some, the same rows in the same order; return its size in bytes.

    The files stand in the order of their batches, and stay on disk: see ``sweep``. One commit takes them
    out and the new one in, or nothing happens. ``statistics`` as for ``Table.append``.

    Raises
    ------
    TableMismatch
        If one of them is gone or is not the bytes of the digest in its name: damage is not sealed over.
    StoreUnavailable
        Also if another writer has committed since this one looked.
    """
    with reading_rows():
        with ThreadPoolExecutor(_N_READERS) as pool:
            rows = pl.concat(pool.map(lambda file: pl.read_parquet(io.BytesIO(table.get(file.name))), group))
        data = encoded(rows, _GROUP)
        is_same = pl.read_parquet(io.BytesIO(data)).equals(rows)
    want = sum(file.n_rows for file in group)
    if not is_same or rows.height != want:
        raise TableMismatch(f"{group[0].name}: want {want} rows with those after it, got {rows.height}")
    at_ms = int(now.timestamp() * 1000)
    removes = [RemoveAction(file.name, False, at_ms, file.n_bytes, {}) for file in group]
    table.replace(data, rows, statistics, removes)
    return len(data)


def replaced(table: Table, before: datetime) -> list[str]:
    """Return the files on disk that are not in the table: taken out before then, or left behind.

    A crash between a file and its commit leaves one behind. Files of a batch that is not committed yet
    are none of these, nor are other writers'.
    """
    before_ms, last = int(before.timestamp() * 1000), table.last_batch
    return [
        name
        for name, at_ms in table.outside().items()
        if int(name.split("-")[0]) <= last and (at_ms is None or at_ms <= before_ms)
    ]


def sweep(table: Table, before: datetime, at_most: int) -> int:
    """Delete files that were taken out before then, or left behind; return how many.

    First no commit that a lost writer has under way can take effect any more: it could name one of them.
    """
    going = replaced(table, before)[:at_most]
    if going:
        table.bar(table.last_batch + 1)
        table.delete(going)
    return len(going)
