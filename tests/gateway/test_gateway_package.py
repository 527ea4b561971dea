"""The small install: only what the gateway needs, below 60 MB on disk and 100 MB in memory.

The wheel is built and put into a fresh environment with what it says it depends on, copied from the one that
the tests run in: no network is needed, and nothing else is there that could be imported by mistake.
"""

import ast
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import veracity
from edge_world import broker, city, configured, publish, until

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
MAX_INSTALLED = 60_000_000
MAX_MEMORY_KB = 100_000
BUILD = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


KNOWN = {dotted(path): path for path in (SOURCE / "veracity").rglob("*.py")}


def imported(path: Path) -> Iterator[str]:
    """Our modules that a file imports when it runs, anywhere in it."""
    typing_only = {
        id(inner)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(ast.parse(path.read_bytes())):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in KNOWN else node.module


def needed() -> set[str]:
    """All modules that the gateway's import, with the packages they are in."""
    found: set[str] = set()
    left = [name for name in KNOWN if name.startswith("veracity.gateway")]
    while left:
        name = left.pop()
        if name not in KNOWN or name in found:
            continue
        found.add(name)
        left.append(name.rpartition(".")[0])
        if name != "veracity":  # its names are loaded when used, and the gateway uses none
            left += imported(KNOWN[name])
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    package = ROOT / "packages" / "gateway"
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=package, capture_output=True, text=True, check=True
    )
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with the wheel and its dependencies."""
    home = tmp_path_factory.mktemp("edge")
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (own,) = importlib.metadata.distributions(path=[str(site)])
    left = list(own.requires or [])
    copied: set[str] = set()
    while left:
        requirement = Requirement(left.pop())
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not wanted or requirement.name.lower() in copied:
            continue
        copied.add(requirement.name.lower())
        library = importlib.metadata.distribution(requirement.name)
        assert requirement.specifier.contains(library.version)
        for file in library.files or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), target)
        left += library.requires or []
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "compileall", "-q", site], check=True)
    return python


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}


def test_the_wheel_holds_what_the_gateway_needs_and_nothing_else(wheel: Path) -> None:
    """A module more or less in packages/gateway/pyproject.toml fails here."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        files = {name for name in names if not name.split("/")[0].endswith(".dist-info")}
        assert any(name.endswith("/licenses/LICENSE") for name in names)
    wanted = {KNOWN[name].relative_to(SOURCE).as_posix() for name in needed()}
    assert files == wanted | {"veracity/py.typed"}
    assert wheel.name.startswith(f"veracity_gateway-{veracity.__version__}-")


def test_none_of_the_heavy_libraries_is_needed(python: Path) -> None:
    """Every module of the wheel can be imported where nothing else is."""
    names = sorted(name for name in needed() if not name.endswith("__main__"))
    script = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    subprocess.run([python, "-W", "error", "-c", script], env=environment(), check=True)


def test_it_is_small_on_disk(python: Path) -> None:
    """With its dependencies and their compiled code, the interpreter apart."""
    (site,) = python.parents[1].glob("lib/python3*/site-packages")
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert 10_000_000 < size < MAX_INSTALLED


def test_it_is_small_in_memory(python: Path, tmp_path: Path) -> None:
    """At its peak, with every kind of source at work and a thousand messages on their way."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "big.ndjson").write_bytes(
        b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, 100 * b"x") for n in range(20_000))
    )
    with broker(tmp_path / "nats") as nats, city(nats.port) as there:
        path = configured(tmp_path, nats.port, f"""
sources:
  - {{name: local, kind: mqtt, feed: air, url: 'mqtt://127.0.0.1:{nats.port}', topic: edge/#}}
  - {{name: drop, kind: folder, feed: soil, folder: in, settle_s: 0}}
  - {{name: line, kind: serial, feed: tide, device: none}}
  - {{name: page, kind: http, feed: web, url: 'http://127.0.0.1:1/'}}
  - {{name: meter, kind: modbus, feed: meter, host: 127.0.0.1, port: 1, registers: [{{name: a, address: 0}}]}}
""")  # fmt: skip
        command = [str(python), "-m", "veracity.gateway", "run", "-c", str(path)]
        log = (tmp_path / "log").open("wb")
        process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=log)
        try:
            status = tmp_path / "state" / "status.json"
            until(lambda: status.exists() and json.loads(status.read_bytes())["sources"]["local"]["well"])
            publish(nats.port, "edge/s1", [b'{"n":%d}' % n for n in range(1_000)])
            until(lambda: len(there.records("soil")) == 20_000 and len(there.records("air")) == 1_000)
            memory = Path(f"/proc/{process.pid}/status").read_text()
            (peak_kb,) = (int(line.split()[1]) for line in memory.splitlines() if line.startswith("VmHWM"))
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
            log.close()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["event"] for line in lines} >= {"started", "source failed", "stopped"}
    assert peak_kb < MAX_MEMORY_KB
