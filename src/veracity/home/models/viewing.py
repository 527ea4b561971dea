"""What an app's pages are drawn from: its newest run, or another, the panel it saw, and how it scored."""

from collections.abc import Sequence

import polars as pl

from veracity.home.clock import parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.models.decisions import Logged, find_run, read_decisions
from veracity.home.models.kept_rows import read_rows
from veracity.home.models.known import Known
from veracity.home.models.matched import outcomes_path, past_scorings
from veracity.home.models.of_system import said_of
from veracity.home.models.running import seen_panel
from veracity.home.models.scoreboard import all_lines
from veracity.models.app import App
from veracity.models.matching import MATCHED
from veracity.models.panel_array import PanelArray
from veracity.models.view import OUTCOMES, Place, View
from veracity.provenance.statements import Decide

RECENT = 14  #: scorings whose outcomes are drawn one by one; the scoreboard's sums are of all


def view_of(
    home: Home, app: App, *, run: int | None = None, places: Sequence[Place] = (), zone: str = "UTC"
) -> View:
    """Return the view of a run, by default the newest.

    Raises
    ------
    BadName
        If the system has no such run.
    TableMismatch, ScoreboardBroken
        If decisions, outcomes or scores kept are gone or not what the log says.
    """
    logged = find_run(home, app.name, newest_run(home, app.name) if run is None else run)
    decide = logged.decide
    now, known = parse_time("made_at", decide.made_at), Known.of(home, app, decide.inputs)
    frame = seen_panel(known, now)
    return View(
        now=now,
        rows=read_decisions(home, app.name, decide.run),
        panel=PanelArray.from_frame(frame, known.panel.key, app.attributes),
        facts=_facts(logged),
        lines=all_lines(home, app.name),
        outcomes=recent_outcomes(home, app.name),
        places=places,
        simulated=decide.simulated,
        zone=zone,
    )


def newest_run(home: Home, system: str) -> int:
    """Return the number of a system's newest run; BadName if it has none."""
    n_runs = len(said_of(home, "decide", system))
    if n_runs == 0:
        raise BadName(f"system: want one that has run, got {system[:64]!r} without a run")
    return n_runs - 1


def recent_outcomes(home: Home, system: str) -> pl.DataFrame:
    """Return the decisions of the last scorings whose outcome came, with it: rows of ``view.OUTCOMES``."""
    matched = [
        read_rows(home, outcomes_path(said), said.outcomes).filter(pl.col("state") == MATCHED)
        for _, said in past_scorings(home, system)[-RECENT:]
    ]
    frames = [pl.DataFrame(schema=OUTCOMES)]
    for (run,), cells in pl.concat(matched).partition_by("run", as_dict=True).items() if matched else ():
        rows = read_decisions(home, system, int(run)).with_row_index("record")
        values = cells.select(pl.col("record").cast(rows.schema["record"]), "value")
        frames.append(rows.join(values, on="record", maintain_order="left").drop("record"))
    return pl.concat(frames)


def run_rows(home: Home, system: str, run: int | None = None) -> pl.DataFrame:
    """Return the decisions of a run, by default the newest; see ``view_of`` for what it raises."""
    return read_decisions(home, system, newest_run(home, system) if run is None else run)


def _facts(logged: Logged) -> dict[str, str]:
    """Return what the log says of a run, as words for people."""
    decide: Decide = logged.decide
    rungs = ", ".join(f"{n:,} {name}" for name, n in sorted(decide.rungs.items()))
    return {
        "Run": f"{decide.run}, log entry {logged.idx}",
        "Stage": _STAGES[decide.stage],
        "Release": "none is in force" if decide.release is None else f"log entry {decide.release}",
        "Model": "none" if decide.model_sha256 is None else f"SHA-256 {decide.model_sha256}",
        "Decisions": f"{decide.output.rows:,} rows, SHA-256 {decide.output.sha256}",
        "Rows by what they stand on": rungs,
        "Code": f"SHA-256 {decide.code_sha256}",
    }


_STAGES = {
    "shadow": "shadow: on trial, nobody should act on it",
    "advise": "advise: for people to weigh, a person decides",
    "act": "act",
}
