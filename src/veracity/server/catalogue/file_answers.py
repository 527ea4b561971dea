"""Answers that are files: streamed in pieces, with ranges (RFC 9110, section 14) and an entity tag."""

import base64
import re
from collections.abc import Iterator
from typing import BinaryIO

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from veracity.server.answers import IMMUTABLE
from veracity.server.catalogue.spool import Made
from veracity.server.negotiation import is_known
from veracity.server.problems import problem

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def file_answer(
    request: Request,
    file: BinaryIO,
    made: Made,
    media_type: str,
    name: str,
    cache_control: str = IMMUTABLE,
) -> Response:
    """Return a file, or the part of it that is asked for; it is closed when that is sent.

    One range is answered; of several, the whole.
    """
    etag = f'"{made.sha256[:32]}"'
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache_control,
        "Content-Disposition": f'attachment; filename="{name}"',
        "ETag": etag,
        "Repr-Digest": f"sha-256=:{_base64(made.sha256)}:",
        "X-Content-Type-Options": "nosniff",
    }
    if is_known(request.headers.get("if-none-match"), etag):
        file.close()
        return Response(status_code=304, headers={k: headers[k] for k in ("Cache-Control", "ETag")})
    start, stop, status = 0, made.n_bytes, 200
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range", etag) == etag:
        match = _RANGE.fullmatch(asked.replace(" ", ""))
        found = None if match is None else _part(match[1], match[2], made.n_bytes)
        if found is not None:
            start, stop = found
            if start >= stop:
                file.close()
                more = {"Content-Range": f"bytes */{made.n_bytes}"}
                return problem(416, "no-such-range", f"range: want one below {made.n_bytes}", more)
            status, headers["Content-Range"] = 206, f"bytes {start}-{stop - 1}/{made.n_bytes}"
    headers["Content-Length"] = str(stop - start)
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=media_type)
    pieces = _pieces(file, start, stop)
    return StreamingResponse(
        pieces, status, headers, media_type=media_type, background=BackgroundTask(file.close)
    )


def _part(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Return the bytes from one to before another that a range means; None if it means nothing.

    >>> _part("0", "9", 100), _part("90", "", 100), _part("", "5", 100), _part("200", "", 100)
    ((0, 10), (90, 100), (95, 100), (200, 100))
    """
    if first:
        stop = min(int(last) + 1, size) if last else size
        return (int(first), stop) if not last or int(last) >= int(first) else None
    return (max(size - int(last), 0), size) if last else None


def _pieces(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = stop - start
        while left > 0 and (piece := file.read(min(_CHUNK, left))):
            left -= len(piece)
            yield piece


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
