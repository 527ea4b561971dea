"""What clients sent, taken into its feeds: one batch a feed of all that waits, sealed as any other.

Who may send is decided before, and looked at again when it is sealed: who may not any more is told so, and
what was made for a contract that was replaced goes back, to be made for the new one. An account that sends
for an agency sends to that agency's feeds; where the city keeps the agency's key, the batch is signed with
it, else it goes in unsigned, if the contract allows.

A batch has the records of many requests, each with what was sent in it; each record is judged by the rules as
it would be alone, and each request is answered for its own. Those of a feed are answered when its batch is in
the log, whatever becomes of other feeds.
"""

import logging
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from veracity.data.contract import Contract
from veracity.data.errors import TableMismatch
from veracity.errors import Unavailable, VeracityError
from veracity.home.accounts.account import Account
from veracity.home.accounts.errors import AccountError
from veracity.home.accounts.intents import Writing, expected_file, intend
from veracity.home.accounts.standing import ended
from veracity.home.accounts.store import AccountStore
from veracity.home.clock import Clock
from veracity.home.enrolments import signing_key
from veracity.home.errors import HomeError, MissingKey
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import FileReport, ingest
from veracity.home.tables import read_kept
from veracity.provenance.keys import MessageSigner
from veracity.server.created.entities import MAX_CREATED
from veracity.server.created.feeds import OBSERVATIONS, THINGS, ensure_feed, ensure_feeds, is_observations
from veracity.server.sensorthings.describing import Plan
from veracity.server.sensorthings.errors import ContractReplaced, NotAccepted, NotCreatable
from veracity.server.sensorthings.gathering import Gathering, Take
from veracity.server.sensorthings.posting import Posted
from veracity.server.sensorthings.rendering import time_text
from veracity.server.sensorthings.sent import Judged, Making, Sent

WAIT_S = 10.0  #: for another who writes
_PART = 1 << 20  # records in a batch: all of a turn

_LOGGER = logging.getLogger(__name__)


class Sender(Protocol):
    """Who sends: an account."""

    @property
    def agency(self) -> str | None:
        """Whose data it may send; None for the city's own staff."""

    def check_feed(self, feed: str) -> None:
        """Raise unless it may write to a feed."""


def check_sender(sender: Sender, feed: str, agencies: Iterable[str | None]) -> None:
    """Raise unless who sends may send to a feed, to what these agencies have there.

    Raises
    ------
    NotCreatable
        If it is another agency's. ``check_feed`` has its own error.
    """
    sender.check_feed(feed)
    for agency in agencies:
        if sender.agency is not None and agency not in (None, sender.agency):
            raise NotCreatable(f"feed {feed}: want what is of {sender.agency}, got {agency}'s")


def observations_of(sender: Sender, posted: Sequence[Posted]) -> Sent:
    """Return observations as what one request sends; NotCreatable if a feed is not the sender's."""
    for feed in {one.target.feed for one in posted}:
        check_sender(sender, feed, {one.target.agency for one in posted if one.target.feed == feed})
    return Sent(posted)


def entities_of(sender: Sender, plan: Plan, received: str, now: datetime) -> Making:
    """Return entities as what one request sends; NotCreatable if one adds to another agency's thing."""
    check_sender(sender, THINGS, {e.values["properties"].get("agency") for e in plan.owned})
    if plan.observations:
        sender.check_feed(OBSERVATIONS)
    return Making(plan, received, sender.agency, time_text(now))


class Taker:
    """Takes in what requests send, all that waits in one turn at the home; safe to use from many threads."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root, self._clock = root, clock
        self._before: Writer | None = None
        self._gathering: Gathering[Sent] = Gathering(self._turn)

    @property
    def n_waiting(self) -> int:
        """How many requests wait for their turn."""
        return self._gathering.n_waiting

    def put(self, sent: Sent) -> None:
        """Let a request's records wait for the next turn; PostsWaiting if too many wait.

        Its answer may fail with PostsWaiting, with HomeBusy or StoreUnavailable, if another writes for longer
        than ``WAIT_S`` or the store does not take it, and with what ``Sent`` says.
        """
        self._gathering.put(sent)

    def _turn(self, take: Take[Sent]) -> None:
        steps: deque[_Step] | None = None
        while steps is None or steps:
            try:
                # Between two turns others are let in: a command waits for that, and is not refused.
                with open_writer(
                    self._root, self._clock, wait_s=WAIT_S, passes_on=True, after=self._before
                ) as home:
                    self._before = home
                    steps = _steps(take()) if steps is None else steps
                    while steps and _is_done(home, steps):
                        pass
            except Exception as exc:
                if steps is None:
                    raise
                _LOGGER.warning("posts: %s", exc)
                for step in steps:
                    step.fail(exc)
                return


@dataclass(frozen=True)
class _Step:
    """One batch: a feed, and the requests whose records are in it."""

    feed: str
    sent: Sequence[Sent]

    def fail(self, error: Exception) -> None:
        for one in self.sent:
            one.fail(error)


def _steps(sent: Sequence[Sent]) -> deque[_Step]:
    """Return the batches of a turn, entities first: the observations inside them come after."""
    feeds = dict.fromkeys(feed for one in sent for feed in one.feeds)
    ordered = sorted(feeds, key=lambda feed: feed != THINGS)
    return deque(_Step(feed, [one for one in sent if feed in one.feeds]) for feed in ordered)


def _is_done(home: Writer, steps: deque[_Step]) -> bool:
    """Do the first step; tell whether the home is as it should be, so that the next can follow.

    Where records of several requests cannot be judged together, for a reason that is not the home's, each
    half of them is tried, down to one request: nobody's fails another's. Not once they are in the log: they
    would come twice.
    """
    step = steps.popleft()
    feed, sent = step.feed, [one for one in step.sent if not one.answer.done()]
    n_before = home.log.size
    try:
        if feed == THINGS:
            sent = _made_room(home, sent)
        elif sent and is_observations(home.feed(feed).contract):
            ensure_feed(home, feed)
        n_before = home.log.size  # the contracts may be new
        sent = _in_force(home, feed, sent)
        if sent:
            _seal(home, feed, sent)
    except NotAccepted as exc:
        for one in sent:
            one.refused(feed, exc)
    except Exception as exc:
        _LOGGER.warning("posts: feed %s: %s", feed, exc, exc_info=not isinstance(exc, VeracityError))
        is_sealed = home.log.size > n_before
        if len(sent) > 1 and not is_sealed and not isinstance(exc, Unavailable | HomeError):
            half = len(sent) // 2
            steps.extendleft((_Step(feed, sent[half:]), _Step(feed, sent[:half])))
        else:
            _Step(feed, sent).fail(exc)
        return False
    return True


def _in_force(home: Writer, feed: str, sent: Sequence[Sent]) -> list[Sent]:
    """Return those of who may still send, made for the contract in force; the others go back.

    Under the home's lock: the log has no batch behind the end of its sender's right, nor one whose records
    were made for an older contract, which may be another agency's.
    """
    contract = home.feed(feed).contract
    writings = [one.writing for one in sent if one.writing is not None]
    no_more: Mapping[Account, AccountError] = {}
    if writings:
        no_more = ended(AccountStore(home.database, writings[0].clock), [w.account for w in writings])
    found: list[Sent] = []
    for one in sent:
        error = None if one.writing is None else no_more.get(one.writing.account)
        if error is not None:
            one.sent_back(feed, error)
        elif not one.fits(contract):
            said = (
                f"feed {feed}: want a record for contract {contract.version}, got one for another: come again"
            )
            one.sent_back(feed, ContractReplaced(said))
        else:
            found.append(one)
    return found


def _made_room(home: Writer, sent: Sequence[Sent]) -> list[Sent]:
    """Return those whose entities the city has room for; the others are answered."""
    ensure_feeds(home)
    n_made = sum(b.accepted for b in home.index.batches(THINGS))
    fitting: list[Sent] = []
    for one in sent:
        n_new = len(one.records(THINGS))
        if n_made + n_new > MAX_CREATED:
            said = f"entities: want at most {MAX_CREATED} in a city, got {n_made} before these"
            one.fail(NotCreatable(said))
        else:
            n_made += n_new
            fitting.append(one)
    return fitting


def _seal(home: Writer, feed: str, sent: Sequence[Sent]) -> None:
    """Seal a feed's records of some requests as one batch, and tell each what became of its own."""
    parts = [one.records(feed) for one in sent]
    writings = [one.writing for one in sent if one.writing is not None]
    batch, judged = _sealed(home, feed, [record for part in parts for record in part], writings)
    first = 0
    for one, part in zip(sent, parts, strict=True):
        one.took(feed, batch, judged[first : first + len(part)])
        first += len(part)


def _sealed(
    home: Writer, feed: str, records: Sequence[bytes], writings: Sequence[Writing]
) -> tuple[int, list[Judged]]:
    """Seal records as one batch, put down whose they are before; return its number, and what came of each."""
    contract = home.feed(feed).contract
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{feed}.ndjson"
        path.write_bytes(b"".join(record + b"\n" for record in records))
        intend(home, expected_file(feed, path), writings)  # if we are killed, it is known who asked
        (report,) = ingest(home, feed, [path], sign=_key(home, contract), records_per_part=_PART)
    _check(report)
    (batch,), (entry,) = report.batches, report.entries
    kept = _accepted(home, feed, batch)
    why = _reasons(home, feed, batch, entry) if report.quarantined else {}
    return batch, [Judged(n, n in kept, why.get(n, ())) for n in range(len(records))]


def _key(home: Home, contract: Contract) -> MessageSigner | None:
    """Return the key of a feed's agency, if the city keeps it."""
    if contract.agency is None:
        return None
    try:
        return signing_key(home, contract.agency)
    except MissingKey:
        return None


def _check(report: FileReport) -> None:
    if report.outcome != "sealed":
        raise NotAccepted(f"observations: want new ones that may be taken, got: {report.detail[:200]}")


def _accepted(home: Home, feed: str, batch: int) -> set[int]:
    rows = home.table(feed).scan(batch=batch).select("_record").collect()
    return set(rows["_record"].to_list())


def _reasons(home: Home, feed: str, batch: int, entry: int) -> dict[int, Sequence[str]]:
    """Return the rules that the quarantined records of a batch broke; none if that cannot be read."""
    with suppress(TableMismatch):
        sha256 = str(home.index.predicate(entry)["quarantine"]["sha256"])
        rows = read_kept(home, "quarantine", feed, batch, sha256)
        return dict(rows.select("_record", "reasons").iter_rows())
    return {}
