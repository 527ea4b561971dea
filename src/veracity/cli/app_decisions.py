"""``veracity app decisions``: what a run decided, row by row, each by its number."""

from pathlib import Path

import click
import polars as pl

from veracity.cli.apps import app_in
from veracity.cli.output import COUNT, columns, emit, in_home, mark
from veracity.home.home import Home
from veracity.home.models.decisions import find_run, read_decisions
from veracity.home.models.viewing import newest_run
from veracity.models.decisions import OWN

_SHOWN = ("record", "target", "key", "due", "q10", "q50", "q90", "probability", "rung", "action")


@click.command("decisions")
@click.argument("name", metavar="APP")
@click.option("--run", "run_", type=COUNT, help="The run; by default the newest.")
@click.option("--key", "keys", multiple=True, help="Of this place only. Repeatable.")
@click.option("--target", "targets", multiple=True, help="Of this target only. Repeatable.")
@click.option("--baselines", is_flag=True, help="The baselines' too.")
@click.option("--most", default=48, show_default=True, type=click.IntRange(1, 100_000), help="Rows shown.")
@in_home
def decisions(
    name: str,
    run_: int | None,
    keys: tuple[str, ...],
    targets: tuple[str, ...],
    baselines: bool,
    most: int,
    home: Path,
    as_json: bool,
) -> None:
    """List what a run decided; its numbers are what `receipt --decision` and `app override` ask for."""
    opened = Home.open(home)
    try:
        app = app_in(opened, name)
        run = newest_run(opened, app.name) if run_ is None else run_
        simulated = find_run(opened, app.name, run).decide.simulated
        rows = read_decisions(opened, app.name, run).with_row_index("record")
    finally:
        opened.close()
    wanted = [
        *([pl.col("key").is_in(keys)] if keys else []),
        *([pl.col("target").is_in(targets)] if targets else []),
        *([] if baselines else [pl.col("model") == OWN]),
    ]
    found = rows.filter(wanted) if wanted else rows
    shown = found.head(most).with_columns(due=pl.col("due").dt.strftime("%Y-%m-%dT%H:%MZ"))
    names = [*_SHOWN[:1], *(["model"] if baselines else []), *_SHOWN[1:]]
    lines = [
        f"{name} run {run}: {shown.height:,} of {found.height:,} decisions{mark(simulated)}",
        "",
        columns([tuple(map(_cell, row)) for row in shown.select(names).iter_rows()], names),
    ]
    document = {"app": name, "run": run, "n": found.height, "items": shown.to_dicts(), "simulated": simulated}
    emit("app-decisions", document, "\n".join(lines), as_json)


def _cell(value: object) -> object:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else value
