"""Outcomes: decisions that fell due are matched with what was measured and scored, each once, for good."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from veracity.home.clock import format_time, parse_time
from veracity.home.errors import BadName
from veracity.home.home import Writer
from veracity.home.models.engine import code_sha256, engine_line
from veracity.home.models.kept_rows import put_rows, rows_digest
from veracity.home.models.known import Known
from veracity.home.models.matched import Made, Runs, make, outcomes_path, recent_scorings, scores_path
from veracity.models.app import App
from veracity.models.matching import WAIT
from veracity.provenance.statements import Outcome

STEP = timedelta(days=1)  #: one statement is of so much time at most, so that memory is bounded


@dataclass(frozen=True)
class Scored:
    """A scoring in the log."""

    outcome: Outcome
    idx: int


def score(home: Writer, app: App, until: datetime | None = None) -> list[Scored]:
    """Match and score all decisions due by ``until`` (or now), each once; a statement for each day of time.

    Where nothing fell due and nothing came again, or all was scored to a later time, nothing is said: the
    same call again changes nothing.

    Raises
    ------
    BadName
        If ``until`` is ahead of the clock.
    TableMismatch
        If decisions or outcomes kept are gone or changed: nothing is scored on what was changed.
    """
    now = home.clock()
    until = now if until is None else until
    if until > now:
        raise BadName(f"until: want a time that has come ({format_time(now)}), got {format_time(until)}")
    known, runs = Known.at(home, app, now), Runs.of(home, app.name)
    past = recent_scorings(home, app.name, WAIT)
    since = parse_time("until", past[-1][1].until) if past else None
    if since is not None and until <= since:
        return []
    done: list[Scored] = []
    for stop in _steps(since or (runs.said[0][2] if runs.said else until), until):
        made = make(home, app, runs, known, past, stop, None)
        if not made.is_empty:
            done.append(_say(home, app, known, past[-1][1] if past else None, made, stop))
            past.append((done[-1].idx, done[-1].outcome))
    return done


def _say(home: Writer, app: App, known: Known, last: Outcome | None, made: Made, until: datetime) -> Scored:
    outcome = Outcome(
        system=app.name,
        number=0 if last is None else last.number + 1,
        until=format_time(until),
        runs=made.runs,
        inputs=known.inputs,
        counts=made.counts,
        outcomes=rows_digest(made.outcomes),
        scores=rows_digest(made.lines),
        before=None if last is None else last.scores.sha256,
        scored_at=format_time(home.clock()),
        code_sha256=code_sha256(app.code),
        engine=engine_line(),
        simulated=known.simulated,
    )
    put_rows(home, outcomes_path(outcome), made.outcomes)
    put_rows(home, scores_path(outcome), made.lines)
    return Scored(outcome, home.say(outcome.to_statement()))


def _steps(start: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the ends of days (UTC) after ``start``, and ``until``."""
    end = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + STEP
    while end < until:
        yield end
        end += STEP
    yield until
