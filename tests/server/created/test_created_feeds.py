"""Built-in feeds of what clients make: put in force once, never instead of a city's own, read with care."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from small_city import clock, contract, new_city
from veracity.data.contract import parse_contract
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.receipts.verification import verify_receipt
from veracity.server.created.entities import datastream_spots, is_point, read_created, stays
from veracity.server.created.errors import NameTaken
from veracity.server.created.feeds import (
    OBSERVATIONS,
    THINGS,
    built_in,
    ensure_feeds,
    is_built_in,
    is_made_up,
)
from veracity.server.created.simulated import is_simulated
from veracity.server.sensorthings.refusing import why_not

POINT = {"type": "Point", "coordinates": [108.2, 16.1]}
WORDS = {"name": "a", "description": "", "properties": {}}
SOUND: list[tuple[str, dict[str, Any]]] = [
    ("Locations", {**WORDS, "location": POINT, "things": []}),
    ("Things", {**WORDS, "locations": ["created-things:0000000000000000", "gone"]}),
    ("Sensors", {**WORDS, "encodingType": "text/plain", "metadata": "x"}),
    ("ObservedProperties", {**WORDS, "definition": "urn:x"}),
]
UNSOUND: list[tuple[str, Any]] = [
    ("Things", 5),
    ("Things", {**WORDS}),
    ("Things", {**WORDS, "locations": [1]}),
    ("Things", {**WORDS, "locations": [], "properties": []}),
    ("Things", {**WORDS, "locations": [], "name": None}),
    ("Locations", {**WORDS, "things": [], "location": {"type": "Point", "coordinates": ["x", 1]}}),
    ("Locations", {**WORDS, "location": POINT}),
    ("Datastreams", {**WORDS, "thing": "a", "sensor": "b", "observed": "c", "kind": "other", "unit": {}}),
    ("Datastreams", {**WORDS, "thing": "a", "sensor": "b", "kind": "number", "unit": {}}),
]


def put(home: Writer, folder: Path, rows: list[tuple[str, Any]], first: int = 0) -> None:
    """Ingest rows into the feed of things, as anybody with the city's command line could."""
    lines = [
        {
            "id": f"created-things:{n:016x}",
            "created_at": "2026-09-02T00:00:00Z",
            "entity_set": entity_set,
            "document": json.dumps(document),
        }
        for n, (entity_set, document) in enumerate(rows, first)
    ]
    path = folder / "things.ndjson"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    (done,) = ingest(home, THINGS, [path])
    assert done.accepted == len(rows)


def test_they_are_put_in_force_once(tmp_path: Path) -> None:
    """By a statement each; a second time says nothing."""
    with open_writer(new_city(tmp_path / "city"), clock) as home:
        assert read_created(home) == []
        before = home.index.size
        ensure_feeds(home)
        ensure_feeds(home)
        assert home.index.size == before + 2
        assert {THINGS, OBSERVATIONS} <= set(home.feeds())


def test_a_feed_of_the_city_is_not_taken_for_ours(tmp_path: Path) -> None:
    """A feed that has the name has not the contract: nothing is written to it, and nothing read."""
    with open_writer(new_city(tmp_path / "city"), clock) as home:
        add_feed(home, contract(tmp_path, THINGS))
        with pytest.raises(NameTaken):
            ensure_feeds(home)
        assert read_created(home) == []


def test_what_is_no_entity_is_left_out(tmp_path: Path) -> None:
    """Others than the server may write into the feed; the rest is there, in order."""
    with open_writer(new_city(tmp_path / "city"), clock) as home:
        ensure_feeds(home)
        put(home, tmp_path, [*SOUND, *UNSOUND])
        created = read_created(home)
    assert [one.set for one in created] == [entity_set for entity_set, _ in SOUND]
    ((thing, location, _),) = stays(created)
    assert (thing, location.id) == ("created-things:0000000000000001", "created-things:0000000000000000")
    assert datastream_spots(created, lambda _: None) == {}


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        (POINT, True),
        ({"type": "Point", "coordinates": [1, 2, 3]}, True),
        ({"type": "Point", "coordinates": [1]}, False),
        ({"type": "Point", "coordinates": [True, 2]}, False),
        ({"type": "Point", "coordinates": [1, 91]}, False),
        ({"type": "Polygon", "coordinates": []}, False),
        (None, False),
    ],
)
def test_points_are_on_earth(value: Any, is_one: bool) -> None:
    """Two numbers or three, in range."""
    assert is_point(value) is is_one


def test_why_a_method_is_not_there() -> None:
    """Each has its reason; other parts of the server have their own."""
    assert "never changed" in str(why_not("PATCH", "/v1.1/Things('a')"))
    assert "never removed" in str(why_not("DELETE", "/v2.0/Things('a')"))
    assert "HistoricalLocations" in str(why_not("POST", "/v1.1/Things('a')/HistoricalLocations"))
    assert "entity set" in str(why_not("POST", "/v1.1"))
    assert why_not("GET", "/v1.1/Things") is None
    assert why_not("DELETE", "/api/v1/feeds") is None


def test_what_is_made_is_simulated_where_all_else_is(tmp_path: Path) -> None:
    """In a city of simulated feeds it is; with a real feed, or without any of its own, it is not."""
    root = new_city(tmp_path / "city", feeds=())
    path = contract(tmp_path)
    measured = path.read_bytes().replace(b"tags: [simulated]\n", b"").replace(b"id: rain", b"id: river")
    (tmp_path / "river.yaml").write_bytes(measured)
    with open_writer(root, clock) as home:
        ensure_feeds(home)
        ours = home.feed(OBSERVATIONS).contract
        assert not ours.simulated
        assert not is_made_up(home)
        add_feed(home, path)
        assert is_made_up(home)
        assert is_simulated(home, ours)
        before = add_feed(home, tmp_path / "river.yaml").idx
        assert not is_simulated(home, ours)
        assert is_simulated(home, ours, before)
        assert is_simulated(home, home.feed("rain").contract)
        assert not is_simulated(home, home.feed("river").contract)


def versions(home: Writer, feed: str) -> list[tuple[str, bool]]:
    """Return the versions of a feed's contract, and whether each is marked, as the log says them."""
    return [(p["version"], p["simulated"]) for _, p in home.index.predicates("contract", feed)]


def test_their_contracts_say_what_the_city_is(tmp_path: Path) -> None:
    """From the first on, and anew at the next write after its own feeds changed; each is still ours."""
    root = new_city(tmp_path / "city")
    measured = contract(tmp_path).read_bytes().replace(b"tags: [simulated]\n", b"")
    (tmp_path / "river.yaml").write_bytes(measured.replace(b"id: rain", b"id: river"))
    with open_writer(root, clock) as home:
        ensure_feeds(home)
        assert [versions(home, feed) for feed in (THINGS, OBSERVATIONS)] == [[("1.0.0", True)]] * 2
        put(home, tmp_path, SOUND)
        add_feed(home, tmp_path / "river.yaml")
        for _ in range(2):  # a second time says nothing
            ensure_feeds(home)
        assert versions(home, THINGS) == versions(home, OBSERVATIONS) == [("1.0.0", True), ("1.0.1", False)]
        assert all(
            is_built_in(home.contract(str(p["sha256"]))) for _, p in home.index.predicates("contract", THINGS)
        )
        assert not is_made_up(home)  # none of ours counts as the city's own
        assert len(read_created(home)) == len(SOUND)
    with closing(Home.open(root, clock)) as home:
        assert audit(home).is_clean


def test_a_contract_of_an_earlier_release_is_renewed(tmp_path: Path) -> None:
    """It did not say that a city is simulated: what was made stays, the next batches say it."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        for feed in (THINGS, OBSERVATIONS):
            old = tmp_path / f"{feed}.yaml"
            old.write_bytes(built_in(feed))
            add_feed(home, old)
        put(home, tmp_path, SOUND[:1])
        assert is_simulated(home, home.feed(THINGS).contract)  # the server marked it all the same
        ensure_feeds(home)
        assert versions(home, THINGS) == [("1.0.0", False), ("1.0.1", True)]
        put(home, tmp_path, [(name, {**said, "name": "again"}) for name, said in SOUND[1:]], first=5)
        assert [p["simulated"] for _, p in home.index.predicates("ingest", THINGS)] == [False, True]
        assert len(read_created(home)) == len(SOUND)
    with closing(Home.open(root, clock)) as home:
        assert audit(home).is_clean
        told = [
            verify_receipt(make_receipt(home, THINGS, find_record(home, THINGS, n, 0)), home.policy)
            for n in (0, 1)
        ]
        assert [one.simulated for one in told] == [False, True]


def test_only_their_own_text_is_theirs() -> None:
    """A mark, a version: else not a byte may differ."""
    for version, simulated in (("1.0.0", False), ("1.0.7", True)):
        text = built_in(OBSERVATIONS, version, simulated=simulated)
        ours = parse_contract(text)
        assert (ours.version, ours.simulated) == (version, simulated)
        assert is_built_in(ours)
        assert not is_built_in(parse_contract(text.replace(b"maxLength: 16384", b"maxLength: 16383")))
        assert not is_built_in(parse_contract(text.replace(b"status: active", b"status: active # ours")))
