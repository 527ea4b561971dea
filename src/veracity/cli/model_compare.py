"""``veracity model compare`` and ``reproduce``."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.apps import app_of_model
from veracity.cli.output import columns, emit, in_home, mark
from veracity.home.home import Home
from veracity.home.models.compare import Apart, Difference
from veracity.home.models.compare import compare as compare_models
from veracity.home.models.registry import find_model
from veracity.home.models.reproduce import reproduce as make_again

_SHOWN = 40


@click.command()
@click.argument("first")
@click.argument("second")
@in_home
def compare(first: str, second: str, home: Path, as_json: bool) -> int:
    """Say what differs between two models, and how far apart their forecasts are on the same rows.

    Exit 1 if they are not the same to the last bit.
    """
    opened = Home.open(home)
    try:
        one, other = find_model(opened, first), find_model(opened, second)
        told = compare_models(opened, one, other, app_of_model(opened, other))
    finally:
        opened.close()
    simulated = one.train.simulated or other.train.simulated
    verdict = "the same" if told.is_same else "they differ"
    lines = [f"{one.sha256[:16]} and {other.sha256[:16]}: {verdict}{mark(simulated)}"]
    lines += _described(told.described)
    lines += [f"file {line}" for line in told.files]
    lines += _apart(told.apart)
    document = {
        "first": one.sha256,
        "second": other.sha256,
        "same": told.is_same,
        **asdict(told),
        "simulated": simulated,
    }
    emit("model-comparison", document, "\n".join(lines), as_json)
    return int(not told.is_same)


@click.command()
@click.argument("model")
@click.option("--full-audit", is_flag=True, help="Make the feeds again from their evidence first.")
@in_home
def reproduce(model: str, full_audit: bool, home: Path, as_json: bool) -> int:
    """Train MODEL again from the snapshots that the log names, and compare digests. Nothing is written.

    Where a digest differs, what differs is told, and how far apart the forecasts are. Exit 1 if what was
    learned is not the same to the last bit.
    """
    opened = Home.open(home)
    try:
        row = find_model(opened, model)
        made = make_again(opened, row, app_of_model(opened, row), full_audit=full_audit)
    finally:
        opened.close()
    verdict = "the same" if made.is_same else "learned the same" if made.learned_same else "differs"
    lines = [
        f"{row.train.name}: {verdict}{mark(row.train.simulated)}",
        f"signed     {made.want}",
        f"made again {made.got}",
        f"rows of the panel: {'as signed' if made.rows_same else 'NOT as signed'}",
        *_described(made.described),
        *(f"file {line}" for line in made.files),
        *_apart(made.apart),
    ]
    document = {
        "same": made.is_same,
        "learned_same": made.learned_same,
        "tolerance": made.tolerance,
        **asdict(made),
        "simulated": row.train.simulated,
    }
    emit("model-reproduction", document, "\n".join(lines), as_json)
    return int(not made.learned_same)


def _described(differences: Iterable[Difference]) -> list[str]:
    rows = [(d.where, str(d.first)[:60], str(d.second)[:60]) for d in differences]
    if not rows:
        return []
    more = [f"… and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    return [columns(rows[:_SHOWN], ("model.json", "first", "second")), *more]


def _apart(found: Iterable[Apart]) -> list[str]:
    rows = [(a.target, a.n, _number(a.greatest), _number(a.mean), a.n_one_only) for a in found]
    head = ("forecasts of", "compared", "greatest gap", "mean gap", "one only")
    return [columns(rows, head)] if rows else []


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
