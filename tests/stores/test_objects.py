"""Objects in a directory: what is particular to files. What all stores do is in ``conformance``."""

import errno
import os
from pathlib import Path

import pytest

from veracity.log.doors import StoreUnavailable
from veracity.stores.objects import LocalObjects


@pytest.mark.parametrize("path", ["", "/", "a//b", "../a", "a/../b", "a#7"])
def test_impossible_paths(tmp_path: Path, path: str) -> None:
    """A path that leaves the store or has no name is refused."""
    store = LocalObjects(tmp_path / "store")
    with pytest.raises(StoreUnavailable):
        store.put(path, b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize(
    ("call", "number"), [("write", errno.ENOSPC), ("fsync", errno.EIO), ("open", errno.EACCES)]
)
def test_a_failed_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """A full disk, a failing disk, no permission: one line of ours, the old content whole, no rest."""
    store = LocalObjects(tmp_path)
    store.put("a/b", b"old")

    def failing(*args: object, **kwargs: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, failing)
        with pytest.raises(StoreUnavailable, match=os.strerror(number)) as caught:
            store.put_many([("a/c", b"new"), ("a/b", b"new")])
    assert "\n" not in str(caught.value)
    assert store.get("a/b") == b"old"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]


def test_files_and_new_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file, its folder and every folder that gained one is synced before put returns."""
    store = LocalObjects(tmp_path)
    synced: set[int] = set()
    fsync = os.fsync

    def watching(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watching)
    store.put("x/y/z", b"data")
    wanted = [tmp_path, tmp_path / "x", tmp_path / "x/y", tmp_path / "x/y/z"]
    assert synced == {path.stat().st_ino for path in wanted}


def test_an_unfinished_file_is_not_listed(tmp_path: Path) -> None:
    """What a kill left half written has no name in the store."""
    store = LocalObjects(tmp_path)
    store.put("a/b", b"x")
    (tmp_path / "a" / "b#123").write_bytes(b"half")
    assert list(store.list("")) == ["a/b"]


def test_a_store_that_cannot_be_opened(tmp_path: Path) -> None:
    """A directory that is a file, or is not there when only reading, is one line of ours."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreUnavailable):
        LocalObjects(tmp_path / "file" / "store")
    with pytest.raises(StoreUnavailable):
        LocalObjects(tmp_path / "absent", read_only=True)
    assert not (tmp_path / "absent").exists()


def test_a_read_only_store_is_not_written(tmp_path: Path) -> None:
    """A store opened to read refuses to write and to delete."""
    LocalObjects(tmp_path).put("a", b"x")
    store = LocalObjects(tmp_path, read_only=True)
    with pytest.raises(StoreUnavailable):
        store.put("b", b"x")
    with pytest.raises(StoreUnavailable):
        store.delete("a")
    assert store.get("a") == b"x"
