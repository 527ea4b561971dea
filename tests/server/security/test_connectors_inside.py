"""No connector is led to this machine or a private network by whom it asks (request forgery)."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import veracity.feeds
import veracity.feeds.http_polling as polling
from answering import Reply, answering
from veracity.feeds.errors import FeedError, SourceUnavailable
from veracity.feeds.http_polling import Http
from veracity.feeds.kinds import KINDS, make_source
from veracity.feeds.source import Source

NOW = datetime(2026, 9, 3, 12, tzinfo=UTC)
FEEDS = Path(veracity.feeds.__file__).parent
COMMON = {"name": "it", "feed": "rain", "every": "10 min", "public-only": True}
BROKERS = "0123456789abcdef"

#: what each kind needs besides a URL; None for one that asks nobody over HTTP
MORE: dict[str, dict[str, Any] | None] = {
    "open-meteo": {"product": "weather", "places": [{"name": "x", "latitude": 16, "longitude": 108}]},
    "sensorthings": {},
    "ngsi-ld": {"endpoint": "https://city.example", "token": BROKERS, "type": "Air"},
    "gtfs-realtime": {"what": "vehicle-positions"},
    "open311": {"what": "requests"},
    "ocds": {},
    "cap": {},
    "kafka": None,  # brokers, in a protocol of their own, named by the operator alone
}


def test_every_kind_is_here() -> None:
    """A new kind of source must say here what it needs to be tried."""
    assert set(MORE) == set(KINDS)


@pytest.mark.parametrize("kind", [kind for kind, more in MORE.items() if more is not None])
def test_no_kind_reaches_inside(kind: str) -> None:
    """Told to ask public servers alone, no kind of source even connects to an inner address."""
    with answering(lambda _: Reply(b"secrets")) as inside:
        source = make_source({"kind": kind, "url": inside.url, **COMMON, **(MORE[kind] or {})})
        assert isinstance(source, Source)
        with pytest.raises(FeedError, match="public addresses"):
            source.fetch(NOW)
    assert inside.asked == []


def test_only_one_module_asks_over_http() -> None:
    """Everything that is fetched goes through ``Http``: no other connector opens a connection itself."""
    clients = {"urllib3", "urllib.request", "http.client", "socket", "requests", "httpx", "aiohttp"}
    users = set()
    for path in FEEDS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            if any(name in clients or name.split(".")[0] in clients for name in names):
                users.add(path.name)
    assert users == {"http_polling.py", "public_addresses.py"}


def test_a_public_server_leads_nobody_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect from a public server to an inner address is not followed, whatever the settings."""

    def looked_at(host: str, port: int) -> str:
        if host == "127.0.0.1":
            return "203.0.113.7"  # the first server plays one of the internet
        raise SourceUnavailable(f"{host}: want public addresses alone, got one of ours")

    monkeypatch.setattr(polling, "public_address", looked_at)
    with answering(lambda _: Reply(b"secrets")) as inside:
        port = inside.url.rpartition(":")[2]
        moved = Reply(status=302, headers={"Location": f"http://localhost:{port}/latest/meta-data"})
        with answering(lambda _: moved) as outside, pytest.raises(SourceUnavailable, match="public"):
            Http().get(outside.url, NOW)
    assert inside.asked == []
