"""``veracity model stages``."""

from pathlib import Path
from typing import Any

import click

from veracity.cli.output import columns, emit, in_home, mark
from veracity.home.home import Home
from veracity.home.models.stages import changes, in_force, systems


@click.command()
@click.argument("system", required=False)
@in_home
def stages(system: str | None, home: Path, as_json: bool) -> None:
    """Show what serves each system, or every change of what served SYSTEM."""
    opened = Home.open(home)
    try:
        named = systems(opened) if system is None else [system]
        items: list[dict[str, Any]] = []
        for one in named:
            said, now = changes(opened, one), in_force(opened, one)
            items.append(
                {
                    "system": one,
                    "stage": now.stage if now else None,
                    "model": now.model_sha256 if now else None,
                    "entry": now.idx if now else None,
                    "changes": [{"entry": idx, **{n: p[n] for n in _SHOWN}} for idx, p in said],
                }
            )
    finally:
        opened.close()
    text = _overview(items) if system is None else _history(items[0]["changes"])
    simulated = any(c["simulated"] for i in items for c in i["changes"])
    emit("model-stages", {"items": items, "simulated": simulated}, text + mark(simulated), as_json)


_SHOWN = ("action", "stage", "model", "released_at", "rule", "replaces", "simulated")


def _overview(items: list[dict[str, Any]]) -> str:
    rows = [(i["system"], i["stage"] or "stopped", str(i["model"] or "-")[:16], i["entry"]) for i in items]
    return columns(rows, ("system", "stage", "model", "entry")) if rows else "nothing was ever released"


def _history(said: list[dict[str, Any]]) -> str:
    rows = [(c["entry"], c["action"], c["stage"], c["model"][:16], c["released_at"], c["rule"]) for c in said]
    head = ("entry", "action", "stage", "model", "at", "rule")
    return columns(rows, head) if rows else "nothing was ever released"
