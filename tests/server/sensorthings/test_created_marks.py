"""What clients make says that it is simulated, or not, in the log itself: receipts and commands go by it."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from small_city import clock, contract
from things_posting import posted_to, posting_city
from veracity.cli.main import cli
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.home import Home, open_writer
from veracity.server.created.feeds import OBSERVATIONS, THINGS

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
STREAM = {
    "name": "Warmth",
    "description": "",
    "unitOfMeasurement": {"name": "degree Celsius", "symbol": "Cel", "definition": "ucum:Cel"},
    "observationType": OM,
    "Sensor": {"name": "S", "description": "", "encodingType": "text/plain", "metadata": "x"},
    "ObservedProperty": {"name": "warmth", "definition": "http://vocab.example/w", "description": ""},
    "Observations": [{"phenomenonTime": "2026-09-02T00:00:00Z", "result": 1}],
}


def told(root: Path, *arguments: str) -> Any:
    """Return what a command says of a city, as JSON."""
    done = CliRunner().invoke(cli, [*arguments, "--home", str(root), "--json"], standalone_mode=False)
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def test_a_receipt_says_what_the_city_was_when_it_was_made(tmp_path: Path) -> None:
    """Marked while all the city's own feeds are simulated; once one is measured, what comes then is not."""
    made = posting_city(tmp_path / "city")
    root = made.root
    with posted_to(made) as city:
        thing = city.made("/v1.1/Things", {"name": "A", "description": "", "Datastreams": [STREAM]})
        (stream,) = city.json(f"/v1.1/Things('{thing['@iot.id']}')/Datastreams")["value"]
        for feed in (THINGS, OBSERVATIONS):
            assert told(root, "feed", "show", feed)["simulated"] is True
            receipt = tmp_path / f"{feed}.json"
            receipt.write_bytes(city.send(f"/receipts/{feed}/0/0", b"", None, "GET").data)
            shown = CliRunner().invoke(
                cli, ["verify", str(receipt), "--policy", str(root / "trust.policy")], standalone_mode=False
            )
            assert "SIMULATED" in shown.stdout
        measured = contract(tmp_path).read_bytes().replace(b"tags: [simulated]\n", b"")
        (tmp_path / "river.yaml").write_bytes(measured.replace(b"id: rain", b"id: river"))
        with open_writer(root, clock, wait_s=60) as home:
            add_feed(home, tmp_path / "river.yaml")
        shown_before = city.json(f"/v1.1/Datastreams('{stream['@iot.id']}')")
        assert shown_before["properties"]["simulated"] is True  # nothing came since
        more = {"phenomenonTime": "2026-09-02T01:00:00Z", "result": 2}
        again = city.made(f"/v1.1/Datastreams('{stream['@iot.id']}')/Observations", more)
        assert again["result"] == 2
        city.made("/v1.1/Things", {"name": "B", "description": ""})
    with closing(Home.open(root, clock)) as home:
        for feed in (THINGS, OBSERVATIONS):
            said = [p["simulated"] for _, p in home.index.predicates("ingest", feed)]
            assert said == [True, False], feed
        assert audit(home).is_clean
    assert told(root, "feed", "show", OBSERVATIONS)["simulated"] is False
