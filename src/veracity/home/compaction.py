"""A feed's table made of few large files again, and the small ones deleted when nobody reads them.

Live feeds leave a file and a commit a second. Compaction changes nothing that anybody reads: the rows,
their order, their batches and digests stay as they are signed, so no statement is made of it. It is
safe to stop at any moment and to repeat:

1. Each group of neighbouring small files becomes one, in one commit of Delta's log.
2. The files replaced stay for ``GRACE``: a reader that opened the table before goes on with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from veracity.data.compaction import TableFile, plan
from veracity.data.lake import statistics_of
from veracity.data.rewriting import GRACE, replaced, rewrite, sweep
from veracity.home.clock import Clock
from veracity.home.home import Home, Writer

OLDER_THAN = timedelta(hours=1)
MORE_THAN = 4_096  #: files, whatever their age: who asks for rows looks at the list of all of them
_SWEPT = 500  # files deleted between two looks whether others wait for the home


@dataclass(frozen=True)
class Compacted:
    """What a compaction did, or would do.

    ``n_files`` is how many the table had before. Of these ``n_replaced``, of ``bytes_replaced``, became
    ``n_made`` files, of ``bytes_made`` (not known of a plan: None). ``n_deleted`` were replaced earlier,
    and are gone from the disk now. ``is_done`` is False if others waited for the home: there is more to do.
    """

    feed: str
    n_files: int
    n_replaced: int
    n_made: int
    n_rows: int
    bytes_replaced: int
    bytes_made: int | None
    n_deleted: int
    is_done: bool = True


def wall_clock() -> datetime:
    """Return the system's time, by which the Delta library goes too, whatever the home's clock says."""
    return datetime.now(UTC)


def plan_compaction(
    home: Home, feed: str, older_than: timedelta = OLDER_THAN, wall: Clock = wall_clock
) -> Compacted:
    """Say what ``compact`` would do; the second time over the files it makes is not foreseen."""
    files, up_to = _candidates(home, feed, older_than)
    groups = plan(files, up_to)
    n_deleted = len(replaced(home.table(feed), wall() - GRACE))
    return _count(feed, files, groups, None, n_deleted, is_done=not groups)


def compact(
    home: Writer, feed: str, older_than: timedelta = OLDER_THAN, wall: Clock = wall_clock
) -> Compacted:
    """Make few files of a feed's many; then delete what was replaced ``GRACE`` ago.

    Batches received within ``older_than`` are left alone, unless there are more than ``MORE_THAN`` files.
    Between two files it is asked whether another process waits for the home; if so, this ends, with
    ``is_done`` False: close the home, open it again behind the other, and go on. Each file takes about a
    second, and at most a million rows of memory.

    Raises
    ------
    UnknownFeed, StateBehind
        If there is no such feed, or its table has not the rows that the log says.
    TableMismatch
        If a file is not as it was written: ``veracity audit`` says more. Nothing of its group is changed.
    """
    contract = home.feed(feed).contract
    home.check_held(feed)
    table = home.table(feed)
    before, up_to = _candidates(home, feed, older_than)
    done: list[list[TableFile]] = []
    n_bytes = 0
    groups = plan(before, up_to)
    while groups and not (done and home.is_wanted()):
        n_bytes += rewrite(table, groups[0], statistics_of(contract), wall())
        done.append(groups[0])
        groups = groups[1:] or plan(table.table_files(), up_to)
    n_deleted = n = sweep(table, wall() - GRACE, _SWEPT)
    while n == _SWEPT and not home.is_wanted():
        n = sweep(table, wall() - GRACE, _SWEPT)
        n_deleted += n
    return _count(feed, before, done, n_bytes, n_deleted, is_done=not groups and n < _SWEPT)


def _candidates(home: Home, feed: str, older_than: timedelta) -> tuple[list[TableFile], int]:
    """Return a table's files, and the last batch that is old enough to be in a large one."""
    home.feed(feed)
    files = home.table(feed).table_files()
    as_of = None if len(files) > MORE_THAN else home.clock() - older_than
    return files, home.index.up_to(feed, as_of)


def _count(
    feed: str,
    before: Sequence[TableFile],
    groups: Sequence[Sequence[TableFile]],
    bytes_made: int | None,
    n_deleted: int,
    *,
    is_done: bool,
) -> Compacted:
    small = [file for group in groups for file in group]
    n_rows, n_bytes = sum(f.n_rows for f in small), sum(f.n_bytes for f in small)
    return Compacted(
        feed=feed,
        n_files=len(before),
        n_replaced=len(small),
        n_made=len(groups),
        n_rows=n_rows,
        bytes_replaced=n_bytes,
        bytes_made=bytes_made,
        n_deleted=n_deleted,
        is_done=is_done,
    )
