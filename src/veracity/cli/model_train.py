"""``veracity model train``."""

import json
from pathlib import Path
from typing import Any

import click

from veracity.cli.apps import app_in
from veracity.cli.output import columns, emit, in_home, mark
from veracity.data.panel_definition import PANEL_BYTES, parse_panel
from veracity.feeds.file_info import read_file
from veracity.home.clock import parse_time
from veracity.home.home import open_writer
from veracity.home.models.recipe import Recipe
from veracity.home.models.training import HOLD_OUT, Trained
from veracity.home.models.training import train as train_model
from veracity.models.decisions import OWN
from veracity.models.description import Description
from veracity.provenance.fields import MAX_COUNT

_PATH = click.Path(path_type=Path)
METRICS = ("target", "horizon", "n", "mae", "crps", "best baseline", "its mae")
MOST_SHOWN = 5  #: horizons of each target


@click.command()
@click.argument("app", required=False)
@click.option("--panel", type=_PATH, help="Without an app: the panel's definition, YAML.")
@click.option("--estimator", help="Without an app: a built-in estimator.")
@click.option("--target", "targets", multiple=True, help="Without an app: a column to forecast. Repeatable.")
@click.option("--horizons", help="Without an app: steps ahead, such as 1,6,24.")
@click.option(
    "--parameter", "parameters", multiple=True, help="NAME=VALUE, JSON, of the estimator. Repeatable."
)
@click.option("--name", help="Without an app: the model's name; else <panel>-<estimator>.")
@click.option(
    "--seed", type=click.IntRange(0, MAX_COUNT), default=0, show_default=True, help="Of all chance."
)
@click.option("--as-of", help="Learn from what was known at this time (ISO 8601).")
@click.option(
    "--hold-out",
    type=click.FloatRange(0, 0.9),
    default=HOLD_OUT,
    show_default=True,
    help="Share of the panel's times, the last, that the model does not learn from and is measured on.",
)
@click.option("--full-audit", is_flag=True, help="Make the feeds again from their evidence first.")
@in_home
def train(
    app: str | None,
    panel: Path | None,
    estimator: str | None,
    targets: tuple[str, ...],
    horizons: str | None,
    parameters: tuple[str, ...],
    name: str | None,
    seed: int,
    as_of: str | None,
    hold_out: float,
    full_audit: bool,
    home: Path,
    as_json: bool,
) -> None:
    """Train a model of APP, or of one estimator, on sealed snapshots, and say so in the log.

    The tables are checked against the log first: a row that is not as it was signed stops it.
    """
    if app is not None:
        if panel or estimator or targets or horizons or parameters or name:
            raise click.UsageError("want an app, or --panel and --estimator, got both")
        recipe = None
    elif panel is None or estimator is None or not targets or horizons is None:
        raise click.UsageError("want an app, or --panel, --estimator, --target and --horizons")
    else:
        recipe = _recipe(panel, estimator, targets, horizons, parameters, name)
    when = parse_time("as-of", as_of) if as_of else None
    with open_writer(home) as writer:
        made_by = Recipe.of_app(app_in(writer, str(app))) if recipe is None else recipe
        done = train_model(writer, made_by, seed=seed, as_of=when, hold_out=hold_out, full_audit=full_audit)
    _tell(done, as_json)


def _recipe(
    panel: Path,
    estimator: str,
    targets: tuple[str, ...],
    horizons: str,
    parameters: tuple[str, ...],
    name: str | None,
) -> Recipe:
    text = read_file(panel, PANEL_BYTES)
    named = name or f"{parse_panel(text).name}-{estimator.replace('_', '-')}"[:64]
    return Recipe.of_estimator(named, text, estimator, targets, _steps(horizons), _parameters(parameters))


def _steps(horizons: str) -> tuple[int, ...]:
    steps = horizons.split(",")
    if not all(s.isascii() and s.isdigit() and len(s) < 6 for s in steps):
        raise click.UsageError(f"--horizons: want steps such as 1,6,24, got {horizons[:40]!r}")
    return tuple(map(int, steps))


def _parameters(given: tuple[str, ...]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for item in given:
        name, _, value = item.partition("=")
        try:
            read[name] = json.loads(value)
        except json.JSONDecodeError as exc:
            raise click.UsageError(f"--parameter: want NAME=VALUE in JSON, got {item[:80]!r}") from exc
    return read


def _tell(done: Trained, as_json: bool) -> None:
    said, described = done.train, Description.of(done.files)
    snapshots = ", ".join(f"{i.feed} up to batch {i.up_to_batch}" for i in said.inputs)
    head = "trained" if done.is_new else "trained before, the same to the last bit:"
    lines = [
        f"{head} {said.name}, model {said.model_sha256}{mark(said.simulated)}",
        f"from {said.rows.rows:,} rows made of {snapshots}; seed {said.seed}",
        f"log entry {done.idx}",
    ]
    table = columns(list(metric_rows(described)), METRICS)
    document = {
        "name": said.name,
        "model": said.model_sha256,
        "entry": done.idx,
        "new": done.is_new,
        "metrics": described.metrics,
        "simulated": said.simulated,
    }
    emit("model-trained", document, "\n".join([*lines, *([table] if described.metrics else [])]), as_json)


def metric_rows(described: Description) -> list[tuple[Any, ...]]:
    """Return the metrics of a model beside those of the best baseline, for some horizons of each target."""
    rows = []
    for target, by_name in described.metrics.items():
        own = {row["horizon"]: row for row in by_name.get(OWN, ())}
        for horizon in _some(list(own)):
            beside = {n: _mae(found, horizon) for n, found in by_name.items() if n != OWN}
            known = {n: mae for n, mae in beside.items() if mae is not None}
            best = min(known, key=lambda n: known[n]) if known else None
            row = own[horizon]
            said = (target, horizon, row["n"], _short(row.get("mae")), _short(row.get("crps")))
            rows.append((*said, best or "-", _short(known[best] if best else None)))
    return rows


def _some(horizons: list[int]) -> list[int]:
    """Return at most ``MOST_SHOWN`` horizons, the first and the last among them."""
    last = len(horizons) - 1
    steps = range(min(len(horizons), MOST_SHOWN))
    return [horizons[round(i * last / max(1, len(steps) - 1))] for i in steps]


def _mae(rows: list[dict[str, Any]], horizon: int) -> float | None:
    return next((row["mae"] for row in rows if row["horizon"] == horizon), None)


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
