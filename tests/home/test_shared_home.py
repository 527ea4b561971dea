"""A home that machines share: its objects in S3, its database in PostgreSQL, one writer at a time."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import obstore
import pytest
import sqlalchemy as sa

import persons
from live_messages import record, signed
from rain_app import NOW_HOUR, RainCity
from released_city import APP, use_mean_rain
from run_cli import Here
from servers import S3
from shared_city import KEYS, Places, check_city, founded, joined, machines, shared_places
from small_city import AGENCY, ORIGIN, PANEL, clock, contract, csv, key, ndjson, parquet
from veracity.data.lake import Table
from veracity.errors import VeracityError
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency, add_device, rotate_operator
from veracity.home.errors import HomeExists, NotShared
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.models.registry import load_model
from veracity.home.models.training import train
from veracity.live.turning import Turner
from veracity.log.doors import StoreUnavailable
from veracity.stores.database import METADATA
from veracity.stores.errors import BadLocation
from veracity.stores.s3 import S3Objects

__all__ = ["machines", "shared_places"]  # fixtures
State = dict[str, object]


def state_of(root: Path) -> State:
    """Everything that a city promises, wherever it is: objects to the byte but for Delta's log, and rows."""
    home = Home.open(root, clock)
    names = [path for path in home.objects.list("") if "_delta_log" not in path]
    state: State = {path: hashlib.sha256(home.objects.get(path)).hexdigest() for path in names}
    for feed in home.feed_names():
        state[f"rows {feed}"] = home.table(feed).scan().collect().rows()
    with home.database.reading() as db:
        for name in ("statements", "batches", "pending"):
            table = METADATA.tables[name]
            rows = db.execute(sa.select(table).order_by(*table.primary_key.columns))
            state[name] = [tuple(row) for row in rows]
    home.close()
    return state


def test_every_task_works(here: Here, tmp_path: Path, shared_places: Places) -> None:
    """From the first file to receipts, an audit and a new index, on a machine that joined: as in any home."""
    root = tmp_path / "city"
    options = [f"--{name}={place}" for name, place in shared_places.items()]
    done = here("init", root, "--origin", ORIGIN, *options, "--json")
    assert done.code == 0, done.err
    assert {name: json.loads(done.out)[name] for name in shared_places} == shared_places
    with open_writer(root, clock) as writer:
        add_agency(writer, "rain-office", key("rain-office").public)
        add_feed(writer, contract(tmp_path, rules=("{rule: spike}", "{rule: rate, maximum: 2, per: 10 min}")))
    home = ("--home", joined(root, tmp_path / "other"))
    packed = tmp_path / "d.ndjson.gz"
    given = [ndjson(tmp_path / "a.ndjson", 0, 200), csv(tmp_path / "b.csv", 200, 100)]
    given += [parquet(tmp_path / "c.parquet", 300, 200), packed]
    packed.write_bytes(gzip.compress(ndjson(tmp_path / "d.ndjson", 500, 100).read_bytes(), mtime=0))
    done = here("ingest", "rain", *given, *home)
    assert done.code in (0, 1), done.err
    for which in ("0:5", "1:5", "2:5", "3:5"):
        done = here("receipt", "rain", "--record", which, "-o", tmp_path / "r.json", *home)
        assert done.code == 0, done.err
        assert here("verify", tmp_path / "r.json", "--policy", root / "trust.policy").code == 0
    (tmp_path / "panel.yaml").write_text(PANEL)
    for command in (
        f"panel build {tmp_path}/panel.yaml --to {tmp_path}/panel.parquet",
        f"table export rain --to {tmp_path}/rows.csv",
        f"quarantine show rain --to {tmp_path}/quarantine.csv",
        f"feed verdicts rain --to {tmp_path}/verdicts.parquet",
        *("feed show rain", "feed remember rain", "feed certify rain", "feed trust rain"),
        *("log fsck", "audit", "log show", "log reindex", "log fsck", "audit"),
    ):
        done = here(*command.split(), *home)
        assert done.code == 0, (command, done.out, done.err)
    assert not (root / "store").exists()
    assert sorted(p.name for p in (tmp_path / "other").iterdir()) == [
        *("keys", "lock", "lock.wanted", "trust.policy", "veracity.json")
    ]


def test_it_is_the_same_city(tmp_path: Path, shared_places: Places) -> None:
    """All that a home keeps itself is, elsewhere, the same to the byte."""
    given = [ndjson(tmp_path / "a.ndjson", 0, 200), parquet(tmp_path / "b.parquet", 200, 100)]
    states = []
    own: Places = {}
    for name, places in (("own", own), ("shared", shared_places)):
        root = founded(tmp_path / name, places)
        with open_writer(root, clock) as home:
            ingest(home, "rain", given)
        states.append(state_of(root))
    assert states[0] == states[1]


def test_models_are_trained_there(
    tmp_path: Path, machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model learns from sealed rows on one machine, is read on the other, and can be audited."""
    use_mean_rain(monkeypatch)
    RainCity(machines[0], tmp_path).take(NOW_HOUR - 47, 48)
    with open_writer(machines[0], clock) as writer:
        made = train(writer, APP, seed=1)
    home = Home.open(machines[1], clock)
    assert load_model(home, made.train.model_sha256)
    assert audit(home).findings == []
    home.close()


def test_a_version_of_a_table_is_committed_once(tmp_path: Path, machines: tuple[Path, Path], s3: S3) -> None:
    """Of two that commit one version of a table, the store lets one: the other fails, and says so."""
    given = ndjson(tmp_path / "a.ndjson", 0, 100)
    objects = S3Objects(s3.url)
    late = Table(objects, "tables/rain", objects.uri("tables/rain"), objects.options)
    assert late.version == 0
    with open_writer(machines[0], clock) as home:
        ingest(home, "rain", [given])
        rows = home.table("rain").scan().collect()
    with pytest.raises(StoreUnavailable, match="Concurrent transaction"):
        late.append(rows, 0, [])
    check_city(machines[0], 1)


def test_no_city_is_made_over_another(tmp_path: Path, machines: tuple[Path, Path], s3: S3) -> None:
    """Places that a city has are not taken for a new one, and the new home is cleared away."""
    document = json.loads((machines[0] / "veracity.json").read_text())
    objects: Places = {"objects": document["objects"]}
    database: Places = {"database": document["database"]}
    both: Places = {**objects, **database}
    for places in (objects, database, both):
        for origin in (ORIGIN, "another.example/city"):
            with pytest.raises(HomeExists, match="want an empty"):
                init(tmp_path / "new", origin, clock, **places)
            assert [path.name for path in (tmp_path / "new").iterdir()] == ["lock"]
    check_city(machines[0], 0)


@pytest.mark.parametrize(
    "places",
    [
        {"objects": "/var/objects"},
        {"objects": "https://bucket.example/prefix"},
        {"database": "sqlite:////var/city.db"},
        {"database": "postgresql://u:secret@127.0.0.1/db"},
        {"objects": "s3://bucket/a", "log_store": "s3://bucket/a/evidence"},
        {"objects": "s3://bucket/a", "log_state": "s3://bucket/a/state"},
    ],
)
def test_places_that_are_none(tmp_path: Path, places: Places) -> None:
    """What can be no place of a shared home is refused before anything is made, and no secret repeated."""
    with pytest.raises(BadLocation) as caught:
        init(tmp_path / "city", ORIGIN, clock, KEYS, **places)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "city").exists()


def test_personal_values_stay_on_one_machine(tmp_path: Path, machines: tuple[Path, Path]) -> None:
    """A feed with personal fields is refused: their keys would have to travel."""
    with pytest.raises(NotShared, match="keys of personal values"), open_writer(machines[0], clock) as home:
        add_feed(home, persons.contract(tmp_path))
    check_city(machines[0], 0)


def test_live_workers_on_two_machines(machines: tuple[Path, Path]) -> None:
    """What one worker has sealed another knows again, and goes on from there."""
    with open_writer(machines[0], clock) as writer:
        add_device(writer, f"{AGENCY}/g00", key(f"{AGENCY}/g00").public)
    workers = [Turner(root, clock) for root in machines]
    said = []
    for worker, ages in zip((*workers, workers[0]), ((9,), (9, 8), (8, 7)), strict=True):
        told = worker.turn([signed("G00", record("G00", age)) for age in ages])
        said.append([(t.batch, t.accepted, t.duplicate) for t in told])
        worker.close()
    assert said == [[(0, 1, 0)], [(1, 1, 1)], [(2, 1, 1)]]
    check_city(machines[1], 3)


def test_damage_is_found(tmp_path: Path, machines: tuple[Path, Path], s3: S3) -> None:
    """What was changed or removed in the bucket is found by an audit, which goes on past it."""
    given = [ndjson(tmp_path / "a.ndjson", 0, 100), parquet(tmp_path / "b.parquet", 100, 64)]
    with open_writer(machines[0], clock) as writer:
        ingest(writer, "rain", given)
        names = [path for path in writer.objects.list("") if path.split("/")[0] not in ("log", "contracts")]
    store, chosen = s3.store(), {(n.split("/")[0], n.endswith("received")): n for n in names}
    for name in chosen.values():
        whole = bytes(obstore.get(store, name).bytes())
        for damage in (whole[: len(whole) // 2], None):
            if damage is None:
                obstore.delete(store, name)
            else:
                obstore.put(store, name, damage)
            home = Home.open(machines[1], clock)
            assert audit(home).findings, (name, damage)
            home.close()
        obstore.put(store, name, whole)
    check_city(machines[0], 2)


def test_readers_write_nothing(machines: tuple[Path, Path], tmp_path: Path) -> None:
    """A home open for reading does not write to the bucket, whatever its rights there."""
    home = Home.open(machines[1], clock)
    (tmp_path / "given").write_bytes(b"x")
    with pytest.raises(StoreUnavailable, match="read-only"):
        home.objects.put("a", b"x")
    with pytest.raises(StoreUnavailable, match="read-only"):
        home.objects.put_file("a", tmp_path / "given", digest(tmp_path / "given"))
    with pytest.raises(StoreUnavailable, match="read-only"):
        home.objects.delete("contracts")
    home.close()


def test_a_machine_with_an_old_key_writes_nothing(machines: tuple[Path, Path]) -> None:
    """After the operator's key is replaced on one machine the other must get it to write again."""
    with open_writer(machines[0], clock) as home:
        rotate_operator(home, None, None)
    with pytest.raises(VeracityError), open_writer(machines[1], clock):
        pass
    shutil.copytree(machines[0] / "keys", machines[1] / "keys", dirs_exist_ok=True)
    with open_writer(machines[1], clock) as home:
        add_agency(home, "river-office", key("river-office").public)
    check_city(machines[0], 0)


@pytest.mark.parametrize("away", ["AWS_ENDPOINT_URL", "PGPASSWORD"])
def test_a_store_out_of_reach(
    tmp_path: Path, machines: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    """Where a store is away, reading and writing end with one line of ours; back again, all goes on."""
    given = ndjson(tmp_path / "a.ndjson", 0, 100)
    with open_writer(machines[0], clock) as home:
        ingest(home, "rain", [given])
    with monkeypatch.context() as patched:
        patched.setenv(away, "http://127.0.0.1:1" if away.startswith("AWS") else "wrong")
        with pytest.raises(StoreUnavailable) as caught, open_writer(machines[0], clock):
            pass
        assert "\n" not in str(caught.value)
        with pytest.raises(StoreUnavailable) as caught:
            read(machines[0])
        assert "\n" not in str(caught.value)
    check_city(machines[0], 1)


def read(root: Path) -> None:
    """Read from both stores."""
    home = Home.open(root, clock)
    try:
        home.table("rain").scan().collect()
        home.feed_names()
    finally:
        home.close()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
