"""``veracity feed check --page``: the page beside the verdicts."""

import json
from pathlib import Path

import pytest

from run_cli import Here, is_one_line
from small_city import contract, ndjson


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    return Here(capsys, monkeypatch)


def test_the_verdicts_are_the_same_with_a_page(here: Here, tmp_path: Path) -> None:
    """A page changes neither what is printed nor the exit code."""
    files = [ndjson(tmp_path / "a.ndjson", 0, 100), ndjson(tmp_path / "b.ndjson", 100, 80)]
    plain = here("feed", "check", contract(tmp_path), *files)
    paged = here("feed", "check", contract(tmp_path), *files, "--page", tmp_path / "page.html")
    assert plain.code == 1
    assert paged == plain
    assert (tmp_path / "page.html").read_bytes().startswith(b'<!DOCTYPE html>\n<html lang="en">')


def test_a_fixed_clock_gives_the_same_page(here: Here, tmp_path: Path) -> None:
    """Two runs under SOURCE_DATE_EPOCH write the same bytes."""
    pages = [tmp_path / "1.html", tmp_path / "2.html"]
    for page in pages:
        here("feed", "check", contract(tmp_path), ndjson(tmp_path / "a.ndjson", 0, 200), "--page", page)
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_json_names_the_page(here: Here, tmp_path: Path) -> None:
    """With --json the object says where the page is."""
    page = tmp_path / "page.html"
    done = here(
        "feed", "check", contract(tmp_path), ndjson(tmp_path / "a.ndjson", 0, 50), "--page", page, "--json"
    )
    assert json.loads(done.out)["page"] == str(page)


def test_a_page_that_cannot_be_written_is_said(here: Here, tmp_path: Path) -> None:
    """Where the page cannot be written, one line says so, and nothing is left behind."""
    page = tmp_path / "nowhere" / "page.html"
    done = here("feed", "check", contract(tmp_path), ndjson(tmp_path / "a.ndjson", 0, 50), "--page", page)
    assert done.code == 4
    assert is_one_line(done)
    assert "page: want to write" in done.err
    assert not page.parent.exists()


def test_a_page_replaces_nothing_that_is_read(here: Here, tmp_path: Path) -> None:
    """A page is not written over the contract, the data, or what is no file: all stay as they were."""
    yaml, data = contract(tmp_path), ndjson(tmp_path / "a.ndjson", 0, 50)
    before = yaml.read_bytes(), data.read_bytes()
    for target, code in ((yaml, 3), (data, 3), (tmp_path, 4), (Path("/dev/null"), 4), (Path(), 3)):
        done = here("feed", "check", yaml, data, "--page", target)
        assert (done.code, is_one_line(done)) == (code, True), target
        assert done.err.startswith("veracity: page: want")
    assert (yaml.read_bytes(), data.read_bytes()) == before
    assert here("feed", "infer", data, "--to", data).code == 3
    assert data.read_bytes() == before[1]


def test_infer_bounds_the_names_of_objects(here: Here, tmp_path: Path) -> None:
    """Objects that never share a name are refused, before they fill the memory."""
    path = tmp_path / "names.ndjson"
    path.write_text("".join(f'{{"k{i}": 1}}\n' for i in range(5_000)), encoding="utf-8")
    done = here("feed", "infer", path)
    assert (done.code, is_one_line(done)) == (3, True)
    assert "at most 2,000 different names" in done.err
