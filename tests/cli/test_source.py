"""``veracity source``: the list is kept, a source is tried, and nothing is published by trying."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from answering import Answering, Reply, answering
from context_broker import ContextBroker, air
from meteo import Service
from run_cli import Here, is_one_line
from small_city import NOW, clock, new_city
from things import Things
from veracity.feeds.contract_files import contract_file
from veracity.feeds.errors import SourceUnavailable
from veracity.feeds.kinds import KINDS, Kind
from veracity.feeds.source import Fetched
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer


@pytest.fixture
def home(tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city, which commands find by themselves."""
    root = new_city(tmp_path / "city")
    monkeypatch.setenv("VERACITY_HOME", str(root))
    return root


@pytest.fixture
def meteo() -> Iterator[Answering]:
    """The weather, at the time of the small city."""
    with answering(Service(NOW)) as server:
        yield server


def add_weather(here: Here, server: Answering, *more: str) -> None:
    places = "places=[{name: hai-chau, latitude: 16.076, longitude: 108.2195}]"
    said = ["--set", "product=weather", "--set", f"url={server.url}", "--set", places, "--every", "10 min"]
    done = here("source", "add", "sky", "--kind", "open-meteo", *said, *more)
    assert done.code == 0, done.err


def test_a_source_is_added_listed_and_taken_off(home: Path, here: Here, meteo: Answering) -> None:
    """What was said of it is on the list, and nothing was asked."""
    assert here("source", "ls").out == "no source\n"
    add_weather(here, meteo)
    (listed,) = json.loads(here("source", "ls", "--json").out)["items"]
    assert listed == {
        "name": "sky",
        "kind": "open-meteo",
        "feed": "open-meteo-weather",
        "every_s": 600.0,
        "has_contract": False,
        "asked_at": None,
    }
    assert "no contract" in here("source", "ls").out
    assert here("source", "rm", "sky").code == 0
    assert here("source", "ls").out == "no source\n"
    assert meteo.asked == []


def test_a_key_comes_from_a_file(home: Path, here: Here, meteo: Answering, tmp_path: Path) -> None:
    """So that it is on no command line; a file that is not there is an error of ours."""
    (tmp_path / "key").write_text("secret\n")
    add_weather(here, meteo, "--set", f"apikey=@{tmp_path / 'key'}")
    assert "apikey: secret" in (home / "sources.yaml").read_text()
    done = here("source", "add", "b", "--kind", "open-meteo", "--set", "product=@none")
    assert (done.code, is_one_line(done)) == (3, True)


def test_trying_prints_records_and_leaves_nothing(home: Path, here: Here, meteo: Answering) -> None:
    """Trying twice gives the same: no document, no state, no message is kept."""
    add_weather(here, meteo)
    before = sorted(p for p in home.rglob("*") if p.name != "lock")
    for _ in range(2):
        done = here("source", "try", "sky")
        assert done.code == 0
        assert json.loads(done.out)["place"] == "hai-chau"
        assert "1 records in 1 documents for feed open-meteo-weather" in done.err
    assert sorted(p for p in home.rglob("*") if p.name != "lock") == before


def test_records_are_held_to_the_contract(home: Path, here: Here, meteo: Answering, tmp_path: Path) -> None:
    """Where the feed has one; exit 1 if it would not take them."""
    path = tmp_path / "weather.yaml"
    assert here("source", "contract", "open-meteo-weather", "-o", path).code == 0
    assert path.read_bytes() == contract_file("open-meteo-weather").read_bytes()
    with open_writer(home, clock) as writer:
        add_feed(writer, path)
    add_weather(here, meteo)
    good = here("source", "try", "sky")
    assert (good.code, "1 received = 1 accepted" in good.err) == (0, True)
    here("source", "rm", "sky")
    hot = Service(NOW, values={("temperature_2m", NOW.strftime("%Y-%m-%dT%H:%M")): 99.0})
    with answering(hot) as server:
        add_weather(here, server)
        bad = here("source", "try", "sky", "--json")
    assert bad.code == 1
    assert json.loads(bad.out)["counts"]["reasons"] == {"range:temperature": 1}


def test_few_of_many_records_are_shown(home: Path, here: Here) -> None:
    """The rest are counted."""
    things = Things(observations={1: [(f"2026-08-31T23:{m:02d}:00.000Z", m) for m in range(50)]})
    with answering(things) as server:
        here("source", "add", "things", "--kind", "sensorthings", "--set", f"url={server.url}/v1.1",
             "--set", "history=30 d")  # fmt: skip
        done = here("source", "try", "things", "--limit", "3", "--json")
    document = json.loads(done.out)
    assert (document["records"], len(document["items"]), document["counts"]) == (50, 3, None)


def test_trying_subscribes_to_nothing(home: Path, here: Here) -> None:
    """Of a broker only what is there is asked for."""
    broker = ContextBroker({"a": air(1, 5, 12.5)})
    with answering(broker) as server:
        settings = ["type=AirQualityObserved", "endpoint=http://city.example", "token=0123456789abcdef"]
        options = [o for s in [*settings, f"url={server.url}/ngsi-ld/v1"] for o in ("--set", s)]
        assert here("source", "add", "air", "--kind", "ngsi-ld", "--feed", "air", *options).code == 0
        done = here("source", "try", "air", "--json")
    assert json.loads(done.out)["records"] == 1
    assert broker.subscriptions == {}


def test_of_a_stream_the_first_document_is_taken(
    home: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next is not asked for, so that nothing is acknowledged."""
    asked: list[int] = []

    class Listening:
        name, feed = "listening", "numbers"

        async def documents(self) -> AsyncIterator[Fetched]:
            for n in range(3):
                asked.append(n)
                yield Fetched(b"x", "text/plain", [b'{"n":%d}' % n])

    import veracity.cli.source as module

    monkeypatch.setattr(module, "_source", lambda *_: Listening())
    done = here("source", "try", "listening")
    assert (done.code, done.out) == (0, '{"n":0}\n')
    assert asked == [0]


def test_the_built_in_sources_can_be_tried(home: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they are on any list; one that is out of reach is exit 4."""
    from veracity.feeds.open_meteo import OpenMeteo

    def out_of_reach(self: OpenMeteo, now: Any) -> None:
        raise SourceUnavailable(f"{self.url[:60]}: no network")

    monkeypatch.setattr(OpenMeteo, "fetch", out_of_reach)
    done = here("source", "try", "open-meteo-river")
    assert done.code == 4
    assert is_one_line(done)
    assert "flood-api.open-meteo.com" in done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["ls", "--home", "/none"], 3),
        (["rm", "none"], 3),
        (["try", "none"], 3),
        (["contract", "none"], 3),
        (["add", "a", "--kind", "fax"], 2),
        (["add", "a", "--kind", "sensorthings"], 3),
        (["add", "a", "--kind", "sensorthings", "--set", "url"], 3),
        (["add", "a", "--kind", "sensorthings", "--set", "url=http://h", "--set", "url=http://h"], 3),
        (["add", "a", "--kind", "sensorthings", "--set", "url={a: b"], 3),
        (["add", "a/b", "--kind", "open-meteo", "--set", "product=air"], 3),
    ],
)
def test_wrong_ones_fail_with_one_line(home: Path, here: Here, arguments: list[str], code: int) -> None:
    """And the list stays as it was."""
    done = here("source", *arguments)
    assert done.code == code
    assert code == 2 or is_one_line(done)
    assert not (home / "sources.yaml").exists()


def test_what_a_service_sends_can_fail(home: Path, here: Here) -> None:
    """Malformed is exit 3, out of reach exit 4."""
    for reply, code in ((Reply(b"<html>"), 3), (Reply(b"", 500), 4)):
        with answering(lambda _, reply=reply: reply) as server:  # type: ignore[misc]
            add_weather(here, server)
            assert here("source", "try", "sky").code == code
            here("source", "rm", "sky")


def test_a_kind_without_its_library(home: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what to install."""
    monkeypatch.setitem(KINDS, "kafka", Kind("veracity.feeds.kafka_source", "no_such_library", "kafka"))
    done = here("source", "add", "a", "--kind", "kafka")
    assert (done.code, "veracity[kafka]" in done.err) == (4, True)
