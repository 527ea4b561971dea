"""What an audit asks of the times that statements on models and decisions give of themselves.

A statement that is dated back or ahead of what stands around it in the log changes what counts: how long a
model served, which outcomes are missing for good. And what is never scored is hidden as well as deleted.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from veracity.data.row_rules import CLOCK_TOLERANCE_S
from veracity.home.clock import format_time, parse_time
from veracity.home.home import Home
from veracity.home.index import BatchRow
from veracity.home.models.decisions import decisions_path
from veracity.home.models.kept_rows import read_rows
from veracity.home.models.of_system import said_of
from veracity.home.models.said import read_said
from veracity.home.table_audit import UNREADABLE, Found
from veracity.models.matching import WAIT
from veracity.models.panel_array import Bools
from veracity.provenance.statements import Decide, Outcome, Release

GRACE = timedelta(days=1)  #: that a scoring may be late, over the time that an outcome may take


def dated_ahead(after: BatchRow | None, said_at: str) -> Iterator[tuple[str, str]]:
    """Yield if the batch that comes after in the log, if any does, came in well before ``said_at``."""
    if after is not None and _is_well_before(after.received_at, said_at):
        want = f"want it not after batch {after.batch} of {after.feed}, which is later in the log"
        yield "time", f"{want} ({after.received_at}), got {said_at}: dated ahead"


def check_release_time(home: Home, stated: Release, idx: int) -> Iterator[tuple[str, str]]:
    """Yield if a change of what serves, log entry ``idx``, is dated otherwise than what stands around it.

    That is the changes before it, and batches of all feeds before and after it.
    """
    before = [(i, str(p["released_at"])) for i, p in said_of(home, "release", stated.system) if i < idx]
    yield from check_said_time(home, stated.released_at, idx, before)


def check_said_time(
    home: Home, said_at: str, idx: int, before: Sequence[tuple[int, str]] = ()
) -> Iterator[tuple[str, str]]:
    """Yield if log entry ``idx`` says a time well before that of entries before it, or after later ones'.

    ``before`` are entries and their times beside those of batches.
    """
    batches = [row for feed in home.feed_names() for row in home.index.batches(feed)]
    earlier = [*before, *((row.idx, row.received_at) for row in batches if row.idx < idx)]
    at, latest = max(earlier, key=lambda one: one[1], default=(idx, said_at))
    if _is_well_before(said_at, latest):
        yield "time", f"want it not before log entry {at} ({latest}), got {said_at}: dated back"
    after = min((row for row in batches if row.idx > idx), key=lambda row: row.idx, default=None)
    yield from dated_ahead(after, said_at)


def left_unscored(
    home: Home, system: str, last: Outcome | None, settled: Mapping[int, Bools]
) -> Iterator[Found]:
    """Yield if decisions fell due so long ago, as the log's own times go, that they must be scored by now.

    Parameters
    ----------
    last
        The last scoring.
    settled
        By run, which of its decisions some scoring settled.
    """
    runs = said_of(home, "decide", system)
    feeds = {str(i["feed"]) for _, p in runs[-1:] for i in p["inputs"]}
    came = [row.received_at for feed in sorted(feeds) for row in home.index.batches(feed)]
    newest = max([*came, *(str(p["made_at"]) for _, p in runs)], default=None)
    if newest is None:
        return
    late = parse_time("made_at", newest) - WAIT - GRACE
    since = None if last is None else parse_time("until", last.until) - WAIT  # older ones are settled
    n_left = sum(_n_left(home, idx, settled, since, late) for idx, _ in runs)
    if n_left:
        want = f"want all due by {format_time(late)} scored, as the log goes on to {newest}"
        yield f"scoreboard of {system}", "not scored", f"{want}, got {n_left:,} decisions that never were"


def _n_left(
    home: Home, idx: int, settled: Mapping[int, Bools], since: datetime | None, late: datetime
) -> int:
    """Return how many decisions of a run fell due in a span and are not settled; 0 if they are gone."""
    try:
        decide = read_said(home, idx, Decide)
        if parse_time("made_at", decide.made_at) > late:
            return 0
        due = read_rows(home, decisions_path(decide), decide.output)["due"]
    except UNREADABLE:
        return 0  # told where runs are looked at
    open_rows = ((due <= late) if since is None else (due <= late) & (due > since)).to_numpy()
    done = np.zeros(len(open_rows), np.bool_)
    had = settled.get(decide.run, done)[: len(done)]
    done[: len(had)] = had
    return int((open_rows & ~done).sum())


def _is_well_before(one: str, other: str) -> bool:
    """Whether a time is before another by more than clocks may differ."""
    return (parse_time("time", other) - parse_time("time", one)).total_seconds() > CLOCK_TOLERANCE_S
