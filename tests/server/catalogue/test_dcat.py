"""The catalogue: valid DCAT-AP 3, the same graph in both forms, nothing personal, quality as measured."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib import DCAT, DCTERMS, FOAF, RDF, SKOS, XSD
from rdflib.compare import isomorphic
from starlette.types import ASGIApp

import persons
from asked import ask
from open_city import LICENCE, ORIGIN, new_open_city
from small_city import AGENCY, NOW, clock, contract, key, ndjson
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.panels import build_and_say
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

pytestmark = pytest.mark.filterwarnings(
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning"
)  # rdflib's own
BASE = "http://city.example"
ROUTER = Path(__file__).parents[3] / "web/portal/src/router.ts"
DQV = rdflib.Namespace("http://www.w3.org/ns/dqv#")
SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")
VERSION = rdflib.URIRef("http://www.w3.org/ns/dcat#version")
NEEDED = {
    "/ngsi-ld/v1/temporal/entities": {"type": "AirQualityObserved"},
    "/ngsi-ld/v1/entities": {"type": "x"},
}
# DCAT-AP 3.0.0 (https://semiceu.github.io/DCAT-AP/releases/3.0.0/): least and most of each property.
CARDINALITIES: dict[rdflib.URIRef, dict[rdflib.URIRef, tuple[int, int | None]]] = {
    DCAT.Catalog: {
        DCTERMS.title: (1, None),
        DCTERMS.description: (1, None),
        DCTERMS.publisher: (1, 1),
        DCTERMS.issued: (0, 1),
        DCTERMS.modified: (0, 1),
        DCTERMS.license: (0, 1),
        FOAF.homepage: (0, 1),
    },
    DCAT.Dataset: {
        DCTERMS.title: (1, None),
        DCTERMS.description: (1, None),
        DCTERMS.publisher: (0, 1),
        DCTERMS.accessRights: (0, 1),
        DCTERMS.accrualPeriodicity: (0, 1),
        DCTERMS.issued: (0, 1),
        DCTERMS.modified: (0, 1),
        DCAT.temporalResolution: (0, 1),
        VERSION: (0, 1),
    },
    DCAT.Distribution: {
        DCAT.accessURL: (1, None),
        DCTERMS["format"]: (0, 1),
        DCAT.mediaType: (0, 1),
        DCTERMS.license: (0, 1),
        DCTERMS.issued: (0, 1),
        DCTERMS.modified: (0, 1),
        DCAT.byteSize: (0, 1),
        SPDX.checksum: (0, 1),
        rdflib.URIRef("http://data.europa.eu/r5r/availability"): (0, 1),
    },
    DCAT.DataService: {
        DCTERMS.title: (1, None),
        DCAT.endpointURL: (1, None),
        DCTERMS.accessRights: (0, 1),
        DCTERMS.license: (0, 1),
    },
    FOAF.Agent: {FOAF.name: (1, None), DCTERMS.type: (0, 1)},
    SPDX.Checksum: {SPDX.algorithm: (1, 1), SPDX.checksumValue: (1, 1)},
    DCTERMS.PeriodOfTime: {DCAT.startDate: (0, 1), DCAT.endDate: (0, 1)},
    DCTERMS.Location: {DCAT.bbox: (0, 1)},
    DQV.QualityMeasurement: {DQV.isMeasurementOf: (1, 1), DQV.value: (1, 1)},
}
# What a property's values must be: of a class that the document itself says, or of a type.
CLASSES = {
    DCTERMS.publisher: FOAF.Agent,
    DCAT.dataset: DCAT.Dataset,
    DCAT.distribution: DCAT.Distribution,
    DCAT.service: DCAT.DataService,
    DCAT.servesDataset: DCAT.Dataset,
    DCTERMS.spatial: DCTERMS.Location,
    DCTERMS.temporal: DCTERMS.PeriodOfTime,
    DCTERMS.conformsTo: DCTERMS.Standard,
    DCTERMS.license: DCTERMS.LicenseDocument,
    DCTERMS.accessRights: DCTERMS.RightsStatement,
    SPDX.checksum: SPDX.Checksum,
    DQV.hasQualityMeasurement: DQV.QualityMeasurement,
    DQV.isMeasurementOf: DQV.Metric,
}
TYPES = {
    DCAT.byteSize: XSD.nonNegativeInteger,
    SPDX.checksumValue: XSD.hexBinary,
    DCTERMS.issued: XSD.dateTime,
    DCTERMS.modified: XSD.dateTime,
    DCAT.temporalResolution: XSD.duration,
    DCAT.startDate: XSD.dateTime,
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    """The server of the open city."""
    root = new_open_city(tmp_path_factory.mktemp("open") / "city")
    return make_app(ServerSettings(root, clock=clock))


def graph(app: ASGIApp, path: str, **headers: str) -> rdflib.Graph:
    """What an address says, by another library's reading."""
    answer = ask(app, "GET", path, headers=headers)
    assert answer.status_code == 200, answer.text
    form = "turtle" if answer.headers["content-type"].startswith("text/turtle") else "json-ld"
    return rdflib.Graph().parse(data=answer.content, format=form)


def broken(found: rdflib.Graph) -> list[str]:
    """What in a graph is not as the profile asks."""
    wrong = []
    for kind, properties in CARDINALITIES.items():
        for subject in found.subjects(RDF.type, kind):
            for name, (least, most) in properties.items():
                n = len(set(found.objects(subject, name)))
                if n < least or (most is not None and n > most):
                    wrong.append(f"{subject} {name}: want {least} to {most}, got {n}")
    for name, kind in CLASSES.items():
        wrong += [
            f"{s} {name} {o}: want a {kind}"
            for s, o in found.subject_objects(name)
            if (o, RDF.type, kind) not in found
        ]
    for name, kind in TYPES.items():
        for s, o in found.subject_objects(name):
            if not isinstance(o, rdflib.Literal) or o.datatype != kind or o.ill_typed:
                wrong.append(f"{s} {name} {o!r}: want a {kind}")
    return wrong


def test_the_catalogue_keeps_the_profile(app: ASGIApp) -> None:
    """Mandatory properties are there, none is said too often, values are of the classes and types asked."""
    for path in ("/catalogue.ttl", "/catalogue/air.ttl", "/catalogue/rain.jsonld"):
        assert broken(graph(app, path)) == []
    found = graph(app, "/catalogue.ttl")
    assert {kind for kind in CARDINALITIES if (None, RDF.type, kind) not in found} <= {SPDX.Checksum}


def test_a_broken_catalogue_is_found_broken(app: ASGIApp) -> None:
    """The check above checks: a title taken away, a second publisher, a wrong type."""
    untitled, twice, untyped = (graph(app, "/catalogue.ttl") for _ in range(3))
    untitled.remove((None, DCTERMS.title, None))
    twice.add((rdflib.URIRef(f"{BASE}/catalogue"), DCTERMS.publisher, rdflib.URIRef("http://x.example")))
    untyped.add((rdflib.URIRef(f"{BASE}/catalogue/air"), DCTERMS.issued, rdflib.Literal("today")))
    for found in (untitled, twice, untyped):
        assert broken(found)


def test_both_forms_say_the_same(app: ASGIApp) -> None:
    """Turtle and JSON-LD, by ending or by what is accepted: one graph."""
    one = graph(app, "/catalogue.ttl")
    assert len(one) > 100
    for other in (
        graph(app, "/catalogue.jsonld"),
        graph(app, "/catalogue"),
        graph(app, "/catalogue", accept="text/turtle;q=1, application/ld+json;q=0.4"),
    ):
        assert isomorphic(one, other)
    assert ask(app, "GET", "/catalogue", headers={"accept": "text/html"}).status_code == 406


def test_its_links_lead_somewhere(app: ASGIApp) -> None:
    """What it names of this city is answered, and the page of a feed is one that the portal has."""
    found = graph(app, "/catalogue.ttl")
    links = {
        str(o)
        for name in (DCAT.accessURL, DCAT.downloadURL, DCTERMS.conformsTo, FOAF.page, DCAT.endpointURL)
        for o in found.objects(None, name)
        if str(o).startswith(f"{BASE}/")
    }
    assert len(links) > 10
    assert {link: ask(app, "GET", link).status_code for link in links} == dict.fromkeys(links, 200)
    for entry in ("/ngsi-ld/v1", "/log"):
        named = [i["url"].removeprefix(BASE) for i in ask(app, "GET", entry).json()["items"]]
        codes = {path: ask(app, "GET", path).status_code for path in named if "{" not in path}
        # The standard takes no question for every entity of all types: told so, the reader knows what to ask.
        narrow = {path for path in codes if path.endswith("/entities")}
        assert codes == {path: 400 if path in narrow else 200 for path in codes}
    (listed,) = re.findall(r"VIEWS = \[([^\]]+)\]", ROUTER.read_text())
    views = re.findall(r'"(\w+)"', listed)
    pages = [str(page) for page in found.objects(None, DCAT.landingPage)]
    assert sorted(pages) == [f"{BASE}/#/quality/air", f"{BASE}/#/quality/rain"]
    assert all(re.fullmatch(rf"{BASE}/#/({'|'.join(views)})/[a-z]+", page) for page in pages)


def test_what_is_said_of_a_feed(app: ASGIApp) -> None:
    """Licence, agency, theme, place, time, frequency, contract, quality: each from where it is known."""
    found = graph(app, "/catalogue.ttl")
    air = rdflib.URIRef(f"{BASE}/catalogue/air")
    assert str(found.value(air, DCTERMS.title)) == "Air of three stations (made up)"
    assert str(found.value(found.value(air, DCTERMS.publisher), FOAF.name)) == "rain-office"
    assert str(found.value(air, DCAT.theme)).endswith("/data-theme/ENVI")
    assert str(found.value(air, DCTERMS.accrualPeriodicity)).endswith("/frequency/HOURLY")
    assert str(found.value(found.value(air, DCTERMS.spatial), DCAT.bbox)) == (
        "POLYGON((108.2 16.05, 108.3 16.05, 108.3 16.1, 108.2 16.1, 108.2 16.05))"
    )
    files = list(found.objects(air, DCAT.distribution))
    assert len(files) == 3
    assert {str(found.value(f, DCTERMS.license)) for f in files} == {LICENCE}
    measured = {
        str(found.value(found.value(m, DQV.isMeasurementOf), SKOS.prefLabel)): found.value(m, DQV.value)
        for m in found.objects(air, DQV.hasQualityMeasurement)
    }
    assert float(str(measured["Completeness"])) == 1.0
    assert float(str(measured["Validity"])) == 1.0
    assert int(str(measured["Flagged"])) == 1
    assert float(str(measured["Freshness"])) == 7 * 3600  # the newest event is of 05:00, the clock says 12:00
    rain = rdflib.URIRef(f"{BASE}/catalogue/rain")
    assert "SIMULATED" in str(found.value(rain, DCTERMS.description))
    assert str(found.value(rdflib.URIRef(f"{BASE}/catalogue"), DCTERMS.title)) == f"Open data of {ORIGIN}"


def test_a_file_that_was_made_has_its_checksum(app: ASGIApp) -> None:
    """Once a version's file is known, the catalogue says its size and digest."""
    manifest = ask(app, "GET", "/catalogue/rain/manifest.json").json()
    other = make_app(ServerSettings(app.state.settings.home, clock=clock))  # type: ignore[attr-defined]
    asked = ask(other, "GET", "/catalogue/rain/manifest.json").json()
    assert asked["files"] == manifest["files"]
    found = graph(other, "/catalogue/rain.ttl")
    assert broken(found) == []
    digests = {str(o).lower() for o in found.objects(None, SPDX.checksumValue)}
    assert digests == {f["sha256"] for f in manifest["files"] if f["name"] != "rows.geojson"}


def test_nothing_personal_is_shown(app: ASGIApp) -> None:
    """A feed with personal fields is in no list, and none of its addresses answers with data."""
    for path in ("/catalogue.ttl", "/catalogue.jsonld", "/api/v1/datasets"):
        assert persons.FEED not in ask(app, "GET", path).text
    own = ["", ".ttl", "/0", "/rows.csv", "/0/rows.parquet", "/0/manifest.json", "/contract.yaml"]
    paths = [f"/catalogue/requests{end}" for end in (*own, "/croissant.json")]
    for path in (*paths, "/api/v1/datasets/requests"):
        answer = ask(app, "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (403, "personal-feed"), path


def test_the_page_of_a_data_set(app: ASGIApp) -> None:
    """Quality, lineage, licence, contract, changes; and the contract by its digest, to the byte."""
    page: dict[str, Any] = ask(app, "GET", "/api/v1/datasets/air").json()
    assert page["licence"] == LICENCE
    assert page["quality"]["freshness"]["state"] == "fresh"
    assert page["quality"]["completeness"] == {"share": 1.0, "window": "newest day", "n_sensors": 3}
    assert [b["batch"] for b in page["lineage"]["batches"]] == [1, 0]
    assert page["version"]["version"] == 1
    assert page["changes"]["contracts"][0]["version"] == "1.2.0"
    text = ask(app, "GET", page["contract"]["url"].removeprefix(BASE))
    assert text.content == ask(app, "GET", "/catalogue/air/contract.yaml").content
    assert "immutable" in text.headers["cache-control"]
    rain = ask(app, "GET", "/api/v1/datasets/rain").json()
    assert rain["simulated"] is True
    assert [u["kind"] for u in rain["lineage"]["used_by"]] == ["transform"]
    early = ask(app, "GET", "/api/v1/datasets/air?as_of=2026-09-03T05:00:00Z").json()
    assert early["version"]["version"] == 0
    assert early["quality"]["counts"]["accepted"] == 60
    assert [b["batch"] for b in early["lineage"]["batches"]] == [0]
    before = ask(app, "GET", "/api/v1/datasets/rain?as_of=0001-01-01T00:00:00Z").json()
    assert before["lineage"]["batches"] == before["lineage"]["used_by"] == []


def test_all_is_told_as_known_then(tmp_path: Path) -> None:
    """Contracts, data sets, panels and measures of a time: what came since is not told, in any form."""
    root = new_open_city(tmp_path / "city")
    then, now = "2026-09-03T05:00:00Z", NOW
    text = (tmp_path / "air.yaml").read_text("utf-8")
    with open_writer(root, clock) as home:
        renewed = tmp_path / "air-2.yaml"
        changed = text.replace("version: 1.2.0", "version: 1.3.0").replace("maximum: 40", "maximum: 60")
        renewed.write_text(changed.replace("{value: 2,", "{value: 3,"), "utf-8")
        add_feed(home, renewed)
        later = ndjson(tmp_path / "t.ndjson", 160, 30)
    with open_writer(root, lambda: now + timedelta(hours=1)) as home:
        add_feed(home, contract(tmp_path, "snow"))
        ingest(home, "rain", [later], sign=key(AGENCY))
        build_and_say(home, tmp_path / "panel.yaml")
    app = make_app(ServerSettings(root, clock=lambda: now + timedelta(hours=2)))

    def said(path: str) -> Any:
        answer = ask(app, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    page = said("/api/v1/datasets/air")
    assert page["contract"]["version"] == "1.3.0"
    early = said(f"/api/v1/datasets/air?as_of={then}")
    assert (early["contract"]["version"], early["contract"]["entry"]) == ("1.2.0", 2)
    assert [c["version"] for c in early["changes"]["contracts"]] == ["1.2.0"]
    assert [i["dataset"] for i in said("/api/v1/datasets")["items"]] == ["air", "rain", "snow"]
    listed = said(f"/api/v1/datasets?as_of={then}")["items"]
    assert [i["dataset"] for i in listed] == ["air", "rain"]
    assert said(listed[0]["url"].removeprefix(BASE))["contract"] == early["contract"]
    assert b"1.3.0" in ask(app, "GET", "/catalogue/air/contract.yaml").content
    assert ask(app, "GET", f"/catalogue/air/contract.yaml?as_of={then}").text == text
    assert ask(app, "GET", f"/catalogue/snow?as_of={then}").status_code == 404
    air, city = rdflib.URIRef(f"{BASE}/catalogue/air"), rdflib.URIRef(f"{BASE}/catalogue")
    for path in ("/catalogue", "/catalogue.jsonld", "/catalogue.ttl", "/catalogue/air", "/catalogue/air.ttl"):
        found = graph(app, f"{path}?as_of={then}")
        assert broken(found) == []
        assert str(found.value(air, VERSION)) == "1.2.0+0"
        assert str(graph(app, path).value(air, VERSION)) == "1.3.0+1"
    shown = graph(app, f"/catalogue?as_of={then}")
    assert len(list(shown.objects(city, DCAT.dataset))) == 2  # no panel had been built
    between = "2026-09-03T12:30:00Z"  # the contract is new, and no batch came under it yet
    assert said(f"/api/v1/datasets/air?as_of={between}")["contract"]["version"] == "1.3.0"
    panel = "/catalogue/_panels/rain-hourly"
    assert said(panel)["entry"] > said(f"{panel}?as_of={between}")["entry"]
    assert ask(app, "GET", f"/catalogue/_panels/rain-hourly?as_of={then}").status_code == 404
    for path in ("/catalogue/air/0/rows.csv", "/catalogue/air/1", "/catalogue/air/1/manifest.json"):
        refused = ask(app, "GET", f"{path}?as_of={then}")
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed-parameter")


def test_sensor_health_is_a_mean_over_sensors(app: ASGIApp) -> None:
    """Each sensor counts once, with its lowest score, however many properties have one; and that is said."""
    health = ask(app, "GET", "/api/v1/datasets/air").json()["quality"]["sensor_health"]
    worst: dict[str, float] = {}
    for one in health["sensors"]:
        worst[one["sensor"]] = min(worst.get(one["sensor"], 1.0), one["score"])
    assert len(health["sensors"]) > health["n_sensors"] == len(worst) == 3
    assert health["mean"] == pytest.approx(sum(worst.values()) / 3)
    assert health["lowest"] == min(worst.values())
    assert "least trusted" in health["about"]
    found = graph(app, "/catalogue/air.ttl")
    metric = rdflib.URIRef(f"{BASE}/catalogue#metric-sensor-health")
    (node,) = found.subjects(DQV.isMeasurementOf, metric)
    assert float(str(found.value(node, DQV.value))) == pytest.approx(health["mean"], abs=1e-6)
    assert str(found.value(metric, SKOS.definition)) == health["about"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/catalogue/snow", 404, "no-such-dataset"),
        ("/catalogue/SNOW", 422, "malformed-request"),
        ("/catalogue/air/99", 404, "no-such-dataset"),
        ("/catalogue/air/-1", 422, "malformed-request"),
        ("/catalogue/air/manifest.json?as_of=2020-01-01T00:00:00Z", 404, "no-such-dataset"),
        ("/catalogue/air/manifest.json?as_of=soon", 400, "bad-name"),
        ("/catalogue/air/contract/00.yaml", 422, "malformed-request"),
        (f"/catalogue/air/contract/{'0' * 64}.yaml", 404, "no-such-dataset"),
        ("/catalogue/_panels/none", 404, "no-such-dataset"),
        ("/catalogue/air/1/rows.exe", 422, "malformed-request"),
        ("/catalogue/..%2f..%2fetc/1/rows.csv", 404, "not-found"),
    ],
)
def test_what_is_not_there_is_a_problem(app: ASGIApp, path: str, status: int, code: str) -> None:
    """Wrong names, versions, times: each the one error body with its code."""
    answer = ask(app, "GET", path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_answers_are_not_sent_twice(app: ASGIApp) -> None:
    """An entity tag that the reader has is answered without a body."""
    for path in ("/catalogue.ttl", "/catalogue/air/1/croissant.json", "/catalogue/air/1/rows.csv"):
        first = ask(app, "GET", path)
        again = ask(app, "GET", path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_host_that_is_none_makes_no_identifier(app: ASGIApp) -> None:
    """What a client calls us goes into identifiers only if it is a name."""
    answer = ask(app, "GET", "/catalogue.jsonld", headers={"host": 'x"><script>'})
    assert "<script" not in json.dumps(answer.json())
    assert "http://localhost/catalogue" in answer.text


def test_the_public_address_is_the_one_set(tmp_path: Path) -> None:
    """Behind a front, the address that readers use goes into every identifier."""
    root = new_open_city(tmp_path / "city")
    app = make_app(ServerSettings(root, public_url="https://data.example.org/", clock=clock))
    found = ask(app, "GET", "/catalogue.jsonld").text
    assert "city.example" not in found
    assert "https://data.example.org/catalogue/air" in found
