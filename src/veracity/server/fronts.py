"""Fronts that are trusted: proxies before the server that say whose request they pass on.

Without any, the client is whoever connected, and no header changes that. With some, the last address of
``X-Forwarded-For`` that is none of theirs is the client, and ``X-Forwarded-Proto`` how it came to them.
"""

import ipaddress
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class BehindFronts:
    """An application whose clients are those that trusted fronts name."""

    def __init__(self, app: ASGIApp, fronts: Sequence[str]) -> None:
        self._app = app
        inner: Any = self._checked
        self._named: Any = ProxyHeadersMiddleware(inner, list(fronts)) if fronts else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        await self._named({**scope, _CONNECTED: scope.get("client")}, receive, send)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what a front said if it is an address; else the client is the front itself."""
        client = scope.get("client")
        try:
            ipaddress.ip_address(str(client[0]) if client else "")
        except ValueError:
            scope = {**scope, "client": scope[_CONNECTED]}
        await self._app(scope, receive, send)


_CONNECTED = "veracity.connected"  # who connected
