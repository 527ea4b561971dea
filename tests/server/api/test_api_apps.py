"""Apps and models over the API: runs, forecasts with what came, scores, who let what serve."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from fastapi import FastAPI

from api_city import HOURS, OVERRULED, api_app, new_api_city
from asked import ask
from released_city import APP, LAN, SYSTEM, Released, use_mean_rain, use_rain_app
from veracity.home.clock import parse_time
from veracity.home.models.decisions import read_decisions
from veracity.home.models.matched import outcomes_path, past_scorings
from veracity.home.models.scoreboard import scoreboard
from veracity.models.decisions import OWN
from veracity.provenance.receipts import parse_receipt, verify_receipt


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    folder = tmp_path_factory.mktemp("city")
    with pytest.MonkeyPatch.context() as patch:
        use_mean_rain(patch)
        use_rain_app(folder, patch)
        yield new_api_city(folder)


@pytest.fixture(scope="module")
def app(made: Released) -> FastAPI:
    return api_app(made)


def got(app: FastAPI, path: str, status: int = 200) -> Any:
    answer = ask(app, "GET", path)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_app_says_where_it_stands(app: FastAPI, made: Released) -> None:
    """Its stage, its model, its feeds and targets are those declared and released; others are not there."""
    listed = {a["app"]: a for a in got(app, "/api/v1/apps")["items"]}
    assert set(listed) == {SYSTEM}  # of the apps installed, those whose feeds this city has
    found = got(app, f"/api/v1/apps/{SYSTEM}")
    assert found == listed[SYSTEM]
    assert (found["stage"], found["furthest"]) == ("shadow", "act")
    assert found["model"] == made.trained.train.model_sha256
    assert found["targets"] == {"rain": "mm"}
    assert found["title"]["en"] == APP.title["en"]
    assert got(app, "/api/v1/apps/none", 404)["code"] == "not-there"
    register = got(app, f"/api/v1/apps/{SYSTEM}/register")
    assert register["facts"]["stage"]["value"] == "shadow"


def test_every_run_is_there_with_what_it_said(app: FastAPI, made: Released) -> None:
    """Newest first, page by page the same; with a place, what was said of it, and who overruled it."""
    runs = got(app, f"/api/v1/apps/{SYSTEM}/decisions")["items"]
    assert [r["run"] for r in runs] == [3, 2, 1, 0]
    paged: list[Any] = []
    at = f"/api/v1/apps/{SYSTEM}/decisions?limit=3"
    while at:
        page = got(app, at)
        paged, at = paged + page["items"], page["next"]
    assert paged == runs
    home = made.city.open(HOURS)
    rows = read_decisions(home, SYSTEM, 3).with_row_index("record")
    home.close()
    key = rows.filter(record=OVERRULED)["key"].item()
    (run,) = got(app, f"/api/v1/apps/{SYSTEM}/decisions?limit=1&key={key}")["items"]
    mine = rows.filter(model=OWN, key=key)
    assert sorted(r["record"] for r in run["rows"]) == mine["record"].to_list()
    for said in run["rows"]:
        want = mine.filter(record=said["record"]).row(0, named=True)
        assert said["quantiles"]["0.5"] == want["q50"]
        assert said["probability"] == want["probability"]
        assert (said["override"] is not None) == (said["record"] == OVERRULED)
    assert run["n_overrides"] == 1
    before = got(app, f"/api/v1/apps/{SYSTEM}/decisions?as_of=2026-09-03T14:30:00Z")["items"]
    assert [r["run"] for r in before] == [1, 0]


def test_a_forecast_stands_beside_what_came(app: FastAPI, made: Released) -> None:
    """Each outcome is the one that was scored, at the record it was scored for; the rest is not known yet."""
    home = made.city.open(HOURS)
    (_, said) = past_scorings(home, SYSTEM)[-1]
    matched = pl.read_parquet(home.objects.get(outcomes_path(said))).filter(state="matched")
    home.close()
    values = {(r["run"], r["record"]): r["value"] for r in matched.iter_rows(named=True)}
    n_known = 0
    for run in got(app, f"/api/v1/apps/{SYSTEM}/decisions")["items"]:
        found = got(app, f"/api/v1/apps/{SYSTEM}/forecasts?key=G01&target=rain&origin={run['made_at']}")
        assert (found["run"], found["decision"], found["unit"]) == (run["run"], run["entry"], "mm")
        assert len(found["points"]) >= 1
        for point in found["points"]:
            assert point["outcome"] == values.get((run["run"], point["record"]))
            levels = [float(level) for level in point["quantiles"]]
            assert levels == sorted(levels)
            n_known += point["outcome"] is not None
    assert n_known > 3
    newest = got(app, f"/api/v1/apps/{SYSTEM}/forecasts")
    assert (newest["run"], newest["key"], newest["target"]) == (3, "G00", "rain")
    for wrong in ("key=none", "target=none", "origin=2020-01-01T00:00:00Z"):
        assert got(app, f"/api/v1/apps/{SYSTEM}/forecasts?{wrong}", 404)["code"] == "not-there"


def test_a_layer_is_what_the_forecasts_of_its_places_say(app: FastAPI, made: Released) -> None:
    """One answer for all places: each as its own forecast has it, of the first time after that asked for."""
    listed = got(app, f"/api/v1/apps/{SYSTEM}/decisions")["items"]
    keys = got(app, f"/api/v1/apps/{SYSTEM}/forecasts")["keys"]
    for run in listed:
        layer = got(app, f"/api/v1/apps/{SYSTEM}/layers/rain?at={run['made_at']}")
        assert (layer["run"], layer["decision"], layer["unit"]) == (run["run"], run["entry"], "mm")
        assert (layer["state"], layer["simulated"], layer["at"]) == ("forecast", True, run["made_at"])
        assert [place["key"] for place in layer["items"]] == keys
        assert layer["silent"] == [] or not set(layer["silent"]) & set(keys)
        for place in layer["items"]:
            path = f"/api/v1/apps/{SYSTEM}/forecasts?key={place['key']}&target=rain&origin={run['made_at']}"
            points = [p for p in got(app, path)["points"] if p["at"] > run["made_at"]]
            (first, *_) = sorted(points, key=lambda p: (p["at"], p["record"]))
            same = {k: v for k, v in first.items() if k not in ("at", "outcome")}
            assert {k: v for k, v in place.items() if k not in ("key", "due", "horizon_s")} == same
            assert place["due"] == first["at"]
    # The city's clock is past all that was said: it is shown as it was last.
    newest = got(app, f"/api/v1/apps/{SYSTEM}/layers/rain")
    assert newest == got(app, f"/api/v1/apps/{SYSTEM}/layers/rain?at={newest['at']}")
    for wrong in ("none", "rain?at=2020-01-01T00:00:00Z"):
        assert got(app, f"/api/v1/apps/{SYSTEM}/layers/{wrong}", 404)["code"] == "not-there"


def test_a_layer_as_known_then(app: FastAPI, made: Released) -> None:
    """No run and no officer's word that came later; of a place without a next time the last."""
    runs = got(app, f"/api/v1/apps/{SYSTEM}/decisions")["items"]
    path = f"/api/v1/apps/{SYSTEM}/layers/rain"
    then = got(app, f"{path}?as_of={runs[1]['made_at']}")
    assert (then["run"], then["made_before"]) == (runs[1]["run"], runs[2]["made_at"])
    late = got(app, f"{path}?at=2026-09-30T00:00:00Z")
    assert (late["run"], late["at"]) == (runs[0]["run"], "2026-09-30T00:00:00.000000Z")
    for place in late["items"]:
        points = got(app, f"/api/v1/apps/{SYSTEM}/forecasts?key={place['key']}")["points"]
        assert place["due"] == max(p["at"] for p in points)
    home = made.city.open(HOURS)
    (word,) = [p for _, p in home.index.predicates("override")]
    row = read_decisions(home, SYSTEM, 3).with_row_index("record").row(OVERRULED, named=True)
    home.close()
    before = (row["due"] - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    said = {p["record"]: p["override"] for p in got(app, f"{path}?at={before}")["items"]}
    assert said[OVERRULED] == word["value"]
    at = (parse_time("t", word["overridden_at"]) - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    assert all(p["override"] is None for p in got(app, f"{path}?at={before}&as_of={at}")["items"])


def test_the_scoreboard_is_the_homes(app: FastAPI, made: Released) -> None:
    """The same lines and scores as ``veracity scoreboard``, by any of its groups."""
    home = made.city.open(HOURS)
    want = scoreboard(home, SYSTEM, ["target", "horizon_s"])
    home.close()
    items = got(app, f"/api/v1/apps/{SYSTEM}/scoreboard")["items"]
    assert [(i["model"], i["horizon_s"], i["mae"]) for i in items] == want.select(
        "model", "horizon_s", "mae"
    ).rows()
    days = got(app, f"/api/v1/apps/{SYSTEM}/scoreboard?by=day")["items"]
    assert {d["day"] for d in days} == {"2026-09-03"}
    assert got(app, f"/api/v1/apps/{SYSTEM}/scoreboard?by=nothing", 422)["code"] == "malformed-request"


def test_the_register_of_models(app: FastAPI, made: Released) -> None:
    """Who released it, how it was tested, what went wrong; by its name and by its digest."""
    sha256 = made.trained.train.model_sha256
    (line,) = got(app, "/api/v1/models")["items"]
    assert (line["model"], line["stage"], line["released_by"]) == (sha256, "shadow", LAN)
    assert line["assurance"]["passed"] == 2
    assert (line["incidents"], line["open_incidents"]) == (2, 1)
    found = got(app, f"/api/v1/models/{sha256}")
    assert found == got(app, f"/api/v1/models/{line['name']}")
    assert [a["by"] for a in found["approvals"]] == [LAN]
    assert [(o["run"], o["record"], o["by"]) for o in found["overrides"]] == [(3, OVERRULED, "Hoa")]
    assert [t["name"] for t in found["assurances"][0]["tests"]][:2] == ["skill-by-horizon", "agency-offline"]
    assert {i["name"]: i["state"] for i in found["incident_list"]} == {
        "stays-open": "open",
        "gets-closed": "closed",
    }
    assert got(app, "/api/v1/models/none", 404)["code"] == "not-there"


def test_the_receipt_of_a_decision_verifies(app: FastAPI, made: Released) -> None:
    """The address that a forecast gives is of a receipt of just that decision."""
    home = made.city.open(HOURS)
    policy = home.policy
    home.close()
    point = got(app, f"/api/v1/apps/{SYSTEM}/forecasts?key=G02")["points"][0]
    answer = ask(app, "GET", point["receipt"])
    shown = verify_receipt(parse_receipt(answer.content), policy)
    assert shown.decision is not None
    assert shown.row is not None
    assert (shown.decision.record, shown.row["key"], shown.row["q50"]) == (
        point["record"],
        "G02",
        point["quantiles"]["0.5"],
    )
    assert answer.headers["cache-control"] == "public, max-age=60"
    for wrong in ("0", "999999"):
        assert got(app, f"/receipts/decisions/{wrong}", 404)["code"] == "not-there"
    entry = got(app, f"/api/v1/apps/{SYSTEM}/forecasts")["decision"]
    assert got(app, f"/receipts/decisions/{entry}?record=100000", 404)["code"] == "record-not-found"


def test_panels_tell_their_columns(app: FastAPI) -> None:
    """The last build of each panel, with what it is made of."""
    (panel,) = got(app, "/api/v1/panels")["items"]
    assert (panel["panel"], panel["key"], panel["every_s"]) == ("rain-hourly", "gauge", 3600.0)
    assert [(c["feed"], c["field"], c["fill"]) for c in panel["columns"]] == [("rain", "rain", "previous")]
    assert panel["simulated"]
