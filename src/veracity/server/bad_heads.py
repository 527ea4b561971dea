"""What a connection answers to a head that is too long, or is no HTTP: whole, and with time to read it.

A connection that is closed while bytes of its client are unread is reset, and with it goes the answer. So the
answer is sent, our side is shut, and what still comes is thrown away for a moment.
"""

import asyncio
import re
from http import HTTPStatus

import h11
import orjson
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_HEAD_BYTES = 16_384
LINGER_S = 2.0
MAX_THROWN_BYTES = 1_048_576
_END = re.compile(rb"\n\r?\n")
_WORDS = {
    400: ("malformed-http", "request: want HTTP/1.1, got something else"),
    414: (
        "address-too-long",
        f"address: want a head of at most {MAX_HEAD_BYTES} bytes, got a longer address",
    ),
    431: ("head-too-long", f"headers: want a head of at most {MAX_HEAD_BYTES} bytes, got more"),
}


def refusal(head: bytes) -> bytes:
    """Return the answer to what came of a head that cannot be read, as it goes over the wire (RFC 9457)."""
    address = head.partition(b"\n")[0]
    status = 400 if len(head) <= MAX_HEAD_BYTES else 414 if len(address) > MAX_HEAD_BYTES else 431
    code, detail = _WORDS[status]
    title = code.replace("-", " ").capitalize()
    body = orjson.dumps(
        {"type": f"/problems/{code}", "title": title, "status": status, "code": code, "detail": detail}
    )
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


class RefusingProtocol(H11Protocol):
    """HTTP/1.1 whose clients learn what was wrong with the head of their request."""

    _n_thrown: int | None = None  # bytes thrown away since the refusal; None before

    def data_received(self, data: bytes) -> None:
        """Read, unless the head is too long; throw away what comes after a refusal."""
        if self._n_thrown is not None:
            self._n_thrown += len(data)
            if self._n_thrown > MAX_THROWN_BYTES:
                self.transport.abort()
            return
        if self.conn.their_state is h11.IDLE:
            head = self.conn.trailing_data[0] + data
            end = _END.search(head)
            if (
                len(head) if end is None else end.start()
            ) > MAX_HEAD_BYTES:  # h11 counts what it cannot parse yet
                self._refuse(head[: None if end is None else end.start()])
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Refuse what came."""
        self._refuse(self.conn.trailing_data[0])

    def _refuse(self, head: bytes) -> None:
        """Answer, and close a moment later; a request under way is broken off."""
        is_under_way = self.cycle is not None and not self.cycle.response_complete
        if not is_under_way or not self.cycle.response_started:
            self.transport.write(refusal(head))
        if is_under_way:
            self.transport.close()
            return
        self._n_thrown = 0
        if self.transport.can_write_eof():
            self.transport.write_eof()
        asyncio.get_running_loop().call_later(LINGER_S, self.transport.close)
