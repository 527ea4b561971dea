"""Posts that come at once are sealed as one batch; each is judged, answered and told apart by itself."""

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import things_posting
from accounts_city import Time
from small_city import AGENCY, clock
from things_posting import (
    DEADLINE_S,
    ONE,
    OTHER,
    STAFF,
    Post,
    Poster,
    Posting,
    city,
    held,
    one,
    patient,
    posted_to,
    posting,
    together,
    wait_for,
    written,
)
from veracity.home.audit import audit
from veracity.home.home import Home, open_writer
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.receipts.verification import verify_receipt
from veracity.server.created.feeds import OBSERVATIONS, THINGS
from veracity.server.sensorthings import gathering, taking

__all__ = ["city", "posting"]

MANY = "/v1.1/CreateObservations"
THING = {
    "name": "Station",
    "description": "",
    "Datastreams": [
        {
            "name": "Warmth",
            "description": "",
            "unitOfMeasurement": {"name": "degree Celsius", "symbol": "Cel", "definition": "ucum:Cel"},
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            "Sensor": {"name": "S", "description": "", "encodingType": "text/plain", "metadata": ""},
            "ObservedProperty": {"name": "warmth", "definition": "http://vocab.example/w", "description": ""},
            "Observations": [{"phenomenonTime": "2026-09-02T00:00:00Z", "result": 25.5}],
        }
    ],
}


def count(city: Poster) -> int:
    """Count the observations that are shown."""
    return int(city.json(f"{ONE}?$count=true&$top=0")["@iot.count"])


def n_batches(root: Path, feed: str) -> int:
    """Count the batches of a feed."""
    with closing(Home.open(root, clock)) as home:
        return len(home.index.batches(feed)) if feed in home.feed_names() else 0


def record_of(home: Home, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record in the evidence that an observation came in, by its receipt, which is verified."""
    place = shown["parameters"]
    found = find_record(home, "rain", place["batch"], place["record"])
    receipt = make_receipt(home, "rain", found)
    verify_receipt(receipt, home.policy)
    proven = receipt.record
    assert proven is not None
    content = b"".join(page.content for page in proven.pages)
    said: dict[str, Any] = json.loads(content[proven.offset : proven.offset + proven.length])
    return said


def test_many_at_once_are_one_batch_with_a_receipt_for_each(posting: Posting) -> None:
    """Each is there once, under its own address and receipt; the journal and the evidence say whose it is."""
    posts = [one(n, n / 4, f"G0{n % 3}", STAFF if n % 2 else AGENCY) for n in range(12)]
    rows = [[f"2026-09-02T01:{n:02}:00Z", n / 4] for n in range(4)]
    part = {"Datastream": {"@iot.id": "rain:G02:rain"}, "components": ["phenomenonTime", "result"]}
    posts.append((MANY, [{**part, "dataArray": rows}], STAFF))
    with posted_to(posting) as city:
        before = n_batches(posting.root, "rain"), count(city)
        answers = together(city, posting.root, posts)
        assert [answer.status for answer in answers] == [201] * len(posts)
        assert n_batches(posting.root, "rain") == before[0] + 1
        wait_for(lambda: count(city) != before[1])  # lists show what is new within a second
        assert count(city) == before[1] + 16
        links = [answer.headers["Location"] for answer in answers[:-1]]
        shown = [city.json(link) for link in [*links, *answers[-1].json()]]
    assert [s["result"] for s in shown] == [n / 4 for n in (*range(12), *range(4))]
    journal = written(posting.root)
    with closing(Home.open(posting.root, clock)) as home:
        assert audit(home).is_clean
        records = [record_of(home, s) for s in shown]
    for record, (_, body, account) in zip(records, posts[:-1], strict=False):
        assert record["received"] == json.dumps(body)
        assert journal[sha256(record["received"].encode()).hexdigest()].account == account
    for record in records[-4:]:
        assert (journal[record["request_sha256"]].account, journal[record["request_sha256"]].path) == (
            STAFF,
            MANY,
        )


def test_a_bad_one_fails_no_other(city: Poster, posting: Posting) -> None:
    """One that breaks a rule, one that is there already, one sent twice at once, one of another agency."""
    assert city.send(*one(1)).status == 201
    posts = [one(2), one(3, 900), one(1), one(4), one(4), one(5)]
    statuses = [answer.status for answer in together(city, posting.root, posts)]
    assert (statuses[:3], statuses[-1]) == ([201, 409, 409], 201)
    assert sorted(statuses[3:5]) == [201, 409]
    assert city.refused(*one(6, account=OTHER)) == (403, "not-creatable")


def test_what_breaks_judging_is_tried_alone(
    city: Poster, posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that no batch can be judged with, for a bug of ours, is the only one that is answered so."""
    whole = taking._sealed

    def breaking(home: Any, feed: str, records: Sequence[bytes], writings: Any) -> Any:
        if any(b"poison" in record for record in records):
            raise RuntimeError("a bug")
        return whole(home, feed, records, writings)

    monkeypatch.setattr(taking, "_sealed", breaking)
    path, body, account = one(2)
    posts = [one(1), (path, {**body, "parameters": {"a": "poison"}}, account), one(3)]
    assert [answer.status for answer in together(city, posting.root, posts)] == [201, 500, 201]


def test_what_is_sealed_is_not_tried_again(
    city: Poster, posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a bug comes after the seal, all are told so, and what they sent is there once."""
    before = n_batches(posting.root, "rain"), count(city)

    def breaking(*_: Any) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(taking, "_accepted", breaking)
    posts = [one(1), one(2), one(3)]
    assert [answer.status for answer in together(city, posting.root, posts)] == [500] * 3
    assert n_batches(posting.root, "rain") == before[0] + 1
    wait_for(lambda: count(city) != before[1])
    assert count(city) == before[1] + 3


def test_a_command_waits_for_a_turn_and_is_let_in(
    city: Poster, posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While clients post, an operator's command is not refused: it gets the home between two turns."""
    whole, begun, go_on = taking._seal, threading.Event(), threading.Event()

    def waiting(*of: Any) -> None:
        begun.set()
        assert go_on.wait(DEADLINE_S)
        whole(*of)

    monkeypatch.setattr(taking, "_seal", waiting)

    def command() -> int:
        with open_writer(posting.root, clock) as home:
            return home.log.size

    with ThreadPoolExecutor(2) as others:
        post = others.submit(city.send, *one(1))
        assert begun.wait(DEADLINE_S)
        asking = others.submit(command)
        with pytest.raises(TimeoutError):
            asking.result(0.5)  # it waits
        go_on.set()
        assert asking.result(DEADLINE_S) > 0
        assert post.result(DEADLINE_S).status == 201


def test_entities_and_observations_go_together(city: Poster, posting: Posting) -> None:
    """Bodies with entities share a batch of each built-in feed, beside single observations; each is whole."""
    posts: list[Post] = [("/v1.1/Things", {**THING, "name": f"Station {n}"}, STAFF) for n in range(3)]
    answers = together(city, posting.root, [*posts, one(1)])
    assert [answer.status for answer in answers] == [201] * 4
    batches = [n_batches(posting.root, feed) for feed in (THINGS, OBSERVATIONS)]
    assert batches == [1, 1]
    for n, answer in enumerate(answers[:3]):
        thing = city.json(f"{answer.headers['Location']}?$expand=Datastreams($expand=Observations)")
        assert thing["name"] == f"Station {n}"
        assert [o["result"] for o in thing["Datastreams"][0]["Observations"]] == [25.5]


def test_room_for_entities_is_counted_with_those_of_the_same_turn(
    city: Poster, posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only one body of two has room, one is made whole and the other not at all."""
    monkeypatch.setattr(taking, "MAX_CREATED", 7)
    answers = together(city, posting.root, [("/v1.1/Things", THING, STAFF)] * 2)
    assert sorted(answer.status for answer in answers) == [201, 403]
    assert city.json("/v1.1/Sensors?$count=true&$filter=name eq 'S'")["@iot.count"] == 1


def test_where_another_program_writes_for_long_nothing_is_taken(
    posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with the reason and when to come again; sent again it is taken, and the journal has that alone."""
    monkeypatch.setattr(taking, "WAIT_S", 0.1)
    with posted_to(posting) as city:
        with held(posting.root):
            busy = city.send(*one(1))
        assert (busy.status, busy.json()["code"]) == (503, "home-busy")
        assert "come again" in busy.json()["detail"]
        assert int(busy.headers["Retry-After"]) > 0
        monkeypatch.setattr(taking, "WAIT_S", 30.0)
        assert city.send(*one(1)).status == 201
    assert [w.status for w in written(posting.root).values()] == [201]


def test_where_the_clock_was_set_back_nothing_is_taken(
    posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with the reason and when to come again until it is right, and the journal has nothing of it."""
    monkeypatch.setattr(things_posting, "clock", time := Time())
    with posted_to(posting) as city:
        assert city.send(*one(1)).status == 201
        time.pass_by(hours=-1)
        behind = city.send(*one(2))
        assert (behind.status, behind.json()["code"]) == (503, "clock-behind")
        assert int(behind.headers["Retry-After"]) > 0
        time.pass_by(hours=1)
        assert city.send(*one(2)).status == 201
    assert [w.status for w in written(posting.root).values()] == [201, 201]


def test_too_many_that_wait_are_sent_away(
    city: Poster, posting: Posting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 at once, with when to come again; those that wait are taken."""
    monkeypatch.setattr(gathering, "MAX_WAITING", 2)
    answers: list[int] = []
    clients = [threading.Thread(target=lambda n=n: answers.append(city.send(*one(n)).status)) for n in (1, 2)]
    with patient():
        with held(posting.root):
            for client in clients:
                client.start()
            wait_for(lambda: city.n_waiting == 2)
            full = city.send(*one(3))
        for client in clients:
            client.join(DEADLINE_S)
    assert (full.status, full.json()["code"]) == (503, "posts-waiting")
    assert int(full.headers["Retry-After"]) > 0
    assert answers == [201, 201]
