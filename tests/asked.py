"""Asks an application of ours without a socket: one request, one answer, no cookies but those given."""

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp

CLIENT = ("192.0.2.7", 40_000)


def ask(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    base: str = "http://city.example",
    client: tuple[str, int] = CLIENT,
    **more: Any,
) -> httpx.Response:
    """Return the answer; ``more`` as httpx has it: ``headers``, ``json``, ``content``, ``params``."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True, client=client)
        async with httpx.AsyncClient(transport=transport, base_url=base) as asking:
            return await asking.request(method, path, **more)

    return asyncio.run(once())
