"""More requests than places: they wait for their turn, in order, for a bounded time."""

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from veracity.server import guard
from veracity.server.guard import Guarded, leave_place, let_last
from veracity.server.problems import not_found
from veracity.server.request_body import read_body

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


def test_what_waits_for_others_has_no_place() -> None:
    """A request that only waits for what others do, as a post for its batch, keeps nobody out."""

    async def trial() -> list[int]:
        release, statuses = anyio.Event(), []

        async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
            leave_place(scope)
            await release.wait()
            await not_found("x")(scope, receive, send)

        app = Guarded(waiting, 1)

        async def ask() -> None:
            statuses.append(await status_of(app))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            release.set()
        return statuses

    assert anyio.run(trial) == [404] * 3


def test_a_wait_for_a_place_is_no_slow_body() -> None:
    """A body that came in time is taken, however long its request then waits for its turn."""
    limit_s = 0.05

    async def trial() -> list[int]:
        arrived, release, statuses = anyio.Event(), anyio.Event(), []

        async def reading(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] == "GET":
                await release.wait()
                answer = not_found("x")
            else:
                body = await read_body(Request(scope, receive), 10, limit_s)
                answer = body if isinstance(body, Response) else Response(body, 201)
            await answer(scope, receive, send)

        app = Guarded(reading, 1, wait_s=30)

        async def late() -> Message:
            await arrived.wait()
            return {"type": "http.request", "body": b"x", "more_body": False}

        async def send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        async with anyio.create_task_group() as group:
            group.start_soon(app, {**SCOPE, "method": "POST"}, late, send)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(app, dict(SCOPE), never, send)  # has the place while the body comes
            arrived.set()
            await anyio.wait_all_tasks_blocked()
            await anyio.sleep(4 * limit_s)
            release.set()
        return [status for status in statuses if status]

    assert anyio.run(trial) == [404, 201]


def test_a_stream_that_began_while_it_waited_has_no_place() -> None:
    """One whose answer began while it asked whether its client is gone: others are answered beside it."""

    async def main() -> None:
        is_computing, compute, end = anyio.Event(), anyio.Event(), anyio.Event()

        async def working(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/computed":
                is_computing.set()
                await compute.wait()
            if scope["path"] != "/stream":
                await Response()(scope, receive, send)
                return
            async with anyio.create_task_group() as beside:
                beside.start_soon(watch, receive)
                await is_computing.wait()  # by the place that this one left
                await send({"type": "http.response.start", "status": 200, "headers": []})
                compute.set()
                await end.wait()

        async def watch(receive: Receive) -> None:
            """Look whether the client has left, as a streaming answer does."""
            await receive()

        async def asked(path: str) -> None:
            scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": []}
            await app(scope, body, dropped)

        async def body() -> Message:
            return {"type": "http.request"}

        async def dropped(message: Message) -> None:
            """Send nothing."""

        app = Guarded(working, 1, wait_s=30)
        async with anyio.create_task_group() as clients:
            clients.start_soon(asked, "/stream")
            clients.start_soon(asked, "/computed")
            await compute.wait()
            with anyio.fail_after(10):
                await asked("/other")
            end.set()

    anyio.run(main)


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
