"""What the running city says of itself over HTTP: ``/health``, ``/ready`` and ``/metrics``.

Healthy is a city whose processes live and whose workers take their turns; ready is one that can take
messages in. Whoever runs it restarts what is not healthy, and sends nothing to what is not ready.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TURN_S = 60.0  #: a worker that finished no turn for longer is not healthy


@dataclass(frozen=True)
class Answer:
    """Whether all is well, and each thing that was looked at: ``ok``, or what is wrong."""

    checks: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether every check is."""
        return all(said == "ok" for said in self.checks.values())


def worker_checks(
    workers: Mapping[str, bool], last_turns: Mapping[str, float], now_s: float
) -> dict[str, str]:
    """Return a check for each worker, by whether its process runs and when it last turned; Unix times."""
    checks = {}
    for name, runs in workers.items():
        last = last_turns.get(name)
        if not runs:
            checks[name] = "not running"
        elif last is None:
            checks[name] = "no turn yet"
        else:
            ago = now_s - last
            checks[name] = "ok" if ago <= TURN_S else f"no turn for {ago:.0f} s"
    return checks


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
