"""One answer to where sensors stand, in every interface of a city."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from small_city import clock, key, new_city
from things_city import served_city
from veracity.city.stations import stations_of
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.home import open_writer
from veracity.home.ingest import ingest

AGENCY = "danang-hydromet"


def twin(root: Path) -> Path:
    """Make a city with the built-in city's gauges, each with one reading."""
    new_city(root, feeds=())
    rows = [
        {
            "station_id": s.id,
            "observed_at": f"2026-09-01 0{hour}:00:00",
            "ward": s.ward,
            "rain_mm": 0.2,
            "stage_m": 1.5,
            "simulated": True,
        }
        for hour in (1, 2)
        for s in stations_of("hydrology")
    ]
    sent = root.parent / "sent.ndjson"
    sent.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, Path(str(files("veracity.city").joinpath("contracts/hydrology.yaml"))))
        ingest(home, "hydrology", [sent], sign=key(AGENCY))
    return root


def test_stations_of_the_twin_stand_at_the_same_place_everywhere(tmp_path: Path) -> None:
    """SensorThings, the portal's places, NGSI-LD and the GeoJSON download say the same of each."""
    want = {s.id: [s.lon, s.lat] for s in stations_of("hydrology")}
    found: dict[str, dict[str, Any]] = {}
    with served_city(twin(tmp_path / "city")) as city:
        things = city.every("/v1.1/Things?$expand=Locations,Datastreams")
        found["locations"] = {t["name"]: t["Locations"][0]["location"]["coordinates"] for t in things}
        areas = {t["name"]: [d["observedArea"]["coordinates"] for d in t["Datastreams"]] for t in things}
        features = city.every("/v1.1/FeaturesOfInterest")
        found["features"] = {f["name"]: f["feature"]["coordinates"] for f in features}
        in_2 = city.every("/v2.0/Things?$expand=Locations")
        found["2.0"] = {t["name"]: t["Locations"][0]["location"]["coordinates"] for t in in_2}
        places = city.json("/api/v1/feeds/hydrology/places")["features"]
        found["portal"] = {p["id"]: p["geometry"]["coordinates"] for p in places}
        box = city.json("/api/v1/city")["bbox"]
        (kind,) = city.json("/ngsi-ld/v1/types")["typeList"]
        entities = city.json(f"/ngsi-ld/v1/entities?type={kind}&limit=100")
        found["ngsi-ld"] = {
            e["id"].rpartition(":")[2]: e["location"]["value"]["coordinates"] for e in entities
        }
        rows = city.json("/catalogue/hydrology/0/rows.geojson")["features"]
        found["geojson"] = {r["properties"]["station"]: r["geometry"]["coordinates"] for r in rows}
        near = city.json(
            "/v1.1/Things?$select=name&$filter=st_equals(Locations/location,"
            f"geography'POINT ({want['HY01'][0]} {want['HY01'][1]})')"
        )
    assert {name: places for name, places in found.items() if places != want} == {}
    assert areas == {station: [place] * 2 for station, place in want.items()}
    lons, lats = zip(*want.values(), strict=True)
    assert box == [min(lons), min(lats), max(lons), max(lats)]
    assert near["value"] == [{"name": "HY01"}]
