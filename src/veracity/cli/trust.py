"""``veracity feed trust``: how far each sensor of a feed can be relied on."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from veracity.cli.output import columns, emit, in_home, mark
from veracity.home.clock import parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.trust import feed_trust


@click.command()
@click.argument("feed")
@click.option("--as-of", help="As known at this time (ISO 8601).")
@click.option("--day", help="For use on this day (UTC); else on the day after the newest evidence.")
@click.option("--property", "name", help="Of this property only; '' for the row as a whole.")
@in_home
def trust(feed: str, as_of: str | None, day: str | None, name: str | None, home: Path, as_json: bool) -> None:
    """Score each sensor and property from 0 to 1, with a 90 % interval, the least trusted first."""
    when = parse_time("as-of", as_of) if as_of else None
    opened = Home.open(home)
    try:
        scores = feed_trust(opened, feed, when, None if day is None else _day(day))
        simulated = opened.feed(feed).contract.simulated
    finally:
        opened.close()
    if name is not None:
        scores = scores.filter(_property=name)
    scores = scores.sort("_score", maintain_order=True)
    shown = scores.with_columns(_property=scores["_property"].replace({"": "(row)"}))
    head = [column.removeprefix("_") for column in shown.columns]
    told = columns(shown.rows(), head) if scores.height else "no evidence on any sensor"
    text = f"trust of {feed}{mark(simulated)}\n\n{told}"
    items = [_item(row) for row in scores.iter_rows(named=True)]
    document = {"feed": feed, "as_of": as_of, "simulated": simulated, "items": items}
    emit("feed-trust", document, text, as_json)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    """Return a score as JSON: the sensor's columns apart from ours, which begin with ``_``."""
    sensor = {name: value for name, value in row.items() if not name.startswith("_")}
    return {"sensor": sensor} | {n[1:]: value for n, value in row.items() if n.startswith("_")}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise BadName(f"day: want a day such as 2026-09-01, got {text[:40]!r}") from exc
