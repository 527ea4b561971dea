"""Feeds over the API: counted, placed, drawn over time, and what was set aside, against the home itself."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi import FastAPI

import persons
from api_city import app, got, made
from asked import ask
from judged_city import FEED, judged_city, opened
from rain_app import GAUGES
from released_city import Released
from small_city import clock, contract, ndjson, new_city
from veracity.home.contracts import status
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

__all__ = ["app", "made"]


def all_pages(app: FastAPI, path: str, name: str = "items") -> list[Any]:
    found, at = [], path
    while at:
        page = got(app, at)
        found += page[name]
        at = page["next"]
    return found


def test_a_feed_is_counted_as_the_home_counts_it(app: FastAPI, made: Released) -> None:
    """The counts, the newest reading and whether it is fresh are those of ``veracity feed show``."""
    (feed,) = got(app, "/api/v1/feeds")["items"]
    assert feed == got(app, "/api/v1/feeds/rain")
    home = made.city.open(5)
    said = status(home, "rain")
    home.close()
    counts = {n: getattr(said, n) for n in ("received", "accepted", "quarantined", "refused", "batches")}
    assert feed["counts"] == counts
    assert counts["quarantined"] == 3
    assert feed["freshness"]["last_event"] == said.newest
    assert feed["freshness"]["age_s"] == said.age_s
    assert feed["freshness"]["state"] == "fresh"
    assert feed["simulated"]
    assert not feed["live"]
    assert feed["place_field"] == "gauge"
    assert [f["unit"] for f in feed["fields"]] == [None, None, "mm"]


def test_places_show_the_last_row_of_each(app: FastAPI, made: Released) -> None:
    """Each gauge at its place, with its last row; at another time the last row by then, as known then."""
    home = made.city.open(5)
    rows = home.table("rain").scan().collect()
    home.close()
    found = got(app, "/api/v1/feeds/rain/places")
    assert found["simulated"]
    assert not found["is_cut"]
    assert [f["id"] for f in found["features"]] == sorted(rows["gauge"].unique().to_list())
    for feature in found["features"]:
        mine = rows.filter(pl.col("gauge") == feature["id"]).sort("observed_at").row(-1, named=True)
        said = feature["properties"]
        assert datetime.fromisoformat(said["observed_at"]) == mine["observed_at"]
        assert said["values"] == {
            "rain": {"value": mine["rain"], "unit": "mm", "state": "measured", "flags": []}
        }
        assert said["record"] == f"{mine['_batch']}:{mine['_record']}"
        if feature["id"] in GAUGES:
            assert feature["geometry"] == {"type": "Point", "coordinates": [108.2, 16.0]}
    then = "2026-09-02T03:30:00Z"
    for feature in got(app, f"/api/v1/feeds/rain/places?at={then}")["features"]:
        before = rows.filter(
            pl.col("gauge") == feature["id"], pl.col("observed_at") <= datetime.fromisoformat(then)
        )
        newest = before["observed_at"].max()
        assert datetime.fromisoformat(feature["properties"]["observed_at"]) == newest
    assert got(app, "/api/v1/feeds/rain/places?as_of=2020-01-01T00:00:00Z")["features"] == []


def test_a_series_is_whole_whatever_the_pages(app: FastAPI, made: Released) -> None:
    """Page by page, or at once, it has every reading once, in order; the last ones without a start."""
    home = made.city.open(5)
    mine = home.table("rain").scan().filter(pl.col("gauge") == "G01").sort("observed_at").collect()
    home.close()
    want = list(zip(mine["observed_at"].to_list(), mine["rain"].to_list(), strict=True))
    start = "/api/v1/feeds/rain/series?key=G01&field=rain"
    for limit in (1_000, 7):
        points = all_pages(app, f"{start}&from=2026-01-01T00:00:00Z&limit={limit}", "points")
        assert [(datetime.fromisoformat(p["at"]), p["value"]) for p in points] == want
    last = got(app, f"{start}&limit=3")
    assert [p["value"] for p in last["points"]] == mine["rain"].to_list()[-3:]
    assert last["unit"] == "mm"
    records = [f"{b}:{r}" for b, r in zip(mine["_batch"].to_list(), mine["_record"].to_list(), strict=True)]
    assert [p["record"] for p in last["points"]] == records[-3:]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/feeds/snow", 404, "not-there"),
        ("/api/v1/feeds/snow/places", 404, "not-there"),
        ("/api/v1/feeds/SNOW", 422, "malformed-request"),
        ("/api/v1/feeds/rain/series?field=none&key=G00", 404, "not-there"),
        ("/api/v1/feeds/rain/series?field=rain", 404, "not-there"),
        ("/api/v1/feeds/rain/series?field=rain&key=G00&from=tomorrow", 400, "malformed-parameter"),
        ("/api/v1/feeds/rain/series?field=rain&key=G00&limit=0", 422, "malformed-request"),
        ("/api/v1/feeds/rain/series?field=rain&key=G00&cursor=x", 422, "malformed-request"),
        ("/api/v1/feeds/rain/places?as_of=2026-13-01T00:00:00Z", 400, "malformed-parameter"),
        ("/api/v1/feeds/rain/quarantine?limit=1001", 422, "malformed-request"),
        ("/api/v1/feeds/..%2f..%2fkeys", 404, "not-found"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(app: FastAPI, path: str, status: int, code: str) -> None:
    """One error body for all, with a stable code."""
    answer = ask(app, "GET", path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_quarantine_tells_who_decided(app: FastAPI) -> None:
    """The newest rows first, as received; page by page the same; by reason; with the decision on each."""
    rows = all_pages(app, "/api/v1/feeds/rain/quarantine")
    assert all_pages(app, "/api/v1/feeds/rain/quarantine?limit=1") == rows
    assert [r["status"] for r in rows] == ["waiting", "rejected", "waiting"]
    assert [r["row"]["rain"] for r in rows] == ["900", "800", "700"]
    assert (rows[1]["by"], rows[1]["why"]) == ("Lan", "a broken gauge")
    assert all(r["reasons"] == ["range:rain"] for r in rows)
    assert all_pages(app, "/api/v1/feeds/rain/quarantine?reason=range") == rows
    assert all_pages(app, "/api/v1/feeds/rain/quarantine?reason=type") == []


def test_quality_adds_up(app: FastAPI) -> None:
    """Received = accepted + quarantined + refused, in all and on each day; as of before there is none."""
    found = got(app, "/api/v1/feeds/rain/quality")
    for tally in (found["counts"], *found["by_day"]):
        assert tally["received"] == tally["accepted"] + tally["quarantined"] + tally["refused"]
    assert sum(d["received"] for d in found["by_day"]) == found["counts"]["received"]
    assert found["quarantine"] == {"n": 3, "waiting": 2, "asked": 0}
    assert {"reason": "range:rain", "n": 3} in found["reasons"]
    assert {t["key"] for t in found["trust"]} >= set(GAUGES)
    assert all(0 <= t["score"] <= 1 for t in found["trust"])
    before = got(app, "/api/v1/feeds/rain/quality?as_of=2020-01-01T00:00:00Z")
    assert before["counts"] == {"batches": 0, "received": 0, "accepted": 0, "quarantined": 0, "refused": 0}


def test_flags_are_told_where_they_are(tmp_path: Path) -> None:
    """The accepted rows that broke a rule say so, in the series and at their place; no other does."""
    root = judged_city(tmp_path)
    flagged = opened(root).flagged(FEED).collect()
    want = {
        (row["gauge"], f"{row['_batch']}:{row['_record']}"): row["reasons"]
        for row in flagged.iter_rows(named=True)
    }
    assert want
    app = make_app(ServerSettings(root, clock=clock))
    found: dict[tuple[str, str], list[str]] = {}
    for gauge in flagged["gauge"].unique().to_list():
        points = got(app, f"/api/v1/feeds/{FEED}/series?field=stage&key={gauge}&limit=10000")["points"]
        found |= {(gauge, p["record"]): p["flags"] for p in points if p["flags"]}
    assert found == want
    said = {r["reason"]: r["n"] for r in got(app, f"/api/v1/feeds/{FEED}/quality")["flagged"]}
    assert said["rate:stage"] >= 1
    first = flagged.sort("observed_at").row(0, named=True)
    at = first["observed_at"].isoformat().replace("+00:00", "Z")
    places = got(app, f"/api/v1/feeds/{FEED}/places?at={at}")["features"]
    (place,) = [p["properties"] for p in places if p["id"] == first["gauge"]]
    assert place["flags"] == place["values"]["stage"]["flags"] == first["reasons"]


def test_an_answer_follows_the_log(tmp_path: Path) -> None:
    """What is kept is forgotten as soon as something new is in the log."""
    root = new_city(tmp_path / "city")
    app = make_app(ServerSettings(root, clock=clock))
    assert got(app, "/api/v1/feeds/rain")["freshness"]["state"] == "empty"
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 50)])
    fresh = make_app(ServerSettings(root, clock=clock))
    app.state.memory.slowly._again_s = 0
    for path in ("/api/v1/feeds/rain/quality", "/api/v1/feeds/rain/quarantine", "/api/v1/feeds/rain/places"):
        query = f"{path}?as_of=2030-01-01T00:00:00Z" if "places" in path else path
        assert got(app, query) == got(fresh, query)
        assert got(app, query) != {}


def test_a_feed_of_persons_shows_no_row(tmp_path: Path) -> None:
    """It is listed, and every route of its rows says no; under its old contract too."""
    root = persons.new_city(tmp_path / "people")
    with open_writer(root, clock) as home:
        ingest(home, persons.FEED, [persons.csv(tmp_path / "people.csv", persons.persons(5))])
    app = make_app(ServerSettings(root, clock=clock))
    listed = [f for f in got(app, "/api/v1/feeds")["items"] if f["feed"] == persons.FEED]
    assert listed[0]["is_personal"]
    for path in ("places", "series?field=name", "quality", "quarantine"):
        answer = ask(app, "GET", f"/api/v1/feeds/{persons.FEED}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "personal-feed")
    for path in (f"/receipts/{persons.FEED}/0/0", f"/api/v1/lineage/row/{persons.FEED}/0/0"):
        assert ask(app, "GET", path).status_code == 403


def test_a_second_feed_is_another(tmp_path: Path) -> None:
    """Rows, flags and counts of two feeds are kept apart."""
    root = new_city(tmp_path / "city", feeds=("rain", "rain-2"))
    with open_writer(root, clock) as home:
        ingest(home, "rain-2", [ndjson(tmp_path / "a.ndjson", 0, 50)])
    app = make_app(ServerSettings(root, clock=clock))
    assert contract(tmp_path, "rain-2").exists()
    assert got(app, "/api/v1/feeds/rain/places")["features"] == []
    assert len(got(app, "/api/v1/feeds/rain-2/places")["features"]) == 3
    assert got(app, "/api/v1/feeds/rain/quality")["trust"] == []


def test_a_damaged_city_is_no_mistake_of_its_reader(tmp_path: Path) -> None:
    """What cannot be read is 503, tells no place, and everything else is still answered."""
    root = judged_city(tmp_path)
    app = make_app(ServerSettings(root, clock=clock))
    for folder in ("verdicts", "health", "quarantine"):
        shutil.rmtree(root / "store" / folder)
    for path in ("places", "quality", "quarantine"):
        answer = ask(app, "GET", f"/api/v1/feeds/{FEED}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (503, "city-unreadable"), path
        assert str(tmp_path) not in answer.text
    assert got(app, f"/api/v1/feeds/{FEED}")["counts"]["received"] > 0


def test_no_interface_says_that_what_cannot_be_read_is_not_there(tmp_path: Path) -> None:
    """Contracts that are gone are 503 everywhere: 404 would have clients forget the data."""
    root = judged_city(tmp_path)
    shutil.rmtree(root / "store" / "contracts")
    app = make_app(ServerSettings(root, clock=clock))
    own = (f"/catalogue/{FEED}", f"/catalogue/{FEED}/rows.csv", f"/api/v1/datasets/{FEED}", "/catalogue.ttl")
    for path in (*own, "/v1.1/Things", "/v2.0/Observations", "/ngsi-ld/v1/types", "/api/v1/feeds"):
        answer = ask(app, "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (503, "city-unreadable"), path
        assert "contracts/" not in answer.text


@pytest.mark.parametrize("path", ["city", "feeds", f"feeds/{FEED}", "panels", "apps", "log/statements"])
def test_what_is_told_of_now_refuses_another_time(tmp_path: Path, path: str) -> None:
    """A route without as_of says so: to leave it out of account would tell what was not known then."""
    app = make_app(ServerSettings(judged_city(tmp_path), clock=clock))
    answer = ask(app, "GET", f"/api/v1/{path}?as_of=2026-09-01T00:00:00Z")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-parameter")
    assert ask(app, "GET", f"/api/v1/{path}").status_code == 200
