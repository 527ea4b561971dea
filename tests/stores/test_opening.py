"""From the text of a location to a store: what is none is refused, and secrets are not repeated."""

from datetime import timedelta
from pathlib import Path

import obstore
import pytest
import urllib3
from log_fakes import SIGNER, MemoryState, numbered

from servers import S3
from veracity.log.append import Log
from veracity.log.doors import StoreUnavailable
from veracity.log.fsck import fsck
from veracity.stores.errors import BadLocation
from veracity.stores.http_objects import HttpObjects
from veracity.stores.object_state import ObjectState
from veracity.stores.objects import LocalObjects
from veracity.stores.opening import check_places, open_objects, open_state

SECRET = "hunter2"  # noqa: S105 - what must not be repeated


def test_each_kind_of_place(tmp_path: Path, s3: S3, postgres: str) -> None:
    """Every spelling of the table opens what it says."""
    assert isinstance(open_objects(str(tmp_path / "log")), LocalObjects)
    assert isinstance(open_objects("https://log.example.org/city", read_only=True), HttpObjects)
    for state in (str(tmp_path / "a.db"), f"sqlite:///{tmp_path}/b.db", f"{s3.url}-state", postgres):
        opened = open_state(state)
        assert opened.compare_and_swap("o", None, b"1", b"")
        opened.close()
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["a.db", "b.db"]


@pytest.mark.parametrize(
    "location",
    [
        "",
        "ftp://host/log",
        "s3://",
        "s3://B/prefix",
        f"s3://key:{SECRET}@bucket/prefix",
        "s3://bucket/a//b",
        "s3://bucket/../other",
        f"https://user:{SECRET}@host/log",
        f"mysql://user:{SECRET}@host/db",
        "a\0b",
    ],
)
def test_what_is_no_place_is_refused(location: str) -> None:
    """One line of ours, which does not repeat what may be secret."""
    for opens in (
        lambda: open_objects(location, read_only=True),
        lambda: open_state(location),
    ):
        with pytest.raises(BadLocation) as caught:
            opens()
        assert "\n" not in str(caught.value)
        assert SECRET not in str(caught.value)


def test_http_is_to_read() -> None:
    """A log behind a web server is not opened for writing."""
    with pytest.raises(BadLocation, match="read only"):
        open_objects("https://log.example.org")


@pytest.mark.parametrize(
    ("store", "state"),
    [
        ("https://log.example.org", None),
        (None, f"postgresql://u:{SECRET}@h/db"),
        (None, f"postgresql://u@h/db?password={SECRET}"),
        ("s3://bucket/a", "s3://bucket/a"),
        ("s3://bucket/a", "s3://bucket/a/state"),
        ("s3://bucket/a/log", "s3://bucket/a/"),
    ],
)
def test_places_that_do_not_go_together(store: str | None, state: str | None) -> None:
    """A place to read only, a password in an address, a state among a log's files: refused."""
    with pytest.raises(BadLocation) as caught:
        check_places(store, state)
    assert SECRET not in str(caught.value)


def test_places_that_go_together() -> None:
    """Neighbours are no matter."""
    check_places("s3://bucket/a", "s3://bucket/ab")
    check_places(None, "postgresql://u@h/db")
    check_places("/var/log", None)


def test_wrong_credentials_are_unavailable(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong secret is one line of ours, without it, for reading and for writing."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    objects = open_objects(s3.url)
    for call in (
        lambda: objects.get("checkpoint"),
        lambda: objects.put_many([("a", b""), ("b", b"")]),
        lambda: list(objects.list("")),
        lambda: open_state(s3.url).last("o"),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert SECRET not in str(caught.value)


def test_plain_http_is_for_loopback(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials go over plain HTTP to nobody else."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.example.org")
    with pytest.raises(StoreUnavailable):
        open_objects(s3.url).get("checkpoint")


def test_an_object_too_large_is_not_read(s3: S3) -> None:
    """An object larger than any of a log is refused before it is in memory."""
    objects = open_objects(s3.url)
    objects.put("tile/entries/000", bytes(2 * 16_777_472 + 1))
    with pytest.raises(StoreUnavailable, match="at most"):
        objects.get("tile/entries/000")


def test_an_s3_server_out_of_reach_is_unavailable(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that goes away stops the writer with one line of ours; back again, the log goes on."""
    objects = open_objects(s3.url)
    log = Log.open(objects, open_state(f"{s3.url}-state"), SIGNER)
    log.append(numbered(0, 300))
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        gone = open_objects(s3.url)
        state = open_state(f"{s3.url}-state")
        assert isinstance(state, ObjectState)
        away.setattr(log, "_state", state)
        away.setattr(state, "_sleep", lambda _: None)
        for call in (lambda: gone.get("checkpoint"), lambda: log.append([b"more"])):
            with pytest.raises(StoreUnavailable) as caught:
                call()
            assert "\n" not in str(caught.value)
    log = Log.open(objects, open_state(f"{s3.url}-state"), SIGNER)
    assert log.append(numbered(290, 310)) == list(range(290, 310))
    assert fsck(objects, SIGNER.verifier).findings == ()


@pytest.mark.parametrize(
    ("path", "content_type", "cache_control"),
    [
        ("checkpoint", "text/plain; charset=utf-8", "public, max-age=5"),
        ("tile/0/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("tile/entries/000.p/1", "application/octet-stream", "public, max-age=31536000, immutable"),
    ],
)
def test_a_plain_get_of_a_log_on_s3(s3: S3, path: str, content_type: str, cache_control: str) -> None:
    """S3 serves each file of a log with its type and its time in caches, as a static server must."""
    Log.open(open_objects(s3.url), MemoryState(), SIGNER).append([b"entry"])
    url = obstore.sign(s3.store(), "GET", path, timedelta(minutes=1))
    answer = urllib3.request("GET", url, timeout=10, retries=False)
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.headers["Cache-Control"] == cache_control
