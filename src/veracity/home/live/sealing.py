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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import polars as pl

from veracity.home.batch import BatchWriter, Sealed
from veracity.home.home import Home, Writer
from veracity.home.live.arrivals import Admitted, Turned
from veracity.home.live.gathering import TAKEN, Gathering, Tally
from veracity.home.live.origins import Origin, origin_id, parse_origins
from veracity.home.live.reading import kind_of
from veracity.home.live.seen import LIMIT, Seen
from veracity.home.sources import lines_part
from veracity.home.tables import read_signed

_Message = TypeVar("_Message", Admitted, Turned)
REMEMBERED_BATCHES = 5_000  #: at most, of which the lists are read when a feed is taken up


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
    """What came of one feed before a batch: the messages' ids, and their places in the brokers' streams.

    ``places`` are of those taken, whose ids are known too; ``gone`` of those that gave nothing.
    """

    before: int
    ids: Seen = field(default_factory=Seen)
    places: Seen = field(default_factory=Seen)
    gone: Seen = field(default_factory=Seen)

    def add(self, gathering: Gathering, before: int) -> None:
        """Take in the messages of the batch just sealed."""
        self.ids.add(m.id for m in gathering.taken)
        places = [m.arrival.origin for m in gathering.taken]
        self.places.add(origin_id(o) for o in places if o is not None)
        self.gone.add(origin_id(o) for count in gathering.tally.counts.values() for o in count.origins)
        self.before = before


class Memory:
    """What came of each feed; kept while writers come and go."""

    def __init__(self) -> None:
        self._feeds: dict[str, Known] = {}

    def catch_up(self, home: Home, feed: str, batch: int) -> Known:
        """Return what came in the batches before one, reading the lists of those not known yet."""
        if feed not in self._feeds:
            self._feeds[feed] = Known(_remembered_from(home, feed, batch))
        known = self._feeds[feed]
        for number in range(known.before, batch):
            rows = read_messages(home, feed, number)
            if rows is not None:
                is_taken = pl.col("outcome") == TAKEN
                known.ids.add(rows.filter(is_taken)["id"].to_list())
                for places, of in ((known.places, is_taken), (known.gone, ~is_taken)):
                    for text in rows.filter(of)["origin"].drop_nulls().to_list():
                        places.add(map(origin_id, parse_origins(text)))
            known.before = number + 1
        return known


class Sealer:
    """Makes turns in a home held open for writing; made anew with each writer, with the same memory."""

    def __init__(self, home: Writer, memory: Memory) -> None:
        self._home, self._memory = home, memory
        self._sessions: dict[str, BatchWriter] = {}

    def now(self, feeds: Iterable[str]) -> datetime:
        """Return when a turn's batches are received: not before any batch before; see ``BatchWriter.now``."""
        return max((self._session(feed).now() for feed in feeds), default=self._home.clock())

    def seal(
        self,
        feed: str,
        admitted: Sequence[Admitted],
        turned: Sequence[Turned],
        received_at: datetime | None = None,
    ) -> Turn | None:
        """Seal one feed's messages, and count those that were turned away; None if nothing is new.

        ``received_at``: what ``now`` said, as of which the door asked who may send; None where it is now.
        """
        session = self._session(feed)
        known = self._memory.catch_up(self._home, feed, session.batch)
        admitted, turned = _once(admitted), _once(turned)
        admitted = _not_again(known, admitted)
        taken, repeated = _split(known.ids, admitted)
        repeated = _elsewhere(known, repeated)
        taken = _by_header(taken)
        kind = kind_of(session.contract)
        name = f"{feed}-{session.batch:08d}.{kind}"
        tally = Tally()
        gathering = Gathering(session.contract, taken, tally)
        if taken:
            info, part = lines_part(*gathering.lines(), kind, session.contract, name)
            if self._home.index.parts(feed, info.sha256):  # came before, longer ago than memory reaches
                taken, repeated = [], [*taken, *repeated]
        for message in repeated:
            tally.repeated(message)
        for away in _not_again(known, turned):
            tally.turned(away)
        if taken:
            sealed = session.seal(info, part, None, gathered=gathering, received_at=received_at)
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


def _remembered_from(home: Home, feed: str, batch: int) -> int:
    """Return the first of the batches whose lists are to be read: what is older would be forgotten again."""
    n_messages, first = 0, batch
    while first > max(0, batch - REMEMBERED_BATCHES) and n_messages < LIMIT:
        first -= 1
        row = home.index.batch(feed, first)
        said = None if row is None else home.index.predicate(row.idx).get("messages")
        n_messages += 0 if said is None else said["taken"]
    return first


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
    """Return messages without those that a broker gave before and that a list has.

    A broker that lost its newest may have given the place of one taken to another: by its id that is new.
    """
    again = [m for m in messages if m.arrival.is_again and m.arrival.origin is not None]
    if not again:
        return list(messages)
    places = [origin_id(m.arrival.origin) for m in again if m.arrival.origin is not None]
    was_taken = [
        a and b for a, b in zip(known.places.known(places), known.ids.known(_ids(again)), strict=True)
    ]
    was_told = [a or b for a, b in zip(was_taken, known.gone.known(places), strict=True)]
    told = {id(m) for m, is_told in zip(again, was_told, strict=True) if is_told}
    return [m for m in messages if id(m) not in told]


def _ids(messages: Sequence[_Message]) -> list[str]:
    return [m.id if isinstance(m, Admitted) else m.arrival.id for m in messages]


def _once(messages: Sequence[_Message]) -> list[_Message]:
    """Return messages without those that the broker gave twice since the last turn."""
    here: set[tuple[Origin, str]] = set()
    once = []
    for message, id_ in zip(messages, _ids(messages), strict=True):
        place = message.arrival.origin
        if place is not None:
            here_as = place, id_
            if here_as in here:
                continue
            here.add(here_as)
        once.append(message)
    return once


def _elsewhere(known: Known, repeated: Sequence[Admitted]) -> list[Admitted]:
    """Return messages that came before, at another place: those that were sent again."""
    placed = [m for m in repeated if m.arrival.origin is not None]
    places = [origin_id(m.arrival.origin) for m in placed if m.arrival.origin is not None]
    told = [a or b for a, b in zip(known.places.known(places), known.gone.known(places), strict=True)]
    here = {id(m) for m, is_told in zip(placed, told, strict=True) if is_told}
    return [m for m in repeated if id(m) not in here]


def _by_header(messages: list[Admitted]) -> list[Admitted]:
    """Return messages in order, but those under one header of CSV together."""
    places = {columns: i for i, columns in enumerate(dict.fromkeys(m.columns for m in messages))}
    return messages if len(places) < 2 else sorted(messages, key=lambda m: places[m.columns])


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
