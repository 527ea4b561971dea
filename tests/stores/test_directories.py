import os
from hashlib import sha256
from pathlib import Path

import pytest

from veracity.stores.directories import MAX_DEPTH, UnfitDirectory, UnusableDirectory, hash_files


def directory(root: Path, **files: str) -> Path:
    root.mkdir()
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_every_file_is_there(tmp_path: Path) -> None:
    """Hidden files, empty ones and those far below are hashed; a directory without files is not a file."""
    root = directory(tmp_path / "m", a="1", b__c__d="2", empty="")
    (root / ".hidden").write_text("3")
    (root / "nothing").mkdir()
    want = {"a": "1", "b/c/d": "2", "empty": "", ".hidden": "3"}
    assert hash_files(root, (), max_files=9) == {k: sha256(v.encode()).hexdigest() for k, v in want.items()}


def test_what_is_ignored_is_said_for_each_call(tmp_path: Path) -> None:
    """A path left out in one call is there in the next, and only whole names match."""
    root = directory(tmp_path / "m", a="1", ab="2", b__a="3", b__c="4")
    assert sorted(hash_files(root, ["a", "b/c"], max_files=9)) == ["ab", "b/a"]
    assert sorted(hash_files(root, ["b"], max_files=9)) == ["a", "ab"]
    assert sorted(hash_files(root, (), max_files=9)) == ["a", "ab", "b/a", "b/c"]


def test_links_are_refused_unless_allowed(tmp_path: Path) -> None:
    """A link is followed only where that was asked for, and one to a directory never."""
    root = directory(tmp_path / "m", a="1")
    (tmp_path / "outside").write_text("x")
    (root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(UnfitDirectory, match="symbolic link"):
        hash_files(root, (), max_files=9)
    assert sorted(hash_files(root, ("link",), max_files=9)) == ["a"]
    assert hash_files(root, (), max_files=9, allow_symlinks=True)["link"] == sha256(b"x").hexdigest()
    (root / "up").symlink_to(root)
    with pytest.raises(UnfitDirectory, match=r"^up: "):
        hash_files(root, (), max_files=9, allow_symlinks=True)


def test_only_files(tmp_path: Path) -> None:
    """A pipe, a broken link and a name that is no text are refused, at once and by name."""
    root = directory(tmp_path / "m", a="1")
    os.mkfifo(root / "pipe")
    with pytest.raises(UnfitDirectory, match=r"^pipe: "):
        hash_files(root, (), max_files=9, allow_symlinks=True)
    (root / "pipe").unlink()
    (root / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnfitDirectory, match=r"^gone: "):
        hash_files(root, (), max_files=9, allow_symlinks=True)
    (root / "gone").unlink()
    (Path(os.fsdecode(os.fsencode(root) + b"/\xff"))).write_text("")
    with pytest.raises(UnfitDirectory, match="UTF-8"):
        hash_files(root, (), max_files=9)


def test_bounds(tmp_path: Path) -> None:
    """Too many files, a tree too deep, and a directory that is not there end as our own errors."""
    root = directory(tmp_path / "m", a="1", b="2")
    with pytest.raises(UnfitDirectory, match="at most 1 files"):
        hash_files(root, (), max_files=1)
    deep = root
    for _ in range(MAX_DEPTH + 1):
        deep /= "d"
        deep.mkdir()
    with pytest.raises(UnfitDirectory, match="deep"):
        hash_files(root, (), max_files=9)
    with pytest.raises(UnusableDirectory):
        hash_files(tmp_path / "none", (), max_files=9)
