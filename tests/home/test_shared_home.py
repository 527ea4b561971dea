"""A home that machines share: its objects in S3, its database in PostgreSQL, one writer at a time."""

import gzip
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import obstore
import pytest
import sqlalchemy as sa

import persons
from city_writer import STEPS, at_step
from rain_app import NOW_HOUR, RainCity
from released_city import APP, use_mean_rain
from run_cli import Here, environment
from servers import S3
from shared_city import KEYS, Places, cut_off, founded, joined, shared_places
from small_city import ORIGIN, PANEL, clock, contract, csv, key, ndjson, parquet
from veracity.errors import VeracityError
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency, rotate_operator
from veracity.home.errors import HomeExists, NotShared
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.models.registry import load_model
from veracity.home.models.training import train
from veracity.log.doors import StoreUnavailable
from veracity.log.fsck import fsck
from veracity.stores.database import METADATA
from veracity.stores.errors import BadLocation

__all__ = ["shared_places"]  # a fixture
State = dict[str, object]


@pytest.fixture
def machines(tmp_path: Path, shared_places: Places) -> tuple[Path, Path]:
    """A city with a feed, on two machines."""
    root = founded(tmp_path / "city", shared_places)
    return root, joined(root, tmp_path / "other")


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


def check(root: Path, n_batches: int) -> None:
    """The log is sound, its batches are there once each, and everything is as it says."""
    home = Home.open(root, clock)
    assert fsck(home.log_objects, home.log_verifier).findings == ()
    assert audit(home).findings == []
    assert [row.batch for row in home.index.batches("rain")] == list(range(n_batches))
    assert home.index.pending() == []
    home.close()


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
    for record in ("0:5", "1:5", "2:5", "3:5"):
        done = here("receipt", "rain", "--record", record, "-o", tmp_path / "r.json", *home)
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


@pytest.mark.parametrize("step", STEPS)
def test_another_machine_takes_over(tmp_path: Path, machines: tuple[Path, Path], step: str) -> None:
    """A machine that dies after any step of a batch holds nobody up, and nothing is lost or there twice."""
    given = ndjson(tmp_path / "a.ndjson", 0, 150)
    process = writer_process(machines[0], "killed-after", step, given)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    with open_writer(machines[1], clock, wait_s=60) as home:
        ingest(home, "rain", [given], records_per_part=64, resume=True)
    check(machines[1], 3)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_writer_cut_off_does_no_harm(
    tmp_path: Path, machines: tuple[Path, Path], postgres: str, step: str, after: bool
) -> None:
    """A machine that lost its lock unawares, and goes on, ends with an error and changes nothing more."""
    given = ndjson(tmp_path / "a.ndjson", 0, 150)

    def lose() -> None:
        cut_off(postgres)
        with open_writer(machines[1], clock, wait_s=60) as other:
            ingest(other, "rain", [given], records_per_part=64, resume=True)

    undo = at_step(step, lose, after=after)
    try:
        with pytest.raises(VeracityError), open_writer(machines[0], clock) as home:
            ingest(home, "rain", [given], records_per_part=64)
    finally:
        undo()
    check(machines[0], 3)


def test_rows_of_a_writer_cut_off_are_barred(
    tmp_path: Path, machines: tuple[Path, Path], postgres: str
) -> None:
    """Rows under way while another machine forgets their batch never reach the table."""

    def lose() -> None:
        cut_off(postgres)
        with open_writer(machines[1], clock, wait_s=60):
            pass  # forgets what was put aside, and does no batch itself

    undo = at_step("rows", lose, after=False)
    try:
        with pytest.raises(StoreUnavailable), open_writer(machines[0], clock) as home:
            ingest(home, "rain", [ndjson(tmp_path / "a.ndjson", 0, 100)])
    finally:
        undo()
    check(machines[0], 0)
    with open_writer(machines[0], clock) as home:
        ingest(home, "rain", [ndjson(tmp_path / "b.ndjson", 0, 100)])
    check(machines[1], 1)


def test_machines_in_turns(tmp_path: Path, machines: tuple[Path, Path]) -> None:
    """Two machines that write all the time, and let each other in: one log, every file in it once."""
    files = [[ndjson(tmp_path / f"{m}-{i}.ndjson", 100 * (2 * i + m), 100) for i in range(8)] for m in (0, 1)]
    processes = [writer_process(machines[m], "in-turns", *files[m]) for m in (0, 1)]
    for process in processes:
        _, err = process.communicate(timeout=240)
        assert (process.returncode, err) == (0, "")
    check(machines[0], 2 * 2 * 8)
    home = Home.open(machines[0], clock)
    first = [row.file_sha256 for row in home.index.batches("rain") if row.part == 0]
    home.close()
    assert sorted(first) == sorted(digest(f) for group in files for f in group)
    is_mine = [f in {digest(file) for file in files[0]} for f in first]
    assert sum(a != b for a, b in pairwise(is_mine)) > 2


def test_a_version_of_a_table_is_committed_once(tmp_path: Path, machines: tuple[Path, Path]) -> None:
    """Of two that commit one version of a table, the store lets one: the other fails, and says so."""
    given = ndjson(tmp_path / "a.ndjson", 0, 100)
    late = Home.open(machines[1], clock).table("rain")
    assert late.version == 0
    with open_writer(machines[0], clock) as home:
        ingest(home, "rain", [given])
        rows = home.table("rain").scan().collect()
    with pytest.raises(StoreUnavailable, match="Concurrent transaction"):
        late.append(rows, 0, [])
    check(machines[0], 1)


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
    check(machines[0], 0)


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
    check(machines[0], 0)


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
    check(machines[0], 2)


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
    check(machines[0], 0)


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
    check(machines[0], 1)


def writer_process(root: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start a machine of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "city_writer", str(root), *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


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
