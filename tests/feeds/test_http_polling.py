"""Documents asked for over HTTP: bounded in size, time and redirects, and given only when new."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from answering import Asked, Reply, answering
from veracity.feeds.errors import MalformedDocument, SourceUnavailable
from veracity.feeds.http_polling import Http, retry_after_s
from veracity.feeds.polled import Polled
from veracity.feeds.public_addresses import is_public

NOW = datetime(2026, 9, 1, tzinfo=UTC)


@contextmanager
def asking(reply: Reply | Callable[[Asked], Reply], **limits: float) -> Iterator[Callable[[str], bytes]]:
    """Serve one reply; give a function that gets a path of the server."""
    http = Http(**limits)  # type: ignore[arg-type]

    def answer(asked: Asked) -> Reply:
        return reply if isinstance(reply, Reply) else reply(asked)

    with answering(answer) as server:

        def get(path: str) -> bytes:
            return http.get(server.url + path, NOW).body

        yield get
    http.close()


def test_a_document_is_its_bytes_compressed_or_not() -> None:
    """gzip is undone, and what is said of the type is known without its parameters."""
    body = b'{"a":1}' * 1_000
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json; charset=utf-8"}
    with answering(lambda _: Reply(gzip.compress(body), headers=headers)) as server:
        answer = Http().get(server.url, NOW)
    assert (answer.body, answer.media_type) == (body, "application/json")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"x" * 2_000),
        Reply(gzip.compress(b"\0" * 1_000_000), headers={"Content-Encoding": "gzip"}),
        Reply(b"not gzip", headers={"Content-Encoding": "gzip"}),
        Reply(gzip.compress(b"whole")[:-3], headers={"Content-Encoding": "gzip"}),
        Reply(b"x", headers={"Content-Encoding": "br"}),
    ],
    ids=["large", "bomb", "no gzip", "cut gzip", "other encoding"],
)
def test_a_body_that_is_too_much_or_not_as_it_says_is_refused(reply: Reply) -> None:
    """The limit holds before and after decompression."""
    with asking(reply, max_bytes=1_000) as get, pytest.raises(MalformedDocument):
        get("/")


def test_a_body_that_breaks_off_is_no_document() -> None:
    """Half a document, which may well be valid, is never taken for the whole."""
    with asking(Reply(b'{"a":1}\n' * 100, cut=8)) as get, pytest.raises(SourceUnavailable):
        get("/")


RAW = [
    b"",
    b"garbage\r\n\r\n",
    b"HTTP/1.1 99999 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("sent", RAW, ids=lambda sent: repr(sent[:60]))
def test_what_is_no_http_is_no_answer(sent: bytes) -> None:
    """Whatever comes back on the wire fails as one of our errors; chunks that break off too."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(sent)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(SourceUnavailable):
            Http(read_s=30).get(f"http://127.0.0.1:{server.getsockname()[1]}/", NOW)
        thread.join()


def test_a_server_that_falls_silent_is_left() -> None:
    """A body that stops half-way is waited for only so long."""
    event = threading.Event()
    with asking(Reply(b"x" * 100, wait=event), read_s=0.2) as get, pytest.raises(SourceUnavailable):
        get("/")
    event.set()


def test_who_does_not_listen_is_out_of_reach() -> None:
    """A refused connection, and a name that is none, are one of our errors."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", "http://no-such-host.invalid/", "ftp://example.org/", "http://"):
        with pytest.raises(SourceUnavailable):
            Http().get(url, NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Tue, 01 Sep 2026 00:01:00 GMT", 60.0),
        ("Tue, 01 Sep 2020 00:01:00 GMT", 0.0),
        ("999999999", 86_400.0),
        ("soon", None),
        ("٣", None),
        (None, None),
        ("Tue, 99 Sep 2026", None),
    ],
)
def test_when_to_come_back(value: str | None, seconds: float | None) -> None:
    """Retry-After is seconds or a date, at most a day; what says neither says nothing."""
    assert retry_after_s(value, NOW) == seconds


def test_a_server_that_is_too_busy_says_when_to_come_back() -> None:
    """A 429 carries what the server asks, and what it says of the reason."""
    with (
        asking(Reply(b"limit\nexceeded", 429, {"Retry-After": "60"})) as get,
        pytest.raises(SourceUnavailable, match="429: limit exceeded") as caught,
    ):
        get("/?key=secret")
    assert caught.value.retry_after_s == 60.0
    assert "secret" not in str(caught.value)


def test_redirects_are_followed_a_few_times() -> None:
    """A document may have moved; a server that sends us round and round is left."""

    def answer(asked: Asked) -> Reply:
        if asked.path == "/old":
            return Reply(status=302, headers={"Location": "new"})
        if asked.path == "/round":
            return Reply(status=307, headers={"Location": "/round"})
        if asked.path == "/file":
            return Reply(status=301, headers={"Location": "file:///etc/passwd"})
        if asked.path == "/odd":
            return Reply(status=301, headers={"Location": "http://[::1"})
        return Reply(b"here")

    with asking(answer) as get:
        assert get("/old") == b"here"
        for path in ("/round", "/file", "/odd"):
            with pytest.raises(SourceUnavailable):
                get(path)


def test_a_key_is_not_sent_on_to_another_host() -> None:
    """A redirect to another origin goes without what the first was given, however the key is called."""
    with answering(lambda _: Reply(b"other")) as other:
        moved = Reply(status=302, headers={"Location": other.url})
        with answering(lambda _: moved) as first:
            keys = {"Authorization": "Bearer key", "Ocp-Apim-Subscription-Key": "key"}
            Http().get(first.url, NOW, {**keys, "Accept": "text/plain"})
        assert {name.lower() for name in keys} <= set(first.asked[0].headers)
    assert "key" not in str(other.asked[0].headers).lower()
    assert other.asked[0].headers["accept"] == "text/plain"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.1.1"])
def test_public_only_reaches_no_private_address(host: str) -> None:
    """With the guard, addresses of this machine and of private networks are not even connected to."""
    with answering(lambda _: Reply(b"inside")) as server:
        port = server.url.rpartition(":")[2]
        with pytest.raises(SourceUnavailable, match="public addresses"):
            Http(public_only=True).get(f"http://{host}:{port}/", NOW)
    assert server.asked == []


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("2606:4700::1111", True), ("64:ff9b::1.1.1.1", True), ("2002:101:101::1", True),
        ("64:ff9b::10.0.0.1", False), ("64:ff9b::169.254.169.254", False), ("2002:7f00:1::1", False),
        ("::127.0.0.1", False), ("64:ff9b:1::a00:1", False), ("::", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_a_private_address_within_another_is_private(address: str, is_one: bool) -> None:
    """Translated (NAT64) and tunnelled (6to4) addresses lead where the IPv4 address within does."""
    assert is_public(address) is is_one


def test_public_only_connects_to_the_address_it_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is resolved once: the server is reached under the address that was checked."""
    import veracity.feeds.http_polling as polling

    monkeypatch.setattr(polling, "public_address", lambda host, port: "127.0.0.1")
    with answering(lambda _: Reply(b"here")) as server:
        port = server.url.rpartition(":")[2]
        answer = Http(public_only=True).get(f"http://city.invalid:{port}/a?b=c", NOW)
    assert answer.body == b"here"
    assert server.asked[0].headers["host"] == f"city.invalid:{port}"
    assert (server.asked[0].path, server.asked[0].query) == ("/a", {"b": "c"})


def test_what_did_not_change_is_not_given_again() -> None:
    """The server's ETag is sent back, and its 304 means that there is nothing new."""

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"1"':
            return Reply(status=304)
        return Reply(b"first", headers={"ETag": '"1"', "Last-Modified": "Tue, 01 Sep 2026 00:00:00 GMT"})

    with answering(answer) as server:
        polled = Polled(Http())
        given = polled.ask(server.url, NOW)
        assert given is not None
        assert polled.ask(server.url, NOW) is not None, "not kept: given again"
        polled.keep(server.url, given)
        assert polled.ask(server.url, NOW) is None
        again = Polled(Http())
        again.memory = polled.memory
        assert again.ask(server.url, NOW) is None, "a restart remembers"
        assert again.ask(server.url + "/other", NOW) is not None, "another address is another document"


def test_a_server_without_etags_is_compared_by_digest() -> None:
    """The same bytes again are nothing new, though the server says nothing of it."""
    bodies = iter([b"a", b"a", b"b"])
    with answering(lambda _: Reply(next(bodies))) as server:
        polled = Polled(Http())
        given = polled.ask(server.url, NOW)
        assert given is not None
        polled.keep(server.url, given)
        assert polled.ask(server.url, NOW) is None
        changed = polled.ask(server.url, NOW)
        assert changed is not None
        assert changed.body == b"b"


def test_a_304_that_nobody_asked_for_is_no_answer() -> None:
    """Nothing is known yet, so that nothing can be unchanged."""
    with asking(Reply(status=304)) as get, pytest.raises(SourceUnavailable):
        get("/")
