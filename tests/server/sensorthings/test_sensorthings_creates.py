"""Entities made over SensorThings: sealed as any batch, shown by both versions, taking observations."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from accounts_city import listed_writes
from small_city import AGENCY, NOW, clock
from things_posting import OTHER, READER, STAFF, Poster, Posting, posted_to, posting_city
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.receipts import format_receipt
from veracity.server.created.feeds import OBSERVATIONS, THINGS
from veracity.server.sensorthings import creating_entities, describing, taking

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
SENSOR = {"name": "SHT31", "description": "Chip", "encodingType": "text/plain", "metadata": "Rev. 2"}
WARMTH = {"name": "warmth", "definition": "http://vocab.example/warmth", "description": "Of air"}
PLACE = {"type": "Point", "coordinates": [108.21, 16.06]}
LOCATION = {"name": "Roof", "description": "A", "encodingType": "application/geo+json", "location": PLACE}
STREAM = {
    "name": "warmth on the roof",
    "description": "Every hour",
    "unitOfMeasurement": {"name": "degree Celsius", "symbol": "Cel", "definition": "ucum:Cel"},
    "observationType": f"{OM}Measurement",
    "Sensor": SENSOR,
    "ObservedProperty": WARMTH,
}
THING = {"name": "Trạm A", "description": "A station", "properties": {"owner": "school"}}
WHOLE = {
    **THING,
    "Locations": [LOCATION],
    "Datastreams": [
        {**STREAM, "Observations": [{"phenomenonTime": "2026-09-02T00:00:00Z", "result": 25.5}]},
    ],
}
ALL = "Locations,Datastreams($expand=Sensor,ObservedProperty,Observations)"


@pytest.fixture(scope="module")
def posting(tmp_path_factory: pytest.TempPathFactory) -> Posting:
    """A city with a registry and two batches, and accounts."""
    return posting_city(tmp_path_factory.mktemp("created") / "city")


@pytest.fixture(scope="module")
def city(posting: Posting) -> Iterator[Poster]:
    """It served."""
    with posted_to(posting) as client:
        yield client


def test_a_whole_thing_is_made_at_once(city: Poster) -> None:
    """It, its place, datastream, sensor, property and first observation; each says who made it."""
    thing = city.made("/v1.1/Things", WHOLE)
    assert thing["properties"]["owner"] == "school"
    assert thing["properties"]["agency"] == AGENCY
    whole = city.json(f"/v1.1/Things('{thing['@iot.id']}')?$expand={ALL}")
    (location,), (stream,) = whole["Locations"], whole["Datastreams"]
    assert location["location"] == PLACE
    assert stream["unitOfMeasurement"] == STREAM["unitOfMeasurement"]
    assert (stream["Sensor"]["metadata"], stream["ObservedProperty"]["name"]) == ("Rev. 2", "warmth")
    (one,) = stream["Observations"]
    assert (one["result"], one["phenomenonTime"]) == (25.5, "2026-09-02T00:00:00Z")
    assert stream["observedArea"] == PLACE
    (came,) = city.json(f"/v1.1/Things('{thing['@iot.id']}')/HistoricalLocations")["value"]
    assert came["time"] == thing["properties"]["created"]["at"]
    feature = city.json(f"/v1.1/Observations('{one['@iot.id']}')/FeatureOfInterest")
    assert feature["feature"] == PLACE


def test_version_2_makes_and_shows_the_same(city: Poster) -> None:
    """What one version made the other has, in its own words."""
    stream = {
        **{k: v for k, v in STREAM.items() if k in ("name", "description", "Sensor")},
        "resultType": {"type": "Quantity", "uom": {"code": "Cel"}},
        "ObservedProperties": [WARMTH],
        "Observations": [{"phenomenonTime": {"start": "2026-09-02T00:00:00Z"}, "result": 3}],
    }
    thing = city.made("/v2.0/Things", {"name": "Trạm B", "Locations": [LOCATION], "Datastreams": [stream]})
    old = city.json(f"/v1.1/Things('{thing['id']}')/Datastreams?$expand=ObservedProperty,Observations")
    (one,) = old["value"]
    assert one["unitOfMeasurement"]["symbol"] == "Cel"
    assert one["observationType"] == f"{OM}Measurement"
    assert one["Observations"][0]["result"] == 3
    new = city.json(f"/v2.0/Datastreams('{one['@iot.id']}')?$expand=ObservedProperties,Observations")
    assert new["resultType"]["uom"] == {"code": "Cel"}
    assert new["ObservedProperties"][0]["definition"] == WARMTH["definition"]
    assert new["Observations"][0]["phenomenonTime"] == {"start": "2026-09-02T00:00:00Z"}


def test_it_is_made_piece_by_piece(city: Poster) -> None:
    """Each linked to what was made before, by its identifier in the body or in the path."""
    sensor = city.made("/v1.1/Sensors", SENSOR)["@iot.id"]
    observed = city.made("/v1.1/ObservedProperties", WARMTH)["@iot.id"]
    place = city.made("/v1.1/Locations", LOCATION)["@iot.id"]
    thing = city.made("/v1.1/Things", {**THING, "Locations": [{"@iot.id": place}]})["@iot.id"]
    links = {"Sensor": {"@iot.id": sensor}, "ObservedProperty": {"@iot.id": observed}}
    stream = city.made(f"/v1.1/Things('{thing}')/Datastreams", {**STREAM, **links})["@iot.id"]
    assert city.json(f"/v1.1/Datastreams('{stream}')/Thing")["@iot.id"] == thing
    assert city.json(f"/v1.1/Datastreams('{stream}')/Sensor")["@iot.id"] == sensor
    assert city.json(f"/v1.1/Locations('{place}')/Things")["value"][0]["@iot.id"] == thing
    assert city.json(f"/v1.1/Sensors('{sensor}')/Datastreams")["value"][0]["@iot.id"] == stream
    assert city.json(f"/v1.1/Datastreams('{stream}')/Observations?$count=true") == {
        "@iot.count": 0,
        "value": [],
    }


@pytest.mark.parametrize(
    ("kind", "result", "wrong"),
    [("Measurement", 1.5, "1.5"), ("CountObservation", 3, 3.5), ("TruthObservation", True, 1)],
)
def test_observations_have_the_kind_of_their_datastream(
    city: Poster, kind: str, result: Any, wrong: Any
) -> None:
    """Numbers, whole numbers, truth values; others are refused."""
    stream = city.made("/v1.1/Datastreams", {**STREAM, "observationType": OM + kind, "Thing": THING})
    path = f"/v1.1/Datastreams('{stream['@iot.id']}')/Observations"
    found = city.made(path, {"phenomenonTime": "2026-09-02T00:00:00Z", "result": result})
    assert found["result"] == result
    assert type(found["result"]) is type(result)
    assert city.refused(path, {"result": wrong}) == (400, "malformed-observation")


def test_texts_are_searched_with_all_others(city: Poster) -> None:
    """A condition on results of one kind finds none of another; times and things narrow as ever."""
    text = {**STREAM, "observationType": f"{OM}CategoryObservation", "Thing": {**THING, "name": "Trạm C"}}
    stream = city.made("/v1.1/Datastreams", text)["@iot.id"]
    for hour, word in enumerate(("mưa", "nắng", "mưa")):
        body = {"phenomenonTime": f"2026-09-02T0{hour}:00:00Z", "result": word}
        city.made("/v1.1/Observations", {**body, "Datastream": {"@iot.id": stream}})
    rain = city.every("/v1.1/Observations?$filter=result eq 'mưa'&$orderby=phenomenonTime desc")
    assert [o["phenomenonTime"] for o in rain] == ["2026-09-02T02:00:00Z", "2026-09-02T00:00:00Z"]
    of_thing = "/v1.1/Observations?$count=true&$filter=Datastream/Thing/name eq 'Trạm C'"
    assert city.json(of_thing)["@iot.count"] == 3
    assert city.json(f"/v1.1/Datastreams('{stream}')/Observations?$count=true&$top=0")["@iot.count"] == 3
    every = city.every("/v1.1/Observations?$orderby=phenomenonTime,result")
    assert len(every) == city.json("/v1.1/Observations?$count=true&$top=0")["@iot.count"]


def test_a_datastream_may_be_of_a_thing_of_the_registry(city: Poster) -> None:
    """It stands where the registry says; the thing itself is not moved."""
    added = city.made("/v1.1/Things('gauges:G01')/Datastreams", STREAM)
    assert added["observedArea"] == {"type": "Point", "coordinates": [108.2, 16.2]}
    city.made(f"/v1.1/Datastreams('{added['@iot.id']}')/Observations", {"result": 1})
    places = city.json(f"/api/v1/feeds/{OBSERVATIONS}/places")["features"]
    (mine,) = (p for p in places if p["id"] == added["@iot.id"])
    assert mine["geometry"]["coordinates"] == [108.2, 16.2]
    moved = city.refused("/v1.1/Things('gauges:G01')/Locations", LOCATION)
    assert moved == (403, "not-creatable")


def test_what_is_made_in_a_simulated_city_is_simulated(city: Poster) -> None:
    """Whatever its client says: entities, observations, and what other interfaces show of them."""
    claims = {**STREAM, "properties": {"simulated": False}, "Observations": [{"result": 1}]}
    thing = city.made("/v1.1/Things", {**THING, "Locations": [LOCATION], "Datastreams": [claims]})
    whole = city.json(f"/v1.1/Things('{thing['@iot.id']}')?$expand={ALL}")
    (stream,), (location,) = whole["Datastreams"], whole["Locations"]
    told = [whole, stream, location, stream["Sensor"]]
    assert [entity["properties"]["simulated"] for entity in told] == [True] * 4
    assert stream["Observations"][0]["parameters"]["simulated"] is True
    name = stream["@iot.id"]
    entities = [e for e in city.json("/ngsi-ld/v1/entities?type=*&limit=1000") if name in str(e)]
    assert [e["simulated"]["value"] for e in entities] == [True] * 2  # the datastream, and what it observed
    for feed in (THINGS, OBSERVATIONS):
        api = f"/api/v1/feeds/{feed}"
        places = city.json(f"{api}/places")
        assert {places["simulated"], *(p["properties"]["simulated"] for p in places["features"])} == {True}
        shown = (api, f"{api}/quality", f"/api/v1/lineage/row/{feed}/0/0", f"/api/v1/datasets/{feed}")
        assert [city.json(path)["simulated"] for path in shown] == [True] * 4
        assert city.json(f"/catalogue/{feed}/0/manifest.json")["simulated"] is True
    listed = {d["dataset"]: d["simulated"] for d in city.json("/api/v1/datasets")["items"]}
    assert listed[OBSERVATIONS] is True
    series = city.json(f"/api/v1/feeds/{OBSERVATIONS}/series?field=number&key={name}")
    assert series["simulated"] is True


def test_a_thing_moves(city: Poster) -> None:
    """A new location is where it is; the earlier one stays in its history, and as of then."""
    thing = city.made("/v1.1/Things", {**THING, "Locations": [LOCATION]})["@iot.id"]
    there = {**LOCATION, "name": "Yard", "location": {"type": "Point", "coordinates": [108.3, 16.1]}}
    city.made(f"/v1.1/Things('{thing}')/Locations", there)
    path = f"/v1.1/Things('{thing}')"
    (now,) = city.json(f"{path}/Locations")["value"]
    assert now["name"] == "Yard"
    assert len(city.json(f"{path}/HistoricalLocations")["value"]) == 2
    near = city.json("/v1.1/Things?$filter=st_equals(Locations/location,geography'POINT (108.3 16.1)')")
    assert [t["@iot.id"] for t in near["value"]] == [thing]


def test_it_stands_in_other_interfaces_too(city: Poster) -> None:
    """The portal's places know where the thing of a created datastream is."""
    thing = city.made("/v1.1/Things", WHOLE)["@iot.id"]
    (stream,) = city.json(f"/v1.1/Things('{thing}')/Datastreams")["value"]
    known = NOW + timedelta(minutes=1)  # places as of another time are not those kept for a while
    path = f"/api/v1/feeds/{OBSERVATIONS}/places?as_of={known:%Y-%m-%dT%H:%M:%SZ}"
    (mine,) = (p for p in city.json(path)["features"] if p["id"] == stream["@iot.id"])
    assert mine["geometry"] == PLACE


def test_what_was_made_is_sealed_and_survives(tmp_path: Path) -> None:
    """Its record has what was sent; the journal who; another server of the city shows it."""
    fresh = posting_city(tmp_path / "city")
    with posted_to(fresh) as client:
        thing = client.made("/v1.1/Things", WHOLE)
        (stream,) = client.json(f"/v1.1/Things('{thing['@iot.id']}')/Datastreams")["value"]
        assert stream["phenomenonTime"] == "2026-09-02T00:00:00Z/2026-09-02T00:00:00Z"
    with posted_to(fresh) as again:
        assert again.json(f"/v1.1/Things('{thing['@iot.id']}')")["name"] == "Trạm A"
        more = {"phenomenonTime": "2026-09-02T01:00:00Z", "result": 26}
        again.made(f"/v1.1/Datastreams('{stream['@iot.id']}')/Observations", more)
        proof = again.json(
            again.json(f"/v1.1/Things('{thing['@iot.id']}')")["properties"]["created"]["receipt"]
        )
    assert any(json.dumps(json.dumps(WHOLE)) in text for text in texts_of(proof))
    home = Home.open(fresh.root, clock)
    try:
        assert audit(home).is_clean
        batch, place = map(int, thing["properties"]["created"]["receipt"].split("/")[-2:])
        record = find_record(home, THINGS, batch, place)
        assert format_receipt(make_receipt(home, THINGS, record))
        said = [p for _, p in home.index.predicates("ingest", THINGS)]
        assert [p["counts"]["accepted"] for p in said] == [5]
        writes = listed_writes(home)
        assert [(w.account, w.method, w.path) for w in writes] == [
            (AGENCY, "POST", "/v1.1/Things"),
            (AGENCY, "POST", f"/v1.1/Datastreams('{stream['@iot.id']}')/Observations"),
        ]
        assert writes[0].body_sha256 == sha256(json.dumps(WHOLE).encode()).hexdigest()
    finally:
        home.close()
    assert datetime.fromisoformat(thing["properties"]["created"]["at"]) == clock()


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in a document."""
    if isinstance(value, str):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_of(inside)


DEEP: dict[str, Any] = {}
for _ in range(20):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("Things", {"name": "x"}, "malformed-entity"),
        ("Things", {**THING, "@iot.id": "mine"}, "malformed-entity"),
        ("Things", {**THING, "colour": "red"}, "malformed-entity"),
        ("Things", {**THING, "name": "a\u0000b"}, "malformed-entity"),
        ("Things", {**THING, "name": "open\u202egnp.exe"}, "malformed-entity"),
        ("Sensors", {**SENSOR, "description": "\u001b[2J"}, "malformed-entity"),
        ("Things", {**THING, "properties": "none"}, "malformed-entity"),
        ("Things", {**THING, "properties": DEEP}, "malformed-entity"),
        ("Things", {**THING, "properties": {"big": "x" * 20_000}}, "malformed-entity"),
        ("Things", {**THING, "properties": {"n": 2**60}}, "malformed-entity"),
        ("Things", {**THING, "Locations": {}}, "malformed-entity"),
        ("Things", {**THING, "Locations": [{"@iot.id": "nowhere"}]}, "malformed-entity"),
        ("Things", {**THING, "HistoricalLocations": [{"time": "2026-09-02T00:00:00Z"}]}, "malformed-entity"),
        ("Things", {**THING, "Locations": [LOCATION] * 300}, "malformed-entity"),
        (
            "Locations",
            {**LOCATION, "location": {"type": "Point", "coordinates": [900, 1]}},
            "malformed-entity",
        ),
        ("Locations", {**LOCATION, "location": {"type": "Polygon", "coordinates": []}}, "malformed-entity"),
        ("Locations", {**LOCATION, "encodingType": "text/plain"}, "malformed-entity"),
        ("Sensors", {**SENSOR, "metadata": None}, "malformed-entity"),
        ("ObservedProperties", {**WARMTH, "definition": 5}, "malformed-entity"),
        ("Datastreams", STREAM, "malformed-entity"),
        (
            "Datastreams",
            {**STREAM, "Thing": THING, "observationType": f"{OM}Observation"},
            "malformed-entity",
        ),
        ("Datastreams", {**STREAM, "Thing": THING, "unitOfMeasurement": "mm"}, "malformed-entity"),
        ("Datastreams", {**STREAM, "Thing": {"@iot.id": 5}}, "malformed-entity"),
        ("Things", {**THING, "Datastreams": [{**STREAM, "Thing": THING}]}, "malformed-entity"),
        ("Things('gauges:G01')/Datastreams", {**STREAM, "Thing": THING}, "malformed-entity"),
        (
            "Datastreams",
            {**STREAM, "Thing": THING, "Observations": [{"result": 1}, {"result": 2}]},
            "malformed-entity",
        ),
        (
            "Datastreams",
            {**STREAM, "Thing": THING, "Observations": [{"result": "1"}]},
            "malformed-observation",
        ),
        ("Things", b"{", "malformed-entity"),
        ("Things", b"[]", "malformed-entity"),
        ("Things", b"[" * 5_000, "malformed-entity"),
    ],
)
def test_what_is_no_entity_is_refused(city: Poster, path: str, body: Any, code: str) -> None:
    """With its reason; nothing of it is made."""
    sets = ("Things", "Locations", "Sensors", "ObservedProperties", "Datastreams")
    before = [city.json(f"/v1.1/{name}?$count=true&$top=0") for name in sets]
    assert city.refused(f"/v1.1/{path}", body) == (400, code)
    assert [city.json(f"/v1.1/{name}?$count=true&$top=0") for name in sets] == before


def test_bodies_are_bounded(city: Poster, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bytes, in observations, in depth, and in all that a city has."""
    assert city.refused("/v1.1/Things", b" " * (creating_entities.MAX_BODY_BYTES + 1)) == (
        413,
        "request-too-large",
    )
    body: dict[str, Any] = STREAM
    for n in range(describing.MAX_NESTED):
        role = "Sensor" if n % 2 else "ObservedProperty"
        inner = {k: v for k, v in body.items() if k != role}
        body = {**STREAM, "Thing": THING, role: {**STREAM[role], "Datastreams": [inner]}}  # type: ignore[dict-item]
    said = city.send("/v1.1/Datastreams", body)
    assert (said.status, "deep" in said.json()["detail"]) == (400, True)
    monkeypatch.setattr(taking, "MAX_CREATED", 0)
    assert city.refused("/v1.1/Things", THING) == (403, "not-creatable")


def test_who_may_make_and_add(city: Poster) -> None:
    """Nobody but publishers; to what is an agency's, that agency and the city's own staff."""
    assert city.refused("/v1.1/Things", THING, None) == (401, "sign-in-needed")
    assert city.refused("/v1.1/Things", THING, READER) == (403, "role-needed")
    thing = city.made("/v1.1/Things", WHOLE)["@iot.id"]
    (stream,) = city.json(f"/v1.1/Things('{thing}')/Datastreams")["value"]
    taken = f"/v1.1/Datastreams('{stream['@iot.id']}')/Observations"
    assert city.refused(taken, {"result": 1}, OTHER) == (403, "not-creatable")
    assert city.refused(f"/v1.1/Things('{thing}')/Datastreams", STREAM, OTHER) == (403, "not-creatable")
    assert city.refused(f"/v1.1/Things('{thing}')/Locations", LOCATION, OTHER) == (403, "not-creatable")
    assert city.made(taken, {"result": 1}, STAFF)["result"] == 1
    assert city.refused("/v1.1/Things('none')/Datastreams", STREAM) == (404, "no-such-entity")


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_nothing_is_changed_or_removed(city: Poster, method: str) -> None:
    """405, with the reason and what the path does take."""
    for path in ("/v1.1/Things('gauges:G01')", "/v2.0/Observations('rain:G01:rain:0:1')"):
        said = city.send(path, {"name": "x"}, STAFF, method)
        assert (said.status, said.json()["code"]) == (405, "method-not-allowed")
        assert "want GET, got" in said.json()["detail"]
        assert "sealed in the log" in said.json()["detail"]
        assert said.headers["Allow"] == "GET"
    for path in ("/v1.1/Things", "/v2.0/Observations", "/v1.1/Things('gauges:G01')/Datastreams"):
        said = city.send(path, {"name": "x"}, STAFF, method)
        assert "want GET or POST, got" in said.json()["detail"]
        assert said.headers["Allow"] == "GET, POST"
    said = city.send("/v1.1/CreateObservations", [], STAFF, method)
    assert "want POST, got" in said.json()["detail"]
    assert said.headers["Allow"] == "POST"


@pytest.mark.filterwarnings("ignore:furl.pathstr is deprecated:DeprecationWarning")
def test_the_client_of_frost_makes_it(city: Poster) -> None:
    """A whole thing with its datastream in one call, then observations, read back with the same client."""
    frost = pytest.importorskip("frost_sta_client")

    class WithToken(frost.AuthHandler):  # type: ignore[name-defined,misc]
        """Sends a token where the client has a name and a password."""

        def add_auth_header(self) -> Any:
            """Return what the client gives its HTTP library."""

            def signed(request: Any) -> Any:
                request.headers["Authorization"] = f"Bearer {city.tokens[AGENCY]}"
                return request

            return signed

    service = frost.SensorThingsService(f"{city.base}/v1.1", auth_handler=WithToken())
    unit = frost.UnitOfMeasurement(name="degree Celsius", symbol="Cel", definition="ucum:Cel")
    stream = frost.Datastream(
        name="warmth",
        description="Every hour",
        observation_type=f"{OM}Measurement",
        unit_of_measurement=unit,
        sensor=frost.Sensor(name="S", description="Chip", encoding_type="text/plain", metadata="Rev. 2"),
        observed_property=frost.ObservedProperty(**WARMTH),
    )
    place = frost.Location(name="Roof", description="A", encoding_type="application/geo+json", location=PLACE)
    thing = frost.Thing(name="Trạm D", description="Made by a client", properties={"a": 1})
    thing.locations = [place]
    thing.datastreams = [stream]
    service.create(thing)
    assert thing.id.startswith(f"{THINGS}:")
    (made,) = service.things().find(thing.id).get_datastreams().query().list()
    for hour, value in ((1, 20.5), (2, 21)):
        at = f"2026-09-02T0{hour}:00:00Z"
        service.create(frost.Observation(phenomenon_time=at, result=value, datastream=made))
    found = made.get_observations().query().orderby("phenomenonTime", "ASC").list()
    assert [o.result for o in found] == [20.5, 21]
    (located,) = service.things().find(thing.id).get_locations().query().list()
    assert located.location["coordinates"] == PLACE["coordinates"]
