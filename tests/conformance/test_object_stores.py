"""Objects: one behaviour, whatever holds the bytes."""

import hashlib
from pathlib import Path

import pytest

from places import OpenFiles
from veracity.log.doors import ObjectMissing, StoreUnavailable
from veracity.stores.objects import StoredObjects


def test_what_is_put_is_got(files: OpenFiles) -> None:
    """Any bytes come back, whole and in ranges, with their size, to whoever opens the place."""
    objects = files()
    for data in (b"", b"abc", bytes(range(256)) * 1000):
        objects.put("a/b.c/d", data)
        again = files()
        assert again.get("a/b.c/d") == data
        assert again.size("a/b.c/d") == len(data)
        assert again.get_range("a/b.c/d", 1, len(data[1:])) == data[1:]
    assert objects.get_range("a/b.c/d", 300, 0) == b""
    assert objects.exists("a/b.c/d")
    objects.sync("a/b.c/d")


def test_many_are_put_at_once(files: OpenFiles) -> None:
    """A batch of objects in new folders is all there, and listed by folder."""
    objects = files()
    items = [(f"x/{i % 3}/{i}", b"%d" % i) for i in range(60)]
    objects.put_many(items)
    objects.put_many([])
    assert sorted(objects.list("")) == sorted(path for path, _ in items)
    assert sorted(objects.list("x/1")) == sorted(path for path, _ in items if path.startswith("x/1/"))
    assert list(objects.list("y")) == []
    assert all(objects.get(path) == data for path, data in items)


def test_what_is_not_there_is_missing(files: OpenFiles) -> None:
    """Reading what is not there is ObjectMissing; deleting it is no error."""
    objects = files()
    objects.put("a", b"x")
    objects.delete("a")
    objects.delete("a")
    assert not objects.exists("a")
    for call in (objects.get, objects.size, lambda path: objects.get_range(path, 0, 1)):
        with pytest.raises(ObjectMissing):
            call("a")


def test_an_object_is_fetched_into_a_file(files: OpenFiles, tmp_path: Path) -> None:
    """An object of any size is copied into a file, which nothing is left of where there is no object."""
    objects, target = files(), tmp_path / "copy"
    assert isinstance(objects, StoredObjects)
    for n_bytes in (0, 3, 20_000_000):
        objects.put("a/received", b"r" * n_bytes)
        objects.fetch("a/received", target)
        assert target.read_bytes() == b"r" * n_bytes
    with pytest.raises(ObjectMissing):
        objects.fetch("a/none", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_short_range_is_an_error(files: OpenFiles) -> None:
    """A range beyond the end is an error, never fewer bytes."""
    objects = files()
    objects.put("a", b"abc")
    for start, length in ((0, 4), (3, 1), (9, 1)):
        with pytest.raises(StoreUnavailable) as caught:
            objects.get_range("a", start, length)
        assert "\n" not in str(caught.value)


def test_names_of_tiles_are_names(files: OpenFiles) -> None:
    """The paths of the log, with their dots and letters, come back as they were given."""
    objects = files()
    paths = ["checkpoint", "tile/0/x001/x234/067.p/5", "tile/entries/000", "a=b/c_d@e-f.parquet"]
    objects.put_many([(path, path.encode()) for path in paths])
    assert sorted(objects.list("")) == sorted(paths)
    assert sorted(objects.list("tile/0/x001/x234/067.p")) == ["tile/0/x001/x234/067.p/5"]


@pytest.mark.parametrize("n_bytes", [400_000, 20_000_000])
def test_a_file_is_stored_as_it_was_hashed_or_not_at_all(
    files: OpenFiles, tmp_path: Path, n_bytes: int
) -> None:
    """A copy of a file whose digest is another than the one told is refused; the old object stays."""
    objects, given = files(), tmp_path / "given"
    old = b"rain" * (n_bytes // 4)
    given.write_bytes(old)
    digest = hashlib.sha256(old).hexdigest()
    objects.put_file("a/received", given, digest)
    given.write_bytes(b"snow" * (n_bytes // 4))
    with pytest.raises(StoreUnavailable, match="want the file of sha256"):
        objects.put_file("a/received", given, digest)
    assert hashlib.sha256(objects.get("a/received")).hexdigest() == digest
    assert list(objects.list("")) == ["a/received"]
