"""Scorings audited: in their order, each decision settled once, and the same again from what went in."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.kept_rows import read_rows, rows_digest, rows_text
from veracity.home.models.known import Known
from veracity.home.models.matched import Runs, Said, make, outcomes_path, scores_path
from veracity.home.models.received import Received
from veracity.home.models.run_audit import check_inputs
from veracity.models.app import App
from veracity.models.matching import MATCHED, MISSING
from veracity.models.panel_array import Bools
from veracity.provenance.statements import Outcome


class ScoringAudit:
    """The scorings of one system, oldest first; which decisions are settled is remembered, a byte each.

    Attributes
    ----------
    settled
        By run, which of its decisions were settled so far.
    """

    def __init__(self, home: Home, received: Received, system: str) -> None:
        self._home, self._received, self._runs = home, received, Runs.of(home, system)
        self._past: list[Said] = []
        self.settled: dict[int, Bools] = {}

    @property
    def last(self) -> Outcome | None:
        """The last scoring that was checked."""
        return self._past[-1][1] if self._past else None

    def check(self, outcome: Outcome, idx: int, app: App | None) -> Iterator[tuple[str, str]]:
        """Yield (what, detail) of all that is not as the next scoring, log entry ``idx``, says.

        ``app`` has the very code that the statement names; without it nothing is scored again.

        Raises
        ------
        TableMismatch
            If rows are gone or changed.
        """
        past = list(self._past)
        self._past.append((idx, outcome))
        yield from _check_chain(outcome, len(past), past[-1][1] if past else None)
        yield from check_inputs(self._received, outcome.inputs, idx, outcome.scored_at)
        rows = read_rows(self._home, outcomes_path(outcome), outcome.outcomes)
        read_rows(self._home, scores_path(outcome), outcome.scores)
        yield from _check_once(rows, self.settled)
        if app is not None:
            known, until = Known.of(self._home, app, outcome.inputs), parse_time("until", outcome.until)
            made = make(self._home, app, self._runs, known, past, until, idx)
            yield from _compare(outcome, made.outcomes, made.lines, made.counts)


def _check_chain(outcome: Outcome, number: int, last: Outcome | None) -> Iterator[tuple[str, str]]:
    if outcome.number != number:
        yield "number", f"want {number}, got {outcome.number}"
    want = None if last is None else last.scores.sha256
    if outcome.before != want:
        yield "before", f"want {str(want)[:16]}, got {str(outcome.before)[:16]}"
    if last is not None and outcome.until <= last.until:
        yield "until", f"want it after {last.until}, got {outcome.until}"


def _check_once(rows: pl.DataFrame, settled: dict[int, Bools]) -> Iterator[tuple[str, str]]:
    """Check that no decision is settled that was before; take in those that are: a byte each, by run."""
    own = rows.filter(pl.col("state").is_in([MATCHED, MISSING]))
    n_again = 0
    for (run,), of_run in own.partition_by("run", as_dict=True).items():
        records = of_run["record"].to_numpy()
        had = settled.get(int(run), np.zeros(0, np.bool_))
        grown = np.zeros(max(len(had), int(records.max()) + 1), np.bool_)
        grown[: len(had)] = had
        n_again += int(grown[records].sum()) + len(records) - len(np.unique(records))
        grown[records] = True
        settled[int(run)] = grown
    if n_again:
        yield "outcomes", f"want each decision settled once, got {n_again} again"


def _compare(
    said: Outcome, outcomes: pl.DataFrame, lines: pl.DataFrame, counts: Any
) -> Iterator[tuple[str, str]]:
    for what, want, got in (
        ("outcomes made again", said.outcomes, rows_digest(outcomes)),
        ("scores made again", said.scores, rows_digest(lines)),
    ):
        if want != got:
            yield what, f"want {rows_text(want)}, got {rows_text(got)}"
    if said.counts != counts:
        yield "counts", f"want {counts.to_object()}, got {said.counts.to_object()}"
