"""Turns of a worker: what came is checked, sealed and answered for, under the home's lock.

All of it runs in one thread, the only one that touches the home. The lock is kept from turn to turn while
nobody else wants it; whoever does, a command or another worker, gets it between two turns. Signatures are
verified before the lock is taken, so that workers on several machines verify at the same time and only seal
one after the other.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Lock

from veracity.data.errors import TableMismatch, WrongFile
from veracity.data.text import TooManyLayouts
from veracity.errors import VeracityError
from veracity.home.clock import Clock, system_clock
from veracity.home.errors import ClockBehind
from veracity.home.home import Home, Writer, open_writer
from veracity.home.live.arrivals import Admitted, Arrival, Turned
from veracity.home.live.door import Ahead, Door
from veracity.home.live.limits import LimitsByFeed
from veracity.home.live.origins import Origin
from veracity.home.live.sealing import Memory, Sealer
from veracity.home.live.verifying import Claim, Verify, verify_here
from veracity.live.feed_turn import FeedTurn, both, left, told_nowhere, told_of
from veracity.log.errors import EntryTooLarge
from veracity.provenance.errors import EnvelopeTooLarge, MalformedStatement

logger = logging.getLogger(__name__)
WAIT_S = 30.0  #: for the home's lock, before a turn is given up and tried again
_OF_FEED = (ClockBehind, TableMismatch)  # one feed's trouble, while others can be sealed
_OF_CONTENT = (EntryTooLarge, EnvelopeTooLarge, MalformedStatement, TooManyLayouts, WrongFile)


class Turner:
    """Makes turns in one home.

    Parameters
    ----------
    limits
        What the feeds take.
    verify
        Verifies signatures, here or elsewhere.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock | None = None,
        limits: LimitsByFeed | None = None,
        verify: Verify = verify_here,
    ) -> None:
        self._root, self._clock, self._limits, self._verify = root, clock, limits, verify
        self._memory = Memory()
        self._door: Door | None = None
        self._making_door = Lock()  # look_ahead may be the first to want it
        self._sealer: Sealer | None = None
        self._tried: frozenset[Origin] = frozenset()  # of the turn that failed, if one did
        self._writer: Writer | None = None
        self._before: Writer | None = None  # closed in good order; what it read of the log is not read again
        self._opened = ExitStack()
        self._ahead = Ahead()
        self._holds: dict[Claim, bool] = {}  # signatures of the turn under way that were verified

    def look_ahead(self, arrivals: Sequence[Arrival]) -> Ahead:
        """Read what comes to a later turn, and verify it; another thread than that of ``turn`` may ask.

        So it is done while a turn is sealed, or while another worker has the home. Who may sign is
        asked again in the turn; what a message says, and that a signature holds, stays so.
        """
        if self._door is None and not self._open_door():
            return Ahead()
        assert self._door is not None, "opened"
        return self._door.look_ahead(arrivals, (self._clock or system_clock())(), self._verify)

    def _open_door(self) -> bool:
        """Make a door of the home as it is, without its lock; False if that cannot be had: a turn tells."""
        with self._making_door:
            try:
                if self._door is None:
                    with closing(Home.open(self._root, self._clock)) as home:
                        self._door = Door(home, self._limits)
            except VeracityError:
                return False
            return True

    def turn(self, arrivals: Sequence[Arrival], ahead: Ahead | None = None) -> list[FeedTurn]:
        """Check and seal what came; what is told is in the log. ``ahead``: what ``look_ahead`` said of it.

        Of one that the broker gave twice meanwhile the first counts. When a turn is tried again, some of
        it may be in the log: its messages are then such as were given before. A feed that cannot be sealed
        now, for a table of it that is damaged or a time to come in its log, is told as ``trouble``: none of
        its messages may be acknowledged, and the others are not held up.

        Raises
        ------
        VeracityError
            If the home could not be had, or not be written: nothing of it may be acknowledged, all of it
            is to be tried again.
        """
        once = _once(arrivals)
        try:
            self.let_go()
            if ahead is None and self._writer is None:
                ahead = self.look_ahead(once)
            self._ahead = ahead or Ahead()
            self._holds = dict(self._ahead.holds)
            told = self._turns([_given(a) if a.origin in self._tried else a for a in once])
        except Exception:
            self._tried = frozenset(a.origin for a in once if a.origin is not None)
            self.close()
            self._before = None
            raise
        self._tried = frozenset()
        self._ahead = Ahead()
        self._holds = {}
        return told

    def let_go(self) -> None:
        """Give up the home's lock if somebody waits for it."""
        if self._writer is not None and self._writer.is_wanted():
            self.close()

    def close(self) -> None:
        """Give up the home."""
        self._before = self._writer or self._before
        self._writer = self._sealer = None
        try:
            self._opened.close()
        finally:
            self._opened = ExitStack()

    def _turns(self, arrivals: Sequence[Arrival]) -> list[FeedTurn]:
        """Seal what came, as many batches as it has no room in one."""
        n_of = Counter(a.feed for a in arrivals)
        told: list[FeedTurn] = []
        troubles: dict[str, VeracityError] = {}
        while arrivals:
            sealer, door = self._home()
            feeds = sorted({a.feed for a in arrivals if door.knows(a.feed)} - troubles.keys())
            now = _received_at(sealer, feeds, troubles)
            arrivals = [a for a in arrivals if a.feed not in troubles]
            made = door.admit(arrivals, now, self._verified, self._ahead)
            arrivals = arrivals[len(made) :]
            told += self._sealed(made, door, now, troubles)
        for feed, exc in troubles.items():
            logger.error("%s: %d messages wait until it can be sealed: %s", feed, n_of[feed], exc)
        return told + [left(feed, n_of[feed], str(exc)) for feed, exc in troubles.items()]

    def _sealed(
        self,
        made: Sequence[Admitted | Turned],
        door: Door,
        now: datetime | None,
        troubles: dict[str, VeracityError],
    ) -> list[FeedTurn]:
        """Seal one batch of each feed; what is wrong with one of them alone stops no other."""
        admitted: dict[str, list[Admitted]] = {}
        turned: dict[str, list[Turned]] = {}
        for one in made:
            if isinstance(one, Admitted):
                admitted.setdefault(one.arrival.feed, []).append(one)
            else:
                turned.setdefault(one.arrival.feed, []).append(one)
        told = []
        for feed in sorted(admitted.keys() | turned.keys()):
            if not door.knows(feed):
                told.append(told_nowhere(feed, turned[feed]))
                continue
            try:
                told.append(self._feed(feed, admitted.get(feed, []), turned.get(feed, []), now))
            except _OF_FEED as exc:
                troubles[feed], now = exc, None
                self._open_again()
        return told

    def _verified(self, claims: Sequence[Claim]) -> list[bool]:
        fresh = [claim for claim in dict.fromkeys(claims) if claim not in self._holds]
        if fresh:
            self._holds.update(zip(fresh, self._verify(fresh), strict=True))
        return [self._holds[claim] for claim in claims]

    def _home(self) -> tuple[Sealer, Door]:
        self.let_go()
        if self._writer is None or self._sealer is None or self._door is None:
            self._writer = self._opened.enter_context(
                open_writer(self._root, self._clock, wait_s=WAIT_S, passes_on=True, after=self._before)
            )
            self._sealer = Sealer(self._writer, self._memory)
            with self._making_door:
                if self._door is None:
                    self._door = Door(self._writer, self._limits)
            self._door.renew(self._writer)
        return self._sealer, self._door

    def _open_again(self) -> None:
        """Let go of a home whose batch may be half made, and have it anew."""
        self.close()
        self._before = None
        self._home()

    def _feed(
        self,
        feed: str,
        admitted: Sequence[Admitted],
        turned: Sequence[Turned],
        now: datetime | None = None,
    ) -> FeedTurn:
        """Seal one feed; if that fails of what is in it, a bug of ours, find the message that it fails on."""
        assert self._sealer is not None, "the home is open"
        began = time.perf_counter()
        try:
            turn = self._sealer.seal(feed, admitted, turned, now)
        except Exception as exc:
            if isinstance(exc, VeracityError) and not isinstance(exc, _OF_CONTENT):
                raise
            logger.exception("%s: %d messages could not be sealed", feed, len(admitted))
            return self._halves(feed, admitted, turned)
        return told_of(feed, len(admitted) + len(turned), turn, turned, time.perf_counter() - began)

    def _halves(self, feed: str, admitted: Sequence[Admitted], turned: Sequence[Turned]) -> FeedTurn:
        """Seal the halves; one message alone that cannot be sealed is turned away, and counted."""
        self._open_again()
        admitted = [replace(m, arrival=_given(m.arrival)) for m in admitted]  # perhaps it is in the log
        turned = [replace(m, arrival=_given(m.arrival)) for m in turned]
        if len(admitted) <= 1:
            away = [Turned(m.arrival, "fault", "a bug in this package", m.n_records) for m in admitted]
            if not admitted:
                raise AssertionError(f"{feed}: turned away messages could not be counted")
            return self._feed(feed, (), [*turned, *away])
        half = len(admitted) // 2
        first = self._feed(feed, admitted[:half], turned)
        return both(first, self._feed(feed, admitted[half:], ()))


def _received_at(sealer: Sealer, feeds: Sequence[str], troubles: dict[str, VeracityError]) -> datetime:
    """Return when the batches of a turn are received; what has no such time goes to the troubles."""
    latest = sealer.now(())
    for feed in feeds:
        try:
            latest = max(latest, sealer.now([feed]))
        except _OF_FEED as exc:
            troubles[feed] = exc
    return latest


def _once(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return arrivals without those that an earlier one is, from the same place and with the same content.

    A broker that lost its newest may have given its place to another message: both count.
    """
    first: dict[object, Arrival] = {}
    for number, a in enumerate(arrivals):
        first.setdefault(number if a.origin is None else (a.origin, a.feed, a.device, a.payload), a)
    return list(first.values())


def _given(arrival: Arrival) -> Arrival:
    """Return a message as one that was given before."""
    return replace(arrival, is_again=True)
