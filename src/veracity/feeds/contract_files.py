"""The contracts that come with the connectors, one YAML file a feed."""

from importlib import resources
from importlib.resources.abc import Traversable

from veracity.feeds.errors import BadSource


def contract_files() -> dict[str, Traversable]:
    """Return the contract file of each feed that a connector comes with, by the feed's name."""
    folder = resources.files("veracity.feeds") / "contracts"
    files = {
        file.name.removesuffix(".yaml"): file for file in folder.iterdir() if file.name.endswith(".yaml")
    }
    return dict(sorted(files.items()))


def contract_file(feed: str) -> Traversable:
    """Return one of them; BadSource with those there are."""
    found = contract_files()
    if feed not in found:
        raise BadSource(f"feed: want one that has a contract here ({', '.join(found)}), got {feed[:60]!r}")
    return found[feed]
