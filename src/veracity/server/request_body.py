"""The body of a request: of bounded size, in bounded time."""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from veracity.server.guard import body_within
from veracity.server.problems import problem


async def read_body(request: Request, max_bytes: int, seconds: float) -> bytes | Response:
    """Return a body, or the answer to a request whose body is too large, too slow or cut off."""
    too_large = problem(
        413, "request-too-large", f"body: want at most {max_bytes} bytes, got more", {"Connection": "close"}
    )
    length = request.headers.get("content-length", "0")
    if len(length) > 12 or not length.isdecimal() or int(length) > max_bytes:
        return too_large
    body = bytearray()
    try:
        with body_within(request.scope, seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    return too_large
    except TimeoutError:
        late = f"body: want it within {seconds:.0f} s, got {len(body)} bytes"
        return problem(408, "request-too-slow", late)
    except ClientDisconnect:
        return problem(400, "request-cut", "body: want all of it, got a closed connection")
    return bytes(body)
