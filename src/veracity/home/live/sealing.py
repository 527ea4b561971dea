"""Turns: what has been let in since the last one becomes one batch a feed, each message once.

A turn is made under the home's lock. What makes a message count once is the list that is kept with each
batch and named by its statement: its id is in the log exactly when its records are. So a message that a
broker gives again, because a crash came between the log and the acknowledgement, or because two brokers
had it, is known by the lists of the batches before. A message that the broker gave before and that is in a
list is left out; one that was sent again is counted as a duplicate. A cluster of brokers whose leader died
may have forgotten that it gave a message: so one that is known is also left out if a list has its place.
The lists are read when the home is opened, as far back as memory reaches; what is older is told by the
contract's key, as in any file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

from veracity.home.batch import BatchWriter, Sealed
from veracity.home.home import Home, Writer
from veracity.home.live.arrivals import Admitted, Turned
from veracity.home.live.door import kind_of
from veracity.home.live.gathering import TAKEN, Gathering, Tally
from veracity.home.live.origins import Origin, origin_id, parse_origins
from veracity.home.live.seen import Seen
from veracity.home.sources import lines_part
from veracity.home.tables import read_signed

_Message = TypeVar("_Message", Admitted, Turned)
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


@dataclass
class Known:
    """What came of one feed before a batch: the messages' ids, and their places in the brokers' streams."""

    before: int
    ids: Seen
    places: Seen

    def add(self, gathering: Gathering, before: int) -> None:
        """Take in the messages of the batch just sealed."""
        self.ids.add(m.id for m in gathering.taken)
        places = [m.arrival.origin for m in gathering.taken]
        places += [o for count in gathering.tally.counts.values() for o in count.origins]
        self.places.add(origin_id(o) for o in places if o is not None)
        self.before = before


class Memory:
    """What came of each feed; kept while writers come and go."""

    def __init__(self) -> None:
        self._feeds: dict[str, Known] = {}

    def catch_up(self, home: Home, feed: str, batch: int) -> Known:
        """Return what came in the batches before one, reading the lists of those not known yet."""
        known = self._feeds.setdefault(feed, Known(max(0, batch - REMEMBERED_BATCHES), Seen(), Seen()))
        for number in range(known.before, batch):
            rows = read_messages(home, feed, number)
            if rows is not None:
                known.ids.add(rows.filter(pl.col("outcome") == TAKEN)["id"].to_list())
                for text in rows["origin"].drop_nulls().to_list():
                    known.places.add(map(origin_id, parse_origins(text)))
            known.before = number + 1
        return known


class Sealer:
    """Makes turns in a home held open for writing; made anew with each writer, with the same memory."""

    def __init__(self, home: Writer, memory: Memory) -> None:
        self._home, self._memory = home, memory
        self._sessions: dict[str, BatchWriter] = {}

    def seal(self, feed: str, admitted: Sequence[Admitted], turned: Sequence[Turned]) -> Turn | None:
        """Seal one feed's messages, and count those that were turned away; None if nothing is new."""
        session = self._session(feed)
        known = self._memory.catch_up(self._home, feed, session.batch)
        admitted, turned = _once(admitted), _once(turned)
        admitted = _not_again(known, admitted)
        taken, repeated = _split(known.ids, admitted)
        repeated = _elsewhere(known, repeated)
        kind = kind_of(session.contract)
        name = f"{feed}-{session.batch:08d}.{kind}"
        tally = Tally()
        gathering = Gathering(session.contract, taken, tally)
        if taken:
            info, part = lines_part(*gathering.lines(), kind, session.contract, name)
            if self._home.index.batches(feed, info.sha256):  # came before, longer ago than memory reaches
                taken, repeated = [], [*taken, *repeated]
        for message in repeated:
            tally.repeated(message)
        for away in _not_again(known, turned):
            tally.turned(away)
        if taken:
            sealed = session.seal(info, part, None, gathered=gathering)
        elif tally:
            gathering = Gathering(session.contract, (), tally)
            sealed = session.note(gathering, name)
        else:
            return None
        known.add(gathering, session.batch)
        return Turn(sealed, gathering.kept, tuple(taken), tuple(repeated))

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


def _not_again(known: Known, messages: Sequence[_Message]) -> list[_Message]:
    """Return messages without those that a broker gave before and that a list has."""
    again = [m for m in messages if m.arrival.is_again and m.arrival.origin is not None]
    if not again:
        return list(messages)
    told = known.places.known([origin_id(m.arrival.origin) for m in again if m.arrival.origin is not None])
    gone = {m.arrival.origin for m, is_told in zip(again, told, strict=True) if is_told}
    return [m for m in messages if not (m.arrival.is_again and m.arrival.origin in gone)]


def _once(messages: Sequence[_Message]) -> list[_Message]:
    """Return messages without those that the broker gave twice since the last turn."""
    here: set[tuple[Origin, str]] = set()
    once = []
    for message in messages:
        place = message.arrival.origin
        if place is not None:
            here_as = place, message.id if isinstance(message, Admitted) else message.arrival.id
            if here_as in here:
                continue
            here.add(here_as)
        once.append(message)
    return once


def _elsewhere(known: Known, repeated: Sequence[Admitted]) -> list[Admitted]:
    """Return messages that came before, at another place: those that were sent again."""
    placed = [m for m in repeated if m.arrival.origin is not None]
    told = known.places.known([origin_id(m.arrival.origin) for m in placed if m.arrival.origin is not None])
    gone = {m.arrival.origin for m, is_told in zip(placed, told, strict=True) if is_told}
    return [m for m in repeated if m.arrival.origin is None or m.arrival.origin not in gone]


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
