"""What one scoring of a system comes to: made from the log, the decisions and the tables; again by audits."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.decisions import decisions_path
from veracity.home.models.kept_rows import read_rows, rows_path
from veracity.home.models.known import CELLS, Known
from veracity.home.models.of_system import said_of
from veracity.home.models.overrides import overrides_of
from veracity.home.models.said import read_said
from veracity.models.app import App
from veracity.models.decision_rows import LONGEST_AHEAD
from veracity.models.decisions import SCHEMA
from veracity.models.matching import (
    CONTRADICTED,
    MATCHED,
    OUTCOMES,
    REPEATED,
    Window,
    by_cell,
    came_again,
    counted,
    first_values,
    outcome_rows,
    settled,
)
from veracity.models.overriding import scored_twice
from veracity.models.scoreboard import LINE_KEYS, LINES, add_up
from veracity.models.scoring import contributions, score_rows
from veracity.provenance.statements import Decide, Matched, Outcome

Said = tuple[int, Outcome]  #: a scoring and its place in the log


@dataclass(frozen=True)
class Made:
    """A scoring: its rows, its lines, and where every decision went."""

    outcomes: pl.DataFrame
    lines: pl.DataFrame
    counts: Matched
    runs: tuple[int, int] | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return self.outcomes.is_empty()


@dataclass
class Runs:
    """The runs of a system, in log order; which time their decisions are due is remembered."""

    home: Home
    system: str
    said: list[tuple[int, int, datetime]] = field(default_factory=list)  #: run, log entry, made at
    _due: dict[int, tuple[datetime, datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Home, system: str) -> "Runs":
        """Return those in the log."""
        said = [
            (int(p["run"]), idx, parse_time("made_at", str(p["made_at"])))
            for idx, p in said_of(home, "decide", system)
        ]
        return cls(home, system, said)

    def open(self, window: Window, since: int, before: int | None) -> Iterator[tuple[Decide, pl.DataFrame]]:
        """Yield (statement, rows that may be unsettled) of each run that has such rows.

        Parameters
        ----------
        since
            The log entry of the scoring before: runs after it are new; -1 for none.
        before
            Only runs before this log entry; None for all.
        """
        for run, idx, made_at in self.said:
            is_new = idx > since
            late = window.start is not None and made_at + LONGEST_AHEAD <= window.start
            if (before is not None and idx >= before) or (late and not is_new):
                continue
            if run in self._due and not self._may_be_open(run, window, is_new=is_new):
                continue
            decide = read_said(self.home, idx, Decide)
            rows = read_rows(self.home, decisions_path(decide), decide.output)
            self._due[run] = _span(rows)
            rows = window.open_rows(rows.with_row_index("record"), is_new=is_new)
            if rows.height:
                yield decide, rows.with_columns(pl.col("record").cast(pl.Int64))

    def _may_be_open(self, run: int, window: Window, *, is_new: bool) -> bool:
        first, last = self._due[run]
        return first <= window.until and (is_new or window.start is None or last > window.start)


def make(
    home: Home, app: App, runs: Runs, known: Known, past: Sequence[Said], until: datetime, before: int | None
) -> Made:
    """Match and score what fell due.

    Parameters
    ----------
    runs
        Of the system.
    known
        The snapshots that outcomes are read from.
    past
        All scorings before, in order; or the last ones, as far back as ``WAIT`` goes.
    until
        Decisions due by then.
    before
        The log entry of the scoring where it is made again; None for a new one.
    """
    last = past[-1] if past else None
    window = Window(until, None if last is None else parse_time("until", last[1].until))
    had, firsts = _past_outcomes(home, past, window)
    cells = _Cells(known, until, firsts)
    outcomes, lines = [pl.DataFrame(schema=OUTCOMES)], [pl.DataFrame(schema=LINES)]
    touched: list[int] = []
    said = overrides_of(home, app.name, before)
    for decide, rows in _unsettled(runs.open(window, -1 if last is None else last[0], before), had):
        found = settled(rows, cells.since(rows["due"].min()).counting, until)
        if found.height:
            touched.append(decide.run)
            outcomes.append(outcome_rows(found, decide.run))
            lines.append(_lines(app, decide, found, said.get(decide.run, {})))
    again = _again(known, last, cells.since(firsts["due"].min()))
    whole = pl.concat([*outcomes, again])
    states = dict(whole["state"].value_counts().iter_rows())
    n_due = sum(f.height for f in outcomes)
    n_matched = int(states.get(MATCHED, 0))
    counts = Matched(
        due=n_due,
        matched=n_matched,
        missing=n_due - n_matched,
        repeated=int(states.get(REPEATED, 0)),
        contradicted=int(states.get(CONTRADICTED, 0)),
    )
    span = (min(touched), max(touched)) if touched else None
    return Made(whole, add_up(pl.concat(lines), LINE_KEYS), counts, span)


def outcomes_path(said: Outcome) -> str:
    """Return where the rows of a scoring's outcomes are kept."""
    return rows_path("outcomes", said.system, said.number, said.outcomes)


def scores_path(said: Outcome) -> str:
    """Return where the lines that a scoring added are kept."""
    return rows_path("scores", said.system, said.number, said.scores)


def past_scorings(home: Home, system: str, before: int | None = None) -> list[Said]:
    """Return the scorings of a system in log order, or those before a log entry."""
    said = [idx for idx, _ in said_of(home, "outcome", system) if before is None or idx < before]
    return [(idx, read_said(home, idx, Outcome)) for idx in said]


def recent_scorings(home: Home, system: str, back: timedelta) -> list[Said]:
    """Return the scorings whose ``until`` is less than ``back`` before the last one's: that one always.

    Only these are read from the log, so that the cost does not grow with history.
    """
    said = said_of(home, "outcome", system)
    if not said:
        return []
    since = parse_time("until", str(said[-1][1]["until"])) - back
    recent = [idx for idx, p in said if parse_time("until", str(p["until"])) > since]
    return [(idx, read_said(home, idx, Outcome)) for idx in recent]


def _past_outcomes(
    home: Home, past: Sequence[Said], window: Window
) -> tuple[dict[tuple[object, ...], pl.DataFrame], pl.DataFrame]:
    """Return the records settled before, by run, and the outcomes that may come again, by ``first_values``.

    Only of scorings whose decisions may be open; of each no more is kept than two numbers a decision.
    """
    settled_before = [pl.DataFrame(schema={"run": pl.Int64, "record": pl.Int64})]
    cells = [pl.DataFrame(schema=OUTCOMES)]
    for _, said in past:
        if window.start is None or parse_time("until", said.until) > window.start:
            rows = read_rows(home, outcomes_path(said), said.outcomes)
            settled_before.append(rows.select("run", "record").drop_nulls())
            cells.append(by_cell(rows))
    firsts = first_values(pl.concat(cells))
    if window.start is not None:
        firsts = firsts.filter(pl.col("due") > window.start)
    return pl.concat(settled_before).partition_by("run", as_dict=True), firsts


def _unsettled(
    runs: Iterator[tuple[Decide, pl.DataFrame]], had: Mapping[tuple[object, ...], pl.DataFrame]
) -> Iterator[tuple[Decide, pl.DataFrame]]:
    """Yield each run's rows without those that were settled before, one run at a time."""
    for decide, rows in runs:
        of_run = had.get((decide.run,))
        left = rows if of_run is None else rows.join(of_run, on="record", how="anti", maintain_order="left")
        if left.height:
            yield decide, left


class _Cells:
    """What is measured of outcomes, from as far back as was asked for so far."""

    def __init__(self, known: Known, until: datetime, firsts: pl.DataFrame) -> None:
        self.known, self.until, self.firsts = known, until, firsts
        self.start = until
        self.measured = self.counting = pl.DataFrame(schema=CELLS)
        self._is_read = False

    def since(self, start: object) -> "_Cells":
        """Read from ``start`` on, if that is a time and was not read yet."""
        if isinstance(start, datetime) and (start < self.start or not self._is_read):
            self.start, self._is_read = min(start, self.start), True
            self.measured = self.known.measured(self.known.floor(self.start), self.known.floor(self.until))
            self.counting = counted(self.measured, self.firsts)
        return self


def _lines(app: App, decide: Decide, found: pl.DataFrame, said: Mapping[int, str]) -> pl.DataFrame:
    """Return the lines that a run's settled decisions give, and what persons put in their place."""
    made_at = parse_time("made_at", decide.made_at)
    rows = [found.select(*SCHEMA, "value"), *scored_twice(found, said)]
    scored = score_rows(pl.concat(rows), made_at, app.events)
    return add_up(contributions(scored, decide.model_sha256), LINE_KEYS)


def _again(known: Known, last: Said | None, cells: _Cells) -> pl.DataFrame:
    """Return the rows of what was scored before and came again since the last scoring."""
    since = {} if last is None else {i.feed: i.up_to_batch for i in last[1].inputs}
    newly = pl.DataFrame(schema=CELLS)
    has_new = since != {feed: batch for feed, batch in known.up_to.items() if batch >= 0}
    if last is not None and has_new and not cells.firsts.is_empty():
        newly = known.measured(known.floor(cells.start), known.floor(cells.until), since)
    return came_again(cells.firsts, cells.measured, newly).cast(OUTCOMES)


def _span(rows: pl.DataFrame) -> tuple[datetime, datetime]:
    first, last = rows["due"].min(), rows["due"].max()
    assert isinstance(first, datetime), "a run has rows"
    assert isinstance(last, datetime), "a run has rows"
    return first, last
