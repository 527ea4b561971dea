"""Turns: what has been let in since the last one becomes one batch a feed, each message once.

A turn is made under the home's lock. What makes a message count once is the list that is kept with each
batch and named by its statement: its id is in the log exactly when its records are. So a message that a
broker gives again, because a crash came between the log and the acknowledgement, or because two brokers
had it, is known by the lists of the batches before. They are read when the home is opened, as far back as
memory reaches; what is older is told by the contract's key, as in any file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from veracity.home.batch import BatchWriter, Sealed
from veracity.home.home import Home, Writer
from veracity.home.live.arrivals import Admitted
from veracity.home.live.door import kind_of
from veracity.home.live.gathering import TAKEN, Gathering, Tally
from veracity.home.live.seen import Seen
from veracity.home.sources import lines_part
from veracity.home.tables import read_signed

REMEMBERED_BATCHES = 5_000  #: of which the lists are read when a feed is taken up


@dataclass(frozen=True)
class Turn:
    """What one turn made of one feed's messages.

    Attributes
    ----------
    rows
        The list kept with the batch; see ``gathering``.
    taken, repeated
        The messages whose records are the batch's, in order; those that had come before.
    """

    sealed: Sealed
    rows: pl.DataFrame
    taken: tuple[Admitted, ...]
    repeated: tuple[Admitted, ...]


class Memory:
    """Which messages of each feed came before; kept while writers come and go."""

    def __init__(self) -> None:
        self._feeds: dict[str, tuple[int, Seen]] = {}  # the batch it stands before

    def catch_up(self, home: Home, feed: str, batch: int) -> Seen:
        """Return what came in the batches before one, reading the lists of those not known yet."""
        known, seen = self._feeds.get(feed, (max(0, batch - REMEMBERED_BATCHES), Seen()))
        for number in range(known, batch):
            seen.add(_ids(home, feed, number))
        self._feeds[feed] = batch, seen
        return seen


class Sealer:
    """Makes turns in a home held open for writing; made anew with each writer, with the same memory."""

    def __init__(self, home: Writer, memory: Memory) -> None:
        self._home, self._memory = home, memory
        self._sessions: dict[str, BatchWriter] = {}

    def seal(self, feed: str, admitted: Sequence[Admitted], tally: Tally) -> Turn | None:
        """Seal one feed's messages, and the tally of those turned away; None if there were none at all.

        ``tally`` is added to: what came before.
        """
        session = self._session(feed)
        seen = self._memory.catch_up(self._home, feed, session.batch)
        taken, repeated = _split(seen, admitted)
        name = f"{feed}-{session.batch:08d}.{kind_of(session.contract)}"
        gathering = Gathering(session.contract, taken, tally)
        sealed = None
        if taken:
            info, part = lines_part(*gathering.lines(), kind_of(session.contract), session.contract, name)
            if self._home.index.batches(feed, info.sha256):  # came before, longer ago than memory reaches
                taken, repeated = [], [*taken, *repeated]
        for message in repeated:
            tally.repeated(message)
        if taken:
            sealed = session.seal(info, part, None, gathered=gathering)
        elif tally:
            gathering = Gathering(session.contract, (), tally)
            sealed = session.note(gathering, name)
        return None if sealed is None else Turn(sealed, gathering.kept, tuple(taken), tuple(repeated))

    def _session(self, feed: str) -> BatchWriter:
        if feed not in self._sessions:
            self._sessions[feed] = BatchWriter(self._home, self._home.feed(feed))
        return self._sessions[feed]


def read_messages(home: Home, feed: str, batch: int) -> pl.DataFrame | None:
    """Return the list of messages kept with a batch; None for a batch that is of a file.

    Raises
    ------
    TableMismatch
        If it is gone or another.
    """
    row = home.index.batch(feed, batch)
    said = None if row is None else home.index.predicate(row.idx).get("messages")
    return None if said is None else read_signed(home, "messages", feed, batch, said["rows"]["sha256"])


def _ids(home: Home, feed: str, batch: int) -> list[str]:
    rows = read_messages(home, feed, batch)
    return [] if rows is None else rows.filter(pl.col("outcome") == TAKEN)["id"].to_list()


def _split(seen: Seen, admitted: Sequence[Admitted]) -> tuple[list[Admitted], list[Admitted]]:
    """Return the messages that are new, and those that are not, also by one of the others."""
    known = seen.known([m.id for m in admitted])
    taken: list[Admitted] = []
    repeated: list[Admitted] = []
    here: set[str] = set()
    for message, is_known in zip(admitted, known, strict=True):
        is_new = not is_known and message.id not in here
        here.add(message.id)
        (taken if is_new else repeated).append(message)
    return taken, repeated
