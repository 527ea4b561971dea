"""docs/sources-city.md: every source on it can be made, and writes to a feed that has a contract."""

import re
from pathlib import Path

import pytest
import yaml

from veracity.feeds.contract_files import contract_files
from veracity.feeds.kinds import KINDS, make_source

PAGE = (Path(__file__).parents[2] / "docs" / "sources-city.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- sources -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
SOURCES = [source for block in BLOCKS for source in yaml.safe_load(block)]


@pytest.mark.parametrize("said", SOURCES, ids=lambda said: str(said["name"]))
def test_a_source_of_the_page_can_be_made(said: dict[str, object]) -> None:
    """Its settings are those there are, and its feed's contract comes with the package."""
    made = make_source(said)
    assert (made.name, made.feed) == (said["name"], said["feed"])
    assert said["kind"] == "kafka" or made.feed in contract_files()


def test_every_kind_is_on_the_page() -> None:
    """A section each, with an example."""
    shown = {str(source["kind"]) for source in SOURCES}
    assert shown == {"gtfs-realtime", "open311", "ocds", "cap", "kafka"} <= set(KINDS)
