"""``veracity scoreboard``: how a system did, every day of it, baselines beside."""

from pathlib import Path
from typing import Any

import click
import polars as pl

from veracity.cli.apps import app_of
from veracity.cli.output import columns, emit, in_home, mark, write_output
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.models.matched import past_scorings
from veracity.home.models.scoreboard import all_lines, contradictions, scoreboards
from veracity.home.tables import check_destination, written
from veracity.models.scoreboard import SCORES, key_horizons
from veracity.pages.score_words import score_text
from veracity.pages.scoreboard import Board, scoreboard_page
from veracity.provenance.statements import Outcome

BY = {
    "target": "target",
    "horizon": "horizon_s",
    "place": "key",
    "day": "day",
    "rung": "rung",
    "model": "served",
}
_SHOWN = ("n", "n_missing", "mae", "rmse", "bias", "crps", "coverage80", "coverage95", "brier", "pod", "far")


@click.group()
def scoreboard() -> None:
    """Scores of decisions, from the log; nobody can take a bad day off it."""


@scoreboard.command()
@click.argument("system")
@click.option(
    "--by", multiple=True, type=click.Choice(list(BY)), help="Repeatable; by default target and horizon."
)
@in_home
def show(system: str, by: tuple[str, ...], home: Path, as_json: bool) -> None:
    """Show the scores of a system's models. Exit 1 if a line is gone or was changed."""
    wanted = [BY[name] for name in by or ("target", "horizon")]
    opened = Home.open(home)
    try:
        said = _said(opened, system)
        (found,) = scoreboards(opened, system, [wanted])
    finally:
        opened.close()
    total = _total(said)
    told = (
        f"{system}: {len(said):,} scorings up to {said[-1].until}; {total['matched']:,} matched,"
        f" {total['missing']:,} missing, {total['repeated']:,} repeated,"
        f" {total['contradicted']:,} contradicted"
    )
    simulated = any(one.simulated for one in said)
    names_ = [*wanted, "model", *_SHOWN, "best", "skill_mae", "skill_crps"]
    shown, more = (found, "") if by else _few_horizons(found)
    rows = [tuple(map(_cell, row)) for row in shown.select(names_).iter_rows()]
    items = found.select(*wanted, "model", "n", "n_missing", *SCORES, "best", "skill_mae", "skill_crps")
    document = {
        "system": system,
        "scorings": len(said),
        "until": said[-1].until,
        "counts": total,
        "by": list(by or ("target", "horizon")),
        "items": items.to_dicts(),
        "simulated": simulated,
    }
    emit("scoreboard", document, f"{told}{mark(simulated)}\n\n{columns(rows, names_)}{more}", as_json)


@scoreboard.command()
@click.argument("system")
@click.option(
    "--to",
    required=True,
    type=click.Path(path_type=Path),
    help="FILE.html for the page with pictures; .parquet, .csv or .ndjson for every line.",
)
@in_home
def export(system: str, to: Path, home: Path, as_json: bool) -> None:
    """Write the scoreboard as a page, or its lines as a table."""
    is_page = to.suffix == ".html"
    if not is_page:
        check_destination(to)
    opened = Home.open(home)
    try:
        said = _said(opened, system)
        simulated = any(one.simulated for one in said)
        if is_page:
            write_output(to, scoreboard_page(_board(opened, system, said)))
            n = 1
        else:
            with written(all_lines(opened, system).lazy(), to, simulated=simulated) as n:
                pass
    finally:
        opened.close()
    what = "a page" if is_page else f"{n:,} lines"
    document = {"system": system, "to": to, "lines": None if is_page else n, "simulated": simulated}
    emit("scoreboard-export", document, f"{what} of {system} to {to}{mark(simulated)}", as_json)


def _said(home: Home, system: str) -> list[Outcome]:
    said = [one for _, one in past_scorings(home, system)]
    if not said:
        raise BadName(f"system: want one that was scored (veracity app score), got {system[:64]!r}")
    return said


def _board(home: Home, system: str, said: list[Outcome]) -> Board:
    bys = [["target", "horizon_s"], ["target", "day"], ["target", "rung"]]
    by_horizon, by_day, by_rung = scoreboards(home, system, bys)
    declared, total = app_of(home, system), _total(said)
    return Board(
        system=system,
        title=system if declared is None else declared.title["en"],
        units={} if declared is None else declared.targets,
        simulated=any(one.simulated for one in said),
        by_horizon=by_horizon,
        by_day=by_day,
        by_rung=by_rung,
        contradictions=contradictions(home, system),
        n_scorings=len(said),
        until=said[-1].until,
        entry=past_scorings(home, system)[-1][0],
        missing=total["missing"],
        repeated=total["repeated"],
    )


def _total(said: list[Outcome]) -> dict[str, int]:
    kinds = ("due", "matched", "missing", "repeated", "contradicted")
    return {kind: sum(one.counts.to_object()[kind] for one in said) for kind in kinds}


def _few_horizons(found: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return the scores at some horizons, and a line that says how many there are."""
    few = key_horizons(found)
    n_few, n_all = few["horizon_s"].n_unique(), found["horizon_s"].n_unique()
    more = f"\n\n{n_few} of {n_all} horizons; all: --by target --by horizon"
    return few, more if n_few < n_all else ""


def _cell(value: Any) -> Any:
    return score_text(value) if isinstance(value, float) else value
