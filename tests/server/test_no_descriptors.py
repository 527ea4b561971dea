"""A server that can take no more connections says so once, not once for each that waits."""

import asyncio
import inspect
from asyncio import selector_events
from contextlib import closing
from typing import Any
from unittest import mock

import pytest

from veracity.server import no_descriptors
from veracity.server.no_descriptors import tell_seldom

FULL = {"message": "socket.accept() out of system resource", "exception": OSError(24, "Too many open files")}


def test_it_is_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of the same are one line, until its time has passed; other errors go where they went."""
    others: list[Any] = []
    closed = mock.Mock(fileno=lambda: -1)  # of a server that has stopped
    with closing(asyncio.new_event_loop()) as loop:
        loop.set_exception_handler(lambda _, context: others.append(context["message"]))
        tell_seldom(loop)
        for _ in range(3):
            loop.call_exception_handler(FULL)
        loop.call_soon(loop._start_serving, asyncio.Protocol, closed)  # type: ignore[attr-defined]
        loop.run_until_complete(asyncio.sleep(0))
        loop.call_exception_handler({"message": "another"})
        assert [record.getMessage() for record in caplog.records] == [
            "connections: want one more taken, got: [Errno 24] Too many open files"
        ]
        assert others == ["another"]
        monkeypatch.setattr(no_descriptors, "EVERY_S", 0.0)
        loop.call_exception_handler(FULL)
        assert len(caplog.records) == 2


def test_asyncio_says_it_in_these_words() -> None:
    """The message that is looked for is this Python's."""
    assert f"'{FULL['message']}'" in inspect.getsource(selector_events)
