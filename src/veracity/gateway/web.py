"""HTTP as a gateway speaks it: one answer of bounded size, in bounded time, of the server that was asked."""

import time
import urllib.request
from typing import Any
from urllib.parse import urljoin, urlsplit

_CHUNK = 65_536


def body_of(request: urllib.request.Request, max_bytes: int, seconds: float) -> bytes:
    """Return the body of an answer; of one that is larger, a little more than ``max_bytes`` of it.

    The headers of a request may hold a key, so a redirect to another server is not followed.

    Raises
    ------
    OSError, HTTPException
        As urllib does; TimeoutError also for an answer that comes bit by bit and takes longer in all.
    """
    until = time.monotonic() + seconds
    body = bytearray()
    with urllib.request.build_opener(_SameServer).open(request, timeout=seconds) as answer:
        while len(body) <= max_bytes and (chunk := answer.read1(_CHUNK)):
            body += chunk
            if time.monotonic() > until:
                raise TimeoutError(f"want it within {seconds:.0f} s, got {len(body)} bytes")
    return bytes(body)


def is_http(url: str) -> bool:
    """Say whether a text is a URL of HTTP, without a login in it."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
    return is_whole and url.isprintable() and " " not in url


def shown(url: str) -> str:
    """Return a URL for people and logs: without its query, which may hold a key."""
    return url.partition("?")[0][:200]


class _SameServer(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: urllib.request.Request, *rest: Any) -> urllib.request.Request | None:
        asked, moved = urlsplit(req.full_url), urlsplit(urljoin(req.full_url, rest[-1]))
        if (asked.scheme, asked.netloc) != (moved.scheme, moved.netloc):
            raise OSError(f"want redirects within {asked.netloc}, got one to {moved.scheme}://{moved.netloc}")
        return super().redirect_request(req, *rest)
