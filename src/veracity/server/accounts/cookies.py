"""The cookies of signing in: read by no script, sent to no other site's request that writes.

Over TLS their names begin with ``__Host-``: no other host, not even a neighbour below the same name, can set
them.
"""

from starlette.requests import Request
from starlette.responses import Response

from veracity.server.accounts.doors import SESSION_COOKIE
from veracity.server.accounts.origin import is_https
from veracity.server.settings import ServerSettings

SIGN_IN_COOKIE = "veracity-sign-in"
MAX_CHARS = 128


def session_of(request: Request, settings: ServerSettings) -> str | None:
    """Return the secret of the session that a browser brings; None if it brings none."""
    return _read(request, SESSION_COOKIE, settings)


def sign_in_of(request: Request, settings: ServerSettings) -> str | None:
    """Return the secret by which a browser that was sent to sign in is known again."""
    return _read(request, SIGN_IN_COOKIE, settings)


def give(
    response: Response, request: Request, settings: ServerSettings, name: str, secret: str, seconds: int
) -> None:
    """Have the browser keep a secret."""
    is_tls = is_https(request, settings)
    response.set_cookie(
        _named(name, is_tls), secret, max_age=seconds, path="/", secure=is_tls, httponly=True, samesite="lax"
    )


def take_back(response: Response, request: Request, settings: ServerSettings, name: str) -> None:
    """Have the browser forget it."""
    is_tls = is_https(request, settings)
    response.delete_cookie(_named(name, is_tls), path="/", secure=is_tls, httponly=True, samesite="lax")


def _read(request: Request, name: str, settings: ServerSettings) -> str | None:
    value = request.cookies.get(_named(name, is_https(request, settings)))
    return value if value and len(value) <= MAX_CHARS and value.isascii() else None


def _named(name: str, is_tls: bool) -> str:
    return f"__Host-{name}" if is_tls else name
