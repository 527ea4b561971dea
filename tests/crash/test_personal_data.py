"""Personal data and crashes: no key without its record, no erasure half done, whatever write fails.

Keys are random, so that two runs never write the same bytes: what is compared is everything said,
with each value as its key opens it. Of a task's many writes ``make test`` fails every second, which meets
every state on disk; ``VERACITY_ALL_FAULTS=1`` every one.
"""

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from persons import FEED, csv, leaks, new_city, persons, secrets_of
from run_cli import run as run_command
from run_cli import start
from small_city import clock
from veracity.data.lake import collect_rows
from veracity.data.personal.token import TOKEN, name_of, open_token
from veracity.home.audit import audit
from veracity.home.directory import Directory, open_directory
from veracity.home.erasures import erase_value
from veracity.home.errors import NothingPersonal
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.home.lock import writing
from veracity.home.persons import opened_vault
from veracity.home.stores import Stores
from veracity.home.vault import Vault
from veracity.log.doors import StoreUnavailable
from veracity.log.fsck import fsck
from veracity.stores.database import Database
from veracity.stores.objects import LocalObjects

STEP = 1 if os.environ.get("VERACITY_ALL_FAULTS") == "1" else 2

Task = Callable[[Writer], object]
BY, WHY = "Nguyen Van Dung", "letter of 3 September"
ROWS = persons(80)
MINE = ROWS[40]["phone"]


class Fault:
    """Counts durable writes; number ``at`` fails, before it took effect or ``after``."""

    def __init__(self, at: int = -1, *, after: bool = False) -> None:
        self.at, self.after, self.n_writes = at, after, 0

    @contextmanager
    def around(self) -> Iterator[None]:
        fails, self.n_writes = self.n_writes == self.at, self.n_writes + 1
        if fails and not self.after:
            raise StoreUnavailable("write: no space left on device")
        yield
        if fails:
            raise StoreUnavailable("write: input/output error")


class FailingObjects(LocalObjects):
    """Objects of which one write fails."""

    def __init__(self, root: Path, fault: Fault) -> None:
        super().__init__(root, durable=False)
        self.fault = fault

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        with self.fault.around():
            super().put_many(items)


class FailingDatabase(Database):
    """A database of which one commit fails."""

    def __init__(self, path: Path, fault: Fault, **more: object) -> None:
        self.fault = fault
        super().__init__(path, durable=False, **more)  # type: ignore[arg-type]

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.fault.around(), super().writing() as connection:
            yield connection


class FailingVault(Vault):
    """A vault of which one commit fails, or one emptying of its write-ahead log."""

    def __init__(self, directory: Directory, database: Database, fault: Fault) -> None:
        super().__init__(directory, database)
        database.close()
        self.fault = fault
        self._database = FailingDatabase(database.path, fault, metadata=database.metadata)

    def _empty_wal(self) -> None:
        with self.fault.around():
            super()._empty_wal()


class FailingWriter(Writer):
    """A home of which one write fails: objects, database or vault."""

    def __init__(self, directory: Directory, fault: Fault) -> None:
        self.fault = fault
        stores = Stores(
            FailingObjects(directory.store, fault),
            FailingObjects(directory.store / "log", fault),
            FailingDatabase(directory.database, fault),
        )
        super().__init__(directory, clock, stores)

    def vault(self, *, read_only: bool = False) -> Vault | None:
        vault = super().vault(read_only=read_only)
        return None if vault is None else FailingVault(self.directory, vault._database, self.fault)

    def make_vault(self) -> Vault:
        return FailingVault(self.directory, super().make_vault()._database, self.fault)


def run(root: Path, task: Task, fault: Fault) -> None:
    directory = open_directory(root)
    with writing(directory):
        home = FailingWriter(directory, fault)
        try:
            task(home)
        finally:
            home.close()


def state(root: Path) -> dict[str, object]:
    """Everything said and kept, values as their keys open them; the home must be sound."""
    assert leaks(root, secrets_of(ROWS)) == []
    with open_writer(root, clock):
        pass  # finishes what a crash left
    home = Home.open(root, clock)
    try:
        assert fsck(home.log_objects, home.log_verifier).findings == ()
        assert audit(home).findings == []
        with opened_vault(home) as vault:
            rows = [
                tuple(_opened(vault, v) for v in row)
                for row in collect_rows(home.table(FEED).scan()).iter_rows()
            ]
            assert vault.pending() == []
            assert vault.unfinished() == []
        said = [
            (p["batch"], p["counts"], p["reasons"], p["refusals"], p["part"])
            for _, p in home.index.predicates("ingest", FEED)
        ]
        erased = [(p["batches"], p["records"]["rows"]) for _, p in home.index.predicates("erase", FEED)]
        return {
            "rows": rows,
            "said": said,
            "erased": erased,
            "kinds": home.index.kinds(),
            "kept": {table: _count(root, table) for table in ("keys", "pseudonyms", "files", "erasures")},
            "staging": [path.name for path in (root / "staging").iterdir()],
        }
    finally:
        home.close()


def _opened(vault: Vault, value: object) -> object:
    if not isinstance(value, str) or not TOKEN.fullmatch(value):
        return value
    key = vault.key(name_of(value))
    return "erased" if key is None else open_token(value, FEED, ("resident", "phone"), key)[1]


def _count(root: Path, table: str) -> int:
    database = sqlite3.connect(root / "vault.db")
    try:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    finally:
        database.close()


def taking(path: Path) -> Task:
    return lambda home: ingest(home, FEED, [path], resume=True, records_per_part=64)


def erasing(home: Writer) -> None:
    """Erase, unless that was done before the failure."""
    with suppress(NothingPersonal):
        erase_value(home, FEED, "phone", MINE, BY, WHY)


def rotating(home: Writer) -> None:
    with opened_vault(home) as vault:
        vault.rotate()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", ["take", "erase", "rotate"])
def test_every_failing_write(tmp_path: Path, what: str, after: bool) -> None:
    """Wherever taking in, erasing or changing the master key fails, again gives what one quiet run gives."""
    path = csv(tmp_path / "a.csv", ROWS, dirty=True)
    task = {"take": taking(path), "erase": erasing, "rotate": rotating}[what]
    base = new_city(tmp_path / "base")
    if what != "take":
        run(base, taking(path), Fault())
    root = tmp_path / "city"
    shutil.copytree(base, root)
    quiet = Fault()
    run(root, task, quiet)
    want = state(root)
    assert quiet.n_writes > 3
    for at in range(0, quiet.n_writes, STEP if quiet.n_writes > 15 else 1):
        shutil.rmtree(root)
        shutil.copytree(base, root)
        with suppress(StoreUnavailable):
            run(root, task, Fault(at, after=after))
        run(root, task, Fault())
        assert state(root) == want, f"write {at}"


def test_failures_in_a_row(tmp_path: Path) -> None:
    """Two and three failures one after the other, anywhere, end in the same state too."""
    path = csv(tmp_path / "a.csv", ROWS[:70], dirty=True)
    base = new_city(tmp_path / "base")
    root = tmp_path / "city"
    shutil.copytree(base, root)
    writes = []
    for task in (taking(path), erasing):
        quiet = Fault()
        run(root, task, quiet)
        writes.append(quiet.n_writes)
    want = state(root)
    rng = np.random.default_rng(5)
    for _ in range(10):
        shutil.rmtree(root)
        shutil.copytree(base, root)
        for task, n_writes in zip((taking(path), erasing), writes, strict=True):
            for at in rng.integers(0, n_writes, int(rng.integers(2, 4))).tolist():
                with suppress(StoreUnavailable):
                    run(root, task, Fault(at, after=bool(rng.integers(2))))
            run(root, task, Fault())
        assert state(root) == want


@pytest.mark.parametrize("seed", range(2))
def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    """Killed at random points of protecting, sealing and erasing, then resumed: as in one quiet run."""
    rng = np.random.default_rng(seed)
    path = csv(tmp_path / "a.csv", ROWS, dirty=True)
    base = new_city(tmp_path / "base")
    quiet = tmp_path / "quiet"
    shutil.copytree(base, quiet)
    take = ["ingest", FEED, path, "--resume", "--batch", "64"]
    erase = ["personal", "erase", FEED, "--field", "phone", "--value", MINE, "--by", BY, "--reason", WHY]
    for command in (take, erase):
        assert run_command(*command, "--home", quiet).code == 0
    want = state(quiet)
    for command in (take, erase):
        for _ in range(3):
            process = start(*command, "--home", base)
            _at_work(base, process.pid)
            time.sleep(rng.uniform(0.0, 0.3))
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
        assert run_command(*command, "--home", base).code in (0, 1)  # 1: erased before it was killed
    assert state(base) == want


def _at_work(root: Path, pid: int) -> None:
    for _ in range(3000):
        if (root / "lock").read_text() == f"{pid}\n" or not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.01)
