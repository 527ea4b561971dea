"""Receipts: ``GET /receipts/{feed}/{batch}/{record}`` and ``/receipts/decisions/{entry}``."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.models.decision_receipts import make_decision_receipt
from veracity.provenance.receipts import format_receipt
from veracity.server.answers import answer
from veracity.server.api.asking import MAX_ENTRY, FeedName, Number
from veracity.server.api.routing import ReadingRoute
from veracity.server.api.sharing import CityState, find_feed
from veracity.server.errors import NotThere
from veracity.server.receipts_app import receipt_of

# Not for ever: the same record has another proof under the next checkpoint.
CACHE = "public, max-age=60"

ROUTER = APIRouter(tags=["receipts"], route_class=ReadingRoute)
_HEADERS = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
_RECEIPT: dict[int | str, dict[str, Any]] = {
    200: {"description": "A receipt (see docs/receipt.md): verified offline, by anyone."}
}
_LARGEST = 2**31 - 1  # of what a database holds as a batch's number


@ROUTER.get("/receipts/decisions/{entry}", response_model=dict[str, Any], responses=_RECEIPT)
def decision_receipt(
    request: Request, city: CityState, entry: Number, record: Annotated[int, Query(ge=0, le=MAX_ENTRY)] = 0
) -> Response:
    """The receipt of one decision of the run whose statement is at a log entry."""
    with city.home() as home:
        runs = dict(home.index.predicates("decide"))
        if entry not in runs:
            raise NotThere(f"entry: want one that says a run's decisions, got {entry}")
        said = runs[entry]
        made = make_decision_receipt(home, str(said["system"]), int(said["run"]), record)
    return answer(request, format_receipt(made), "application/json", cache_control=CACHE, headers=_HEADERS)


@ROUTER.get("/receipts/{feed}/{batch}/{record}", response_model=dict[str, Any], responses=_RECEIPT)
def record_receipt(
    request: Request, city: CityState, feed: FeedName, batch: Number, record: Number
) -> Response:
    """The receipt of one record of a batch, accepted or not."""
    with city.home() as home:
        find_feed(home, feed)
        body = receipt_of(home, feed, min(batch, _LARGEST), record)
    return answer(request, body, "application/json", cache_control=CACHE, headers=_HEADERS)
