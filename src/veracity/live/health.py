"""What the running city says of itself over HTTP: ``/health``, ``/ready`` and ``/metrics``.

Healthy is a city whose processes run and whose workers seal what waits; ready is one that can take
messages in. Whoever runs it restarts what is not healthy, and sends nothing to what is not ready.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TURN_S = 60.0  #: messages that wait for longer while no worker finishes a turn are not healthy


@dataclass(frozen=True)
class Answer:
    """Whether all is well, and each thing that was looked at: ``ok``, or what is wrong."""

    checks: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether every check is."""
        return all(said == "ok" for said in self.checks.values())


def sealing_check(last_turn_s: float, idle_s: float, now_s: float) -> str:
    """Say whether what waits is sealed: since the last turn, or since nothing waited, it is not long.

    Examples
    --------
    >>> sealing_check(last_turn_s=100.0, idle_s=20.0, now_s=130.0)
    'ok'
    >>> sealing_check(last_turn_s=100.0, idle_s=20.0, now_s=230.0)
    'messages wait, and no worker finished a turn for 130 s'
    """
    since_s = now_s - max(last_turn_s, idle_s)
    return "ok" if since_s <= TURN_S else f"messages wait, and no worker finished a turn for {since_s:.0f} s"


def health_app(
    health: Callable[[], Answer], ready: Callable[[], Awaitable[Answer]], metrics: Callable[[], bytes]
) -> Starlette:
    """Return the application; 503 where the answer is no."""

    async def is_healthy(_: Request) -> Response:
        return _said(health())

    async def is_ready(_: Request) -> Response:
        return _said(await ready())

    async def counted(_: Request) -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[Route("/health", is_healthy), Route("/ready", is_ready), Route("/metrics", counted)]
    )


def _said(answer: Answer) -> Response:
    return JSONResponse({"ok": answer.is_well, "checks": dict(answer.checks)}, 200 if answer.is_well else 503)
