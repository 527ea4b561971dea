"""Observations sent over SensorThings: sealed as any batch, with what was sent in the evidence."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from small_city import AGENCY, clock
from things_posting import OTHER, READER, Poster, Posting, city, posting
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.receipts import format_receipt

__all__ = ["city", "posting"]

STREAM = "rain:G01:rain"
GOOD = {"result": 1, "Datastream": {"@iot.id": STREAM}}


def test_an_observation_is_taken_in_and_sealed(city: Poster, posting: Posting) -> None:
    """It is at the address that the answer names, and what was sent is in the evidence."""
    body = {"phenomenonTime": "2026-09-02T00:00:00Z", "result": 2.5, "Datastream": {"@iot.id": STREAM}}
    said = city.send("/v1.1/Observations", body)
    assert said.status == 201, said.data
    found = city.json(said.headers["Location"])
    assert (found["result"], found["phenomenonTime"]) == (2.5, "2026-09-02T00:00:00Z")
    assert found["@iot.selfLink"] == said.headers["Location"]
    home = Home.open(posting.root, clock)
    try:
        place = found["parameters"]
        record = find_record(home, "rain", place["batch"], place["record"])
        receipt = format_receipt(make_receipt(home, "rain", record))
        assert audit(home).is_clean
    finally:
        home.close()
    sent = json.dumps(json.dumps(body))
    assert any(sent in text for text in texts_of(json.loads(receipt)))


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in a document."""
    if isinstance(value, str):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_of(inside)


def test_it_may_be_sent_to_its_datastream(city: Poster) -> None:
    """In 1.1 and 2.0; without a time it is of now."""
    for version in ("v1.1", "v2.0"):
        path = f"/{version}/Datastreams('{STREAM}')/Observations"
        body: dict[str, Any] = {"result": 1}
        if version == "v2.0":
            body = {"result": 2, "phenomenonTime": {"start": "2026-09-02T01:00:00Z"}}
        said = city.send(path, body)
        assert said.status == 201, said.data
        assert city.json(said.headers["Location"])["result"] == body["result"]


def test_many_come_as_arrays(city: Poster) -> None:
    """Each has its address; what breaks a rule is an error, and in quarantine."""
    rows = [["2026-09-02T00:00:00Z", 1.5], ["2026-09-02T00:10:00Z", 900], ["2026-09-02T00:20:00Z", 2.5]]
    part = {"Datastream": {"@iot.id": STREAM}, "components": ["phenomenonTime", "result"], "dataArray": rows}
    said = city.send("/v1.1/CreateObservations", [part])
    assert said.status == 201, said.data
    first, second, third = said.json()
    assert second == "error"
    assert [city.json(link)["result"] for link in (first, third)] == [1.5, 2.5]


def test_a_part_that_came_before_keeps_no_other_out(city: Poster) -> None:
    """Of two feeds in one request, one of which has its part already, the other takes its own."""
    made = {
        "name": "Warmth",
        "description": "",
        "unitOfMeasurement": {"name": "degree Celsius", "symbol": "Cel", "definition": "ucum:Cel"},
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "Thing": {"@iot.id": "gauges:G01"},
        "Sensor": {"name": "S", "description": "", "encodingType": "text/plain", "metadata": ""},
        "ObservedProperty": {
            "name": "warmth",
            "definition": "http://vocab.example/warmth",
            "description": "",
        },
    }
    streams = STREAM, city.made("/v1.1/Datastreams", made)["@iot.id"]
    parts = [
        {
            "Datastream": {"@iot.id": stream},
            "components": ["phenomenonTime", "result"],
            "dataArray": [["2026-09-02T00:00:00Z", 1.5]],
        }
        for stream in streams
    ]
    assert city.send("/v1.1/CreateObservations", parts[:1]).status == 201
    said = city.send("/v1.1/CreateObservations", parts)
    assert said.status == 201, said.data
    first, second = said.json()
    assert first == "error"
    assert city.json(second)["result"] == 1.5
    assert city.send("/v1.1/CreateObservations", parts).status == 409  # nothing is left to take


@pytest.mark.parametrize(
    ("body", "account", "status", "code"),
    [
        (GOOD, None, 401, "sign-in-needed"),
        (GOOD, READER, 403, "role-needed"),
        (GOOD, OTHER, 403, "not-creatable"),
        ({"result": 1, "Datastream": {"@iot.id": "rain:G09:rain"}}, AGENCY, 400, "malformed-observation"),
        ({"result": "1", "Datastream": {"@iot.id": STREAM}}, AGENCY, 400, "malformed-observation"),
        ({"result": True, "Datastream": {"@iot.id": STREAM}}, AGENCY, 400, "malformed-observation"),
        ({"Datastream": {"@iot.id": STREAM}}, AGENCY, 400, "malformed-observation"),
        ({"result": 900, "Datastream": {"@iot.id": STREAM}}, AGENCY, 409, "not-accepted"),
        ({**GOOD, "phenomenonTime": "then"}, AGENCY, 400, "malformed-observation"),
        ({**GOOD, "phenomenonTime": "0001-01-01T00:00:00Z"}, AGENCY, 400, "malformed-observation"),
        ({**GOOD, "phenomenonTime": "0001-01-01T00:00:00+14:00"}, AGENCY, 400, "malformed-observation"),
        ({**GOOD, "phenomenonTime": "1899-12-31T23:59:59Z"}, AGENCY, 400, "malformed-observation"),
        ({**GOOD, "phenomenonTime": "9999-12-31T23:59:59-01:00"}, AGENCY, 400, "malformed-observation"),
        ({**GOOD, "phenomenonTime": "9999-12-31T23:59:59Z"}, AGENCY, 409, "not-accepted"),
        ({**GOOD, "parameters": {"x": "y" * 20_000}}, AGENCY, 400, "malformed-observation"),
        (b"{", AGENCY, 400, "malformed-observation"),
        (b"[]", AGENCY, 400, "malformed-observation"),
        (b"x" * 5_000_000, AGENCY, 413, "request-too-large"),
    ],
)
def test_what_is_no_observation_is_refused(
    city: Poster, body: Any, account: str | None, status: int, code: str
) -> None:
    """Each with its reason; nothing of it is in the table."""
    before = city.json("/v1.1/Observations?$count=true&$top=0")
    said = city.send("/v1.1/Observations", body, account)
    assert (said.status, said.json()["code"]) == (status, code)
    assert city.json("/v1.1/Observations?$count=true&$top=0") == before


def test_the_reason_is_said(city: Poster) -> None:
    """Of what was set aside, the rules that it broke; of a time that cannot be meant, what is wanted."""
    said = city.send("/v1.1/Observations", {**GOOD, "phenomenonTime": "2100-01-01T00:00:00Z", "result": 900})
    assert (said.status, said.json()["code"]) == (409, "not-accepted")
    assert "future:observed_at" in said.json()["detail"]
    assert "range:rain" in said.json()["detail"]
    said = city.send("/v1.1/Observations", {**GOOD, "phenomenonTime": "0001-01-01T00:00:00Z"})
    assert "1900" in said.json()["detail"]


def test_the_same_twice_is_taken_once(city: Poster) -> None:
    """A repeated request is refused, as a file that comes twice is."""
    body = {"phenomenonTime": "2026-09-02T00:00:00Z", "result": 2.5, "Datastream": {"@iot.id": STREAM}}
    assert city.send("/v1.1/Observations", body).status == 201
    again = city.send("/v1.1/Observations", body)
    assert (again.status, again.json()["code"]) == (409, "not-accepted")


def test_some_entities_are_not_made_by_clients(city: Poster) -> None:
    """The server makes places of what is observed, and when things came there."""
    sets = ("v1.1/FeaturesOfInterest", "v1.1/HistoricalLocations", "v2.0/Features", "v2.0/FeatureTypes")
    for path in sets:
        said = city.send(f"/{path}", {"name": "x"})
        assert (said.status, said.json()["code"]) == (405, "method-not-allowed")
        assert "the server" in said.json()["detail"]
