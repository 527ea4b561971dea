"""The one error body (RFC 9457), and the one table from errors to HTTP statuses."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError
from veracity.home.accounts.errors import (
    AccountExists,
    BadCredential,
    DoesNotFit,
    NoSignIn,
    SignInNeeded,
    UnknownAccount,
    UnknownToken,
)
from veracity.home.errors import NoRowsWaiting, RecordNotFound
from veracity.log.errors import ConsistencyRejected, ObjectMissing, UnknownOrigin, WitnessConflict
from veracity.server.errors import NoSuchDataset, NotThere, NotThereThen

STATUSES: list[tuple[type[VeracityError], int]] = [
    (ObjectMissing, 404),
    (UnknownOrigin, 404),
    (NoSuchDataset, 404),
    (RecordNotFound, 404),
    (NotThere, 404),
    (NotThereThen, 404),
    (NoSignIn, 404),
    (WitnessConflict, 409),
    (ConsistencyRejected, 422),
    (SignInNeeded, 401),
    (BadCredential, 401),
    (AccountExists, 409),
    (DoesNotFit, 409),
    (NoRowsWaiting, 409),
    (UnknownAccount, 404),
    (UnknownToken, 404),
    (Malformed, 400),
    (Unavailable, 503),
    (Rejected, 403),
]


#: of answers that are given before, or instead of, all that adds the headers of every answer
ALONE = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def status_of(error: VeracityError) -> int:
    """Return the HTTP status of an error that a request caused."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error body that every route answers with."""
    document = {
        "type": f"/problems/{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
    }
    more = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    if status == 401:
        more.setdefault("WWW-Authenticate", 'Bearer realm="veracity"')  # RFC 9110, section 11.6.1
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return Response(body, status, more, media_type="application/problem+json")


def not_found(detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer for a path that is none of ours."""
    return problem(404, "not-found", detail, headers)


def wrong_method(method: str, allowed: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer for a method that a path does not take."""
    detail = f"method: want {allowed}, got {method[:20]!r}"
    return problem(405, "method-not-allowed", detail, {"Allow": allowed, **(headers or {})})
