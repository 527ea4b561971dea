"""Cities, and files beside them, on which every command can be tried."""

from dataclasses import replace
from pathlib import Path

import pytest

import persons
from calibrated_post import CONTRACT, DEFINITION, post
from edge_world import configured
from rain_app import HOUR, NOW_HOUR, RainCity
from released_city import APP, serving_city, use_mean_rain
from small_city import AGENCY, NOW, PANEL, clock, contract, key, key_file, ndjson, new_city
from veracity.feeds.file_info import inspect
from veracity.gateway.limits import Keep
from veracity.gateway.store import Store
from veracity.home.accounts.granting import add_account
from veracity.home.accounts.store import AccountStore
from veracity.home.calibrations import fit_calibration, say_fitted
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_device
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.key_file import protect_file
from veracity.home.models.incidents import ask_close, open_incident
from veracity.home.models.outcomes import score
from veracity.home.models.overrides import ask_override
from veracity.home.models.running import run_app
from veracity.home.officers import add_officer, approve
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.notes import parse_note, sign_note
from veracity.models.overriding import value_text
from veracity.monitor.misbehaviour import Misbehaviour
from veracity.monitor.state import State, StateFile
from veracity.server.witness_directory import prepare
from watched import SIGNER

GROUND = """{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": null,
"geometry": {"type": "LineString", "coordinates": [[108.2, 16.0], [108.3, 16.1]]}}]}"""


def make_folder(folder: Path) -> Path:
    """Make a folder with cities in it, and files for every command."""
    root = new_city(folder / "city")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    (folder / "ground.geojson").write_text(GROUND, encoding="utf-8")
    contract(folder, "snow")
    key_file(folder)
    ndjson(folder / "b.ndjson", 100, 50)
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 100)])
        with AccountStore.open(home.directory) as accounts:
            add_account(home, accounts, "minh", ["publisher"])
    calibrated_city(folder)
    people_city(folder)
    modelled_city(folder)
    decided_city(folder)
    (folder / "fork.json").write_bytes(fork_of(root / "store/log"))
    StateFile(folder / "state.json").write(State())
    prepare(folder / "uni", "uni.example/witness")
    configured(folder / "edge", 1, "sources: []")
    Store(folder / "edge/state", Keep(), lambda: 0).close()
    return folder


def fork_of(log: Path) -> bytes:
    """Evidence: another checkpoint of the log's size, signed with its key."""
    note = (log / "checkpoint").read_bytes()
    other = replace(parse_checkpoint(parse_note(note).text), root=bytes(32))
    return Misbehaviour("split-view", note, sign_note(other.format(), [SIGNER]), "made here").format()


def calibrated_city(folder: Path) -> None:
    """Make a second city with a post whose sensor is calibrated."""
    root = new_city(folder / "posted")
    (folder / "post.yaml").write_text(CONTRACT, encoding="utf-8")
    (folder / "cal.yaml").write_text(DEFINITION, encoding="utf-8")
    post(100, noise=1.0).write_csv(folder / "p.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    with open_writer(root, clock) as home:
        add_feed(home, folder / "post.yaml")
        ingest(home, "post", [folder / "p.csv"])
        say_fitted(home, fit_calibration(home, folder / "cal.yaml", "post"))
        add_device(home, f"{AGENCY}/g01", key("g01").public)


def people_city(folder: Path) -> None:
    """Make a third city, with a feed of persons who do not exist."""
    root = persons.new_city(folder / "people")
    with open_writer(root, clock) as home:
        ingest(home, persons.FEED, [persons.csv(folder / "people.csv", persons.persons(5))])
        sent = persons.csv(folder / "clear.csv", persons.persons(5, seed=9))
        contract = home.feed(persons.FEED).contract
        protect_file(contract, inspect(sent), folder / "sent.csv", folder / "sent.keys")


def modelled_city(folder: Path) -> None:
    """Make a fourth city, whose app of rain is served by its second model, with one more asked for."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_mean_rain(monkeypatch)
        serving_city(folder, "modelled")
    key_file(folder, "lan")


def decided_city(folder: Path) -> None:
    """Make a fifth city, whose app ran, was scored two hours later, and has an incident that is open."""
    (folder / "rained").mkdir()
    city = RainCity.new(folder / "rained")
    hoa = key("hoa")
    with city.at() as home:
        add_officer(home, "hoa", hoa.public, ["override", "incident"], person="Hoa")
        run_app(home, APP, NOW)
        asked = ask_override(home, APP, 0, 17, value_text({"value": 3.5})).request
    city.take(NOW_HOUR + 1, 2, at=2)
    with city.at(2) as home:
        score(home, APP)
        open_incident(home, APP, "wrong-1", "low", by="An", what="the value was wrong")
        closing = ask_close(home, APP, "wrong-1", "cleaned").request
    for name, request in (("override", asked), ("closing", closing)):
        (folder / f"{name}-asked.json").write_bytes(request.format())
        approval = approve(hoa, request, "Hoa", "seen", NOW + 2 * HOUR)
        (folder / f"{name}.json").write_bytes(approval.format())
    (folder / "places.csv").write_text("gauge,lon,lat\nG00,108.2,16.0\n", encoding="utf-8")
    key_file(folder, "hoa")
    city.root.rename(folder / "decided")
