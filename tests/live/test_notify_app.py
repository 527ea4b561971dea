"""Notifications over HTTP: answered when they are safe, from those who have the token, in bounded size."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from answering import answering
from context_broker import ContextBroker, air
from served import ask
from veracity.feeds.kinds import make_source
from veracity.feeds.ngsi_ld import NgsiLd
from veracity.live.errors import BrokerFull
from veracity.live.notify_app import notify_app
from veracity.live.outlet import Outlet
from veracity.server.running import address, listen
from veracity.stores.objects import LocalObjects

NOW = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
TOKEN = {"X-Veracity-Token": "0123456789abcdef"}


@dataclass
class City:
    """A source that is told, its endpoint, and what was published of it."""

    source: NgsiLd
    url: str
    broker: ContextBroker
    published: list[dict[str, Any]] = field(default_factory=list)
    is_full: bool = False

    async def publish(self, feed: str, device: str, payload: bytes, document: str | None) -> None:
        if self.is_full:
            raise BrokerFull("broker: full")
        assert (feed, device) == ("air", "air")
        assert document is not None
        self.published += [json.loads(line) for line in payload.split(b"\n")]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """A broker that notifies a city's real HTTP server."""
    broker, listening = ContextBroker(), listen("127.0.0.1", 0)
    with answering(broker) as server, listening:
        made = make_source(
            {
                "kind": "ngsi-ld",
                "name": "air",
                "feed": "air",
                "type": "AirQualityObserved",
                "url": f"{server.url}/ngsi-ld/v1",
                "endpoint": address(listening),
                "token": TOKEN["X-Veracity-Token"],
            }
        )
        assert isinstance(made, NgsiLd)
        city = City(made, address(listening), broker)
        app = notify_app([made], Outlet(LocalObjects(tmp_path), city.publish))
        running = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
        thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])))
        thread.start()
        yield city
        running.should_exit = True
        thread.join()


def test_what_the_broker_says_is_published(city: City) -> None:
    """From the subscription to the rows: each state once, in order."""
    city.source.fetch(NOW)
    for minute, value in enumerate([10.0, 11.0, 11.0]):
        city.broker.update(air(1, min(minute, 1), value))
    assert city.broker.statuses == [204, 204, 204]
    assert [r["pm25"] for r in city.published] == [10.0, 11.0]


def test_what_cannot_be_kept_is_refused_and_asked_for_later(city: City) -> None:
    """While our broker is full the other is told so; the next asking gets what it dropped."""
    city.source.fetch(NOW)
    city.is_full = True
    city.broker.update(air(1, 0, 10.0))
    assert (city.broker.statuses, city.published) == ([503], [])
    city.is_full = False
    (fetched,) = city.source.fetch(NOW)
    assert [json.loads(r)["pm25"] for r in fetched.records] == [10.0]


def test_the_document_is_kept(city: City, tmp_path: Path) -> None:
    """The notification as received is in the store before it is answered."""
    city.source.fetch(NOW)
    city.broker.update(air(1, 0, 10.0))
    assert len(list((tmp_path / "documents" / "air").iterdir())) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/ngsi-ld/air", {}, b"{}", 403),
        ("POST", "/ngsi-ld/air", {"X-Veracity-Token": "other"}, b"{}", 403),
        ("POST", "/ngsi-ld/air", {"X-Veracity-Token": "\xe9"}, b"{}", 403),
        ("POST", "/ngsi-ld/air", TOKEN, b"{}", 400),
        ("POST", "/ngsi-ld/air", TOKEN, b"[" * 100_000, 400),
        ("POST", "/ngsi-ld/air", TOKEN, b"x" * 9_000_000, 413),
        ("POST", "/ngsi-ld/other", TOKEN, b"{}", 404),
        ("POST", "/", TOKEN, b"{}", 404),
        ("GET", "/ngsi-ld/air", TOKEN, None, 405),
    ],
)
def test_everything_else_is_refused(
    city: City, method: str, path: str, headers: dict[str, str], body: bytes | None, status: int
) -> None:
    """With the one error body, and nothing is published."""
    answer = ask(method, city.url + path, body, headers)
    assert answer.status == status
    document = json.loads(answer.data)
    assert (document["status"], document["type"]) == (status, f"/problems/{document['code']}")
    assert city.published == []
