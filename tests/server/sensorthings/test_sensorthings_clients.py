"""SensorThings as clients by others read it, and as our own connector reads it back."""

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_city import NOW, clock
from things_city import Client, served_city, things_city
from veracity.feeds.errors import MalformedDocument
from veracity.feeds.sensorthings_client import make
from veracity.home.home import Home
from veracity.home.tables import table_rows
from veracity.provenance.fields import Fields

#: A newer Python, with the client that needs it.
NEWER = Path(__file__).parents[3] / "build/client/bin/python"


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
    """Its accepted rows with a value."""
    home = Home.open(root, clock)
    try:
        return table_rows(home, "rain").filter(pl.col("rain").is_not_null()).collect()
    finally:
        home.close()


@pytest.mark.filterwarnings("ignore:furl.pathstr is deprecated:DeprecationWarning")
def test_the_client_of_frost_reads_it(city: Client, rows: pl.DataFrame) -> None:
    """Lists over pages, finds by identifier, filters, expands, follows relations."""
    frost = pytest.importorskip("frost_sta_client")
    service = frost.SensorThingsService(f"{city.base}/v1.1")
    things = service.things().query().orderby("name", "ASC").list()
    assert [t.name for t in things] == ["An Bình", "Cầu Lệ", "G02"]
    thing = service.things().find("gauges:G01")
    assert (thing.name, thing.properties["river"]) == ("An Bình", "Hàn")
    (stream,) = thing.get_datastreams().query().list()
    assert (stream.id, stream.unit_of_measurement.symbol) == ("rain:G01:rain", "mm")
    found = stream.get_observations().query().top(10).count().orderby("phenomenonTime", "DESC").list()
    mine = rows.filter(pl.col("gauge") == "G01").sort("observed_at", descending=True)
    assert found.count == mine.height
    assert [o.result for o in found] == mine["rain"].to_list()
    high = service.observations().query().filter("result gt 4").expand("Datastream").list()
    assert sorted(o.result for o in high) == sorted(rows.filter(pl.col("rain") > 4)["rain"])
    located = service.locations().query().list()
    assert [n.location["coordinates"] for n in located][-1] == [108.2, 16.2]


@pytest.mark.parametrize(
    ("version", "data_array", "by"),
    [
        ("1.1", False, "phenomenonTime"),
        ("1.1", True, "phenomenonTime"),
        ("2.0", False, "phenomenonTime"),
        ("1.1", False, "resultTime"),
    ],
)
def test_our_connector_reads_the_same_rows(
    city: Client, rows: pl.DataFrame, version: str, data_array: bool, by: str
) -> None:
    """What a city publishes another city takes in: the same values, times, units and places."""
    config: dict[str, Any] = {
        "kind": "sensorthings",
        "url": f"{city.base}/v{version}",
        "version": version,
        "history": "30d",
        "top": 20,
        "by": by,
        **({"data-array": True} if data_array else {}),
    }
    source = make(Fields({"name": "other-city", **config}, "source", MalformedDocument))
    read = [json.loads(record) for fetched in source.fetch(NOW) for record in fetched.records]
    want = rows.select("gauge", pl.col("observed_at"), "rain").rows()
    things = {"Cầu Lệ": "G00", "An Bình": "G01", "G02": "G02"}
    got = [(things[r["thing"]], datetime.fromisoformat(r["observed_at"]), r["result"]) for r in read]
    assert sorted(got) == sorted(want)
    assert {r["unit"] for r in read} == {"mm"}
    assert {(r["latitude"], r["longitude"]) for r in read if r["thing"] == "An Bình"} == {(16.2, 108.2)}
    assert not source.fetch(NOW)


ASYNCHRONOUS = """
import asyncio, json, sys
from aio_sensorthings import STAClient, STAEntityType, STAHttpSource

async def main(url):
    async with STAClient(url) as client:
        source = STAHttpSource(client)
        things = await source.get_entities(STAEntityType.THING, expand="Locations", top=2)
        of_one = "Things(gauges:G01)/Datastreams"
        streams = await source.get_entities(STAEntityType.DATASTREAM, nav_path=of_one)
        found = streams[0]["@iot.id"]
        one = await source.get_entity(STAEntityType.DATASTREAM, found, expand="ObservedProperty")
        high = await client.get_all("Observations", top=7, params={"$filter": "result gt 4"})
        return {"things": things, "one": one, "high": high}

print(json.dumps(asyncio.run(main(sys.argv[1]))))
"""


def test_the_asynchronous_client_reads_it(city: Client, rows: pl.DataFrame) -> None:
    """``aio-sensorthings``, in the newer Python that it wants."""
    if not NEWER.exists():
        pytest.skip(f"no aio-sensorthings at {NEWER}: make interop, which needs Python 3.13")
    command = [str(NEWER), "-c", ASYNCHRONOUS, city.base]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, timeout=60)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert sorted(t["name"] for t in read["things"]) == ["An Bình", "Cầu Lệ", "G02"]
    assert read["one"]["ObservedProperty"]["name"] == "rain"
    assert sorted(o["result"] for o in read["high"]) == sorted(rows.filter(pl.col("rain") > 4)["rain"])
