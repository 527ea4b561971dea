"""A witness's directory: a key never signs on a state that is not the one it left."""

import json
import shutil
from pathlib import Path

import pytest
from log_fakes import SIGNER
from witness_fakes import FORKED, NOW_S, request, signed

from run_cli import run
from veracity.log.cosignatures import Cosigner
from veracity.log.errors import ForkFound, MalformedKey
from veracity.log.subtree_cosignatures import SubtreeCosigner
from veracity.log.witness import Witness
from veracity.server import witness_directory
from veracity.server.errors import (
    NoWitness,
    OtherWitness,
    WitnessStateCopied,
    WitnessStateLost,
    WitnessUnusable,
)
from veracity.server.witness_directory import WitnessDirectory, latest_of, prepare
from veracity.stores.witness_state import SqlWitnessState

NAME = "uni.example/witness"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory whose witness has cosigned size 9."""
    root = tmp_path / "w"
    directory, cosigner, is_new = prepare(root, NAME)
    assert is_new
    with directory.open_database() as database:
        Witness([SIGNER.verifier], [cosigner], SqlWitnessState(database)).add_checkpoint(request(0, 9), NOW_S)
    return root


def size_of(root: Path) -> int | None:
    with WitnessDirectory(root).open_database(read_only=True) as database:
        note = SqlWitnessState(database).latest(SIGNER.name)
    return None if note is None else latest_of(note)[0]


def test_a_second_run_reuses_key_and_state(root: Path) -> None:
    """The same name finds the same key, of mode 0600, and what was cosigned."""
    _, first, _ = prepare(root, NAME)
    _, second, is_new = prepare(root, NAME)
    assert (first, is_new) == (second, False)
    assert (root / "witness.key").stat().st_mode & 0o777 == 0o600
    assert size_of(root) == 9
    for more in ({}, {"ml_dsa": True}):
        other = root.with_name(f"other{len(more)}")
        assert isinstance(prepare(other, NAME, **more)[1], SubtreeCosigner if more else Cosigner)


def test_a_lost_state_stops_the_witness(root: Path) -> None:
    """A key without its state signs nothing; the message names the way out."""
    (root / "witness.db").unlink()
    with pytest.raises(WitnessStateLost, match="--start-over"):
        prepare(root, NAME)
    with pytest.raises(WitnessStateLost):
        prepare(root, NAME, moved=True)
    policy = root.with_name("trust.policy")
    policy.write_text(f"log {SIGNER.verifier.format()}\nquorum none\n")
    done = run("witness", "serve", policy, "--name", NAME, "--dir", root, "--port", "0")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("veracity: witness: want its state")


def test_a_restored_backup_stops_the_witness(root: Path) -> None:
    """A state put back from a copy, or a whole directory put back, is noticed before anything is signed."""
    backup = root.with_name("backup")
    shutil.copytree(root, backup)
    directory, cosigner, _ = prepare(root, NAME)
    with directory.open_database() as database:
        witness = Witness([SIGNER.verifier], [cosigner], SqlWitnessState(database))
        witness.add_checkpoint(request(9, 20), NOW_S)
    with pytest.raises(WitnessStateCopied):
        prepare(backup, NAME)
    restored = root / "restored"
    shutil.copy(backup / "witness.db", restored)
    restored.replace(root / "witness.db")
    with pytest.raises(WitnessStateCopied, match="--start-over"):
        prepare(root, NAME)


def test_a_moved_directory_is_taken_when_said(root: Path) -> None:
    """A directory that was moved to another disk goes on with --moved, once."""
    moved = root.with_name("moved")
    shutil.copytree(root, moved)
    shutil.rmtree(root)
    _, _, is_new = prepare(moved, NAME, moved=True)
    assert (is_new, size_of(moved)) == (False, 9)
    prepare(moved, NAME)
    (moved / "witness.json").unlink()
    with pytest.raises(WitnessStateCopied):
        prepare(moved, NAME)


def test_starting_over_retires_the_key(root: Path) -> None:
    """A new key begins with an empty state; the old key is set aside under its ID and not used again."""
    _, old, _ = prepare(root, NAME)
    _, new, is_new = prepare(root, NAME, start_over=True)
    assert is_new
    assert new != old
    assert size_of(root) is None
    label = old.verifier.key_id.hex()
    assert (root / f"witness.key.retired-{label}").exists()
    assert (root / f"witness.db.retired-{label}").exists()
    assert prepare(root, NAME)[1] == new
    (root / "witness.key").write_text("damaged\n")
    with pytest.raises(MalformedKey):
        prepare(root, NAME)
    assert prepare(root, NAME, start_over=True)[2]
    assert prepare(root.with_name("fresh"), NAME, start_over=True)[2]


def test_a_first_run_that_broke_off_is_no_witness_yet(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is written last: a crash before it leaves a directory that the next run makes whole."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(witness_directory, "write_new", fail)
        with pytest.raises(WitnessUnusable, match="No space left"):
            prepare(root.with_name("new"), NAME)
    assert prepare(root.with_name("new"), NAME)[2]


def test_another_name_or_type_is_another_witness(root: Path) -> None:
    """A directory's key serves one name and one type; nothing is overwritten by asking for others."""
    with pytest.raises(OtherWitness):
        prepare(root, "other.example/witness")
    with pytest.raises(OtherWitness):
        prepare(root, NAME, ml_dsa=True)
    with pytest.raises(MalformedKey):
        prepare(root.with_name("bad"), "a name with spaces")
    with pytest.raises(NoWitness):
        WitnessDirectory(root.with_name("none")).read_key()
    document = json.loads((root / "witness.json").read_text())
    assert document["name"] == NAME


def test_forks_are_kept_once_and_not_without_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fork is two files; the same one again is none, and above the limit no more are kept."""
    directory = WitnessDirectory(root)
    assert directory.n_forks() == 0
    forks = [ForkFound(signed(size), signed(size, FORKED), "fork") for size in (5, 6, 7)]
    assert directory.keep_fork(forks[0])
    assert directory.keep_fork(forks[0]) is None
    monkeypatch.setattr(witness_directory, "_MAX_FORKS", 2)
    assert directory.keep_fork(forks[1])
    assert directory.keep_fork(forks[2]) is None
    assert directory.n_forks() == 2


@pytest.mark.parametrize("text", ["", "quorum none\n", "log x\n"])
def test_a_policy_without_a_log_is_refused(tmp_path: Path, text: str) -> None:
    """A policy that cannot be read, is none, or names no log ends before a key is made."""
    policy = tmp_path / "trust.policy"
    arguments = ("witness", "serve", policy, "--name", NAME, "--dir", tmp_path / "w", "--port", "0")
    assert run(*arguments).code == 4
    policy.write_text(text)
    assert run(*arguments).code == 3
    assert run(*arguments, "--url", "https://w.example and more").code == 2
    assert not (tmp_path / "w").exists()
