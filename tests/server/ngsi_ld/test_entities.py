"""The read view: entities of the city's rows, with units, times and marks, for any client of NGSI-LD."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.types import ASGIApp

import persons
from asked import ask
from listening import listening
from open_city import HOURS, START, STATIONS, air_rows, new_open_city
from small_city import NOW, clock
from veracity.feeds.kinds import make_source
from veracity.feeds.ngsi_ld import NgsiLd
from veracity.feeds.ngsi_ld_entities import query_rows
from veracity.home.home import Home
from veracity.provenance.receipts import parse_receipt
from veracity.provenance.strictjson import parse_json
from veracity.server.app import make_app
from veracity.server.ngsi_ld.errors import BadRequestData
from veracity.server.receipts_app import receipt_of
from veracity.server.settings import ServerSettings

BASE = "http://city.example"
ENTITIES = "/ngsi-ld/v1/entities"
FAR = "2100-01-01T00:00:00Z"
TEMPORAL = "/ngsi-ld/v1/temporal/entities"
A1 = "urn:ngsi-ld:AirQualityObserved:air:A%201"
D3 = "urn:ngsi-ld:AirQualityObserved:air:%C4%903"
LAST = (START + timedelta(hours=HOURS - 1)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The open city."""
    return new_open_city(tmp_path_factory.mktemp("open") / "city")


@pytest.fixture(scope="module")
def app(root: Path) -> ASGIApp:
    """Its server."""
    return make_app(ServerSettings(root, clock=clock))


def found(app: ASGIApp, path: str, status: int = 200, **asked: Any) -> Any:
    """The document at a path."""
    answer = ask(app, "GET", path, params=asked or None)
    assert answer.status_code == status, answer.text
    return answer.json()


def names(app: ASGIApp, **asked: Any) -> str:
    """The stations that a query gives, by their first letters."""
    listed = found(app, ENTITIES, **{"type": "AirQualityObserved", **asked})
    return "".join(e["station"]["value"][0] for e in listed)


def test_an_entity_says_all_that_is_known(app: ASGIApp) -> None:
    """Value, unit, time, place, agency, source, and where its receipt is."""
    said = found(app, f"{ENTITIES}/{quote(A1)}")
    assert (said["id"], said["type"]) == (A1, "AirQualityObserved")
    assert said["pm25"] == {
        "type": "Property",
        "value": 10.0 + HOURS - 1,
        "observedAt": LAST,
        "unitCode": "GQ",
        "ucum": {"type": "Property", "value": "ug/m3"},
        "receipt": {"type": "Property", "value": f"{BASE}/receipts/air/1/27"},
    }
    assert said["location"]["value"] == {"type": "Point", "coordinates": list(STATIONS["A 1"])}
    assert said["dateObserved"]["value"] == {"@type": "DateTime", "@value": LAST}
    assert said["dataProvider"]["value"] == "rain-office"
    assert said["source"]["value"] == f"{BASE}/catalogue/air"
    assert "note" not in said  # what is not known is not said
    assert "simulated" not in said
    rain = found(app, ENTITIES, type="WeatherObserved")[0]
    assert rain["simulated"]["value"] is True
    assert rain["precipitation"]["unitCode"] == "MMT"
    for path, mark in ((ENTITIES, rain["simulated"]), (TEMPORAL, [rain["simulated"]])):
        part = found(app, f"{path}/{quote(rain['id'])}", attrs="precipitation")
        assert part["simulated"] == mark, path
        assert "dataProvider" not in part
    for spelling in (A1, A1.replace("%20", " "), quote(A1)):
        assert found(app, f"{ENTITIES}/{spelling}")["id"] == A1


def test_a_flagged_value_says_so(app: ASGIApp) -> None:
    """The value that broke a rule has the rule beside it, and no other value has."""
    at_five = (START + timedelta(hours=5)).isoformat()
    later = (START + timedelta(hours=6)).isoformat()
    asked: dict[str, Any] = {"timerel": "between", "timeAt": at_five, "endTimeAt": later}
    course = found(app, TEMPORAL, type="AirQualityObserved", **asked)
    flags = [
        (e["id"][-3:], name, i["observedAt"][11:13], i["flags"]["value"])
        for e in course
        for name, listed in e.items()
        if isinstance(listed, list)
        for i in listed
        if "flags" in i
    ]
    assert flags == [("%2F2"[-3:], "temperature", "05", ["range:temperature"])]


def test_selections(app: ASGIApp) -> None:
    """By identifier, pattern, attribute, value, place; together they all hold."""
    assert names(app) == "AĐB" or sorted(names(app)) == sorted("ABĐ")
    assert names(app, id=A1) == "A"
    assert names(app, idPattern="air:[AB]") == "AB"
    assert names(app, attrs="pm25,station") == names(app)
    assert found(app, ENTITIES, type="AirQualityObserved", attrs="nothing") == []
    assert names(app, q="temperature>20.5;temperature<21.5") == "B"
    near = {"georel": "near;maxDistance==3000", "geometry": "Point", "coordinates": "[108.2,16.05]"}
    assert names(app, **near) == "AB"
    assert names(app, **near, q="pm25>0", idPattern="B") == "B"
    assert names(app, type="https://smartdatamodels.org/dataModel.Environment/AirQualityObserved") == names(
        app
    )
    assert names(app, type="Nothing,AirQualityObserved") == names(app)
    assert len(found(app, ENTITIES, type="*")) == 6


def test_pages(app: ASGIApp) -> None:
    """Each entity once, in order, over the feeds; with how many there are and where the next page is."""
    seen: list[str] = []
    path: str | None = f"{ENTITIES}?type=*&limit=2&count=true&options=keyValues"
    while path is not None:
        answer = ask(app, "GET", path)
        assert answer.headers["ngsild-results-count"] == "6"
        seen += [e["id"] for e in answer.json()]
        links = [link for link in answer.headers["link"].split(", ") if 'rel="next"' in link]
        path = links[0].partition(">")[0][1:].removeprefix(BASE) if links else None
    assert len(seen) == len(set(seen)) == 6
    assert seen == [e["id"] for e in found(app, ENTITIES, type="*")]
    assert found(app, ENTITIES, type="*", limit=0, count="true") == []


def test_forms(app: ASGIApp) -> None:
    """Simplified, concise, with the system's times; and only the attributes asked for."""
    simple = found(app, f"{ENTITIES}/{A1}", options="keyValues", attrs="pm25,dateObserved,location")
    place = {"type": "Point", "coordinates": list(STATIONS["A 1"])}
    assert simple == {
        "id": A1, "type": "AirQualityObserved", "pm25": 39.0, "dateObserved": LAST, "location": place,
    }  # fmt: skip
    assert found(app, f"{ENTITIES}/{A1}", format="simplified", attrs="pm25")["pm25"] == 39.0
    concise = found(app, f"{ENTITIES}/{A1}", options="concise", attrs="pm25,dataProvider")
    assert concise["pm25"]["value"] == 39.0
    assert "type" not in concise["pm25"]
    assert concise["dataProvider"] == "rain-office"
    times = found(app, f"{ENTITIES}/{A1}", options="sysAttrs")
    assert (times["createdAt"], times["modifiedAt"]) == (
        "2026-09-03T04:00:00.000000Z",
        "2026-09-03T12:00:00.000000Z",
    )


def test_the_context(app: ASGIApp) -> None:
    """In a header for JSON, in the document for JSON-LD; the document it names gives each name an IRI."""
    plain = ask(app, "GET", ENTITIES, params={"type": "AirQualityObserved"})
    url = f"{BASE}/ngsi-ld/v1/jsonldContexts/veracity"
    assert plain.headers["link"].startswith(f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"')
    linked = ask(app, "GET", ENTITIES, params={"type": "*"}, headers={"accept": "application/ld+json"})
    assert linked.headers["content-type"] == "application/ld+json"
    assert all(e["@context"][0] == url for e in linked.json())
    terms = found(app, url.removeprefix(BASE))["@context"][0]
    assert terms["pm25"] == "https://smartdatamodels.org/dataModel.Environment/pm25"
    used = {name for e in found(app, ENTITIES, type="*") for name in e} - {"id", "type", "location"}
    assert used <= terms.keys()


def test_over_time(app: ASGIApp) -> None:
    """Between two times, the last few, as pairs of value and time; nothing where a value was missing."""
    rows = [r for r in air_rows(0, HOURS) if r["station"] == "Đ3" and r["pm25"] is not None]
    said = found(app, f"{TEMPORAL}/{D3}", attrs="pm25")
    assert [i["value"] for i in said["pm25"]] == [r["pm25"] for r in reversed(rows)]
    last = found(app, f"{TEMPORAL}/{A1}", attrs="pm25", lastN=3, options="temporalValues")
    assert last["pm25"]["values"][0] == [39.0, LAST]
    assert len(last["pm25"]["values"]) == 3
    at = (START + timedelta(hours=3)).isoformat()
    before = found(app, f"{TEMPORAL}/{A1}", timerel="before", timeAt=at, attrs="pm25")
    assert [i["value"] for i in before["pm25"]] == [12.0, 11.0, 10.0]
    after = found(app, TEMPORAL, type="AirQualityObserved", timerel="after", timeAt=LAST)
    assert after == []
    far = found(app, f"{TEMPORAL}/{A1}", timerel="after", timeAt="9999-01-01T00:00:00Z")
    assert far == {"id": A1, "type": "AirQualityObserved"}


def test_what_is_too_much_is_given_in_part(app: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """206, and the header says from when to when."""
    monkeypatch.setattr("veracity.server.ngsi_ld.temporal.MAX_INSTANCES", 5)
    answer = ask(app, "GET", f"{TEMPORAL}/{A1}?attrs=pm25")
    assert answer.status_code == 206
    assert len(answer.json()["pm25"]) == 5
    first = (START + timedelta(hours=HOURS - 5)).strftime("%Y-%m-%dT%H:%M:%S")
    assert answer.headers["content-range"] == f"date-time {LAST}-{first}.000000Z/*"


@pytest.mark.parametrize("asked", ["", "&lastN=9"])
def test_an_answer_is_bounded_as_a_whole(app: ASGIApp, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    """Many entities have fewer rows of each; parts, each asked for before the last, make up the whole."""
    path = f"{TEMPORAL}?type=AirQualityObserved&attrs=pm25"
    whole = found(app, TEMPORAL, type="AirQualityObserved", attrs="pm25", timerel="before", timeAt=FAR)
    want = {(e["id"], i["observedAt"], i["value"]) for e in whole for i in e["pm25"]}
    monkeypatch.setattr("veracity.server.ngsi_ld.temporal.MAX_VALUES", 12)  # of three entities: four of each
    before, got, n_parts = FAR, list[tuple[str, str, float]](), 0
    while before:
        answer = ask(app, "GET", f"{path}{asked}&timerel=before&timeAt={before}")
        part = [(e["id"], i["observedAt"], i["value"]) for e in answer.json() for i in e["pm25"]]
        assert len(part) <= 12
        got, n_parts, before = got + part, n_parts + 1, ""
        if answer.status_code == 206:
            unit, times = answer.headers["content-range"].split(" ")
            assert (unit, times.rpartition("/")[2]) == ("date-time", "9" if asked else "*")
            before = times.rpartition("/")[0].rpartition("Z-")[2]
    assert (len(got), set(got)) == (len(want), want)
    assert n_parts > 2


def test_as_known_then(app: ASGIApp) -> None:
    """Before the second batch came, the newest was of the first; before the first, nothing was known."""
    then = found(app, f"{ENTITIES}/{A1}", asOf="2026-09-03T05:00:00Z")
    assert then["pm25"]["value"] == 29.0
    course = found(app, f"{TEMPORAL}/{A1}", asOf="2026-09-03T05:00:00Z", attrs="pm25")
    assert len(course["pm25"]) == 20
    assert found(app, ENTITIES, type="*", asOf="2020-01-01T00:00:00Z") == []


def test_types_and_attributes(app: ASGIApp) -> None:
    """What there is, and how much of it."""
    assert found(app, "/ngsi-ld/v1/types")["typeList"] == ["AirQualityObserved", "WeatherObserved"]
    said = found(app, "/ngsi-ld/v1/types/AirQualityObserved")
    assert said["entityCount"] == 3
    assert {"pm25", "location", "dateObserved"} <= {a["attributeName"] for a in said["attributeDetails"]}
    assert "precipitation" in found(app, "/ngsi-ld/v1/attributes")["attributeList"]
    assert found(app, "/ngsi-ld/v1/attributes/pm25")["typeNames"] == ["AirQualityObserved"]
    assert found(app, "/ngsi-ld/v1/types?details=true")[0]["typeName"] == "AirQualityObserved"
    assert found(app, "/ngsi-ld/v1/attributes?details=true")


def test_nothing_personal_is_shown(app: ASGIApp) -> None:
    """A feed with personal fields has no entities."""
    assert "Requests" not in ask(app, "GET", "/ngsi-ld/v1/types").text
    assert "nothing" not in ask(app, "GET", "/ngsi-ld/v1/attributes").text
    assert found(app, ENTITIES, idPattern=persons.FEED) == []


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        (ENTITIES, 400, "BadRequestData"),
        (f"{ENTITIES}?q=(", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&limit=1001", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&limit=-1", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&limit=0", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&offset=1e3", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&count=yes", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&options=fast", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&options=keyValues,concise", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&format=xml", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&geometry=Point", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&georel=within&geoproperty=place", 400, "BadRequestData"),
        (f"{ENTITIES}?idPattern=(", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A,,B", 400, "BadRequestData"),
        (f"{ENTITIES}?type=A&asOf=soon", 400, "BadRequestData"),
        (f"{ENTITIES}/urn:ngsi-ld:AirQualityObserved:air:none", 404, "ResourceNotFound"),
        (f"{TEMPORAL}/urn:none", 404, "ResourceNotFound"),
        (f"{TEMPORAL}?type=A", 400, "BadRequestData"),
        (f"{TEMPORAL}?type=A&timerel=between&timeAt=2026-01-01", 400, "BadRequestData"),
        (f"{TEMPORAL}?type=A&timerel=after", 400, "BadRequestData"),
        (f"{TEMPORAL}?type=A&timerel=before&timeAt=0001-01-01", 400, "BadRequestData"),
        (f"{TEMPORAL}?type=A&timerel=after&timeAt=2026-01-01&lastN=0", 400, "BadRequestData"),
        (f"{TEMPORAL}?type=A&timerel=after&timeAt=2026-01-01&timeproperty=createdAt", 400, "BadRequestData"),
        (f"{TEMPORAL}?type=A&timerel=after&timeAt=2026-01-01&limit=500", 400, "BadRequestData"),
        ("/ngsi-ld/v1/types/None", 404, "ResourceNotFound"),
        ("/ngsi-ld/v1/types?details=perhaps", 400, "BadRequestData"),
        ("/ngsi-ld/v1/attributes/none", 404, "ResourceNotFound"),
    ],
)
def test_errors_are_those_of_the_standard(app: ASGIApp, path: str, status: int, kind: str) -> None:
    """Its type as the standard names it, our code, and what was wanted."""
    answer = ask(app, "GET", path)
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (answer.status_code, said["status"]) == (status, status)
    assert said["type"] == f"https://uri.etsi.org/ngsi-ld/errors/{kind}"
    assert said["code"] == (BadRequestData.code if status == 400 else "resource-not-found")


def test_our_own_connector_reads_it_back(root: Path) -> None:
    """What our source of NGSI-LD takes from our server are the rows that went in."""
    with listening(make_app(ServerSettings(root, clock=clock))) as url:
        source = make_source(
            {
                "kind": "ngsi-ld",
                "name": "air",
                "feed": "air",
                "type": "AirQualityObserved",
                "url": f"{url}/ngsi-ld/v1",
                "endpoint": "http://127.0.0.1:1",
                "token": "t" * 32,
            }
        )
        assert isinstance(source, NgsiLd)
        (fetched,) = source.peek(NOW)
    rows = [parse_json(r, "row", 100_000, BadRequestData) for r in fetched.records]
    want = {r["station"]: r for r in air_rows(HOURS - 1, 1)}
    assert len(rows) == 3
    for row in rows:
        sent = want[row["station"]]
        assert datetime.fromisoformat(row["observed_at"]) == datetime.fromisoformat(sent["observed_at"])
        assert row.get("pm25") == sent["pm25"]
        assert (row["longitude"], row["latitude"]) == (sent["longitude"], sent["latitude"])
        assert row["temperature_unit"] == "CEL"


@pytest.mark.parametrize("form", ["normalized", "concise", "keyValues"])
def test_every_form_reads_back(app: ASGIApp, form: str) -> None:
    """The three forms give the same values to a reader of NGSI-LD."""
    answer = ask(app, "GET", ENTITIES, params={"type": "AirQualityObserved", "options": form})
    rows, n = query_rows(answer.content, "dateObserved", NOW)
    assert n == 3
    assert sorted(r["pm25"] for r in rows if "pm25" in r) == [39.0, 39.25, 39.5]
    assert {r["observed_at"] for r in rows} == {LAST}
    assert all(r["latitude"] is not None for r in rows)


def test_a_receipt_is_where_an_entity_says(app: ASGIApp, root: Path) -> None:
    """The address beside a value names the record that the value is of."""
    said = found(app, f"{ENTITIES}/{A1}")["pm25"]["receipt"]["value"]
    feed, batch, record = said.removeprefix(f"{BASE}/receipts/").split("/")
    home = Home.open(root, clock)
    try:
        receipt = parse_receipt(receipt_of(home, feed, int(batch), int(record)))
    finally:
        home.close()
    assert receipt.row is not None
    assert (receipt.row["station"], receipt.row["pm25"]) == ("A 1", 39.0)
