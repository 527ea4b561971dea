"""A city that took in one real file, and how its tables and panels are asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

import veracity
from veracity.data.contract import Contract
from veracity.home.audit import AuditReport
from veracity.home.city import City
from veracity.home.home import Home
from veracity.home.ingest import FileReport
from veracity.home.verdicts import verdict_rows

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "examples" / "contracts"
PANELS = ROOT / "examples" / "panels"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Taken:
    """A city with one feed and one real file in it, which came twice."""

    city: City
    contract: Contract
    report: FileReport

    @property
    def feed(self) -> str:
        """The feed's name."""
        return self.contract.feed

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Received, accepted, quarantined, refused."""
        r = self.report
        return r.received, r.accepted, r.quarantined, r.refused

    def rows(self) -> pl.DataFrame:
        """The accepted rows."""
        return self.city.table(self.feed).collect()

    def panel(self, name: str) -> pl.DataFrame:
        """Build a panel of ``examples/panels``."""
        return self.city.panel(PANELS / f"{name}.yaml").frame

    def verified_row(self, where: str) -> dict[str, object]:
        """Return the row that a receipt proves, verified by the trust policy alone."""
        verification = veracity.verify(self.city.receipt(self.feed, where), self.city.policy)
        assert verification.is_row_checked
        assert not verification.simulated
        return dict(verification.row or {})

    def audit(self) -> AuditReport:
        """Make everything again; nothing may differ."""
        report = self.city.audit()
        assert report.findings == []
        return report


class TakeIn(Protocol):
    """Make a city with a contract of the examples in force and give it a file, twice."""

    def __call__(self, contract: str, file: Path, registry: tuple[str, Path] | None = None) -> Taken:
        """Return what came of it; ``registry``: a contract and its file, which the first one looks up."""


def states(panel: pl.DataFrame, column: str) -> dict[str | None, int]:
    """Count how the cells of a panel's column came to be."""
    return dict(panel[f"{column}_state"].value_counts().iter_rows())


def cell(panel: pl.DataFrame, time: datetime, column: str, **key: str) -> tuple[object, object]:
    """Return one cell of a panel and its state."""
    (row,) = panel.filter(time=time, **key).select(column, f"{column}_state").iter_rows()
    value, state = row
    return value, state


def verdicts(city: City, feed: str) -> pl.DataFrame:
    """Return outcome and broken rules of each row in order of arrival, however it was cut into batches."""
    home = Home.open(city.root)
    try:
        return verdict_rows(home, feed).drop("_batch", "_record").collect()
    finally:
        home.close()
