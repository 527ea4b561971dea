"""A SensorThings service that others wrote, as a process of its own: what we ask is what it understands."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from served import ask as send
from veracity.feeds.kinds import make_source
from veracity.feeds.sensorthings_client import SensorThings

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
SCRIPT = Path(__file__).parents[1] / "things_service.py"
POINT = {"encodingType": "application/geo+json", "description": "here", "name": "here"}
AT = {"type": "Point", "coordinates": [108.22, 16.07]}

pytestmark = pytest.mark.skipif(
    find_spec("sensorthings") is None, reason="want django-ogc-sensorthings, of the dev group, installed"
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with one thing and its datastream."""
    database = tmp_path_factory.mktemp("things") / "db.sqlite3"
    process = subprocess.Popen([sys.executable, SCRIPT, database], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url
        post(url, "Things", station())
        yield url
    finally:
        process.kill()
        process.communicate()


def post(url: str, path: str, body: dict[str, Any]) -> None:
    answer = send("POST", f"{url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    assert answer.status == 201, answer.data


def station() -> dict[str, Any]:
    return {
        "name": "Station 1",
        "description": "on the bridge",
        "Locations": [POINT | {"location": AT}],
        "Datastreams": [
            {
                "name": "PM2.5",
                "description": "hourly",
                "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
                "unitOfMeasurement": {"name": "microgram", "symbol": "ug/m3", "definition": "ucum"},
                "ObservedProperty": {"name": "PM2.5", "definition": "http://a.example", "description": "p"},
                "Sensor": {
                    "name": "s",
                    "description": "s",
                    "encodingType": "application/pdf",
                    "metadata": "http://a.example/s.pdf",
                },
            }
        ],
    }


def observe(url: str, minutes: range) -> None:
    """Put observations into the datastream, each of a minute and its number."""
    datastream = json.loads(send("GET", f"{url}/Datastreams").data)["value"][0]["@iot.id"]
    for minute in minutes:
        time = f"2026-09-01T08:{minute:02d}:00Z"
        observation = {"phenomenonTime": time, "resultTime": time, "result": minute}
        of = {"Datastream": {"@iot.id": datastream}, "FeatureOfInterest": POINT | {"feature": AT}}
        post(url, "Observations", observation | of)


def test_all_is_read_and_then_what_is_new(service: str) -> None:
    """By pages of three, in both formats, and after more came. It cannot filter by a phenomenon's time."""
    observe(service, range(10))
    said = {"kind": "sensorthings", "name": "a", "url": service, "by": "resultTime", "top": 3}
    for more in (False, True):
        source = make_source(said | {"data-array": more})
        assert isinstance(source, SensorThings)
        rows = [json.loads(record) for fetched in source.fetch(NOW) for record in fetched.records]
        assert [r["result"] for r in rows][:10] == list(range(10))
        one = rows[0]
        assert (one["thing"], one["observed"], one["unit"]) == ("Station 1", "PM2.5", "ug/m3")
        assert (one["latitude"], one["longitude"]) == (16.07, 108.22)
        assert source.fetch(NOW) == []
    assert isinstance(source, SensorThings)
    observe(service, range(10, 13))
    rows = [json.loads(record) for fetched in source.fetch(NOW) for record in fetched.records]
    assert [r["result"] for r in rows] == [10, 11, 12]
