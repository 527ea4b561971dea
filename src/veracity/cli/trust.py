"""``veracity feed trust``: how far each sensor of a feed can be relied on."""

from datetime import date
from pathlib import Path

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
        scores = scores.filter(property=name)
    scores = scores.sort("score", maintain_order=True)
    shown = scores.with_columns(property=scores["property"].replace({"": "(row)"}))
    text = columns(shown.rows(), shown.columns) if scores.height else f"no evidence on any sensor of {feed}"
    document = {"feed": feed, "as_of": as_of, "simulated": simulated, "items": scores.to_dicts()}
    emit("feed-trust", document, text + mark(simulated), as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise BadName(f"day: want a day such as 2026-09-01, got {text[:40]!r}") from exc
