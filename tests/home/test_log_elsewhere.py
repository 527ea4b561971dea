"""A home whose log is elsewhere: on S3, its state in PostgreSQL or on S3 too. All else is as ever."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from run_cli import Here
from servers import S3, PostgresServer
from small_city import ORIGIN, clock, contract, key, ndjson, new_city, whole_state
from veracity.home.contracts import add_feed
from veracity.home.directory import open_directory
from veracity.home.enrolments import add_agency
from veracity.home.errors import NoHome
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.log.doors import StoreUnavailable
from veracity.log.errors import SignatureRejected
from veracity.stores.errors import BadLocation
from veracity.stores.opening import open_objects

Places = dict[str, str]
KEYS = CityKeys(key("log").seed, key("operator"))


@pytest.fixture(params=["s3 and sqlite", "s3 and postgresql", "s3 alone", "directory and postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Where the log of a home may be: ways to say it at ``init``."""
    found: Places = {}
    if request.param.startswith("s3"):
        found["log_store"] = request.getfixturevalue("s3").url
    else:
        found["log_store"] = str(tmp_path / "elsewhere" / "log")
    if "postgresql" in request.param:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url: str = request.getfixturevalue("postgres")
        monkeypatch.setenv("PGPASSWORD", server.password)
        found["log_state"] = url.replace(f":{server.password}@", "@")
    elif request.param == "s3 alone":
        found["log_state"] = f"{found['log_store']}-state"
    return found


def test_every_task_works(here: Here, tmp_path: Path, places: Places) -> None:
    """From the first file to a receipt, an audit, a check of the log and a new index: as in any home."""
    root = tmp_path / "city"
    options = [f"--{name.replace('_', '-')}={place}" for name, place in places.items()]
    done = here("init", root, "--origin", ORIGIN, *options, "--json")
    assert done.code == 0, done.err
    made = json.loads(done.out)
    assert {name: made[name] for name in places} == places
    home = ("--home", root)
    with open_writer(root, clock) as writer:
        add_agency(writer, "rain-office", key("rain-office").public)
        add_feed(writer, contract(tmp_path))
    for start in (0, 100):
        given = ndjson(tmp_path / f"{start}.ndjson", start, 100)
        assert here("ingest", "rain", given, *home).code in (0, 1)
    found = ("--where", "gauge = 'G01' AND observed_at = '2026-09-01T00:10:00Z'", "-o", tmp_path / "r.json")
    assert here("receipt", "rain", *found, *home).code == 0
    assert here("verify", tmp_path / "r.json", "--policy", root / "trust.policy").code == 0
    for command in ("log fsck", "audit", "log show", "log reindex", "log fsck", "audit"):
        done = here(*command.split(), *home)
        assert done.code == 0, (command, done.out, done.err)
    assert not (root / "store" / "log").exists()
    vkey = json.loads(here("log", "show", *home, "--json").out)["key"]
    done = here("log", "fsck", "--log", places["log_store"], "--key", vkey)
    assert done.code == 0, done.out + done.err


def test_it_is_the_same_log(tmp_path: Path, places: Places) -> None:
    """The files of the log are those of a home that has them itself, to the byte; so is all else."""
    given = ndjson(tmp_path / "rain.ndjson", 0, 200)

    def city(root: Path, make: Callable[[Path], object]) -> dict[str, object]:
        make(root)
        with open_writer(root, clock) as home:
            add_agency(home, "rain-office", key("rain-office").public)
            add_feed(home, contract(tmp_path))
            ingest(home, "rain", [given])
        return whole_state(root)

    own = city(tmp_path / "own", lambda root: init(root, ORIGIN, clock, KEYS))
    there = places.get("log_store"), places.get("log_state")
    elsewhere = city(
        tmp_path / "elsewhere-city",
        lambda root: init(root, ORIGIN, clock, KEYS, log_store=there[0], log_state=there[1]),
    )
    files = open_objects(places["log_store"], read_only=True)
    ours = open_objects(str(tmp_path / "own" / "store" / "log"), read_only=True)
    assert {p: files.get(p) for p in files.list("")} == {p: ours.get(p) for p in ours.list("")}
    assert elsewhere == {name: value for name, value in own.items() if not name.startswith("log/")}


def test_what_is_written_down(tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of the home says where its log is, without secrets; older programs see no home."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "city"
    init(root, ORIGIN, clock, KEYS, log_store="log-files", log_state="sqlite:///state.db")
    document = json.loads((root / "veracity.json").read_text())
    assert document == {
        "schema": "veracity.home/v2",
        "log": {"origin": ORIGIN, "store": str(tmp_path / "log-files"), "state": str(tmp_path / "state.db")},
    }
    assert "origin" not in document
    os.chdir("/")
    directory = open_directory(root)
    assert (directory.log_store, directory.log_state) == (document["log"]["store"], document["log"]["state"])
    home = Home.open(root, clock)
    assert home.reader().size == 1
    home.close()
    init(tmp_path / "s3", ORIGIN, clock, KEYS, log_store=s3.url)
    assert s3.secret_key not in (tmp_path / "s3" / "veracity.json").read_text()


@pytest.mark.parametrize(
    "document",
    [
        {"schema": "veracity.home/v4", "log": {"origin": ORIGIN}},
        {"schema": "veracity.home/v3", "log": {"origin": ORIGIN}, "objects": 7},
        {"schema": "veracity.home/v2", "origin": ORIGIN},
        {"schema": "veracity.home/v2", "log": {"origin": ORIGIN, "store": 7}},
        {"schema": "veracity.home/v2", "log": [ORIGIN]},
        {"schema": ["veracity.home/v1"], "origin": ORIGIN},
        [],
    ],
)
def test_another_kind_of_home_is_none(tmp_path: Path, document: object) -> None:
    """What this program does not know how to open, it does not open."""
    root = new_city(tmp_path / "city")
    (root / "veracity.json").write_text(json.dumps(document))
    with pytest.raises(NoHome):
        open_directory(root)


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    """A location with a password makes no home at all."""
    with pytest.raises(BadLocation, match="no password"):
        init(tmp_path / "city", ORIGIN, clock, KEYS, log_state="postgresql://u:secret@127.0.0.1/db")
    assert not (tmp_path / "city").exists()


def test_the_log_of_another_is_not_taken_over(tmp_path: Path, s3: S3) -> None:
    """A home made over a place where another log of its name is refuses, and leaves nothing behind."""
    init(tmp_path / "one", ORIGIN, clock, KEYS, log_store=s3.url, log_state=f"{s3.url}-state")
    with pytest.raises(SignatureRejected):
        init(tmp_path / "two", ORIGIN, clock, log_store=s3.url, log_state=f"{s3.url}-state")
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["lock"]


def test_a_log_out_of_reach(tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store of the log is away, a batch is refused with one line; back again, it goes in once."""
    root, given = tmp_path / "city", ndjson(tmp_path / "rain.ndjson", 0, 100)
    init(root, ORIGIN, clock, KEYS, log_store=s3.url, log_state=f"{s3.url}-state")
    with open_writer(root, clock) as home:
        add_agency(home, "rain-office", key("rain-office").public)
        add_feed(home, contract(tmp_path))
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(StoreUnavailable) as caught, open_writer(root, clock):
            pass
        assert "\n" not in str(caught.value)
    for n_batches in (1, 1):
        with open_writer(root, clock) as home:
            ingest(home, "rain", [given])
            assert len(home.index.batches("rain")) == n_batches
