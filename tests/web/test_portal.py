"""The portal as it is built: its unit tests, its types, its weight, and what its pages may run."""

import gzip
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from built_portal import SOURCES, built_portal, built_tests, typescript
from nodejs import node, run

REPOSITORY = Path(__file__).parents[2]
FIRST_LOAD = 300_000  #: bytes gzipped, without the map
INLINE = re.compile(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:")


def test_its_own_tests_pass() -> None:
    """Routes, languages, the steps of every vector, lineage, series: under Node's runner."""
    run([node(), "--test", str(built_tests())], SOURCES)


@pytest.mark.parametrize("project", [".", "test"])
def test_types(project: str) -> None:
    """Strict; a string that a language lacks does not compile."""
    typescript(project)


def test_the_package_carries_it(tmp_path: Path) -> None:
    """A wheel made after `make portal` has every file of it, and the contracts of the built-in feeds."""
    built = {str(p.relative_to(built_portal().parent)) for p in built_portal().rglob("*") if p.is_file()}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.iterdir()
    names = {name.removeprefix("veracity/") for name in zipfile.ZipFile(wheel).namelist()}
    assert built | {"server/created/created-things.yaml"} <= names


def test_the_first_load_is_light() -> None:
    """All that any view but the map needs, together, is below the limit: so is each first load."""
    root = built_portal()
    files = [path for path in root.rglob("*") if path.suffix in (".html", ".js", ".css", ".svg")]
    files = [
        path for path in files if path.name != "verify.html" and not path.name.startswith(("map", "maplibre"))
    ]
    weight = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
    assert len(files) > 10
    assert weight <= FIRST_LOAD, f"{weight:,} bytes"


def test_the_map_is_not_in_the_first_load() -> None:
    """It is fetched by the view that shows it: the page and its first script do not name it as theirs."""
    root = built_portal()
    page = (root / "index.html").read_text()
    assert "map" not in page.replace("sourcemap", "")
    first = re.search(r'src="\./(assets/[^"]+)"', page)
    assert first is not None
    text = (root / first.group(1)).read_text()
    assert "maplibre" not in re.sub(r'"[^"]*"', "", text)


def test_what_is_compressed_is_what_is_there() -> None:
    """Each script and style has its compressed copy, made of the very file."""
    root = built_portal()
    files = [path for path in root.rglob("*") if path.suffix in (".js", ".css")]
    for path in files:
        assert gzip.decompress(Path(f"{path}.gz").read_bytes()) == path.read_bytes()


def test_the_page_runs_nothing_inline() -> None:
    """Scripts and styles are files of their own, of this server."""
    page = (built_portal() / "index.html").read_text()
    assert not INLINE.findall(page)
    assert not re.findall(r'(?:src|href)="(?!\./)[^"]*"', page)
    scripts = "".join(path.read_text() for path in (built_portal() / "assets").glob("index-*.js"))
    assert "eval(" not in scripts
    assert "new Function" not in scripts


def test_the_lone_page_names_no_other_file() -> None:
    """One file: nothing beside it and nobody on the network is named, and its policy allows nothing else."""
    page = (built_portal() / "verify.html").read_text()
    head = page[: page.index("<style>")]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', head)
    assert policy is not None
    allowed = dict(rule.split(" ", 1) for rule in policy.group(1).split("; "))
    assert allowed["default-src"] == "'none'"
    assert all(
        re.fullmatch(r"'sha256-[A-Za-z0-9+/]+='", allowed[name]) for name in ("script-src", "style-src")
    )
    assert set(allowed) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?!data:)", head)
    assert len(page) < 400_000


def test_versions_are_exact_and_no_host_is_named() -> None:
    """What is installed is what was tried, from whichever registry the machine uses."""
    package = json.loads((SOURCES / "package.json").read_bytes())
    wanted = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    packages = json.loads((SOURCES / "package-lock.json").read_bytes())["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in packages.items() if name)
