"""Files that a command writes where it is told to."""

from collections.abc import Iterable
from pathlib import Path

from veracity.home.directory import write_whole
from veracity.home.errors import BadName, HomeUnusable


def check_target(path: Path, sources: Iterable[Path], what: str) -> None:
    """Refuse to write over what is read, or over what is no file: before any work is done."""
    if not path.name:
        raise BadName(f"{what}: want a file to write, got {str(path)!r}")
    if path.exists() and not path.is_file():
        raise HomeUnusable(f"{what}: want a file to write, got something else at {path}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        raise BadName(f"{what}: want another file than those that are read, got {path}")


def write_target(path: Path, body: bytes, what: str) -> None:
    """Write a file that appears whole or not at all; ``HomeUnusable`` if it cannot be."""
    try:
        write_whole(path, body)
    except OSError as exc:
        raise HomeUnusable(f"{what}: want to write {path}, got {exc.strerror}") from exc
