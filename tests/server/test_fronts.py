"""Who asks, behind fronts: those that are trusted say it, and nobody else."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from asked import ask
from served_city import Made, made_once, serving
from veracity.home.live.rates import Rate
from veracity.server.accounts.pace import Limits
from veracity.server.fronts import BehindFronts

__all__ = ["made_once"]

FRONT = ("10.1.2.3", 4_000)
FRONTS = ("10.1.0.0/16", "127.0.0.1")


async def seen(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with whom we take the client for."""
    request = Request(scope)
    assert request.client is not None
    await PlainTextResponse(f"{request.client.host} {request.url.scheme}")(scope, receive, send)


@pytest.mark.parametrize(
    ("client", "said", "want"),
    [
        (FRONT, "203.0.113.9", "203.0.113.9"),
        (FRONT, "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # what the client itself said is not believed
        (FRONT, "203.0.113.9, 10.1.9.9", "203.0.113.9"),  # two fronts
        (FRONT, "2001:db8::7", "2001:db8::7"),
        (FRONT, "", "10.1.2.3"),
        (FRONT, "nobody", "10.1.2.3"),
        (FRONT, "a:b:c", "10.1.2.3"),
        (("127.0.0.1", 1), "203.0.113.9", "203.0.113.9"),
        (("192.0.2.1", 1), "203.0.113.9", "192.0.2.1"),  # no front of ours
        (("10.2.0.1", 1), "127.0.0.1", "10.2.0.1"),
    ],
)
def test_whom_we_take_the_client_for(client: tuple[str, int], said: str, want: str) -> None:
    """The last address that is no front's; from others no header counts."""
    headers = {"X-Forwarded-For": said, "X-Forwarded-Proto": "https"}
    scheme = "https" if client[0].startswith(("10.1.", "127.")) else "http"
    assert (
        ask(BehindFronts(seen, FRONTS), "GET", "/", client=client, headers=headers).text == f"{want} {scheme}"
    )
    assert ask(BehindFronts(seen, ()), "GET", "/", client=client, headers=headers).text == f"{client[0]} http"


def test_each_client_has_its_own_pace(made_once: Made, tmp_path: Path) -> None:
    """Behind a front clients are counted one by one, and none can be another by a header."""
    slow = Limits(network=Rate(0.01, 3))
    with serving(made_once, tmp_path, limits=slow, fronts=FRONTS) as city:

        def statuses(said: str, n: int) -> list[int]:
            sent = {"X-Forwarded-For": said}
            return [
                ask(city.app, "GET", "/api/v1/session", client=FRONT, headers=sent).status_code
                for _ in range(n)
            ]

        assert statuses("203.0.113.9", 4) == [200, 200, 200, 429]
        assert statuses("198.51.100.1, 203.0.113.9", 1) == [429]
        assert statuses("203.0.113.10", 1) == [200]
