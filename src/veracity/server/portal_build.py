"""One build of the portal, read whole: a server shows it until another is whole, however long that takes.

A build empties its folder before it fills it, and puts ``verify.html`` there last.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from veracity.server.answers import FRESH, IMMUTABLE
from veracity.server.inline_policy import inline_policy

INDEX = "index.html"
LAST = "verify.html"
_HASHED = re.compile(r"assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+")  # as Vite names what it built
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".pbf": "application/x-protobuf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

Stamp = tuple[tuple[int, int, int] | None, ...]  #: of the first and the last page: inode, size, nanoseconds


@dataclass(frozen=True)
class BuiltFile:
    """A file as it is sent: its bytes, those of its ``.gz`` if it has one, and what is said of it."""

    body: bytes
    gzipped: bytes | None
    media_type: str
    cache_control: str
    policy: str | None = None  # of a page that has its scripts inside

    @property
    def is_hashed(self) -> bool:
        """Whether its name is of its content."""
        return self.cache_control == IMMUTABLE


@dataclass(frozen=True)
class Build:
    """The files of a build by their paths; none where there is no portal."""

    files: Mapping[str, BuiltFile]
    stamp: Stamp

    @classmethod
    def read(cls, folder: Traversable) -> "Build":
        """Read a folder; one that changes meanwhile has another stamp afterwards."""
        stamp = stamp_of(folder)
        return cls(_read(folder), stamp)

    def is_followed_by(self, stamp: Stamp) -> bool:
        """Say whether another build is there by now, and whole."""
        first, last = stamp
        is_whole = first is not None and (last is not None or LAST not in self.files)
        return is_whole and stamp != self.stamp


def stamp_of(folder: Traversable) -> Stamp:
    """Return what changes with each build; the same for ever of a folder inside an archive."""
    return tuple(_stat(folder / name) for name in (INDEX, LAST))


def _stat(place: Traversable) -> tuple[int, int, int] | None:
    if not isinstance(place, Path):
        return (0, 0, 0)
    try:
        found = place.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(folder: Traversable) -> Mapping[str, BuiltFile]:
    found: dict[str, bytes] = {}
    waiting = [("", folder)] if folder.is_dir() else []
    while waiting:
        prefix, at = waiting.pop()
        try:
            for child in at.iterdir():
                if child.is_dir():
                    waiting.append((f"{prefix}{child.name}/", child))
                else:
                    found[prefix + child.name] = child.read_bytes()
        except OSError:
            continue  # emptied meanwhile, for another build
    listed = {}
    for path, body in found.items():
        dot = path.rfind(".")
        suffix = path[dot:] if dot > path.rfind("/") else ""
        kind = _TYPES.get(suffix)
        if kind is None:
            continue  # what has no type of ours is no part of the portal
        is_text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
        listed[path] = BuiltFile(
            body,
            found.get(path + ".gz"),
            f"{kind}; charset=utf-8" if is_text else kind,
            IMMUTABLE if _HASHED.fullmatch(path) else FRESH,
            inline_policy(body) if kind == "text/html" else None,
        )
    return listed
