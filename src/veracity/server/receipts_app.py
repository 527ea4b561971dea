"""Receipts over HTTP: ``receipts/<feed>/<batch>/<record>``, made from a home when asked for.

Whoever follows the log can so make records again that they chose themselves. A receipt shows the
page that its record lies in, so a feed with personal fields is refused unless the city allows it.
"""

import logging
import re
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from veracity.data.contract import Contract
from veracity.errors import VeracityError
from veracity.home.errors import RecordNotFound, UnknownFeed
from veracity.home.home import Home
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.receipts import format_receipt
from veracity.server.errors import PersonalFeed
from veracity.server.paths import asked_path
from veracity.server.problems import not_found, problem, status_of, wrong_method

_LOGGER = logging.getLogger(__name__)
PREFIX = "receipts/"
_NUMBER = r"(0|[1-9][0-9]{0,11})"
_PATH = re.compile(rf"receipts/([a-z0-9][a-z0-9-]{{0,63}})/{_NUMBER}/{_NUMBER}")
_ALLOWED = "GET, HEAD"
_HEADERS = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
# Not for ever: the same record has another proof under the next checkpoint.
_CACHE = {"Cache-Control": "public, max-age=60"}


def receipt_of(home: Home, feed: str, batch: int, record: int, *, allow_personal: bool = False) -> bytes:
    """Return the receipt of a record as a file's content.

    Raises
    ------
    RecordNotFound
        If there is no such record, or nothing of it was kept.
    UnknownFeed
        If there is no such feed.
    PersonalFeed
        If its contract marks personal fields, now or for this batch, and they are not allowed.
    """
    row = home.index.batch(feed, batch)
    contracts = [home.feed(feed).contract]
    if row is not None:
        contracts.append(home.contract(str(home.index.predicate(row.idx)["contract"])))
    if not allow_personal and any(map(_has_personal, contracts)):
        raise PersonalFeed(f"receipts of {feed}: want a feed without personal fields, got one with some")
    return format_receipt(make_receipt(home, feed, find_record(home, feed, batch, record)))


class WithReceipts:
    """An ASGI application that answers for receipts, and leaves every other path to ``inner``."""

    def __init__(self, inner: ASGIApp, root: Path, *, allow_personal: bool = False) -> None:
        self._inner, self._root, self._allow_personal = inner, root, allow_personal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not asked_path(scope).startswith(PREFIX):
            await self._inner(scope, receive, send)
            return
        response = await self._answer(Request(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return wrong_method(request.method, _ALLOWED, _HEADERS)
        match = _PATH.fullmatch(asked_path(request.scope))
        if match is None:
            return not_found("path: want receipts/<feed>/<batch>/<record>, got another", _HEADERS)
        feed, batch, record = match.group(1), int(match.group(2)), int(match.group(3))
        try:
            body = await run_in_threadpool(self._made, feed, batch, record)
        except RecordNotFound as exc:
            return problem(404, exc.code, str(exc), _HEADERS)
        except UnknownFeed as exc:
            return problem(status_of(exc), exc.code, f"feed: want one of this city, got {feed!r}", _HEADERS)
        except PersonalFeed as exc:
            return problem(status_of(exc), exc.code, str(exc), _HEADERS)
        except VeracityError as exc:  # of the city's own files: its words may name their places
            _LOGGER.warning("receipt of %s %d:%d: %s", feed, batch, record, exc)
            return problem(503, exc.code, "receipt: want a city that can be read, got an error", _HEADERS)
        return Response(body, headers={**_HEADERS, **_CACHE}, media_type="application/json")

    def _made(self, feed: str, batch: int, record: int) -> bytes:
        home = Home.open(self._root)
        try:
            return receipt_of(home, feed, batch, record, allow_personal=self._allow_personal)
        finally:
            home.close()


def _has_personal(contract: Contract) -> bool:
    return bool(contract.personal)
