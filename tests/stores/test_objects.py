"""Object stores: one behaviour, whatever holds the bytes."""

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from veracity.log.doors import ObjectMissing, Objects, StoreUnavailable
from veracity.stores.objects import LocalObjects, StoredObjects

Make = Callable[[Path], Objects]
STORES: dict[str, Make] = {
    "memory": lambda _: StoredObjects(MemoryStore()),
    "local": lambda path: LocalObjects(path / "new" / "store"),
    "local, not durable": lambda path: LocalObjects(path, durable=False),
}


@pytest.fixture(params=list(STORES))
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    make: Make = STORES[request.param]
    return make(tmp_path)


def test_what_is_put_is_got(objects: Objects) -> None:
    """Any bytes come back, whole and in ranges, with their size."""
    for data in (b"", b"abc", bytes(range(256)) * 1000):
        objects.put("a/b.c/d", data)
        assert objects.get("a/b.c/d") == data
        assert objects.size("a/b.c/d") == len(data)
        assert objects.get_range("a/b.c/d", 1, len(data[1:])) == data[1:]
    assert objects.get_range("a/b.c/d", 300, 0) == b""
    assert objects.exists("a/b.c/d")


def test_many_are_put_at_once(objects: Objects) -> None:
    """A batch of objects in new folders is all there, and listed by folder."""
    items = [(f"x/{i % 3}/{i}", b"%d" % i) for i in range(20)]
    objects.put_many(items)
    objects.put_many([])
    assert sorted(objects.list("")) == sorted(path for path, _ in items)
    assert sorted(objects.list("x/1")) == sorted(path for path, _ in items if path.startswith("x/1/"))
    assert list(objects.list("y")) == []
    assert all(objects.get(path) == data for path, data in items)


def test_what_is_not_there_is_missing(objects: Objects) -> None:
    """Reading what is not there is ObjectMissing; deleting it is no error."""
    objects.put("a", b"x")
    objects.delete("a")
    objects.delete("a")
    assert not objects.exists("a")
    for call in (objects.get, objects.size, lambda path: objects.get_range(path, 0, 1)):
        with pytest.raises(ObjectMissing):
            call("a")


def test_a_short_range_is_an_error(objects: Objects) -> None:
    """A range beyond the end is an error, never fewer bytes."""
    objects.put("a", b"abc")
    for start, length in ((0, 4), (3, 1), (9, 1)):
        with pytest.raises(StoreUnavailable):
            objects.get_range("a", start, length)


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


@pytest.mark.parametrize("kind", ["local", "memory"])
def test_a_file_is_stored_as_it_was_hashed_or_not_at_all(tmp_path: Path, kind: str) -> None:
    """A copy of a file whose digest is another than the one told is refused; the old object stays."""
    store = LocalObjects(tmp_path / "store") if kind == "local" else StoredObjects(MemoryStore())
    given = tmp_path / "given"
    given.write_bytes(b"rain" * 100_000)
    digest = hashlib.sha256(given.read_bytes()).hexdigest()
    store.put_file("a/received", given, digest)
    given.write_bytes(b"snow" * 100_000)
    with pytest.raises(StoreUnavailable, match="want the file of sha256"):
        store.put_file("a/received", given, digest)
    assert store.get("a/received") == b"rain" * 100_000
    assert list(store.list("")) == ["a/received"]
