"""The real data sets, and the whole way that each of them goes: init, contract, ingest, replay, counts."""

from pathlib import Path

import polars as pl
import pytest
from real_data import CONTRACTS, NOW, TakeIn, Taken

import veracity
from shared_data import real


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory of real data sets; the test is skipped where there is none."""
    return real()


@pytest.fixture
def take_in(tmp_path: Path) -> TakeIn:
    """Make a city with one of ``examples/contracts`` in force and give it a file, twice.

    ``registry``: another contract of them and its file, which the first one looks up.
    """

    def take(contract: str, file: Path, registry: tuple[str, Path] | None = None) -> Taken:
        if not file.is_file():
            pytest.skip(f"no real data: want {file.name} of {contract} under VERACITY_DATA, got none")
        veracity.init(tmp_path / "city", "example.org/city", lambda: NOW)
        city = veracity.open(tmp_path / "city", lambda: NOW)
        if registry is not None:
            city.ingest(city.add_feed(CONTRACTS / f"{registry[0]}.yaml").contract.feed, registry[1])
        added = city.add_feed(CONTRACTS / f"{contract}.yaml").contract
        (report,) = city.ingest(added.feed, [file])
        assert report.outcome == "sealed"
        assert report.received == report.accepted + report.quarantined + report.refused
        height = city.table(added.feed).select(pl.len()).collect().item()
        assert height == report.accepted
        assert city.quarantine(added.feed).select(pl.len()).collect().item() == report.quarantined
        (again,) = city.ingest(added.feed, [file])
        assert (again.outcome, again.received, again.entries) == ("replay", 0, [])
        assert city.table(added.feed).select(pl.len()).collect().item() == height
        return Taken(city, added, report)

    return take
