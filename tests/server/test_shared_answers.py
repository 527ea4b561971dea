"""Answers that many ask for at once are made once; none that is somebody's own is shared."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from veracity.server import shared_answers
from veracity.server.shared_answers import SharedAnswers


class Counting:
    """An application that says how often it was asked; ``/slow`` waits to be told."""

    def __init__(self, cache: str = "public, max-age=0", status: int = 200) -> None:
        self.n = 0
        self.go = asyncio.Event()
        self.cache, self.status = cache, status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        self.n += 1
        said = f"{self.n} {request.url.query}"
        if request.url.path == "/slow":
            await self.go.wait()
        if request.url.path == "/fails":
            await self.go.wait()
            raise RuntimeError("a bug")
        headers = {"Cache-Control": self.cache, "ETag": '"a"'}
        response = Response(said, self.status, headers)
        if request.url.path == "/large":
            response = StreamingResponse(iter([b"x" * 2**20] * 3), headers=headers)
        if request.url.path == "/events":
            response = StreamingResponse(iter([b"x"]), headers=headers, media_type="text/event-stream")
        await response(scope, receive, send)


class Clock:
    """Time that passes when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """However busy the machine is, an answer is as old as the test wants."""
    clock = Clock()
    monkeypatch.setattr(shared_answers, "monotonic", clock)
    return clock


async def asked(app: SharedAnswers, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return await client.get(path, headers=sent)  # ``path`` may be a whole address


def test_who_asks_at_once_waits_for_one_answer() -> None:
    """A hundred at once cost one computation, and all have the same answer; another query is another."""

    async def trial() -> tuple[set[str], int, str]:
        inner = Counting()
        app = SharedAnswers(inner)
        asking = [asyncio.create_task(asked(app, "/slow?a")) for _ in range(100)]
        await asyncio.sleep(0.05)
        inner.go.set()
        said = {(await one).text for one in asking}
        return said, inner.n, (await asked(app, "/slow?b")).text

    assert asyncio.run(trial()) == ({"1 a"}, 1, "2 b")


def test_an_answer_is_kept_for_a_moment_only(clock: Clock) -> None:
    """Within the moment it is given again, 304 to who has it; then it is made anew."""

    async def trial() -> list[tuple[int, str]]:
        app = SharedAnswers(Counting())
        found = [await asked(app, "/"), await asked(app, "/"), await asked(app, "/", If_None_Match='"a"')]
        clock.now += shared_answers.KEPT_S + 0.1
        found += [await asked(app, "/", If_None_Match='"b"'), await asked(app, "/")]
        return [(one.status_code, one.text) for one in found]

    assert asyncio.run(trial()) == [(200, "1 "), (200, "1 "), (304, ""), (200, "2 "), (200, "2 ")]


def test_who_comes_over_tls_has_another_answer() -> None:
    """Links in an answer begin with how its reader came: behind a front, by either way."""

    async def trial() -> list[str]:
        app = SharedAnswers(Counting())
        return [(await asked(app, url)).text for url in ("http://x/", "https://x/", "http://x/")]

    assert asyncio.run(trial()) == ["1 ", "2 ", "1 "]


@pytest.mark.parametrize(
    ("path", "headers", "cache", "status"),
    [
        ("/", {"Authorization": "Bearer x"}, "public", 200),
        ("/", {"Cookie": "a=b"}, "public", 200),
        ("/", {"Range": "bytes=0-1"}, "public", 200),
        ("/", {}, "private, no-store", 200),
        ("/", {}, "public", 404),
        ("/events", {}, "public", 200),
        ("/large", {}, "public", 200),
    ],
)
def test_what_is_not_for_all_is_made_for_each(
    path: str, headers: Mapping[str, str], cache: str, status: int
) -> None:
    """Whoever says who they are, and whatever is private, wrong, large or endless, is never shared."""

    async def trial() -> tuple[int, set[int]]:
        inner = Counting(cache, status)
        app = SharedAnswers(inner)
        found = [await asked(app, path, **headers) for _ in range(3)]
        return inner.n, {one.status_code for one in found}

    assert asyncio.run(trial()) == (3, {status})


@pytest.mark.parametrize(("path", "cache"), [("/large", "public"), ("/", "private"), ("/large", "private")])
def test_who_has_what_is_not_kept_fetches_nothing(path: str, cache: str) -> None:
    """What is too large or somebody's own is 304 too to who has it, and whole to who has another."""

    async def trial() -> list[tuple[int, int]]:
        app = SharedAnswers(Counting(cache))
        found = [await asked(app, path, If_None_Match=tag) for tag in ('"a"', '"x", W/"a"', "*", '"b"')]
        assert found[0].headers["etag"] == '"a"'
        return [(one.status_code, len(one.content)) for one in found]

    *known, other = asyncio.run(trial())
    assert known == [(304, 0)] * 3
    assert other[0] == 200
    assert other[1] == (3 * 2**20 if path == "/large" else 2)


def test_files_pass_by() -> None:
    """The spool answers for them: what the reader has, and parts."""

    async def trial() -> tuple[int, int]:
        inner = Counting()
        app = SharedAnswers(inner)
        for _ in range(2):
            await asked(app, "/catalogue/rain/3/rows.csv")
            await asked(app, "/catalogue/rain/3/manifest.json")
        return inner.n, len(app._kept)

    assert asyncio.run(trial()) == (3, 1)


def test_who_waited_for_a_bug_asks_again() -> None:
    """Where making an answer fails, the next of those who wait makes it: nobody waits for ever."""

    async def trial() -> tuple[set[int], int]:
        inner = Counting()
        app = SharedAnswers(inner)
        asking = [asyncio.create_task(asked(app, "/fails")) for _ in range(3)]
        await asyncio.sleep(0.05)
        inner.go.set()
        return {(await one).status_code for one in asking}, inner.n

    assert asyncio.run(trial()) == ({500}, 3)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses are asked for, and however long, no more bytes are kept than set."""
    monkeypatch.setattr(shared_answers, "MAX_BYTES", 100_000)

    async def trial() -> tuple[int, int]:
        app = SharedAnswers(Counting())
        for n in range(50):
            await asked(app, f"/?{n}{'a' * 10_000}")
        return app._n_bytes, len(app._kept)

    n_bytes, n_kept = asyncio.run(trial())
    assert 80_000 < n_bytes <= 100_000
    assert n_kept < 10


def test_what_is_old_is_let_go(clock: Clock) -> None:
    """An answer that nobody asks for again is not held until there is no room."""

    async def trial() -> int:
        app = SharedAnswers(Counting())
        for n in range(50):
            await asked(app, f"/?{n}")
        clock.now += shared_answers.KEPT_S + 0.1
        await asked(app, "/")
        return len(app._kept)

    assert asyncio.run(trial()) == 1
