"""The portal, built from its sources once for all tests that want it."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from nodejs import node, npm, run

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "web" / "portal"
BUILT = ROOT / "src" / "veracity" / "portal"
_SOURCE_FOLDERS = (SOURCES / "src", SOURCES / "public", ROOT / "web" / "verify" / "src")


@cache
def built_portal() -> Path:
    """Return the folder of the built portal; it is built first where a source is newer."""
    with _alone():
        _install()
        newest = max(path.stat().st_mtime for path in _sources())
        whole = BUILT / "verify.html"  # written last
        if not whole.exists() or whole.stat().st_mtime < newest:
            _vite("vite.config.ts")
            _vite("vite.alone.config.ts")
    return BUILT


@cache
def built_tests() -> Path:
    """Return the folder of the portal's unit tests, as Node runs them."""
    with _alone():
        _install()
        _vite("vite.tests.config.ts")
    return SOURCES / "dist-test"


def typescript(project: str) -> None:
    """Check the types of a project, strictly."""
    with _alone():
        _install()
    run([node(), "node_modules/typescript/bin/tsc", "--noEmit", "-p", project], SOURCES)


def _install() -> None:
    lock, installed = SOURCES / "package-lock.json", SOURCES / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], SOURCES)


def _vite(config: str) -> None:
    run([node(), "node_modules/vite/bin/vite.js", "build", "--config", config], SOURCES)


def _sources() -> Iterator[Path]:
    yield from (path for path in SOURCES.iterdir() if path.is_file())
    for folder in _SOURCE_FOLDERS:
        yield from (path for path in folder.rglob("*") if path.is_file())


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process build at a time: tests run in several."""
    name = sha256(str(SOURCES).encode()).hexdigest()[:16]
    with Path(tempfile.gettempdir(), f"veracity-portal-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
