"""The headers that tell browsers to distrust: on every answer, whoever made it.

A part that needs another ``Content-Security-Policy`` for a page of its own sets it; what is set stays.
"""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.accounts.origin import is_https
from veracity.server.settings import ServerSettings

HSTS = "max-age=31536000; includeSubDomains"
PERMISSIONS = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(self), gyroscope=(), magnetometer=(),"
    " microphone=(), midi=(), payment=(), usb=()"
)


class SecurityHeaders:
    """Adds them to each answer that has not its own."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app, self._settings = app, settings
        maps = () if settings.base_map is None else (settings.base_map.origin,)
        self._policy = content_policy((*settings.page_origins, *maps))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_tls = is_https(Request(scope), self._settings)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), is_tls)
            await send(message)

        await self._app(scope, receive, sent)

    def _add(self, headers: MutableHeaders, is_tls: bool) -> None:
        is_page = headers.get("content-type", "").startswith("text/html")
        # Data that anyone may read may be shown in anyone's pages; our own pages in nobody's.
        is_shared = self._settings.is_open and not is_page
        wanted = {
            "Content-Security-Policy": self._policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": PERMISSIONS,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "cross-origin" if is_shared else "same-origin",
        }
        if is_tls:
            wanted["Strict-Transport-Security"] = HSTS
        for name, value in wanted.items():
            headers.setdefault(name, value)
        if not self._settings.is_open and headers.get("cache-control", "").startswith("public"):
            headers["Cache-Control"] = "private, no-cache"  # what only accounts may read, no proxy keeps


def content_policy(origins: tuple[str, ...] = ()) -> str:
    """Return what a page of ours may load: files of ours, and from other origins maps at most."""
    more = "".join(f" {origin}" for origin in origins)
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{more}",
            "font-src 'self'",
            f"connect-src 'self'{more}",
            "worker-src 'self' blob:",  # of MapLibre
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
