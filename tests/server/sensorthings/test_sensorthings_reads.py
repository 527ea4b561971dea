"""SensorThings over HTTP: the city's rows as entities, in both versions, as known at any time."""

from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest

import persons
from small_city import AGENCY, clock, key, ndjson, new_city
from things_city import FIRST, Client, served_city, things_city
from veracity.home.compaction import compact
from veracity.home.contracts import add_feed
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.tables import table_rows
from veracity.home.verdicts import flagged_rows
from veracity.server.sensorthings import rendering, room
from veracity.server.shared_answers import KEPT_S

SOUTH = "POLYGON ((107 15,109 15,109 16.15,107 16.15,107 15))"
WRONG_PATHS = (
    *("Things('x')", "Things('gauges:G01')/x", "Things('gauges:G01')/name/x", "Things(", "Things('a'b')"),
    *(
        "Observations('rain:G01:rain:0:99999')",
        "Observations('rain:G01:rain:0')",
        "$metadata",
        "Things/$value",
    ),
    *("Things/Datastreams", "Things('gauges:G01')/$ref/name", "../things", "Things('gauges:G01')/../x"),
)
STREAM = "/v1.1/Datastreams('rain:G01:rain')/Observations"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with a registry and two batches."""
    return things_city(tmp_path_factory.mktemp("things") / "city")


@pytest.fixture(scope="module")
def city(root: Path) -> Iterator[Client]:
    """It served."""
    with served_city(root) as client:
        yield client


@pytest.fixture(scope="module")
def rows(root: Path) -> pl.DataFrame:
    """Its accepted rows."""
    home = Home.open(root, clock)
    try:
        return table_rows(home, "rain").collect()
    finally:
        home.close()


def test_the_landing_page_names_what_there_is(city: Client) -> None:
    """Every entity set that it names answers; what is not there is said."""
    for version in ("v1.1", "v2.0"):
        landing = city.json(f"/{version}")
        settings = landing["serverSettings"]
        assert all("/req" in uri for uri in settings["conformance"])
        assert settings["urn:veracity:sensorthings"]["missing"]
        assert "st_within" in settings["functions"]
        for item in landing["value"]:
            assert city.json(item["url"])["value"]
    assert [i["name"] for i in city.json("/v1.1/")["value"]][-1] == "Observations"


def test_observations_are_the_rows(city: Client, rows: pl.DataFrame) -> None:
    """All pages together are the table's rows of the sensor, in order, each with its receipt."""
    mine = rows.filter(pl.col("gauge") == "G01", pl.col("rain").is_not_null())
    found = city.every(f"{STREAM}?$top=7")
    assert [o["result"] for o in found] == mine["rain"].to_list()
    assert [o["phenomenonTime"] for o in found] == [f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in mine["observed_at"]]
    assert [o["@iot.id"] for o in found] == [
        f"rain:G01:rain:{b}:{r}" for b, r in mine.select("_batch", "_record").iter_rows()
    ]
    first = found[0]
    assert first["parameters"]["simulated"] is True
    assert (
        first["parameters"]["receipt"]
        == f"{city.base}/receipts/rain/{mine['_batch'][0]}/{mine['_record'][0]}"
    )
    assert city.json(first["@iot.selfLink"]) == first
    assert city.json(first["Datastream@iot.navigationLink"])["@iot.id"] == "rain:G01:rain"


def test_counts_are_of_all(city: Client, rows: pl.DataFrame) -> None:
    """With and without a condition, of one datastream and of all."""
    values = rows["rain"].drop_nulls()
    assert city.json("/v1.1/Observations?$count=true&$top=0") == {"@iot.count": len(values), "value": []}
    high = city.json("/v1.1/Observations?$count=true&$top=1&$filter=result gt 3")
    assert high["@iot.count"] == (values > 3).sum()
    one = city.json(f"{STREAM}?$count=true&$top=3&$skip=5")
    assert one["@iot.count"] == rows.filter(pl.col("gauge") == "G01")["rain"].count()
    assert "@iot.count" not in city.json(f"{STREAM}?$top=3&$count=false")


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("result gt 3 and result le 4.5", (pl.col("rain") > 3) & (pl.col("rain") <= 4.5)),
        ("result mul 2 gt 8 or result eq 0", (pl.col("rain") > 4) | (pl.col("rain") == 0)),
        ("phenomenonTime ge 2026-09-01T03:00:00Z", pl.col("observed_at").dt.hour() >= 3),
        ("hour(phenomenonTime) eq 2", pl.col("observed_at").dt.hour() == 2),
        ("Datastream/Thing/name eq 'Cầu Lệ'", pl.col("gauge") == "G00"),
        (
            "Datastream/Thing/properties/river eq 'Hàn' and result gt 4",
            (pl.col("gauge") < "G02") & (pl.col("rain") > 4),
        ),
        ("startswith(Datastream/name,'rain at An')", pl.col("gauge") == "G01"),
        ("not (Datastream/Thing/name eq 'Cầu Lệ')", pl.col("gauge") != "G00"),
        (
            f"st_within(FeatureOfInterest/feature, geography'{SOUTH}')",
            pl.col("gauge") == "G00",
        ),
        (
            "geo.distance(Datastream/Thing/Locations/location, geometry'POINT (108.2 16.2)') lt 0.01",
            pl.col("gauge") == "G01",
        ),
        ("resultTime lt 2026-09-03T11:30:00Z", pl.col("_batch") == 0),
        (
            "parameters/batch eq 1 and parameters/record lt 20",
            (pl.col("_batch") == 1) & (pl.col("_record") < 20),
        ),
        ("result in (0.7,1.4)", pl.col("rain").is_in([0.7, 1.4])),
        ("result eq null", pl.lit(value=False)),
        ("result eq 'a'", pl.lit(value=False)),
    ],
)
def test_conditions_keep_the_right_rows(
    city: Client, rows: pl.DataFrame, condition: str, kept: pl.Expr
) -> None:
    """Of values, times, things and places; counted and given."""
    want = rows.filter(pl.col("rain").is_not_null() & kept)
    said = city.json(f"/v1.1/Observations?$top=1000&$count=true&$filter={quote(condition)}")
    assert said["@iot.count"] == want.height
    assert sorted((o["parameters"]["batch"], o["parameters"]["record"]) for o in said["value"]) == sorted(
        want.select("_batch", "_record").iter_rows()
    )


def test_order_and_skip_agree(city: Client, rows: pl.DataFrame) -> None:
    """Pages in any order together give all, those equal in order of arrival."""
    values = rows.filter(pl.col("rain").is_not_null())
    by_value = values.sort("rain", "observed_at", descending=[True, False], maintain_order=True)
    found = city.every("/v1.1/Observations?$orderby=result desc,phenomenonTime&$top=13")
    assert [o["result"] for o in found] == by_value["rain"].to_list()
    assert len({o["@iot.id"] for o in found}) == values.height
    latest = city.every("/v1.1/Observations?$orderby=phenomenonTime desc&$top=11&$count=true")
    assert [o["phenomenonTime"] for o in latest] == sorted(
        (o["phenomenonTime"] for o in latest), reverse=True
    )
    assert len(latest) == values.height
    named = city.every("/v1.1/Observations?$orderby=Datastream/id desc,result&$top=50&$select=result")
    assert named[0].keys() == {"result"}


def test_things_stand_where_the_registry_says(city: Client) -> None:
    """The latest place is the location; earlier ones are history. A gauge that is in none has no place."""
    thing = city.json(
        "/v1.1/Things('gauges:G00')?$expand=Locations,HistoricalLocations($expand=Locations),Datastreams"
    )
    assert (thing["name"], thing["properties"]["river"], thing["properties"]["simulated"]) == (
        "Cầu Lệ",
        "Hàn",
        True,
    )
    assert [x["location"]["coordinates"] for x in thing["Locations"]] == [[108.1, 16.1]]
    assert [h["time"] for h in thing["HistoricalLocations"]] == [
        "2026-08-01T00:00:00Z",
        "2026-09-01T00:00:00Z",
    ]
    assert thing["HistoricalLocations"][0]["Locations"][0]["location"]["coordinates"] == [108.0, 16.0]
    assert thing["Datastreams"][0]["unitOfMeasurement"]["definition"] == "ucum:mm"
    assert city.json("/v1.1/Things('rain:G02')/Locations") == {"value": []}
    found = city.json("/v1.1/Things?$filter=Locations/name eq 'An Bình'&$select=id")
    assert found["value"] == [{"@iot.id": "gauges:G01"}]
    qgis = "location/type eq 'Point' or location/geometry/type eq 'Point'"
    assert city.json(f"/v1.1/Locations?$top=0&$count=true&$filter={quote(qgis)}")["@iot.count"] == 3


def test_expanding_goes_deep_with_options(city: Client) -> None:
    """Relations within relations, each filtered, ordered, counted and cut."""
    inner = "Observations($top=2;$orderby=result desc;$filter=result lt 4;$select=result;$count=true)"
    said = city.json(
        f"/v1.1/Things?$expand=Datastreams($select=name;$expand={inner},ObservedProperty)&$orderby=id"
    )
    stream = said["value"][0]["Datastreams"][0]
    assert stream["name"] == "rain at Cầu Lệ"
    assert stream["ObservedProperty"]["name"] == "rain"
    assert len(stream["Observations"]) == 2 < stream["Observations@iot.count"]
    assert all(o["result"] < 4 for o in stream["Observations"])
    more = city.json(stream["Observations@iot.nextLink"])
    assert more["value"][0]["result"] <= stream["Observations"][-1]["result"]
    path = city.json("/v1.1/Observations?$top=1&$expand=Datastream/Thing,FeatureOfInterest")["value"][0]
    assert path["Datastream"]["Thing"]["@iot.id"] == "gauges:G00"


def test_paths_lead_to_properties_values_and_references(city: Client) -> None:
    """``/name``, ``/name/$value``, ``/$ref``, and a property that has no value."""
    assert city.json("/v1.1/Things('gauges:G01')/name") == {"name": "An Bình"}
    raw = city.get("/v1.1/Datastreams('rain:G01:rain')/Thing/name/$value")
    assert (raw.headers["Content-Type"], raw.data.decode()) == ("text/plain; charset=utf-8", "An Bình")
    refs = city.json("/v1.1/Things('gauges:G01')/Datastreams/$ref")["value"]
    assert refs == [{"@iot.selfLink": f"{city.base}/v1.1/Datastreams('rain:G01:rain')"}]
    assert city.json("/v2.0/Things/$ref?$top=1")["value"][0].keys() == {"@id"}
    assert city.get("/v2.0/Datastreams('rain:G01:rain')/UltimateFeatureOfInterest").status == 204
    for wrong in WRONG_PATHS:
        assert city.get(f"/v1.1/{quote(wrong, safe=chr(39) + '()/$:')}").status == 404, wrong


def test_arrays_hold_the_same(city: Client) -> None:
    """``dataArray`` has the same observations, a part for each datastream."""
    parts = city.every("/v1.1/Observations?$resultFormat=dataArray&$top=50&$select=id,result,phenomenonTime")
    plain = city.every("/v1.1/Observations?$top=50")
    assert all(part["dataArray@iot.count"] == len(part["dataArray"]) for part in parts)
    assert {tuple(row) for part in parts for row in part["dataArray"]} == {
        (o["@iot.id"], o["result"], o["phenomenonTime"]) for o in plain
    }
    assert parts[0]["components"] == ["id", "result", "phenomenonTime"]
    assert city.json("/v2.0/Observations?$resultFormat=dataArray", 400)["code"] == "unsupported-query"


def test_flags_are_those_of_the_verdicts(city: Client, root: Path) -> None:
    """A row that broke a rule which flags says so, can be asked for, and no other does."""
    home = Home.open(root, clock)
    try:
        want = flagged_rows(home, "rain").select("_batch", "_record").collect()
    finally:
        home.close()
    every = city.every("/v1.1/Observations?$top=100")
    flagged = [o for o in every if o["resultQuality"]["status"] == "flagged"]
    places = {(o["parameters"]["batch"], o["parameters"]["record"]) for o in flagged}
    assert places == set(want.iter_rows())
    asked = city.every(
        f"/v1.1/Observations?$filter={quote(chr(39).join(['resultQuality/status eq ', 'flagged', '']))}"
    )
    assert asked == flagged
    new = city.every("/v2.0/Observations?$filter=properties/resultQuality/status eq 'flagged'")
    assert [o["id"] for o in new] == [o["@iot.id"] for o in flagged]


def test_the_past_can_be_asked_for(city: Client, rows: pl.DataFrame) -> None:
    """As of a time only what was received by then counts: rows, counts, datastreams; links keep the time."""
    n = rows.filter(pl.col("_batch") == 0)["rain"].count()
    as_of = f"asOf={FIRST:%Y-%m-%dT%H:%M:%SZ}"
    then = city.every(f"/v1.1/Observations?$top=20&{as_of}")
    assert len(then) == n == city.json(f"/v1.1/Observations?$top=0&$count=true&{as_of}")["@iot.count"]
    assert {o["parameters"]["batch"] for o in then} == {0}
    assert city.json("/v1.1/Datastreams?asOf=2026-01-01T00:00:00Z") == {"value": []}
    assert city.json("/v1.1/Things?asOf=yesterday", 400)["code"] == "malformed-query"


def test_answers_have_tags(city: Client) -> None:
    """Who has an answer already is told so."""
    first = city.get(f"{STREAM}?$top=5")
    again = city.get(f"{STREAM}?$top=5", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.data) == (304, b"")


def test_the_new_version_has_its_own_names(city: Client) -> None:
    """2.0: ``id``, ``@id``, times as objects, units in ``resultType``, features."""
    page = city.json(
        "/v2.0/Datastreams?$top=1&$count=true&$expand=ObservedProperties,ProximateFeatureOfInterest"
    )
    assert page["@context"].endswith("/v2.0/$metadata#Datastreams")
    assert (page["@count"], page["@nextLink"][: len(city.base)]) == (3, city.base)
    stream = page["value"][0]
    observed = stream["ObservedProperties"][0]
    assert stream["resultType"]["uom"] == {"code": "mm"}
    assert stream["resultType"]["definition"] == observed["definition"]
    assert stream["phenomenonTime"].keys() == {"start", "end"}
    feature = stream["ProximateFeatureOfInterest"]
    assert city.json(f"/v2.0/Features('{feature['id']}')/FeatureTypes")["value"][0]["id"] == "station"
    seen = city.json("/v2.0/Observations?$top=1&$filter=phenomenonTime/start ge 2026-09-01T02:00:00Z")[
        "value"
    ][0]
    assert seen["phenomenonTime"] == {"start": "2026-09-01T02:00:00Z"}
    assert seen["properties"]["receipt"].startswith(f"{city.base}/receipts/rain/")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$filter=result gt", "malformed-filter"),
        ("$filter=name eq 'x'", "malformed-filter"),
        ("$filter=result", "malformed-filter"),
        ("$filter=pl.col('gauge')", "malformed-filter"),
        ("$filter=gauge eq 'G01'", "malformed-filter"),
        ("$filter=result eq 1;DROP TABLE x", "malformed-filter"),
        ("$filter=1 eq 1) or (result gt 0", "malformed-filter"),
        ("$filter=Datastream/__class__/x eq 1", "malformed-filter"),
        ("$filter=Datastream/Thing/Datastreams/any(d: result gt 1)", "unsupported-query"),
        ("$filter=st_within(FeatureOfInterest/feature, geometry'POINT (1 2 3 4 5)')", "malformed-filter"),
        ("$orderby=result sideways", "malformed-filter"),
        ("$select=gauge", "malformed-query"),
        ("$expand=Nothing", "malformed-query"),
        ("$expand=Datastream($expand=Observations", "malformed-query"),
        ("$expand=Datastream(top=1)", "malformed-query"),
        ("$top=a", "malformed-query"),
        ("$top=-1", "malformed-query"),
        ("$skip=99999999999999", "malformed-query"),
        ("$count=yes", "malformed-query"),
        ("$top=1&$top=2", "malformed-query"),
        ("$apply=aggregate(result)", "malformed-query"),
        ("$select=distinct:result", "unsupported-query"),
        ("&".join(f"x{i}=1" for i in range(99)), "malformed-query"),
    ],
)
def test_what_cannot_be_answered_is_refused(city: Client, query: str, code: str) -> None:
    """Each with its reason; no text of a client becomes anything but literals and known names."""
    said = city.get(f"/v1.1/Observations?{quote(query, safe='$&=,()/:')}")
    assert said.status == 400
    assert said.headers["Content-Type"] == "application/problem+json"
    assert said.json()["code"] == code


@pytest.mark.parametrize("bound", ["MAX_ENTITIES", "MAX_SEARCHES"])
def test_answers_are_bounded(city: Client, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    """Expanding back and forth ends with an error, not with the memory or the time."""
    back_and_forth = "Observations($expand=Datastream($expand=Observations))"
    assert city.json(f"/v1.1/Datastreams?$expand={back_and_forth}")["value"]
    monkeypatch.setattr(room, bound, 20)
    assert city.json(f"/v1.1/Datastreams?$expand={back_and_forth}", 400)["code"] == "too-much-asked"
    searches = city.json("/v1.1/Datastreams?$expand=Observations($filter=result lt 0)")["value"]
    assert searches  # what a condition leaves out counts as nothing
    deep = "Datastream($expand=Observations($expand=" * 6 + "Datastream" + "))" * 6
    assert city.json(f"/v1.1/Observations?$expand={deep}", 400)["code"] == "malformed-query"


@pytest.mark.parametrize(
    "path",
    [
        "Things?$top=1000&$expand=Datastreams($expand=Observations($top=1000))",
        "Things('gauges:G01')?$expand=Datastreams($expand=Observations)",
        "Observations?$top=3&$expand=Datastream($expand=Observations)",
        "Datastreams?$expand=Observations($expand=Datastream($expand=Observations))",
    ],
)
def test_too_much_is_known_before_it_is_made(
    city: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """What an answer would hold is counted first: no observation is read for what is not given."""
    monkeypatch.setattr(room, "MAX_ENTITIES", 40)
    read: list[str] = []
    whole = rendering.Renderer._entity

    def noted(self: Any, entity: Any, query: Any) -> Any:
        read.append(entity.id)
        return whole(self, entity, query)

    monkeypatch.setattr(rendering.Renderer, "_entity", noted)
    assert city.json(f"/v1.1/{path}", 400)["code"] == "too-much-asked"
    assert read == []


def test_personal_feeds_are_left_out(tmp_path: Path) -> None:
    """A feed with personal fields has no datastreams for everybody."""
    root = new_city(tmp_path / "city", feeds=())
    with open_writer(root, clock) as home:
        add_feed(home, persons.contract(tmp_path))
    with served_city(root) as client:
        assert client.json("/v1.1/Datastreams") == {"value": []}


def test_live_rows_appear_and_compaction_changes_nothing(tmp_path: Path) -> None:
    """New batches are there in a second; files rewritten under a running server give the same answers."""
    root = things_city(tmp_path / "city", 40)
    with served_city(root) as client:
        before = client.every("/v1.1/Observations?$top=30")
        with open_writer(root, clock) as home:
            ingest(home, "rain", [ndjson(tmp_path / "more.ndjson", 200, 30)], sign=key(AGENCY))
        sleep(KEPT_S)
        after: list[Any] = client.every("/v1.1/Observations?$top=30")
        assert after[: len(before)] == before
        assert len(after) > len(before)
        with open_writer(root, clock) as home:
            compact(home, "rain")
        sleep(KEPT_S)
        assert client.every("/v1.1/Observations?$top=30") == after
