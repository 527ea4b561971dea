"""What a gateway asks over HTTP: bounded in size and time, and with its keys to one server alone."""

import threading
import urllib.request
from pathlib import Path

import pytest

from answering import Reply, answering
from veracity.gateway.errors import CityUnavailable, MalformedConfig, MalformedReading, SourceFault
from veracity.gateway.joining import post_http
from veracity.gateway.sources.http_polling import HttpPolling, fetch, parse_http_polling
from veracity.gateway.web import body_of
from veracity.provenance.fields import Fields


def source(url: str) -> HttpPolling:
    said = {"url": url, "headers": {"X-Station-Key": "secret"}}
    return parse_http_polling("station", "weather", Fields(said, "source", MalformedConfig), Path())


def test_a_key_does_not_follow_a_redirect_to_another_server() -> None:
    """The other server is not asked at all; within the server that was asked a redirect is followed."""
    with answering(lambda _: Reply(b"{}")) as other:
        replies = {
            "/away": Reply(status=302, headers={"Location": f"{other.url}/here"}),
            "/moved": Reply(status=302, headers={"Location": "/here"}),
            "/here": Reply(b'{"a":1}'),
        }
        with answering(lambda asked: replies[asked.path]) as first:
            with pytest.raises(SourceFault, match="redirects within"):
                fetch(source(f"{first.url}/away"))
            assert fetch(source(f"{first.url}/moved")) == b'{"a":1}'
    assert other.asked == []
    assert first.asked[-1].headers["x-station-key"] == "secret"


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(b"no JSON"), Reply(b"x" * 2_000_000)])
def test_a_key_in_an_address_is_in_no_error(reply: Reply) -> None:
    """Errors go to logs and to the status."""
    with answering(lambda _: reply) as server:
        asked = source(f"{server.url}/now?apikey=secret")
        with pytest.raises((SourceFault, MalformedReading)) as caught:
            asked._objects(fetch(asked))
    assert "secret" not in str(caught.value)
    with pytest.raises(MalformedConfig):
        source("http://user:secret@station.example/")


def test_an_answer_is_bounded() -> None:
    """No more is read than what tells that it is too much."""
    with answering(lambda _: Reply(b"x" * 1_000_000)) as server:
        request = urllib.request.Request(server.url)  # noqa: S310 - of our own
        assert 10 < len(body_of(request, 10, 30)) <= 10 + 65_536


def test_an_answer_bit_by_bit_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A city that begins to answer and goes no further is out of reach, and no gateway waits for ever."""
    monkeypatch.setattr("veracity.gateway.joining.TIMEOUT_S", 0.2)
    never = threading.Event()
    with answering(lambda _: Reply(b"x" * 100, wait=never)) as server:
        with pytest.raises(CityUnavailable):
            post_http(f"{server.url}/join", b"{}")
        never.set()
