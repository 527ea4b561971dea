"""What a server does with clients that are slow, many or silent, and with our own bugs."""

import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from log_fakes import SIGNER
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from witness_fakes import MemoryWitnessState, request

from run_cli import environment
from served import STOP_S
from veracity.log.cosignatures import Cosigner
from veracity.log.witness import Witness
from veracity.server import guard, witness_app
from veracity.server.guard import Guarded
from veracity.server.problems import not_found
from veracity.server.running import MAX_PER_ADDRESS, listen, network_of, run
from veracity.server.witness_app import WitnessApp

SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/add-checkpoint",
    "raw_path": b"/add-checkpoint",
    "query_string": b"",
    "headers": [],
}


async def call(app: ASGIApp, receive: Receive, scope: Scope = SCOPE) -> tuple[int, bytes]:
    """Return status and body of one answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent)


async def never() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


def new_app() -> WitnessApp:
    witness = Witness([SIGNER.verifier], [Cosigner("w", bytes(32))], MemoryWitnessState())
    return WitnessApp(witness, lambda: 1, lambda _: None)


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops in the middle of its request gets 408, and one that goes away costs nothing."""
    monkeypatch.setattr(witness_app, "BODY_TIMEOUT_S", 0.05)
    status, body = anyio.run(call, new_app(), never)
    assert status == 408
    assert b"request-too-slow" in body

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    assert anyio.run(call, new_app(), gone)[0] == 400


async def whole() -> Message:
    return {"type": "http.request", "body": request(0, 5).format(), "more_body": False}


def test_too_many_at_once_are_turned_away() -> None:
    """Above the limit the answer is 503 at once, as a problem; below it again, all is well."""

    async def trial() -> list[int]:
        release, inner, statuses = anyio.Event(), new_app(), []

        async def computing(scope: Scope, receive: Receive, send: Send) -> None:
            await release.wait()
            await inner(scope, receive, send)

        app = Guarded(computing, 2)

        async def ask() -> None:
            status, said = await call(app, whole)
            assert status != 503 or b'"code": "busy"' in said
            statuses.append(status)

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            await ask()
            release.set()
        await ask()
        return statuses

    assert anyio.run(trial) == [503, 200, 409, 409]


def test_slow_clients_keep_nobody_out() -> None:
    """While a body arrives, and while an answer is read, a request takes nobody's place."""

    async def trial() -> int:
        release = anyio.Event()
        app = Guarded(new_app(), 1)

        async def arriving() -> Message:
            await release.wait()
            return await whole()

        async def unread(message: Message) -> None:
            await release.wait()

        async with anyio.create_task_group() as group:
            group.start_soon(call, app, arriving)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(app, SCOPE, whole, unread)
            await anyio.wait_all_tasks_blocked()
            while (status := (await call(app, whole))[0]) == 503:  # the one before is still computed
                await anyio.wait_all_tasks_blocked()
            release.set()
        return status

    assert anyio.run(trial) == 409


def test_a_body_that_comes_when_all_places_are_taken() -> None:
    """Who was slow to ask has no place kept: 503, and a problem like any other."""

    async def trial() -> tuple[int, bytes]:
        release = anyio.Event()
        inner = new_app()

        async def one_is_slow(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/slow":
                await release.wait()
            await inner(scope, receive, send)

        app = Guarded(one_is_slow, 1)
        arrived: list[tuple[int, bytes]] = []

        async def arriving() -> Message:
            await anyio.wait_all_tasks_blocked()  # the other has begun
            return await whole()

        async def ask() -> None:
            arrived.append(await call(app, arriving))
            release.set()

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.lowlevel.checkpoint()
            group.start_soon(call, app, whole, {**SCOPE, "path": "/slow", "raw_path": b"/slow"})
        return arrived[0]

    status, said = anyio.run(trial)
    assert status == 503
    assert b'"code": "busy"' in said


def test_an_answer_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request runs for ever: before its answer began it gets 503, after that it is cut."""
    monkeypatch.setattr(guard, "REQUEST_TIMEOUT_S", 0.05)

    async def stuck(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await anyio.sleep_forever()

    assert anyio.run(call, Guarded(stuck, 1), never)[0] == 503
    with pytest.raises(TimeoutError):
        anyio.run(call, Guarded(half, 1), never)


def test_a_bug_of_ours_is_a_problem_too(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception that nobody expected is 500 with the one error body; its trace goes to stderr only."""

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("secret")

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError("secret")

    status, body = anyio.run(call, Guarded(broken, 1), never)
    assert status == 500
    assert b"secret" not in body
    assert "KeyError: 'secret'" in capsys.readouterr().err
    with pytest.raises(KeyError):
        anyio.run(call, Guarded(half, 1), never)


IMPATIENT = """
import sys
from starlette.responses import Response
from veracity.server import running
from veracity.server.problems import not_found
running.HEAD_TIMEOUT_S = 0.4
running.READ_TIMEOUT_S = 0.4
running.KEEP_ALIVE_S = float(sys.argv[1])
async def app(scope, receive, send):
    answer = Response(bytes(2**25)) if scope["path"] == "/large" else not_found("x")
    await answer(scope, receive, send)
listening = running.listen("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
running.run(app, listening)
"""


@contextmanager
def impatient(keep_alive_s: float) -> Iterator[int]:
    """A server whose clients must be quick."""
    process = subprocess.Popen(
        [sys.executable, "-c", IMPATIENT, str(keep_alive_s)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=STOP_S)
    assert process.returncode == 0


def answer_on(connection: socket.socket) -> bytes:
    """Read one problem to the end of its JSON."""
    answer = b""
    while not answer.endswith(b"}"):
        answer += connection.recv(4096)
    return answer


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
LAST_LARGE = b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("n_before", [0, 1])
@pytest.mark.parametrize("begun", [b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_never_ends_is_cut_off(begun: bytes, n_before: int) -> None:
    """A connection on which a request's head never ends is closed, be it the first or a later one."""
    with impatient(60) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
        for _ in range(n_before):
            slow.sendall(GET)
            answer_on(slow)
        slow.sendall(begun)
        assert slow.recv(1) == b""


def test_a_silent_connection_is_closed() -> None:
    """Who connects and says nothing does not keep a place."""
    with impatient(60) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as silent:
        assert silent.recv(1) == b""


def connected(port: int, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(address, 0))


def test_one_address_has_so_many_connections() -> None:
    """A connection too many of one address is told so and closed; other addresses have theirs."""
    with impatient(60) as port, ExitStack() as stack:
        held = [stack.enter_context(connected(port)) for _ in range(MAX_PER_ADDRESS)]
        for one in held:
            one.sendall(GET)
            answer_on(one)
        with connected(port) as refused:
            assert refused.recv(4096).startswith(b"HTTP/1.1 503")
            assert refused.recv(1) == b""
        with connected(port, "127.0.0.2") as other:
            other.sendall(GET)
            assert answer_on(other).startswith(b"HTTP/1.1 404")
        held[0].shutdown(socket.SHUT_RDWR)
        answer = b"HTTP/1.1 503"
        while answer.startswith(b"HTTP/1.1 503"):  # until the server has seen it
            with connected(port) as again, suppress(ConnectionError):
                again.sendall(GET)
                answer = again.recv(4096)
        assert answer.startswith(b"HTTP/1.1 404")


def test_an_address_of_ipv6_is_its_network() -> None:
    """What one client can choose of its address makes it no other client."""
    one = network_of(("2001:db8::1", 1))
    assert one == network_of(("2001:db8::2:3", 2)) != network_of(("2001:db8:0:1::1", 1))
    assert network_of(("fe80::1%eth0", 1)) == network_of(("fe80::1", 1))
    assert network_of(("192.0.2.1", 1)) != network_of(("192.0.2.2", 1))


@pytest.mark.parametrize("asked", [LARGE, LAST_LARGE, 3 * LARGE])
def test_who_reads_nothing_is_cut_off(asked: bytes) -> None:
    """A client that asks and takes nothing of the answer loses its connection, whatever waits behind it."""
    with impatient(60) as port, connected(port) as deaf:
        deaf.sendall(asked)
        hung_up = select.poll()
        hung_up.register(deaf, select.POLLHUP | select.POLLERR)
        assert hung_up.poll(60_000)


def test_a_connection_is_kept_for_a_while() -> None:
    """Between requests a connection stays open, for longer than a head may take, and not for ever."""
    with impatient(5) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as kept:
        pause = threading.Event()
        for _ in range(2):
            kept.sendall(GET)
            assert answer_on(kept).startswith(b"HTTP/1.1 404")
            pause.wait(0.9)
        assert kept.recv(1) == b""


def test_outside_the_main_thread_it_can_run_too() -> None:
    """A server in a thread takes no signals; whoever owns the socket's end stops it with the process."""
    ready = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        ready.set()
        await not_found("x")(scope, receive, send)

    errors: list[Any] = []

    def serve(target: Callable[..., None]) -> None:
        try:
            target(app, listening)
        except BaseException as exc:
            errors.append(exc)

    listening = listen("127.0.0.1", 0)
    threading.Thread(target=serve, args=(run,), daemon=True).start()
    with socket.create_connection(listening.getsockname(), timeout=60) as one:
        one.sendall(GET)
        assert answer_on(one).startswith(b"HTTP/1.1 404")
    assert ready.is_set()
    assert errors == []
