"""How good a feed's data are: ``GET /feeds/{feed}/quality``."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.data.contract import Contract
from veracity.home.clock import parse_time
from veracity.home.decisions import read_decisions
from veracity.home.home import Home
from veracity.home.live.accounts import accounts
from veracity.server.api.asking import AsOf, FeedName, parse_when
from veracity.server.api.feed_shapes import FeedCounts, tally
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.shapes import ReasonCount, Shape, Tally, Time
from veracity.server.api.sharing import CityState, open_feed
from veracity.server.api.state import Memory, MemoryState
from veracity.server.api.trusts import daily_scores
from veracity.server.batches import BatchFacts, count_reasons
from veracity.server.created.simulated import is_simulated

MAX_SCORES = 20_000
MAX_DEVICES = 500  #: of an hour

ROUTER = APIRouter(tags=["quality"], route_class=ReadingRoute)


class DayTally(Tally):
    """Records by the day of their receipt (UTC)."""

    day: str


class Score(Shape):
    """How far a property of a sensor was trusted on a day (UTC)."""

    key: str
    field: str
    day: str
    score: float


class Quarantine(Shape):
    """Rows set aside: all, those that nobody decided on, and those put to a person by a rule."""

    n: int
    waiting: int
    asked: int


class AccountLine(Shape):
    """What a device sent in an hour: sent = accepted + quarantined + refused + duplicate."""

    device: str
    hour: Time
    sent: int
    accepted: int
    quarantined: int
    refused: int
    duplicate: int


class Quality(Shape):
    """What became of a feed's records, and how far its sensors are trusted."""

    feed: str
    simulated: bool
    counts: FeedCounts
    flagged_rows: int
    reasons: list[ReasonCount]
    flagged: list[ReasonCount]
    by_day: list[DayTally]
    trust: list[Score]
    quarantine: Quarantine
    accounts: list[AccountLine]


@ROUTER.get("/feeds/{feed}/quality", response_model=Quality)
def show_quality(
    request: Request,
    city: CityState,
    memory: MemoryState,
    feed: FeedName,
    as_of: AsOf = None,
    days: Annotated[int, Query(ge=1, le=366, description="Of trust, back from its last day.")] = 30,
    hours: Annotated[int, Query(ge=1, le=168, description="Of accounts, back from now.")] = 24,
) -> Response:
    """Counts, reasons, days, trust and accounts; of a growing log the last two may be half a minute old."""
    known = parse_when("as_of", as_of)

    def make(home: Home) -> Quality:
        contract = open_feed(home, feed, known)
        facts = memory.batches.of(home, feed, known)
        flags, aside = _by_action(contract, count_reasons(facts))
        scores = memory.slowly.get(
            home, ("trust", feed, known), lambda: daily_scores(memory.healths, home, contract, known)
        )
        return Quality(
            feed=feed,
            simulated=is_simulated(home, contract),
            counts=FeedCounts(batches=len(facts), **tally(facts)),
            flagged_rows=sum(f.flagged for f in facts),
            reasons=[ReasonCount(reason=r, n=n) for r, n in aside.items()],
            flagged=[ReasonCount(reason=r, n=n) for r, n in flags.items()],
            by_day=_by_day(facts),
            trust=_scores(scores, days),
            quarantine=_quarantine(home, memory, feed, facts, known),
            accounts=_accounts(home, memory, feed, facts, hours) if known is None else [],
        )

    return memory.answer(request, city, make, known, days, hours)


def _by_action(contract: Contract, counts: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Part reasons into those that only flag rows, by the contract of then, and those that set aside."""
    flags = {r: n for r, n in counts.items() if not r.startswith("refused:") and not contract.sets_aside(r)}
    return flags, {r: n for r, n in counts.items() if r not in flags}


def _by_day(facts: Sequence[BatchFacts]) -> list[DayTally]:
    days: dict[str, list[BatchFacts]] = {}
    for one in facts:
        days.setdefault(one.received_at[:10], []).append(one)
    return [DayTally(day=day, **tally(of_day)) for day, of_day in sorted(days.items())]


def _scores(scores: pl.DataFrame, days: int) -> list[Score]:
    if scores.is_empty():
        return []
    last = scores["day"].max()
    assert last is not None, "there are some"
    recent = scores.filter(pl.col("day") > pl.lit(last) - timedelta(days=days))
    cut = recent.sort("day", "key", "field", descending=[True, False, False]).head(MAX_SCORES)
    texts = cut.with_columns(pl.col("day").cast(pl.String)).sort("day", "key", "field")
    return [Score(**row) for row in texts.iter_rows(named=True)]


def _quarantine(
    home: Home, memory: Memory, feed: str, facts: Sequence[BatchFacts], known: datetime | None
) -> Quarantine:
    n = sum(f.quarantined for f in facts)
    decided = 0
    if n:
        decisions = memory.slowly.get(home, ("decisions", feed), lambda: read_decisions(home, feed)).first
        decided = decisions.height
        if known is not None:
            said = [i for i, p in home.index.predicates("ingest", feed) if _is_by(p, "received_at", known)]
            said += [i for i, p in home.index.predicates("reject", feed) if _is_by(p, "decided_at", known)]
            decided = decisions.filter(pl.col("_idx").is_in(said)).height
    return Quarantine(n=n, waiting=max(0, n - decided), asked=sum(f.asked for f in facts))


def _is_by(predicate: Mapping[str, Any], name: str, known: datetime) -> bool:
    return parse_time(name, str(predicate[name])) <= known


def _accounts(
    home: Home, memory: Memory, feed: str, facts: Sequence[BatchFacts], hours: int
) -> list[AccountLine]:
    if not any(f.is_live for f in facts):
        return []
    found = memory.slowly.get(home, ("accounts", feed, hours), lambda: accounts(home, feed, hours))
    names = ("sent", "accepted", "quarantined", "refused", "duplicate")
    return [
        AccountLine(device=str(row["sender"]), hour=one.said.hour, **{n: int(row[n]) for n in names})
        for one in found
        for row in one.devices.sort("sent", "sender", descending=[True, False])
        .head(MAX_DEVICES)
        .iter_rows(named=True)
    ]
