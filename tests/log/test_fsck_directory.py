"""The check of a log's directory: what lies there and is no file of the log, each planted and told."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from log_fakes import SIGNER, MemoryState, new_log

from veracity.log.bundles import MAX_BUNDLE_BYTES
from veracity.log.errors import ObjectMissing, StoreUnavailable
from veracity.log.fsck import fsck
from veracity.stores.objects import LocalObjects
from veracity.stores.plain_files import PlainFiles

Plant = Callable[[Path], object]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A log of 300 entries in a directory."""
    new_log(300, LocalObjects(tmp_path / "log"), MemoryState())
    return tmp_path / "log"


def codes(root: Path) -> list[tuple[str, str]]:
    files = PlainFiles(root, MAX_BUNDLE_BYTES)
    report = fsck(files, SIGNER.verifier, oddities=files.oddities())
    return sorted((f.path, f.code) for f in report.findings)


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def test_a_directory_as_written_is_sound(root: Path) -> None:
    """Nothing extra, nothing missing: no finding."""
    assert codes(root) == []


@pytest.mark.parametrize(
    ("plant", "want"),
    [
        (lambda r: (r / "tile/0/000#123456").write_bytes(b"half"), "tile/0/000#123456"),
        (lambda r: (r / "checkpoint#7").write_bytes(b""), "checkpoint#7"),
        (lambda r: (r / ".DS_Store").write_bytes(b""), ".DS_Store"),
        (lambda r: (r / "tile/0/empty").write_bytes(b""), "tile/0/empty"),
        (lambda r: (r / "tile/0/x001").mkdir(), "tile/0/x001"),
        (lambda r: (r / "tile/0/000.p").mkdir(), "tile/0/000.p"),
        (lambda r: (r / "a/b").mkdir(parents=True), "a/b"),
        (lambda r: (r / "more").symlink_to("/etc/hostname"), "more"),
        (lambda r: (r / "tile/9").symlink_to(r / "tile/0"), "tile/9"),
        (lambda r: (r / "dangling").symlink_to("nowhere"), "dangling"),
        (lambda r: os.mkfifo(r / "tile/pipe"), "tile/pipe"),
        (lambda r: a_socket(r / "tile/sock"), "tile/sock"),
        (lambda r: (r / os.fsdecode(b"tile/\xff")).write_bytes(b""), "tile/\\xff"),
        (lambda r: (r / "a\nb").write_bytes(b""), "a\nb"),
    ],
)
def test_whatever_else_lies_there_is_told(root: Path, plant: Plant, want: str) -> None:
    """Files half written, empty files and folders, links, pipes, odd names: one finding, under its path."""
    plant(root)
    assert codes(root) == [(want, "leftover")]


@pytest.mark.parametrize(
    "make",
    [
        lambda p: p.symlink_to("/etc/hostname"),
        lambda p: os.mkfifo(p),
        lambda p: p.symlink_to(p.with_name("kept")),
        lambda p: p.mkdir(),
        lambda p: a_socket(p),
    ],
)
@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/001.p/44", "checkpoint"])
def test_a_file_that_became_something_else_is_missing(root: Path, path: str, make: Plant) -> None:
    """A link or a pipe in a file's place is told as that, never followed, never waited for."""
    replaced(root / path, make)
    assert {(path, "missing"), (path, "leftover")} <= set(codes(root))


def test_a_folder_that_became_a_file_is_found(root: Path) -> None:
    """Every tile of a level that is gone is named, and the file in its place."""
    for file in sorted((root / "tile/1").rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    (root / "tile/1").rmdir()
    (root / "tile/1").write_bytes(b"")
    assert codes(root) == [("tile/1", "leftover"), ("tile/1/000.p/1", "missing")]


def test_a_huge_file_is_not_read_whole(root: Path) -> None:
    """A tile of a terabyte (of holes) is malformed, in bounded memory."""
    with (root / "tile/0/000").open("r+b") as file:
        file.truncate(2**40)
    assert ("tile/0/000", "malformed-tile") in codes(root)


def test_reading_past_a_plain_file_is_refused(root: Path) -> None:
    """What cannot be read for another reason is no fault of the log: the check says so and ends."""
    files = PlainFiles(root, 100)
    with pytest.raises(ObjectMissing):
        files.get("tile/0/099")
    with pytest.raises(StoreUnavailable):
        files.get("tile/" + "a" * 300)
    with pytest.raises(StoreUnavailable):
        PlainFiles(root / "none", 100)


def test_folders_within_folders_do_not_exhaust_the_check(root: Path) -> None:
    """A chain of folders as deep as the system allows is walked."""
    chain = [root / "/".join(["d"] * n) for n in range(1, 1_501)]
    try:  # one at a time, there and back: both are recursive in the library
        for folder in chain:
            folder.mkdir()
        assert codes(root) == [("/".join(["d"] * 1_500), "leftover")]
    finally:
        for folder in reversed(chain):
            folder.rmdir()
