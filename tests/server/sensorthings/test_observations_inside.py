"""Observations inside entities keep the rules, or nothing of the body is made; whoever sent it is told."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from small_city import NOW, clock
from things_posting import Posting, posted_to, posting_city
from veracity.home.accounts.journal import list_path, read_list
from veracity.home.home import Home
from veracity.server.created.feeds import OBSERVATIONS, THINGS
from veracity.server.sensorthings.describing import Draft, Plan
from veracity.server.sensorthings.errors import NotAccepted
from veracity.server.sensorthings.judging import check_inside
from veracity.server.sensorthings.posting import posted_of, target_of_created
from veracity.server.sensorthings.sent import Judged, Making

FUTURE = {"phenomenonTime": "2100-01-01T00:00:00Z", "result": 2}
SOUND = {"phenomenonTime": "2026-09-02T00:00:00Z", "result": 1}
SETS = ("Things", "Locations", "Sensors", "ObservedProperties", "Datastreams", "Observations")


@pytest.fixture
def posting(tmp_path: Path) -> Posting:
    """A city with a registry and two batches, and accounts."""
    return posting_city(tmp_path / "city")


def stream(observations: list[Any], is_old: bool) -> dict[str, Any]:
    """Describe a datastream as a version of the interface wants it."""
    observed = {"name": "warmth", "definition": "http://vocab.example/w", "description": ""}
    unit = {"name": "degree Celsius", "symbol": "Cel", "definition": "ucum:Cel"}
    kind = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
    own: dict[str, Any] = {"resultType": {"type": "Quantity", "uom": {"code": "Cel"}}}
    own["ObservedProperties"] = [observed]
    if is_old:
        own = {"unitOfMeasurement": unit, "observationType": kind, "ObservedProperty": observed}
    sensor = {"name": "S", "description": "", "encodingType": "text/plain", "metadata": "x"}
    words = {"name": "Warmth", "description": ""}
    return {**words, **own, "Sensor": sensor, "Observations": observations}


def log_size(root: Path) -> int:
    """Count the entries of the log that are no sums of the journal."""
    with closing(Home.open(root, clock)) as home:
        return home.index.size - len(home.index.predicates("access"))


@pytest.mark.parametrize("version", ["v1.1", "v2.0"])
def test_one_that_breaks_a_rule_refuses_the_whole(posting: Posting, version: str) -> None:
    """As an observation alone is, with the rule; and nothing is made, set aside, or noted as written."""
    thing = {"name": "Station", "description": ""}
    bad = {**thing, "Datastreams": [stream([SOUND, FUTURE], is_old=version == "v1.1")]}
    good = {**thing, "Datastreams": [stream([SOUND], is_old=version == "v1.1")]}
    before = log_size(posting.root)
    with posted_to(posting) as city:
        shown = [city.json(f"/v1.1/{name}?$count=true&$top=0") for name in SETS]
        said = city.send(f"/{version}/Things", bad)
        assert (said.status, said.headers["Content-Type"]) == (409, "application/problem+json")
        told = said.json()
        assert (told["code"], told["status"]) == ("not-accepted", 409)
        assert "future:observed_at" in told["detail"]
        assert "2100-01-01T00:00:00Z" in told["detail"]
        assert "got 1 " in told["detail"]
        assert "Location" not in said.headers
        assert [city.json(f"/v1.1/{name}?$count=true&$top=0") for name in SETS] == shown
        assert log_size(posting.root) == before
        made = city.made(f"/{version}/Things", good)
        only = made.get("@iot.id", made.get("id"))
        (one,) = city.json(f"/v1.1/Things('{only}')/Datastreams?$expand=Observations")["value"]
        assert [o["result"] for o in one["Observations"]] == [1]
        alone = city.send(f"/v1.1/Datastreams('{one['@iot.id']}')/Observations", FUTURE)
        assert (alone.status, alone.json()["code"]) == (409, "not-accepted")
        assert "future:observed_at" in alone.json()["detail"]
    with closing(Home.open(posting.root, clock)) as home:
        counts = {
            f: [p["counts"] for _, p in home.index.predicates("ingest", f)] for f in (THINGS, OBSERVATIONS)
        }
        assert [c["quarantined"] for c in counts[THINGS]] == [0]
        assert [c["quarantined"] for c in counts[OBSERVATIONS]] == [0, 1]
        lists = [p["writes"]["sha256"] for _, p in home.index.predicates("access") if p["act"] == "writes"]
        writes = [w for digest in lists for w in read_list(home.objects.get(list_path(digest)))]
    assert [w.status for w in writes] == [201, 409]  # what was refused whole wrote nothing


def test_they_are_judged_as_their_feed_does() -> None:
    """Each kind of value; those that keep the rules pass, of those that do not the first is named."""
    check_inside([], NOW)
    kinds = {"number": 1.5, "integer": 3, "boolean": True, "string": "mưa\n"}
    targets = [target_of_created(f"created-things:{n:016x}", kind) for n, kind in enumerate(kinds)]
    for target, result in zip(targets, kinds.values(), strict=True):
        check_inside([posted_of({**SOUND, "result": result}, target, NOW)], NOW)
    times = ("2026-09-02T00:00:00Z", "2026-09-03T12:05:00Z", "2026-09-03T12:05:01Z", "2100-01-01T00:00:00Z")
    many = [posted_of({"phenomenonTime": t, "result": 1}, targets[0], NOW) for t in times]
    check_inside(many[:2], NOW)  # a clock may run ahead by five minutes
    with pytest.raises(NotAccepted, match=r"want 4 .* got 2 .* 2026-09-03T12:05:01Z, for future:observed_at"):
        check_inside(many, NOW)


def made_of(observation: dict[str, Any]) -> Making:
    """Return a thing with a datastream and an observation, as one request sends it."""
    names = [f"created-things:{n:016x}" for n in range(2)]
    drafts = [Draft("Things", names[0], "{}"), Draft("Datastreams", names[1], "{}")]
    posted = posted_of(observation, target_of_created(names[1], "number"), NOW)
    return Making(Plan(names[0], drafts, [posted]), "{}", None, "2026-09-03T12:00:00Z")


def test_what_is_set_aside_after_all_is_told_too() -> None:
    """Where the clock is set back between the two judgements: never 201, and what was made is named."""
    sent = made_of(SOUND)
    sent.took(THINGS, 0, [Judged(0, True), Judged(1, True)])
    sent.took(OBSERVATIONS, 0, [Judged(0, False, ["future:observed_at"])])
    said = str(sent.answer.exception(0))
    assert "future:observed_at" in said
    assert "2 entities are made" in said
    assert "created-things:0000000000000000" in said
    sent = made_of(SOUND)
    sent.took(THINGS, 0, [Judged(0, True), Judged(1, True)])
    sent.refused(OBSERVATIONS, NotAccepted("observations: want new ones"))
    assert "2 entities are made" in str(sent.answer.exception(0))
    sent = made_of(SOUND)
    sent.refused(THINGS, NotAccepted("entities: want new ones"))
    assert "are made" not in str(sent.answer.exception(0))
    sent = made_of(SOUND)
    sent.took(THINGS, 0, [Judged(0, True), Judged(1, True)])
    sent.took(OBSERVATIONS, 0, [Judged(0, True)])
    assert [taken.id is not None for taken in sent.answer.result(0)] == [True]
