"""A witness over HTTP, as C2SP tlog-witness says."""

import re
from collections.abc import Callable, Iterable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from veracity.errors import VeracityError
from veracity.log.add_checkpoint import MAX_REQUEST_BYTES, SIZE_TYPE, format_size, parse_add_checkpoint
from veracity.log.errors import ForkFound, WitnessConflict
from veracity.log.notes import Signature
from veracity.log.sign_subtree import parse_sign_subtree
from veracity.log.witness import Witness
from veracity.server.negotiation import is_known, strong_etag
from veracity.server.paths import asked_path
from veracity.server.problems import not_found, problem, status_of, wrong_method
from veracity.server.request_body import read_body

BODY_TIMEOUT_S = 5.0
LATEST_AGE_S = 5
_LATEST = re.compile(r"([0-9a-f]{64})/checkpoint")
_TEXT = "text/plain; charset=utf-8"
_CORS = {"Access-Control-Allow-Origin": "*"}


class WitnessApp:
    """An ASGI application: the submission and the monitoring interface of one witness, under one prefix.

    Parameters
    ----------
    now_s
        The clock, POSIX seconds.
    on_fork
        Called, in some thread, with the proof that a log signed two trees of one size.
    """

    def __init__(
        self, witness: Witness, now_s: Callable[[], int], on_fork: Callable[[ForkFound], None]
    ) -> None:
        self._witness = witness
        self._now_s = now_s
        self._on_fork = on_fork
        self._posts: dict[str, Callable[[bytes], Iterable[Signature]]] = {
            "add-checkpoint": self._add_checkpoint
        }
        if witness.signs_subtrees:
            self._posts["sign-subtree"] = self._sign_subtree

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = asked_path(request.scope)
        if path in self._posts:
            if request.method != "POST":
                return wrong_method(request.method, "POST")
            body = await read_body(request, MAX_REQUEST_BYTES, BODY_TIMEOUT_S)
            if isinstance(body, Response):
                return body
            return await run_in_threadpool(self._cosign, self._posts[path], body)
        latest = _LATEST.fullmatch(path)
        if latest is None:
            return not_found("path: want add-checkpoint or <sha256 of an origin>/checkpoint, got another")
        if request.method not in ("GET", "HEAD"):
            return wrong_method(request.method, "GET, HEAD", _CORS)
        return await run_in_threadpool(self._latest, latest[1], request.headers.get("if-none-match"))

    def _cosign(self, call: Callable[[bytes], Iterable[Signature]], body: bytes) -> Response:
        try:
            signatures = call(body)
        except WitnessConflict as exc:
            return Response(format_size(exc.size), 409, {"Content-Type": SIZE_TYPE})
        except VeracityError as exc:
            if isinstance(exc, ForkFound):
                self._on_fork(exc)
            return problem(status_of(exc), exc.code, str(exc))
        return Response("".join(s.format() for s in signatures), headers={"Content-Type": _TEXT})

    def _add_checkpoint(self, body: bytes) -> Iterable[Signature]:
        return self._witness.add_checkpoint(parse_add_checkpoint(body), self._now_s())

    def _sign_subtree(self, body: bytes) -> Iterable[Signature]:
        return self._witness.sign_subtree(parse_sign_subtree(body))

    def _latest(self, origin_digest: str, if_none_match: str | None) -> Response:
        try:
            note = self._witness.latest(origin_digest)
        except VeracityError as exc:
            return problem(status_of(exc), exc.code, str(exc), _CORS)
        headers = {**_CORS, "Cache-Control": f"public, max-age={LATEST_AGE_S}", "ETag": strong_etag(note)}
        if is_known(if_none_match, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return Response(note, headers={**headers, "Content-Type": _TEXT})
