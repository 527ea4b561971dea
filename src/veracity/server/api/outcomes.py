"""What came of a run's decisions: outcomes that later scorings matched, each file checked by its digest."""

import polars as pl

from veracity.home.home import Home
from veracity.home.models.kept_rows import read_rows
from veracity.home.models.matched import outcomes_path
from veracity.home.models.of_system import said_of
from veracity.home.models.said import read_said
from veracity.models.matching import MATCHED
from veracity.provenance.statements import Outcome


def outcomes_of_run(home: Home, system: str, entry: int, run: int) -> dict[int, float]:
    """Return what was measured, by record of a run whose statement is at a log entry.

    Only the scorings are read that the run is in.

    Raises
    ------
    TableMismatch
        If outcomes kept are gone or changed.
    """
    found: dict[int, float] = {}
    for idx, p in said_of(home, "outcome", system):
        runs = p["runs"]
        if idx < entry or runs is None or not int(runs["first"]) <= run <= int(runs["last"]):
            continue
        said = read_said(home, idx, Outcome)
        rows = read_rows(home, outcomes_path(said), said.outcomes)
        mine = rows.filter(pl.col("run") == run, pl.col("state") == MATCHED).select("record", "value")
        found |= {int(record): float(value) for record, value in mine.iter_rows()}
    return found
