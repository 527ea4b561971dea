"""What an operator decides about rows set aside: ``POST /feeds/{feed}/quarantine/decisions``.

A decision is a statement of its own in the log, signed by the city, in the name of the account that asked.
What the rows are, how they are judged again and what a release makes of them is for ``home.releases``.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.accounts.errors import FeedNotAllowed
from veracity.home.accounts.intents import Expected, intend
from veracity.home.home import Home, open_writer
from veracity.home.releases import Outcome, reject, release, try_reject, try_release
from veracity.home.selection import Selection
from veracity.provenance.statements.checks import MAX_WAIVED, MAX_WHY
from veracity.server.accounts.doors import DENIED, Account, needs
from veracity.server.answers import PRIVATE
from veracity.server.api.asking import FeedName
from veracity.server.api.shapes import ReasonCount, Shape
from veracity.server.api.sharing import CityState, open_feed
from veracity.server.api.state import MemoryState
from veracity.server.documented import problems
from veracity.server.settings import ServerSettings

ROUTER = APIRouter(tags=["quality"])
WAIT_S = 10.0  #: for another who writes
MAX_RECORDS = 1_000
_OPERATOR = Depends(needs("operator"))
_Number = Annotated[int, BeforeValidator(lambda v: int(v) if isinstance(v, float) and v.is_integer() else v)]
_Batch = Annotated[_Number, Field(ge=0, le=2**53)]
_Code = Annotated[str, Field(min_length=1, max_length=200)]


class DecisionBody(BaseModel):
    """Which rows, what about them, and why. Rows are named by their batch, by a reason, or by both."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision: Literal["release", "reject"]
    why: Annotated[str, Field(min_length=1, max_length=MAX_WHY, description="For all to read.")]
    batch: _Batch | None = None
    records: list[_Batch] = Field([], max_length=MAX_RECORDS, description="Of the batch; none for all.")
    reason: _Code | None = Field(None, description="A whole reason (range:pm25) or its rule (range).")
    waive: list[_Code] = Field(
        [], max_length=MAX_WAIVED, description="Rules that do not count for rows that are released."
    )
    is_trial: bool = Field(False, description="Tell what would be done; write nothing.")


class Decided(Shape):
    """What became of the rows, or would.

    ``batch`` is that of a release, ``entry`` the log's; null of a trial. ``held`` rows broke a rule that
    looks back (``held_by``) and stay, unless it is waived; ``decided`` ones were decided on before.
    """

    feed: str
    decision: Literal["release", "reject"]
    is_trial: bool
    by: str
    why: str
    rows: int
    accepted: int
    quarantined: int
    flagged: int
    held: int
    held_by: list[str]
    decided: int
    waived: list[str]
    reasons: list[ReasonCount]
    batch: int | None
    entry: int | None
    simulated: bool


@ROUTER.post(
    "/feeds/{feed}/quarantine/decisions",
    responses=DENIED | problems(400, 404, 409, 422, 503),
)
def decide(
    request: Request,
    response: Response,
    who: Annotated[Account, _OPERATOR],
    city: CityState,
    memory: MemoryState,
    feed: FeedName,
    body: DecisionBody,
) -> Decided:
    """Let rows in from quarantine, or keep them out for good, or try it. Each row is decided on once."""
    selection = Selection(batch=body.batch, records=tuple(body.records), reason=body.reason)
    settings: ServerSettings = request.app.state.settings
    response.headers["Cache-Control"] = PRIVATE
    request.state.is_recorded = body.is_trial  # what is tried writes nothing
    with city.home() as home:
        _check(home, feed, who)
        if body.is_trial:
            return _told(body, _tried(home, feed, selection, who, body))
    with open_writer(settings.home, settings.clock, wait_s=WAIT_S) as writer:
        _check(writer, feed, who)  # its contract may be another agency's by now
        intend(writer, _expected(feed, who, body))
        if body.decision == "release":
            made = release(writer, feed, selection, who.name, body.why, body.waive)
        else:
            made = reject(writer, feed, selection, who.name, body.why)
    memory.slowly.forget(("decisions", feed))
    return _told(body, made)


def _check(home: Home, feed: str, who: Account) -> None:
    """Raise unless there is such a feed, its rows may be shown, and it is the account's to decide about."""
    contract = open_feed(home, feed)
    who.check_feed(feed)
    if who.agency is not None and contract.agency != who.agency:
        raise FeedNotAllowed(f"feed {feed}: want one of {who.agency}, got another's")


def _expected(feed: str, who: Account, body: DecisionBody) -> Expected:
    """Return the statement that the log will have of it."""
    if body.decision == "reject":
        return Expected("reject", feed, {"by": who.name, "why": body.why})
    return Expected("ingest", feed, {"released.by": who.name, "released.why": body.why})


def _tried(home: Home, feed: str, selection: Selection, who: Account, body: DecisionBody) -> Outcome:
    if body.decision == "release":
        return try_release(home, feed, selection, who.name, body.why, body.waive)
    return try_reject(home, feed, selection, who.name, body.why)


def _told(body: DecisionBody, made: Outcome) -> Decided:
    return Decided(
        feed=made.feed,
        decision=body.decision,
        is_trial=body.is_trial,
        by=made.by,
        why=made.why,
        rows=made.rows,
        accepted=made.accepted,
        quarantined=made.quarantined,
        flagged=made.flagged,
        held=made.n_held,
        held_by=list(made.held_by),
        decided=made.n_decided,
        waived=list(made.waived),
        reasons=[ReasonCount(reason=reason, n=n) for reason, n in made.reasons],
        batch=made.batch,
        entry=made.entry,
        simulated=made.simulated,
    )
