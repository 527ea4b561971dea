"""Where readers find what the server has: the beginning of every link and identifier it gives."""

import re

from starlette.requests import Request

from veracity.server.settings import ServerSettings

_BASE = re.compile(r"https?://[A-Za-z0-9._~\-:\[\]]{1,255}")


def public_url(request: Request) -> str:
    """Return where the city is found, without a slash at the end: as set, else where the request came to.

    A ``Host`` that is no name or address gives ``http://localhost``: it goes into identifiers.
    """
    settings: ServerSettings = request.app.state.settings
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    asked = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"
    return asked if _BASE.fullmatch(asked) else "http://localhost"
