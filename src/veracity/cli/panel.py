"""``veracity panel``."""

from pathlib import Path

import click

from veracity.cli.output import emit, in_home, mark
from veracity.home.clock import parse_time
from veracity.home.home import open_writer
from veracity.home.panel_updates import FollowedPanels
from veracity.home.panel_updates import follow as follow_panel
from veracity.home.panels import build as build_panel
from veracity.home.panels import say
from veracity.home.tables import check_destination, written


@click.group()
def panel() -> None:
    """Feeds on one event-time grid."""


@panel.command()
@click.argument("definition", type=click.Path(path_type=Path))
@click.option(
    "--to", "to", required=True, type=click.Path(path_type=Path), help="FILE.parquet, .csv or .ndjson."
)
@click.option("--as-of", help="As known at this time (ISO 8601).")
@in_home
def build(definition: Path, to: Path, as_of: str | None, home: Path, as_json: bool) -> None:
    """Build a panel, write it to a file and say in the log what went in and came out."""
    when = parse_time("as-of", as_of) if as_of else None
    check_destination(to)
    with open_writer(home) as writer:
        built = build_panel(writer, definition, when)
        with written(built.frame.lazy(), to, simulated=built.simulated) as n:
            built = say(writer, built)
    states = {
        c.removesuffix("_state"): {
            str(k or "missing"): int(v) for k, v in built.frame[c].value_counts(sort=True).iter_rows()
        }
        for c in built.frame.columns
        if c.endswith("_state")
    }
    lines = [f"{n:,} rows of panel {built.statement.name} to {to}{mark(built.simulated)}"]
    for name, counts in states.items():
        lines.append(f"  {name}: " + ", ".join(f"{v:,} {k}" for k, v in counts.items()))
    lines.append(f"digest {built.statement.output.sha256}, log entry {built.entry}")
    document = {
        "panel": built.statement.name,
        "rows": n,
        "to": to,
        "as_of": as_of,
        "states": states,
        "digest": built.statement.output.sha256,
        "entry": built.entry,
        "simulated": built.simulated,
    }
    emit("panel", document, "\n".join(lines), as_json)


@panel.command()
@click.argument("definition", type=click.Path(path_type=Path))
@click.option("--stop", is_flag=True, help="Follow it no longer; what was said of it stays.")
@in_home
def follow(definition: Path, stop: bool, home: Path, as_json: bool) -> None:
    """Have `veracity up` keep a panel up to date, and say it in the log now and then.

    A panel of the same name is replaced.
    """
    with open_writer(home) as writer:
        name, path = follow_panel(writer, definition, stop=stop)
    told = f"{name}: {'no longer followed' if stop else 'followed'}, {path}"
    emit("panel-follow", {"panel": name, "path": path, "followed": not stop}, told, as_json)


@panel.command()
@in_home
def update(home: Path, as_json: bool) -> None:
    """Build all panels that are followed and say in the log those that changed: once, without `veracity up`.

    All are tried; the first that cannot be built is the error.
    """
    with open_writer(home) as writer:
        updates = FollowedPanels(say_every_s=0).update(writer)
    for failed in updates:
        if failed.error is not None:
            raise failed.error
    built = [u.built for u in updates if u.built is not None]
    items = [
        {
            "panel": b.statement.name,
            "rows": b.frame.height,
            "digest": b.statement.output.sha256,
            "entry": b.entry,
            "simulated": b.simulated,
        }
        for b in built
    ]
    lines = [f"{i['panel']}: {i['rows']:,} rows, digest {i['digest']}, log entry {i['entry']}" for i in items]
    emit("panel-update", {"items": items}, "\n".join(lines) or "no panel is followed", as_json)
