"""A city with witnesses: what is sealed is kept, what is published has their quorum, no old backup signs."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from run_cli import run
from served import Served, serving
from small_city import clock, ndjson, new_city
from veracity.home.audit import audit
from veracity.home.cose_exports import export_consistency
from veracity.home.errors import RecordNotFound, StateBehind
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.publication import Publication
from veracity.home.receipts import find_record, make_receipt
from veracity.log.errors import QuorumNotMet
from veracity.log.fsck import fsck
from veracity.log.notes import parse_note
from veracity.verifying import verify


class Witnesses:
    """Two real witnesses of one city, each to be stopped and started again."""

    def __init__(self, folder: Path, policy: Path, stack: ExitStack) -> None:
        self._folder, self._policy, self._stack = folder, policy, stack
        self.lines: dict[str, str] = {}
        self.running: dict[str, Served] = {}
        for name in ("uni-a.example/w", "uni-b.example/w"):
            self.start(name)

    def start(self, name: str) -> None:
        where = self._folder / name.split("/")[0]
        command: list[str | Path] = ["witness", "serve", self._policy, "--name", name, "--dir", where]
        self.running[name] = self._stack.enter_context(serving(*command))
        self.lines[name] = self.running[name].said["policy_line"]

    def stop(self, name: str) -> None:
        assert self.running[name].stop()[0] == 0


def believe(root: Path, witnesses: Witnesses, quorum: str = "both") -> None:
    """Write the witnesses into the city's policy, as its operator would."""
    policy = root / "trust.policy"
    logs = [line for line in policy.read_text().splitlines() if line.startswith("log ")]
    group = f"group both all {' '.join(witnesses.lines)}"
    policy.write_text("\n".join([*logs, *witnesses.lines.values(), group, f"quorum {quorum}", ""]))


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


@pytest.fixture
def witnesses(city: Path, tmp_path: Path) -> Iterator[Witnesses]:
    """Two witnesses that watch the city's log, named in its policy with a quorum of both."""
    with ExitStack() as stack:
        found = Witnesses(tmp_path, city / "trust.policy", stack)
        believe(city, found)
        yield found


def take(root: Path, file: Path) -> None:
    with open_writer(root, clock) as home:
        ingest(home, "rain", [file], records_per_part=64)


def sizes(root: Path) -> tuple[int, int]:
    """How many entries are published, and how many signed."""
    home = Home.open(root, clock)
    try:
        return home.published().size, home.reader().size
    finally:
        home.close()


def test_what_is_published_has_the_quorum(city: Path, witnesses: Witnesses, tmp_path: Path) -> None:
    """After an ingest the checkpoint carries both cosignatures, and a receipt verifies by the policy."""
    take(city, ndjson(tmp_path / "a.ndjson", 0, 200))
    home = Home.open(city, clock)
    assert home.published().size == home.reader().size
    note = parse_note(home.published().checkpoint_note)
    assert {s.name for s in note.signatures} == {home.directory.origin, *witnesses.lines}
    checked = verify(make_receipt(home, "rain", find_record(home, "rain", 0, 3)), home.policy)
    assert set(checked.witnesses) == set(witnesses.lines)
    assert not any("witnesses: the policy asks for none" in line for line in checked.not_checked)
    assert audit(home).findings == []
    assert fsck(home.log_objects, home.log_verifier).findings == ()
    home.close()


def test_a_witness_that_is_away_keeps_nothing_from_being_sealed(
    city: Path, witnesses: Witnesses, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the quorum the city takes in and says so; a receipt waits; then one command makes up for it."""
    take(city, ndjson(tmp_path / "a.ndjson", 0, 100))
    before = sizes(city)[0]
    witnesses.stop("uni-b.example/w")
    take(city, ndjson(tmp_path / "b.ndjson", 100, 200))
    assert "uni-b.example/w unreachable" in caplog.text
    assert sizes(city) == (before, before + 4)
    home = Home.open(city, clock)
    batch = home.index.next_batch("rain")[0] - 1
    with pytest.raises(RecordNotFound, match="not cosigned it yet"):
        make_receipt(home, "rain", find_record(home, "rain", batch, 0))
    assert audit(home).findings == []
    home.close()
    done = run("log", "fsck", "--home", city)
    assert (done.code, done.out.startswith("sound: ")) == (0, True)
    home = Home.open(city, clock)
    place, vkey = str(city / "store" / "log"), home.log_verifier.format()
    home.close()
    done = run("log", "fsck", "--log", place, "--key", vkey)
    assert (done.code, done.out.splitlines()[0][:7]) == (0, "sound: "), done
    assert "files beyond what is published: its witnesses may be awaited" in done.out
    with open_writer(city, clock) as writer:
        assert (
            export_consistency(writer, 2)[2].size == before
        )  # nobody's signature goes ahead of the witnesses
    assert f"published  {before}" in run("log", "show", "--home", city).out
    done = run("log", "publish", "--home", city)
    assert done.code == 4
    assert "not published" in done.out
    witnesses.start("uni-b.example/w")
    believe(city, witnesses)
    done = run("log", "publish", "--home", city)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("cosigned") == 2
    assert sizes(city) == (before + 4, before + 4)


def test_a_city_put_back_to_a_backup_signs_nothing(city: Path, witnesses: Witnesses, tmp_path: Path) -> None:
    """The whole home restored from a backup, database and all, is stopped by what its witnesses remember."""
    take(city, ndjson(tmp_path / "a.ndjson", 0, 100))
    backup = shutil.copytree(city, tmp_path / "backup")
    take(city, ndjson(tmp_path / "b.ndjson", 100, 100))
    witnesses.stop("uni-a.example/w")  # one that remembers is enough
    with pytest.raises(StateBehind, match="older backup"), open_writer(backup, clock):
        pass
    done = run("log", "publish", "--home", backup)
    assert done.code == 1
    assert "older backup" in done.err
    assert sizes(city)[0] > sizes(backup)[0]


def test_a_second_history_is_stopped(city: Path, witnesses: Witnesses, tmp_path: Path) -> None:
    """A backup that went on while the witnesses were away is stopped when they are back: it is a fork."""
    take(city, ndjson(tmp_path / "a.ndjson", 0, 100))
    backup = shutil.copytree(city, tmp_path / "backup")
    take(city, ndjson(tmp_path / "b.ndjson", 100, 100))
    names = list(witnesses.lines)
    for name in names:
        witnesses.stop(name)
    take(backup, ndjson(tmp_path / "c.ndjson", 200, 300))
    assert sizes(backup)[1] > sizes(city)[1]
    for name in names:
        witnesses.start(name)
    believe(backup, witnesses)
    with pytest.raises(StateBehind, match="begins as the one witness"), open_writer(backup, clock):
        pass
    believe(city, witnesses)
    take(city, ndjson(tmp_path / "d.ndjson", 600, 100))
    assert len(set(sizes(city))) == 1


def test_witnesses_of_no_quorum_are_asked_too(city: Path, witnesses: Witnesses, tmp_path: Path) -> None:
    """With witnesses named and no quorum, every command works and publishes what they gave."""
    believe(city, witnesses, "none")
    take(city, ndjson(tmp_path / "a.ndjson", 0, 100))
    done = run("agency", "add", "second", "--home", city)
    assert (done.code, done.err) == (0, "")
    done = run("agency", "revoke", "second", "--reason", "lost", "--home", city)
    assert (done.code, done.err) == (0, "")
    assert run("key", "rotate", "operator", "--home", city).code == 0
    assert len(set(sizes(city))) == 1
    home = Home.open(city, clock)
    assert {s.name for s in parse_note(home.published().checkpoint_note).signatures} > set(witnesses.lines)
    assert audit(home).findings == []
    home.close()
    for name in witnesses.lines:
        witnesses.stop(name)
    take(city, ndjson(tmp_path / "b.ndjson", 100, 100))
    assert len(set(sizes(city))) == 1


def test_a_command_that_fails_leaves_nothing_unpublished(
    city: Path, witnesses: Witnesses, tmp_path: Path
) -> None:
    """What was sealed before an error is published all the same, and the error is the one that counts."""
    file = ndjson(tmp_path / "a.ndjson", 0, 100)

    def fail() -> None:
        with open_writer(city, clock) as home:
            ingest(home, "rain", [file])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(set(sizes(city))) == 1
    assert sizes(city) == (4, 4)


class Silent(Publication):
    """A publication whose last attempt took five seconds and failed."""

    def __init__(self, took_s: float, missing: str) -> None:
        super().__init__()
        now = iter([0.0, took_s])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: next(now))
            with self.attempt(3):
                if missing:
                    raise QuorumNotMet((), missing)

    @property
    def pause_s(self) -> float:
        return self._due_s


def test_slow_witnesses_are_asked_rarely() -> None:
    """After an attempt of some seconds the home works four times as long, and longer without a quorum."""
    assert Silent(0.1, "").pause_s == pytest.approx(1.1)
    assert Silent(5.0, "").pause_s == pytest.approx(25.0)
    assert Silent(0.1, "none came").pause_s == pytest.approx(30.1)
    assert Silent(20.0, "none came").pause_s == pytest.approx(100.0)
    assert (Silent(1.0, "").published, Silent(1.0, "none came").published) == (3, -1)
