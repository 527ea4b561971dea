"""Imports point one way, from edges to ground, and what is not needed is not loaded."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import veracity

ROOT = Path(veracity.__file__).parent

GROUND = {"errors", "canonical", "units"}
ALLOWED = {
    "errors": set[str](),
    "canonical": {"errors"},
    "units": {"errors"},
    "log": GROUND,
    "provenance": GROUND | {"log"},
    "data": GROUND | {"log", "provenance"},
    "models": GROUND | {"log", "provenance", "data"},
    "apps": GROUND | {"data", "models", "pages"},
    "pages": GROUND | {"provenance", "data", "models"},  # pure: what was found in data, as HTML for people
    "feeds": GROUND | {"log", "provenance", "data"},
    "stores": {"errors", "log", "provenance"},
    "verifying": GROUND | {"log", "provenance", "data", "feeds"},
    "home": GROUND | {"", "log", "provenance", "data", "models", "feeds", "stores"},
    "monitor": GROUND | {"log", "provenance", "stores", "verifying", "home"},
    "city": GROUND | {"log", "provenance", "data", "models", "feeds", "home", "apps", "verifying"},
    "server": GROUND | {"", "log", "provenance", "data", "models", "stores", "home", "apps", "city"},
    "live": GROUND
    | {"", "log", "provenance", "data", "models", "feeds", "stores", "home", "city", "apps", "server"},
    "gateway": {
        "",
        "errors",
        "canonical",
        "log",
        "provenance",
        "data",
        "feeds",
    },  # an edge box has little more
    "cli": GROUND
    | {"", "log", "provenance", "data", "feeds", "stores", "home", "city", "verifying", "pages"}
    | {"server", "monitor", "models", "apps", "live", "gateway"},
    "": {"home", "verifying"},  # the package itself: names that are loaded when first used
    "__main__": {"cli"},
}


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def dotted(path: Path) -> str:
    """``veracity.log.merkle`` for its file; a package has the name of its folder."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def area(module: str) -> str:
    """The first name below ``veracity``; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> Iterator[str]:
    """Our own modules that a file imports, anywhere in it."""
    known = {dotted(p) for p in modules()}
    for node in ast.walk(ast.parse(path.read_bytes(), path.name)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "veracity")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: want absolute imports"
            if node.module is not None and node.module.split(".")[0] == "veracity":
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    yield full if full in known else node.module


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_point_one_way(path: Path) -> None:
    """A module imports its own area and those below it, never one above."""
    own = area(dotted(path))
    assert own in ALLOWED, f"{own}: a new area: say here what it may import"
    wrong = sorted(m for m in imported(path) if area(m) != own and area(m) not in ALLOWED[own])
    assert not wrong


def test_no_cycles() -> None:
    """No module imports, by any way, itself."""
    # The package's own file is left out: its names are loaded when used, its version stands alone.
    graph = {dotted(p): {m for m in imported(p) if m != "veracity"} for p in modules()}
    graph.pop("veracity")
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        path.append(module)
        for other in sorted(graph.get(module, ())):
            visit(other)
        done.add(path.pop())

    for module in sorted(graph):
        visit(module)


def test_nothing_imports_the_command_line() -> None:
    """Only ``cli`` and ``python -m veracity`` import ``cli``."""
    users = {dotted(p) for p in modules() if any(area(m) == "cli" for m in imported(p))}
    assert {area(u) for u in users} == {"cli", "__main__"}


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has after running ``code``."""
    script = f"{code}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_is_light() -> None:
    """``import veracity`` loads none of the heavy libraries, nor what stands on them."""
    loaded = loaded_by("import veracity; veracity.__version__")
    heavy = {
        "polars",
        "deltalake",
        "numpy",
        "sqlalchemy",
        "obstore",
        "cryptography",
        "click",
        "yaml",
        "pydantic",
    }
    assert not heavy & loaded
    assert {m for m in loaded if m.startswith("veracity")} == {"veracity"}


def test_names_are_there_when_asked_for() -> None:
    """The names that the package promises can all be had from it, and a wrong one is no attribute."""
    assert [n for n in veracity.__all__ if getattr(veracity, n, None) is None] == []
    assert not hasattr(veracity, "no_such_name")


def test_version_loads_no_tables() -> None:
    """``veracity --version`` answers without loading Polars, Delta or the database."""
    run = "from veracity.cli.main import main\ntry: main(['--version'])\nexcept SystemExit: pass"
    assert not {"polars", "deltalake", "sqlalchemy"} & loaded_by(run)


def test_version() -> None:
    """``python -m veracity --version`` prints the version and nothing else."""
    done = subprocess.run([sys.executable, "-m", "veracity", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{veracity.__version__}\n", "")
