"""More requests than places: they wait for their turn, in order, for a bounded time."""

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from veracity.server import guard
from veracity.server.guard import Guarded, let_last
from veracity.server.problems import not_found

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def never() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


async def status_of(app: Guarded) -> int:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(dict(SCOPE), never, send)
    status: int = sent[0]["status"]
    return status


def test_a_thousand_wait_for_two_places() -> None:
    """All are answered, in the order of asking, and never more than two are computed at once."""
    now, most, order = 0, 0, []

    async def computing(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await anyio.sleep(0)
        now -= 1
        await not_found("x")(scope, receive, send)

    async def trial() -> list[int]:
        app, statuses = Guarded(computing, 2, wait_s=30), []

        async def ask(number: int) -> None:
            statuses.append(await status_of(app))
            order.append(number)

        async with anyio.create_task_group() as group:
            for number in range(1_000):
                group.start_soon(ask, number)
        return statuses

    assert anyio.run(trial) == [404] * 1_000
    assert most == 2
    assert all(abs(number - at) <= 2 for at, number in enumerate(order))


def test_who_waits_too_long_is_told_so() -> None:
    """After its time a request gets 503, and its turn is nobody's loss."""
    release = anyio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await release.wait()
        await not_found("x")(scope, receive, send)

    async def trial() -> list[int]:
        app, statuses = Guarded(slow, 1, wait_s=0.05), []

        async def ask() -> None:
            statuses.append(await status_of(app))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(ask)
            await anyio.sleep(0.15)
            assert statuses == [503]
            release.set()
        statuses.append(await status_of(app))
        return statuses

    assert anyio.run(trial) == [503, 404, 404]


def test_who_is_cancelled_while_waiting_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place handed to somebody who just went goes to the next."""

    async def trial() -> int:
        release = anyio.Event()

        async def slow(scope: Scope, receive: Receive, send: Send) -> None:
            await release.wait()
            await not_found("x")(scope, receive, send)

        app = Guarded(slow, 1, wait_s=30)
        async with anyio.create_task_group() as group:
            group.start_soon(status_of, app)
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.05):
                await status_of(app)
            release.set()
        return await status_of(app)

    assert anyio.run(trial) == 404


def test_a_stream_may_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """What says that it lasts is not cut after the time of a request."""
    monkeypatch.setattr(guard, "REQUEST_TIMEOUT_S", 0.05)

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        let_last(scope)
        await anyio.sleep(0.2)
        await not_found("x")(scope, receive, send)

    assert anyio.run(status_of, Guarded(streaming, 1)) == 404
