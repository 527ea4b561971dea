"""Stop rules looked at after a scoring: what did too badly is stopped without a person, by name."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import polars as pl

from veracity.home.home import Home, Writer
from veracity.home.models.gate import stop_by_rule
from veracity.home.models.kept_rows import read_rows
from veracity.home.models.matched import recent_scorings, scores_path
from veracity.home.models.stages import in_force
from veracity.models.app import App
from veracity.models.matching import WAIT
from veracity.models.scoreboard import LINES
from veracity.models.stopping import tripped

StopByRule = Callable[[Writer, str, str], Any]


def check_stop_rules(home: Writer, app: App, *, stop: StopByRule = stop_by_rule) -> str | None:
    """Stop what serves an app where a rule of its says so; return why, or None.

    Days are those of outcomes (UTC), up to the last that was scored.
    """
    serving = in_force(home, app.name)
    if serving is None or not app.stop_rules:
        return None
    lines = recent_lines(home, app.name, max(rule.days for rule in app.stop_rules))
    if lines.is_empty():
        return None
    last = lines["day"].max()
    assert isinstance(last, date), "lines have days"
    for rule in app.stop_rules:
        why = tripped(rule, lines, serving.model_sha256, last)
        if why is not None:
            stop(home, app.name, why)
            return why
    return None


def recent_lines(home: Home, system: str, days: int) -> pl.DataFrame:
    """Return the lines that were added in the last days, and in the week in which a late outcome may come."""
    lines = [
        read_rows(home, scores_path(said), said.scores)
        for _, said in recent_scorings(home, system, timedelta(days=days + 1) + WAIT)
    ]
    return pl.concat([pl.DataFrame(schema=LINES), *lines])
