"""``veracity model ls``, ``show`` and ``export``."""

from pathlib import Path
from typing import Any

import click

from veracity.cli.model_train import METRICS, metric_rows
from veracity.cli.output import columns, emit, in_home, mark
from veracity.home.home import Home
from veracity.home.models.registry import export_model, find_model, load_model, models
from veracity.home.models.stages import in_force, systems
from veracity.models.description import Description


@click.command(name="ls")
@in_home
def list_models(home: Path, as_json: bool) -> None:
    """List every model that was trained, in log order, and which of them serves where."""
    opened = Home.open(home)
    try:
        rows = models(opened)
        serving: dict[str, list[str]] = {}
        for system in systems(opened):
            if (now := in_force(opened, system)) is not None:
                serving.setdefault(now.model_sha256, []).append(f"{system}:{now.stage}")
    finally:
        opened.close()
    items = [
        {
            "name": r.train.name,
            "model": r.sha256,
            "entry": r.idx,
            "trained_at": r.train.trained_at,
            "serves": serving.get(r.sha256, []),
            "simulated": r.train.simulated,
        }
        for r in rows
    ]
    table = [
        (
            i["name"],
            str(i["model"])[:16],
            i["entry"],
            i["trained_at"],
            (" ".join(serving.get(str(i["model"]), [])) or "-") + mark(i["simulated"] is True),
        )
        for i in items
    ]
    text = columns(table, ("name", "model", "entry", "trained at", "serves")) if table else "no models"
    emit("models", {"items": items, "simulated": any(r.train.simulated for r in rows)}, text, as_json)


@click.command()
@click.argument("model")
@in_home
def show(model: str, home: Path, as_json: bool) -> None:
    """Show where MODEL, a name or a digest, comes from, and how it did on what it did not learn from.

    Its files and their signature are checked first.
    """
    opened = Home.open(home)
    try:
        row = find_model(opened, model)
        files = load_model(opened, row.sha256)
    finally:
        opened.close()
    said, described = row.train, Description.of(files)
    facts: list[tuple[str, Any]] = [
        ("model", f"{said.model_sha256}{mark(said.simulated)}"),
        ("name", said.name),
        ("made for", described.system or "no system"),
        ("log entry", row.idx),
        ("trained at", said.trained_at),
        (
            "panel",
            f"{said.definition_sha256[:16]}, {said.rows.rows:,} rows, as of {said.as_of or 'all known'}",
        ),
        *(("snapshot", f"{i.feed} up to batch {i.up_to_batch}, {i.sha256[:16]}") for i in said.inputs),
        ("learned", f"{described.learned['from']} to {described.learned['to']}"),
        ("held out", f"{described.learned['held_out']['from']} to {described.learned['held_out']['to']}"),
        ("seed", said.seed),
        ("code", said.code_sha256),
        ("engine", said.engine),
        ("personal data", "yes" if said.personal else "no"),
        *((f"file {name}", f"{len(body):,} bytes") for name, body in sorted(files.files.items())),
    ]
    metrics = columns(metric_rows(described), METRICS)
    lines = [columns([(a, str(b)) for a, b in facts]), *([metrics] if described.metrics else [])]
    document = {
        "model": said.model_sha256,
        "entry": row.idx,
        "description": files.description,
        "simulated": said.simulated,
    }
    emit("model", document, "\n".join(lines), as_json)


@click.command()
@click.argument("model")
@click.option("--to", "to", required=True, type=click.Path(path_type=Path), help="A directory to make.")
@in_home
def export(model: str, to: Path, home: Path, as_json: bool) -> None:
    """Write MODEL's files, their signature and the key that verifies it into a new directory."""
    opened = Home.open(home)
    try:
        row = find_model(opened, model)
        names = export_model(opened, row.sha256, to)
    finally:
        opened.close()
    lines = [
        f"{len(names)} files of model {row.sha256} to {to}{mark(row.train.simulated)}",
        f"verify: veracity model verify {to}/files --signature {to}/model.sig --key {to}/publishing.pem",
    ]
    document = {"model": row.sha256, "to": to, "files": names, "simulated": row.train.simulated}
    emit("model-exported", document, "\n".join(lines), as_json)
