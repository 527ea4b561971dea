"""Durable writes fail once, before and after they took effect; then reopen, go on, compare everything.

Where a task writes much, ``make test`` fails every second write, ``VERACITY_ALL_FAULTS=1`` every one. After
one is, on disk, before the next: every state that a failure can leave is met in both.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from judged_city import CONTRACT, FEED
from judged_city import file as river_file
from small_city import (
    NOW,
    PANEL,
    clock,
    contract,
    differences,
    key,
    ndjson,
    new_city,
    parquet,
    whole_state,
)
from veracity.data.rewriting import GRACE
from veracity.home.audit import audit
from veracity.home.certificates import certify
from veracity.home.compaction import compact, wall_clock
from veracity.home.contracts import add_feed
from veracity.home.directory import Directory, open_directory
from veracity.home.enrolments import add_agency
from veracity.home.errors import AgencyExists, NoRowsWaiting
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.lock import writing
from veracity.home.panels import build_and_say
from veracity.home.releases import reject, release
from veracity.home.remember import remember
from veracity.home.selection import Selection
from veracity.home.stores import Stores
from veracity.log.doors import StoreUnavailable
from veracity.log.fsck import fsck
from veracity.stores.database import Database
from veracity.stores.objects import LocalObjects

Task = Callable[[Writer], object]
STEP = 1 if os.environ.get("VERACITY_ALL_FAULTS") == "1" else 2


class Fault:
    """Counts durable writes; fails number ``at``, before it took effect or after."""

    def __init__(self, at: int = -1, after: bool = False) -> None:
        self.at = at
        self.after = after
        self.n_writes = 0

    @contextmanager
    def around(self) -> Iterator[None]:
        fails = self.n_writes == self.at
        self.n_writes += 1
        if fails and not self.after:
            raise StoreUnavailable("write: no space left on device")
        yield
        if fails:
            raise StoreUnavailable("write: input/output error")


class FaultyObjects(LocalObjects):
    """Files of which one write fails. Those of ``put_many`` are written one by one: it promises no more.

    A Delta commit stands between the ``put`` of its rows and the ``sync`` of its own file, so
    that it fails, before and after, with these.
    """

    def __init__(self, root: Path, fault: Fault) -> None:
        super().__init__(root, durable=False)
        self.fault = fault

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        for item in items:
            with self.fault.around():
                super().put_many([item])

    def put_file(self, path: str, source: Path, sha256: str) -> None:
        with self.fault.around():
            super().put_file(path, source, sha256)

    def sync(self, path: str) -> None:
        with self.fault.around():
            super().sync(path)

    def delete(self, path: str) -> None:
        with self.fault.around():
            super().delete(path)


class FaultyDatabase(Database):
    """A database of which one commit fails."""

    def __init__(self, path: Path, fault: Fault) -> None:
        self.fault = fault
        super().__init__(path, durable=False)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.fault.around(), super().writing() as connection:
            yield connection


def stores(directory: Directory, fault: Fault) -> Stores:
    objects = FaultyObjects(directory.store, fault)
    return Stores(
        objects, FaultyObjects(directory.store / "log", fault), FaultyDatabase(directory.database, fault)
    )


def run(root: Path, task: Task, fault: Fault) -> None:
    """Open a city over stores that fail once, and do a task in it."""
    directory = open_directory(root)
    with writing(directory):
        home = Writer(directory, clock, stores(directory, fault))
        try:
            task(home)
        finally:
            home.close()


def check_sound(root: Path) -> None:
    home = Home.open(root, clock)
    try:
        assert fsck(home.log_objects, home.log_verifier).findings == ()
        assert audit(home).findings == []
    finally:
        home.close()


class World:
    """A city before a task and the state after it, undisturbed."""

    def __init__(self, folder: Path, task: Task, before: Task | None = None) -> None:
        self.folder, self.task = folder, task
        self.base = new_city(folder / "base")
        if before is not None:
            run(self.base, before, Fault())
        fault = Fault()
        root = self.copy()
        run(root, task, fault)
        check_sound(root)
        self.n_writes, self.want = fault.n_writes, whole_state(root)

    def copy(self) -> Path:
        root = self.folder / "city"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.base, root)
        return root

    def fail(self, *faults: Fault) -> None:
        """Let attempts fail one after the other, then one succeed; the state must be as undisturbed."""
        root = self.copy()
        for fault in faults:
            try:
                run(root, self.task, fault)
            except StoreUnavailable:
                pass
            else:
                # A write after which nothing can fail any more: the deleting of what is not needed.
                assert fault.at >= fault.n_writes or not differences(whole_state(root), self.want)
        run(root, self.task, Fault())
        assert differences(whole_state(root), self.want) == []
        check_sound(root)


def taking(*files: Path) -> Task:
    return lambda home: ingest(home, "rain", files, resume=True, records_per_part=128)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_ingest_survives_every_failing_write(tmp_path: Path, after: bool) -> None:
    """Wherever an ingest of text fails, resume gives the tables, evidence and log of an undisturbed run."""
    world = World(tmp_path, taking(ndjson(tmp_path / "a.ndjson", 0, 200)))
    assert world.n_writes > 20
    for at in range(0, world.n_writes, STEP):
        world.fail(Fault(at, after))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_ingest_of_columns_survives_every_failing_write(tmp_path: Path, after: bool) -> None:
    """The same for a Parquet file on top of batches that are there."""
    first = taking(ndjson(tmp_path / "a.ndjson", 0, 100))
    world = World(tmp_path, taking(parquet(tmp_path / "b.parquet", 60, 150)), first)
    for at in range(STEP - 1, world.n_writes, STEP):
        world.fail(Fault(at, after))


def test_a_failure_while_recovering_from_a_failure(tmp_path: Path) -> None:
    """Two and three failures in a row, anywhere, end in the same state too."""
    world = World(tmp_path, taking(ndjson(tmp_path / "a.ndjson", 0, 250)))
    rng = np.random.default_rng(7)
    for _ in range(25):
        n = int(rng.integers(2, 4))
        world.fail(*(Fault(int(rng.integers(0, world.n_writes)), bool(rng.integers(2))) for _ in range(n)))


def forgiving(home: Writer) -> None:
    with suppress(AgencyExists):
        add_agency(home, "second", key("second").public)


@pytest.mark.parametrize("what", ["agency", "feed", "version", "panel", "refusal"])
def test_other_tasks_survive_every_failing_write(tmp_path: Path, what: str) -> None:
    """Enrolling, adding a feed or a version of one, building a panel, refusing a file: the same."""
    (tmp_path / "panel.yaml").write_text(PANEL, encoding="utf-8")
    strict = contract(tmp_path, version="2.0.0", signature="required")
    new = contract(tmp_path, "snow")
    file = ndjson(tmp_path / "a.ndjson", 0, 100)
    tasks: dict[str, Task] = {
        "agency": forgiving,
        "feed": lambda home: add_feed(home, new),
        "version": lambda home: add_feed(home, strict),
        "panel": lambda home: build_and_say(home, tmp_path / "panel.yaml"),
        "refusal": lambda home: (
            home.index.batches("rain")[1:] or ingest(home, "rain", [file], sign=key("forger"))
        ),
    }
    before = taking(ndjson(tmp_path / "b.ndjson", 0, 100))
    world = World(tmp_path, tasks[what], before)
    for after in (False, True):
        for at in range(world.n_writes):
            world.fail(Fault(at, after))


def test_what_was_answered_is_kept(tmp_path: Path) -> None:
    """Whatever ``ingest`` reported before a failure is in the log afterwards, at the place it named."""
    root = new_city(tmp_path / "city")
    files = [ndjson(tmp_path / f"{i}.ndjson", i * 50, 50) for i in range(3)]
    for at in range(0, 60, 7):
        answered: dict[int, str] = {}

        def task(home: Writer, said: dict[int, str] = answered) -> None:
            for file in files:
                (report,) = ingest(home, "rain", [file], resume=True)
                said.update((entry, report.sha256) for entry in report.entries)

        with suppress(StoreUnavailable):
            run(root, task, Fault(at, after=bool(at % 2)))
        with open_writer(root, clock) as home:
            for entry, sha256 in answered.items():
                assert home.index.predicate(entry)["file"]["sha256"] == sha256
    check_sound(root)


def test_reindex_gives_the_same_index(tmp_path: Path) -> None:
    """The index made again from the log alone is the one that grew with it."""
    root = new_city(tmp_path / "city")
    run(root, taking(ndjson(tmp_path / "a.ndjson", 0, 300)), Fault())
    before = whole_state(root)
    with open_writer(root, clock, reindex=True):
        pass
    assert differences(before, whole_state(root)) == []


RANGE = Selection(reason="range")


def releasing(home: Writer) -> None:
    """Let rows in, unless that was done before the failure."""
    with suppress(NoRowsWaiting):
        release(home, "rain", RANGE, "An", "checked", ["range:rain"])


def rejecting(home: Writer) -> None:
    with suppress(NoRowsWaiting):
        reject(home, "rain", RANGE, "An", "broken")


def setting_aside_again(home: Writer) -> None:
    with suppress(NoRowsWaiting):
        release(home, "rain", Selection(batch=0, reason="range"), "An", "no waiver")


@pytest.mark.parametrize("task", [releasing, rejecting, setting_aside_again])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_decisions_survive_every_failing_write(tmp_path: Path, task: Task, after: bool) -> None:
    """Wherever a decision fails, saying it again gives the log, table and evidence of an undisturbed run."""
    world = World(tmp_path, task, taking(ndjson(tmp_path / "a.ndjson", 0, 150)))
    assert world.n_writes > 5
    for at in range(0, world.n_writes, STEP):
        world.fail(Fault(at, after))


def test_decisions_survive_failures_in_a_row(tmp_path: Path) -> None:
    """Two and three failures in a row, anywhere, end in the same state too."""
    world = World(tmp_path, releasing, taking(ndjson(tmp_path / "a.ndjson", 0, 150)))
    rng = np.random.default_rng(11)
    for _ in range(15):
        n = int(rng.integers(2, 4))
        world.fail(*(Fault(int(rng.integers(0, world.n_writes)), bool(rng.integers(2))) for _ in range(n)))


DAY_OVER = date(2026, 9, 2)


def river_contract(folder: Path) -> Path:
    path = folder / "river.yaml"
    path.write_text(CONTRACT, encoding="utf-8")
    return path


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_sensor_rules_survive_every_failing_write(tmp_path: Path, after: bool) -> None:
    """Wherever an ingest fails, resume leaves the verdicts, health and state of an undisturbed run."""
    rules, day = river_contract(tmp_path), river_file(tmp_path, 0)

    def adding(home: Writer) -> object:
        return add_feed(home, rules)

    def taking(home: Writer) -> object:
        return ingest(home, FEED, [day], resume=True, records_per_part=128)

    world = World(tmp_path, taking, adding)
    kept = {name.split("/")[0] for name in world.want}
    assert {"verdicts", "health", "state", "quarantine"} <= kept
    for at in range(STEP - 1, world.n_writes, STEP):
        world.fail(Fault(at, after))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_certify_survives_every_failing_write(tmp_path: Path, after: bool) -> None:
    """Wherever certifying fails, saying it again says it once, and keeps the same health."""
    rules, day = river_contract(tmp_path), river_file(tmp_path, 0)

    def taking(home: Writer) -> None:
        home.clock = lambda: NOW - timedelta(days=1)
        add_feed(home, rules)
        ingest(home, FEED, [day])

    world = World(tmp_path, lambda home: certify(home, FEED, DAY_OVER), taking)
    assert any(name.startswith("certificates/") for name in world.want)
    for at in range(world.n_writes):
        world.fail(Fault(at, after))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_remember_survives_every_failing_write(tmp_path: Path, after: bool) -> None:
    """Wherever making states again fails, doing it again brings them all back."""
    rules, day = river_contract(tmp_path), river_file(tmp_path, 0, 8)

    def taking(home: Writer) -> None:
        add_feed(home, rules)
        ingest(home, FEED, [day], records_per_part=64)

    world = World(tmp_path, taking)
    want = world.want
    whole = world.copy()
    run(whole, taking, Fault())
    for at in range(2):
        root = tmp_path / f"damaged-{at}"
        shutil.copytree(whole, root)
        shutil.rmtree(root / "store" / "state")
        with pytest.raises(StoreUnavailable):
            run(root, lambda home: remember(home, FEED), Fault(at, after))
        run(root, lambda home: remember(home, FEED), Fault())
        check_sound(root)
        assert differences(whole_state(root), want) == []


def many_batches(home: Writer) -> None:
    """Take in nine files, a batch each, two hours ago."""
    home.clock = lambda: NOW - timedelta(hours=2)
    folder = home.directory.root.parent
    files = [ndjson(folder / f"{i}.ndjson", i * 20, 20) for i in range(9)]
    ingest(home, "rain", files, resume=True)


def compacting(home: Writer) -> None:
    """Compact, and then again when the files replaced may go."""
    compact(home, "rain")
    compact(home, "rain", wall=lambda: wall_clock() + 2 * GRACE)


def readable(root: Path) -> list[object]:
    """What anybody reads of a table, and which of its files are on disk."""
    table = Home.open(root, clock).table("rain")
    left = {path.name for path in (root / "store/tables/rain").glob("*.parquet")}
    return [table.scan().collect().rows(), table.last_batch, left - {f.name for f in table.table_files()}]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_compaction_survives_every_failing_write(tmp_path: Path, after: bool) -> None:
    """Wherever it fails the table reads right at once, and a compaction later leaves no file too many."""
    world = World(tmp_path, compacting, many_batches)
    rows, last, too_many = readable(world.copy())
    assert not too_many
    undisturbed = Fault()
    run(world.copy(), compacting, undisturbed)
    assert undisturbed.n_writes > 9
    for at in range(0, undisturbed.n_writes, STEP):
        root = world.copy()
        with suppress(StoreUnavailable):
            run(root, compacting, Fault(at, after))
        assert readable(root)[:2] == [rows, last], f"write {at}"
        run(root, compacting, Fault())
        assert readable(root) == [rows, last, set()], f"write {at}"
        assert Home.open(root, clock).table("rain").files().height == 1
        check_sound(root)
        assert not set(differences(whole_state(root), world.want)) - {"version rain"}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_batch_after_a_failed_compaction(tmp_path: Path, after: bool) -> None:
    """What a compaction left behind, wherever it failed, is in nobody's way: batches go on, none is twice."""
    more = taking(ndjson(tmp_path / "more.ndjson", 150, 90))

    def both(home: Writer) -> None:
        home.clock = clock
        with suppress(StoreUnavailable):
            compact(home, "rain")
        more(home)

    world = World(tmp_path, both, many_batches)
    whole = world.copy()
    run(whole, both, Fault())
    want = readable(whole)[:2]
    for at in range(0, world.n_writes, 3):
        root = world.copy()
        with suppress(StoreUnavailable):
            run(root, both, Fault(at, after))
        run(root, both, Fault())
        assert readable(root)[:2] == want
        check_sound(root)
