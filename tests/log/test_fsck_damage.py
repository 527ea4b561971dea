"""Damage of every kind to every file of small logs: found, and told under the path that was damaged."""

from collections.abc import Iterator

import pytest
from log_fakes import SIGNER, memory_objects, new_log

from veracity.log.fsck import Finding, fsck
from veracity.log.tiles import Tile
from veracity.stores.objects import StoredObjects

Files = dict[str, bytes]


class Held(StoredObjects):
    """A log's files in a dictionary, of which one is damaged at a time."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def get(self, path: str) -> bytes:
        if path not in self.files:
            return memory_objects().get(path)  # raises, as a store does
        return self.files[path]

    def list(self, prefix: str) -> Iterator[str]:
        return iter(list(self.files))


def log_of(size: int) -> Files:
    objects = memory_objects()
    new_log(size, objects)
    return {path: objects.get(path) for path in objects.list("")}


def found(files: Files, path: str, data: bytes | None) -> tuple[Finding, ...]:
    """Check the log with one file replaced, or gone."""
    damaged = {**files, path: data or b""}
    if data is None:
        del damaged[path]
    return fsck(Held(damaged), SIGNER.verifier).findings


def told(findings: tuple[Finding, ...], path: str) -> list[Finding]:
    """The findings under a path: the only ones, but for the root, and what another checkpoint asks for."""
    assert path == "checkpoint" or {f.path for f in findings} <= {path, "checkpoint"}
    return [f for f in findings if f.path == path]


@pytest.mark.parametrize(("size", "step"), [(1, 1), (2, 1), (5, 1), (13, 1), (256, 97), (257, 101)])
def test_every_byte_that_differs_is_found(size: int, step: int) -> None:
    """One bit of any byte of any file changed: a finding names that file, and the entry or the hash."""
    files = log_of(size)
    for path, data in files.items():
        for at in range(0, len(data), step):
            damaged = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            findings = told(found(files, path, damaged), path)
            assert findings, (path, at)
            if path.startswith("tile/entries"):
                assert all(f.position is not None for f in findings), (path, at)
            elif path != "checkpoint":
                want = Tile.parse(path).index * 256 + at // 32
                assert [f.position for f in findings] == [want], (path, at)


@pytest.mark.parametrize("size", [1, 5, 256, 257, 300])
def test_every_file_that_is_missing_cut_short_or_too_long_is_found(size: int) -> None:
    """A file gone, emptied, shorter by anything or longer by anything is named, and where it ends wrongly."""
    files = log_of(size)
    for path, data in files.items():
        assert [f.code for f in told(found(files, path, None), path)] == ["missing"]
        step = max(1, len(data) // 64)
        for changed in [data[:n] for n in range(0, len(data), step)]:
            assert told(found(files, path, changed), path), (path, len(changed))
        for more in (b"\0", b"\n", bytes(2), bytes(32), data[-32:], data):
            assert told(found(files, path, data + more), path), (path, more[:40])


def test_every_pair_of_files_exchanged_is_found() -> None:
    """Two files that changed places are both named."""
    files = log_of(600)
    names = sorted(set(files) - {"checkpoint"})
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            exchanged = {**files, a: files[b], b: files[a]}
            assert {a, b} <= {f.path for f in fsck(Held(exchanged), SIGNER.verifier).findings}, (a, b)
