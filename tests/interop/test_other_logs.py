"""A log of ours, read by others: ``aics-tlog`` (tiles, notes, cosignatures) and ``pymerkle`` (the tree)."""

import importlib.util
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from log_fakes import MemoryState

from veracity.log.append import Log
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.fsck import fsck
from veracity.log.merkle import (
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_from_leaf_hashes,
    verify_consistency,
    verify_inclusion,
)
from veracity.log.notes import Signer
from veracity.stores.objects import LocalObjects

ROOT = Path(__file__).parents[2]
LOG = Signer("example.org/interop", sha256(b"interop log").digest())
WITNESS = Cosigner("witness.example", sha256(b"interop witness").digest())
ENTRIES = [b"entry %d of the log" % i for i in range(600)]


def newer_python() -> str:
    """A Python that has aics-tlog, which wants 3.12: this one, or the one of ``make interop``."""
    if importlib.util.find_spec("aics_tlog"):
        return sys.executable
    made = ROOT / "build" / "interop" / "bin" / "python"
    if made.exists():
        return str(made)
    pytest.skip("want aics-tlog, which needs Python >= 3.12 (`make interop`), got neither")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of 600 entries, appended in three steps, its last checkpoint cosigned."""
    objects = LocalObjects(tmp_path / "log")
    log = Log.open(objects, MemoryState(), LOG)
    for some in (ENTRIES[:1], ENTRIES[1:300], ENTRIES[300:]):
        log.append(some)
    text = log.checkpoint_note.decode().rpartition("\n\n")[0] + "\n"
    (tmp_path / "log" / "checkpoint").write_bytes(
        add_signatures(log.checkpoint_note, (WITNESS.cosign(text, 1_788_000_000),))
    )
    return tmp_path / "log"


def said_by_aics(log: Path) -> dict[str, Any]:
    command: list[str | Path] = [newer_python(), ROOT / "tests" / "interop" / "check_aics_tlog.py", log]
    keys = [LOG.verifier.format(), WITNESS.verifier.format()]
    done = subprocess.run([*command, *keys], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_aics_tlog_reads_our_log(log: Path) -> None:
    """It accepts checkpoint, cosignature, every tile and bundle, and proves every entry as we do."""
    said = said_by_aics(log)
    assert said.get("error") is None
    assert (said["ok"], said["origin"], said["size"]) == (True, LOG.name, len(ENTRIES))
    assert said["witnesses"] == [WITNESS.name]
    assert [bytes.fromhex(entry) for entry in said["entries"]] == ENTRIES
    hashes = [leaf_hash(entry) for entry in ENTRIES]
    assert said["root"] == root_from_leaf_hashes(hashes).hex()
    for i in range(0, len(ENTRIES), 7):
        path = [bytes.fromhex(value) for value in said["paths"][i]]
        assert path == inclusion_path(hashes, i)
        verify_inclusion(hashes[i], i, len(ENTRIES), path, bytes.fromhex(said["root"]))


@pytest.mark.parametrize("where", ["tile/0/001", "tile/1/000.p/2", "tile/entries/000", "checkpoint"])
def test_both_see_a_flipped_bit(log: Path, where: str) -> None:
    """A bit flipped in a tile, a bundle or the checkpoint is seen by aics-tlog and by fsck."""
    path = log / where
    changed = bytearray(path.read_bytes())
    changed[-20] ^= 1
    path.write_bytes(changed)
    assert said_by_aics(log)["ok"] is False
    if where != "checkpoint":  # there the bit is in the witness's line, which fsck has no key for
        assert not is_sound(log)


def is_sound(log: Path) -> bool:
    return fsck(LocalObjects(log), LOG.verifier).is_sound


def test_pymerkle_has_the_same_tree() -> None:
    """An independent tree gives the same root at every size, and the same inclusion paths."""
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    hashes: list[bytes] = []
    for size, entry in enumerate(ENTRIES[:70], 1):
        tree.append_entry(entry)
        hashes.append(leaf_hash(entry))
        assert tree.get_leaf(size) == hashes[-1]
        assert tree.get_root() == root_from_leaf_hashes(hashes)
        for index in range(size):
            leaf, *path = tree.prove_inclusion(index + 1, size).path
            assert (leaf, path) == (hashes[index], inclusion_path(hashes, index))


def test_pymerkle_has_the_same_growth() -> None:
    """Its consistency proofs, which have a form of their own, hold between the same roots."""
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in ENTRIES[:40]:
        tree.append_entry(entry)
    hashes = [leaf_hash(entry) for entry in ENTRIES[:40]]
    for old in range(1, 40):
        proof = tree.prove_consistency(old, 40)
        before, after = root_from_leaf_hashes(hashes[:old]), root_from_leaf_hashes(hashes)
        pymerkle.verify_consistency(before, after, proof)
        verify_consistency(old, 40, consistency_path(hashes, old), before, after)
