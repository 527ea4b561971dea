"""Every write of an account stands in the journal before its answer goes out.

A write is a request that may change something (not GET, HEAD, OPTIONS) and was not refused (4xx). One
that was answered 5xx, took too long or met a bug of ours may have been done. A route that says what it did
in the log itself, or reads with POST, sets ``request.state.is_recorded``; one that refuses with 4xx what it
wrote all the same, as rows set aside are, sets ``request.state.is_written``.

Who is killed between a write and its line leaves the intent that the write put down before it was done: see
``home.accounts.intents``.
"""

import hashlib
import logging
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veracity.errors import VeracityError
from veracity.home.accounts.account import Account
from veracity.home.accounts.intents import UNANSWERED, UNDER_WAY, Writing, drop_intent
from veracity.home.accounts.journal import note_write
from veracity.home.clock import format_time
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.pace import SAFE
from veracity.server.problems import problem

_LOGGER = logging.getLogger(__name__)


class Recorded:
    """Keeps the journal: who, how it was proved, what, when; of the body its digest."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app, self._accounts = app, accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        state: dict[str, Any] = scope.get("state", {})
        account: Account | None = state.get("account")
        if scope["type"] != "http" or scope["method"] in SAFE or account is None:
            await self._app(scope, receive, send)
            return
        body, is_unrecorded, is_answered = hashlib.sha256(), False, False
        clock = self._accounts.clock
        writing = Writing(
            format_time(clock()), account, scope["method"], scope["path"], body.hexdigest, clock
        )

        async def received() -> Message:
            message = await receive()
            body.update(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            nonlocal is_unrecorded, is_answered
            is_start = message["type"] == "http.response.start"
            is_refused = is_start and 400 <= message["status"] < 500 and not state.get("is_written")
            if is_refused or (is_start and state.get("is_recorded")):
                is_answered = True
                await run_in_threadpool(self._drop, writing)
            elif is_start:
                try:
                    await run_in_threadpool(self._note, writing, message["status"])
                    is_answered = True
                except VeracityError as exc:
                    _LOGGER.error("journal: %s: %s", exc.code, exc)
                    is_unrecorded = True
                    said = "journal: want every write in it, got an error; this one may have been done"
                    await problem(503, "write-not-recorded", said)(scope, receive, send)
            if not is_unrecorded:
                await send(message)

        before = UNDER_WAY.set(writing)
        try:
            await self._app(scope, received, sent)
        except BaseException:
            if not (is_answered or is_unrecorded or state.get("is_recorded")):
                await self._note_unanswered(writing)
            raise
        finally:
            UNDER_WAY.reset(before)
            writing.forget()

    async def _note_unanswered(self, writing: Writing) -> None:
        """Note a write whose answer was cut off, though whoever waited for it is gone."""
        try:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._note, writing, UNANSWERED)
        except VeracityError as exc:
            _LOGGER.error("journal: %s: %s", exc.code, exc)

    def _note(self, writing: Writing, status: int) -> None:
        intent = writing.identifier if writing.end() else None
        store = self._accounts.store
        note_write(store.database, writing.answered(status, store.now()), intent)
        self._accounts.seal_soon()

    def _drop(self, writing: Writing) -> None:
        """Take back what was put down of a write that was refused, or that the log says whole itself."""
        if not writing.end():
            return
        try:
            drop_intent(self._accounts.store.database, writing)
        except VeracityError as exc:  # it is looked for in the log later, and says the same
            _LOGGER.warning("journal: %s: %s", exc.code, exc)
