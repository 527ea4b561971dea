"""The list of sources: read strictly, changed without touching what else stands in it."""

from pathlib import Path
from typing import Any

import pytest

from veracity.data.contract import check_units, parse_contract
from veracity.feeds.contract_files import contract_file, contract_files
from veracity.feeds.errors import BadSource, MissingExtra
from veracity.feeds.kinds import KINDS, Kind, make_source
from veracity.live.source_list import (
    FILE,
    MAX_SOURCES,
    add_source,
    live_sources,
    read_list,
    remove_source,
    sources_of,
)

LIST = """\
# What our city asks.
sources:
  # the port's own service
  - name: port
    kind: sensorthings
    url: https://things.example/v1.1   # since May

  # weather at one place
  - name: weather
    kind: open-meteo
    product: weather
    every: 10 min
    places:
      - {name: port, latitude: 16.09, longitude: 108.22}
"""
AIR = {"name": "air", "kind": "open-meteo", "product": "air", "feed": "air-hoi-an", "every": "1 h"}


def test_without_a_list_there_is_no_source(tmp_path: Path) -> None:
    """A home need not have one."""
    assert sources_of(tmp_path) == []


def test_a_list_makes_sources(tmp_path: Path) -> None:
    """Each with its name, its feed and how often it is asked."""
    (tmp_path / FILE).write_text(LIST)
    made = sources_of(tmp_path)
    assert [(s.name, s.feed) for s in made] == [("port", "sensorthings"), ("weather", "open-meteo-weather")]
    assert [s.every_s for s in made if hasattr(s, "every_s")] == [60.0, 600.0]


@pytest.mark.parametrize(
    "before", [None, LIST, LIST.rstrip("\n"), "sources: []\n"], ids=["none", "two", "open", "empty"]
)
def test_a_source_is_added_at_the_end(tmp_path: Path, before: str | None) -> None:
    """What stood there stands there still, comments too."""
    if before is not None:
        (tmp_path / FILE).write_text(before)
    was = read_list(tmp_path)
    add_source(tmp_path, AIR)
    assert read_list(tmp_path) == [*was, AIR]
    if was:
        assert (tmp_path / FILE).read_text().startswith(LIST.rstrip("\n"))
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600, "it may hold tokens"
    with pytest.raises(BadSource, match="again"):
        add_source(tmp_path, AIR)
    assert read_list(tmp_path) == [*was, AIR]


def test_a_source_is_taken_off(tmp_path: Path) -> None:
    """Its lines go, and no others; the last one leaves an empty list."""
    (tmp_path / FILE).write_text(LIST)
    remove_source(tmp_path, "port")
    text = (tmp_path / FILE).read_text()
    assert "# What our city asks." in text
    assert "# weather at one place" in text
    assert [s["name"] for s in read_list(tmp_path)] == ["weather"]
    with pytest.raises(BadSource, match="want one of weather"):
        remove_source(tmp_path, "port")
    remove_source(tmp_path, "weather")
    assert read_list(tmp_path) == []
    with pytest.raises(BadSource, match="want one of none"):
        remove_source(tmp_path, "weather")


def test_a_list_written_in_another_way_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written that would read as something else."""
    text = "sources: [{name: a, kind: sensorthings, url: http://h}, {name: b, kind: cap}]\n"
    (tmp_path / FILE).write_text(text)
    with pytest.raises(BadSource, match="by hand"):
        remove_source(tmp_path, "a")
    with pytest.raises(BadSource, match="by hand"):
        add_source(tmp_path, AIR)
    assert (tmp_path / FILE).read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sources",
        "sources: 1",
        "sources: [1]",
        "sources: [{kind: cap}]",
        "sources: [{name: 5}]",
        "sources: []\nmore: 1",
        "sources: [{name: a, kind: sensorthings, url: 'http://h'}, {name: a, kind: sensorthings, url: 'http://h'}]",
        "sources: [{name: a, kind: fax}]",
        "sources: [{name: a/b, kind: open-meteo, product: air}]",
        "sources: &a [*a]",
        "sources: [{name: a, name: b}]",
        "sources: [" + "{name: a}," * (MAX_SOURCES + 1) + "]",
        "# " + "x" * 300_000,
        "sources: [{name: a, kind: open-meteo, product: air, every: 2026-09-01}]",
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    """With one of our errors, and nothing is made."""
    (tmp_path / FILE).write_text(text)
    with pytest.raises(BadSource):
        sources_of(tmp_path)


def test_the_built_in_sources_have_contracts() -> None:
    """What ``veracity up --live`` asks has a contract for each feed, under which anyone may send unsigned."""
    assert {s.feed for s in live_sources()} == {n for n in contract_files() if n.startswith("open-meteo")}
    with pytest.raises(BadSource, match="open-meteo-air"):
        contract_file("none")


@pytest.mark.parametrize("feed", contract_files())
def test_every_contract_that_comes_along_is_one(feed: str) -> None:
    """It reads, its units are units, it has its feed's name, a key with its event time, and no agency.

    The services of Open311 are a list, and have no time.
    """
    contract = parse_contract(contract_file(feed).read_bytes())
    check_units(contract)
    assert contract.feed == feed
    assert contract.time in contract.key or (feed, contract.time) == ("open311-services", None)
    assert (contract.signature, contract.agency, contract.kind) == ("optional", None, "ndjson")
    assert b"license" in contract.text or b"standard" in contract.text


@pytest.mark.parametrize("library", ["no_such_library", "no_such.library"])
def test_a_kind_whose_library_is_not_there_says_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the extra."""
    monkeypatch.setitem(KINDS, "fax", Kind("veracity.feeds.open_meteo", library, "telephone"))
    said: dict[str, Any] = {"name": "a", "kind": "fax"}
    with pytest.raises(MissingExtra, match=r"veracity\[telephone\]"):
        make_source(said)
