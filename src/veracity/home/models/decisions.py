"""Decisions logged before anybody knows their outcome, and read back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from veracity.data.text import RECORDS_PER_PAGE
from veracity.home.clock import format_time, parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.models.engine import code_sha256, engine_line
from veracity.home.models.kept_rows import put_rows, read_rows, rows_digest, rows_path
from veracity.home.models.known import Known
from veracity.home.models.of_system import said_of
from veracity.home.models.said import read_said
from veracity.models.app import App
from veracity.models.decision_rows import check_rows, decision_pages, in_order, rung_counts
from veracity.models.errors import DecidedLate
from veracity.provenance.statements import Decide, Evidence, RowsDigest, Stage


@dataclass(frozen=True)
class Served:
    """What a system runs under: a release, its model and stage; or none."""

    release: int | None = None
    model_sha256: str | None = None
    stage: Stage = "shadow"


@dataclass(frozen=True)
class Logged:
    """Decisions in the log."""

    decide: Decide
    idx: int


def log_decisions(
    home: Writer,
    app: App,
    rows: pl.DataFrame,
    *,
    known: Known,
    seen: RowsDigest,
    served: Served,
    now: datetime,
) -> Logged:
    """Keep decisions and say so in the log, before any of their outcomes is due.

    Parameters
    ----------
    rows
        As ``app.decide`` gives them, in any order.
    known, seen
        The snapshots that were read, and the rows of the panel as they were seen.
    served
        The release that the system ran under.
    now
        The time of deciding. Not after the clock, not before the run before, nor before a batch of the app's
        feeds that is in the log: a decision cannot be dated back behind what was known.

    Raises
    ------
    BadDecisions
        If the rows are not what decisions can be.
    DecidedLate
        If an outcome is due by now or by the clock, or ``now`` is dated back or ahead.
    """
    rows = in_order(rows)
    check_rows(rows, app.targets, [r.name for r in app.ladder], now)
    runs = said_of(home, "decide", app.name)
    _check_time(home, app, rows, known, now, runs[-1][1]["made_at"] if runs else None)
    output, (_, pages) = rows_digest(rows), decision_pages(rows)
    decide = Decide(
        system=app.name,
        run=len(runs),
        release=served.release,
        model_sha256=served.model_sha256,
        stage=served.stage,
        made_at=format_time(now),
        inputs=known.inputs,
        input=seen,
        output=output,
        evidence=Evidence(pages.root.hex(), len(pages.hashes), RECORDS_PER_PAGE, "rendered"),
        code_sha256=code_sha256(app.code),
        rungs=rung_counts(rows),
        engine=engine_line(),
        simulated=known.simulated,
    )
    put_rows(home, decisions_path(decide), rows)
    return Logged(decide, home.say(decide.to_statement()))


def decisions_path(decide: Decide) -> str:
    """Return where a run's decisions are kept."""
    return rows_path("decisions", decide.system, decide.run, decide.output)


def find_run(home: Home, system: str, run: int) -> Logged:
    """Return the statement of a run; ``BadName`` if there is none."""
    runs = said_of(home, "decide", system)
    if not 0 <= run < len(runs):
        raise BadName(f"run: want one of the {len(runs)} runs of {system}, got {run}")
    idx = runs[run][0]
    return Logged(read_said(home, idx, Decide), idx)


def read_decisions(home: Home, system: str, run: int) -> pl.DataFrame:
    """Return the decisions of a run, row ``i`` being record ``i``.

    Raises
    ------
    BadName
        If there is no such run.
    TableMismatch
        If they are gone, or not those that the log says.
    """
    decide = find_run(home, system, run).decide
    return read_rows(home, decisions_path(decide), decide.output)


def check_not_dated_back(home: Home, system: str, feeds: Iterable[str], now: datetime) -> None:
    """Raise DecidedLate if a batch of any of these feeds is in the log with a later time than ``now``."""
    for feed in feeds:
        received = home.index.next_batch(feed)[1]
        if received is not None and parse_time("received_at", received) > now:
            raise DecidedLate(
                f"{system}: want a time of deciding after the last batch of {feed} ({received}), got {now}"
            )


def _check_time(
    home: Home, app: App, rows: pl.DataFrame, known: Known, now: datetime, before: str | None
) -> None:
    clock = home.clock()
    if now > clock:
        raise DecidedLate(f"{app.name}: want a time of deciding that has come ({clock}), got {now}")
    if before is not None and now < parse_time("made_at", before):
        raise DecidedLate(f"{app.name}: want a time not before the run before ({before}), got {now}")
    check_not_dated_back(home, app.name, known.panel.feeds, now)
    due = rows.filter(pl.col("horizon_s") > 0)["due"].min()
    if isinstance(due, datetime) and due <= clock:
        raise DecidedLate(f"{app.name}: want outcomes due after the clock's {clock}, got one due {due}")
