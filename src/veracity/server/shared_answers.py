"""Answers that many readers ask for at the same moment: made once, and given to all of them.

A public answer is kept for a second. Who asks for it while it is being made waits for it, so that a
thousand readers of one page cost one computation. Nothing of a request that says who asks is kept: one
with ``Authorization`` or a cookie passes by, and so does any that may write. Files to download pass by too: a
spool has them, and they answer for parts and for what the reader has already.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.server.negotiation import is_known

KEPT_S = 1.0
MAX_BYTES = 64 * 1024 * 1024  #: of all answers kept, with what they are kept by
MAX_ANSWER_BYTES = 2 * 1024 * 1024  #: a larger one is not kept
_PASSING = (b"authorization", b"cookie", b"range")
_FILES = re.compile(r"/catalogue/[^?]*/rows\.[a-z]+")
_HELD_BYTES = 1_000  # of objects around what is kept
_VARYING = (b"accept", b"accept-encoding", b"accept-language", b"host", b"origin")

_Key = tuple[str, bytes | str, bytes, tuple[tuple[bytes, bytes], ...]]  # scheme, path, query, headers


@dataclass(frozen=True)
class _Answer:
    start: Message
    body: bytes
    until: float
    etag: str | None

    def headers(self) -> list[tuple[bytes, bytes]]:
        return list(self.start["headers"])


@dataclass
class _Making:
    """An answer that is being made, and whether it turned out to be one for all."""

    done: anyio.Event = field(default_factory=anyio.Event)
    answer: _Answer | None = None
    is_loose: bool = False


class SharedAnswers:
    """An ASGI application that keeps the public answers of ``app`` for ``KEPT_S``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: OrderedDict[_Key, _Answer] = OrderedDict()
        self._n_bytes = 0
        self._under_way: dict[_Key, _Making] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        key = _key(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        while (answer := self._find(key)) is None:
            making = self._under_way.get(key)
            if making is None:
                await self._make(key, scope, receive, send)
                return
            await making.done.wait()
            if (answer := making.answer) is not None:
                break
            if making.is_loose:
                await self._app(scope, receive, send)
                return
        await _send(answer, _known(scope), send)

    def _find(self, key: _Key) -> _Answer | None:
        answer = self._kept.get(key)
        if answer is not None and answer.until < monotonic():
            self._forget(key)
            return None
        return answer

    def _forget(self, key: _Key) -> None:
        self._n_bytes -= _size(key, self._kept.pop(key))

    async def _make(self, key: _Key, scope: Scope, receive: Receive, send: Send) -> None:
        making = self._under_way.setdefault(key, _Making())
        whole = {**scope, "headers": [h for h in scope["headers"] if h[0] != b"if-none-match"]}

        def loose() -> None:
            making.is_loose = True
            self._let_go(key, making)

        held = _Held(send, _known(scope), loose)
        try:
            await self._app(whole, receive, held)
            if held.answer is not None:
                self._keep(key, held.answer)
                making.answer = held.answer
        finally:
            self._let_go(key, making)

    def _let_go(self, key: _Key, making: _Making) -> None:
        """Let those who wait for an answer have it, or ask for themselves."""
        making.done.set()
        if self._under_way.get(key) is making:
            del self._under_way[key]

    def _keep(self, key: _Key, answer: _Answer) -> None:
        if key in self._kept:
            self._forget(key)
        self._kept[key] = answer
        self._n_bytes += _size(key, answer)
        now = monotonic()
        while self._kept and (self._n_bytes > MAX_BYTES or next(iter(self._kept.values())).until < now):
            self._forget(next(iter(self._kept)))  # in the order of their ends


class _Held:
    """Takes an answer and keeps it back until it is whole, unless it turns out to be none to keep.

    The maker was not told what the reader has, as its answer may be for others; so 304 is said here.
    """

    def __init__(self, send: Send, known: str | None, on_loose: Callable[[], None]) -> None:
        self._send, self._known, self._on_loose = send, known, on_loose
        self._start: Message | None = None
        self._body = bytearray()
        self._is_loose = self._is_said = False
        self.answer: _Answer | None = None

    async def __call__(self, message: Message) -> None:
        """Take one message of the answer."""
        if self._is_loose:
            if not self._is_said:
                await self._send(message)
            return
        if message["type"] == "http.response.start":
            self._start = message
            if not _is_public(message):
                await self._loosen()
            return
        self._body += message.get("body", b"")
        is_last = not message.get("more_body", False)
        if len(self._body) > MAX_ANSWER_BYTES:
            await self._loosen(is_last=is_last)
            return
        if not is_last:
            return
        assert self._start is not None, "an answer starts before its body"
        self.answer = _Answer(self._start, bytes(self._body), monotonic() + KEPT_S, _etag(self._start))
        await _send(self.answer, self._known, self._send)

    async def _loosen(self, *, is_last: bool = False) -> None:
        """Pass on what came, and from now on all that comes."""
        self._is_loose = True
        self._on_loose()
        assert self._start is not None, "an answer starts before its body"
        if self._start["status"] == 200 and _has(self._known, _etag(self._start)):
            self._is_said = True
            await _send_not_modified(self._start, self._send)
            return
        await self._send(self._start)
        if self._body:
            body = {"type": "http.response.body", "body": bytes(self._body), "more_body": not is_last}
            await self._send(body)


def _key(scope: Scope) -> _Key | None:
    """Return what an answer depends on; None for one that is not for all."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if any(name in _PASSING for name, _ in scope["headers"]) or _FILES.fullmatch(scope["path"]):
        return None
    varying = tuple((n, v) for n, v in scope["headers"] if n in _VARYING)
    # Links begin with the scheme, which a front may have said.
    return scope["scheme"], scope.get("raw_path") or scope["path"], scope["query_string"], varying


def _size(key: _Key, answer: _Answer) -> int:
    """Return the bytes that an answer takes with its key: strangers choose how long that is."""
    headers = sum(len(name) + len(value) for name, value in (*key[3], *answer.start["headers"]))
    return len(answer.body) + len(key[1]) + len(key[2]) + headers + _HELD_BYTES


def _known(scope: Scope) -> str | None:
    value = dict(scope["headers"]).get(b"if-none-match")
    return None if value is None else bytes(value).decode("latin-1")


def _is_public(start: Message) -> bool:
    headers = dict(start["headers"])
    return (
        start["status"] == 200
        and headers.get(b"cache-control", b"").startswith(b"public")
        and b"set-cookie" not in headers
        and not headers.get(b"content-type", b"").startswith(b"text/event-stream")
    )


def _etag(start: Message) -> str | None:
    etag = dict(start["headers"]).get(b"etag")
    return None if etag is None else bytes(etag).decode("latin-1")


def _has(known: str | None, etag: str | None) -> bool:
    return etag is not None and is_known(known, etag)


async def _send(answer: _Answer, known: str | None, send: Send) -> None:
    """Send an answer, or 304 to who has it."""
    if _has(known, answer.etag):
        await _send_not_modified(answer.start, send)
        return
    await send({**answer.start, "headers": answer.headers()})
    await send({"type": "http.response.body", "body": answer.body})


async def _send_not_modified(start: Message, send: Send) -> None:
    gone = (b"content-length", b"content-type", b"content-encoding")
    headers = [h for h in start["headers"] if h[0] not in gone]
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
