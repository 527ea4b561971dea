"""As of a time before its first contract a feed was not there, and every interface says so."""

from datetime import timedelta

import pytest
from starlette.types import ASGIApp

from asked import ask
from small_city import AGENCY, NOW, clock, contract, key, ndjson, new_city
from veracity.home.contracts import add_feed
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

THEN, NOW_AND_LATER = "2026-09-03T12:30:00Z", "2026-09-03T13:30:00Z"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    """A city in which ``snow`` was added after two batches of ``rain``; then a batch of each.

    The log says no time of a contract: it counts from the batch before it, which came after ``THEN``.
    """
    folder = tmp_path_factory.mktemp("later")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 12)], sign=key(AGENCY))
    with open_writer(root, lambda: NOW + timedelta(minutes=40)) as home:
        ingest(home, "rain", [ndjson(folder / "b.ndjson", 40, 12)], sign=key(AGENCY))
    with open_writer(root, lambda: NOW + timedelta(hours=1)) as home:
        add_feed(home, contract(folder, "snow"))
        for feed in ("snow", "rain"):
            ingest(home, feed, [ndjson(folder / f"{feed}.ndjson", 20, 12)], sign=key(AGENCY))
    return make_app(ServerSettings(root, clock=lambda: NOW + timedelta(hours=2)))


@pytest.mark.parametrize(
    "path",
    [
        "/catalogue/{}",
        "/catalogue/{}.ttl",
        "/catalogue/{}.jsonld",
        "/catalogue/{}/contract.yaml",
        "/catalogue/{}/manifest.json",
        "/catalogue/{}/croissant.json",
        "/catalogue/{}/rows.csv",
        "/api/v1/datasets/{}",
        "/api/v1/feeds/{}/places",
        "/api/v1/feeds/{}/quality",
        "/api/v1/feeds/{}/series?field=rain&key=G00",
    ],
)
def test_a_feed_that_was_not_there_then_is_no_empty_one(app: ASGIApp, path: str) -> None:
    """404 with the same code and reason in the catalogue and the API; of one that was there, an answer."""
    join = "&" if "?" in path else "?"
    said = ask(app, "GET", f"{path.format('snow')}{join}as_of={THEN}")
    assert (said.status_code, said.json()["code"]) == (404, "not-there-then")
    assert said.headers["content-type"] == "application/problem+json"
    assert "got one added later" in said.json()["detail"]
    assert THEN.removesuffix("Z") in said.json()["detail"]
    for feed, when in (("rain", THEN), ("snow", NOW_AND_LATER), ("rain", NOW_AND_LATER)):
        assert ask(app, "GET", f"{path.format(feed)}{join}as_of={when}").status_code in (200, 302, 307), feed


def test_one_that_is_not_there_at_all_is_told_apart(app: ASGIApp) -> None:
    """A name that the city never had keeps its own code."""
    assert ask(app, "GET", f"/catalogue/hail?as_of={THEN}").json()["code"] == "no-such-dataset"
    assert ask(app, "GET", f"/api/v1/feeds/hail/places?as_of={THEN}").json()["code"] == "not-there"


def test_before_the_first_batch_of_all_there_is_no_time(app: ASGIApp) -> None:
    """A contract that was there before any batch counts from the beginning: empty, and not refused."""
    said = ask(app, "GET", "/api/v1/feeds/rain/places?as_of=2020-01-01T00:00:00Z")
    assert (said.status_code, said.json()["features"]) == (200, [])
    assert ask(app, "GET", "/catalogue/rain?as_of=2020-01-01T00:00:00Z").status_code == 200


def test_the_standards_show_nothing_of_it(app: ASGIApp) -> None:
    """Neither what rows say nor what the contract says: no sensor, no property, no entity."""
    for entity_set in ("Sensors", "ObservedProperties", "Things", "Datastreams"):
        listed = ask(app, "GET", f"/v1.1/{entity_set}?asOf={THEN}").json()["value"]
        named = {str(one["@iot.id"]).split(":")[0] for one in listed}
        assert named == {"rain"}, entity_set
    assert ask(app, "GET", f"/v1.1/Sensors('snow')?asOf={THEN}").status_code == 404
    assert ask(app, "GET", f"/v1.1/Sensors('snow')?asOf={NOW_AND_LATER}").status_code == 200
    found = ask(app, "GET", f"/ngsi-ld/v1/entities?type=*&limit=1000&asOf={THEN}").json()
    assert found
    assert not [one for one in found if "snow" in one["id"]]
