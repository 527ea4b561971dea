"""``veracity feed show``: one feed in numbers and words."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import polars as pl

from veracity.cli.certificate import language, reason_lines
from veracity.cli.output import columns, counts, emit, in_home, mark
from veracity.data.rules.language import Language
from veracity.home.contracts import FeedStatus, reasons, sensors, silent_now, status
from veracity.home.errors import StateBehind
from veracity.home.home import Home
from veracity.home.selection import waiting

NAMED = 20


@click.command(name="show")
@click.argument("name")
@language
@in_home
def show_feed(name: str, lang: Language, home: Path, as_json: bool) -> None:
    """Show one feed: contract, counts, reasons in words, freshness, silent sensors, sensors."""
    opened = Home.open(home)
    try:
        f, why, each = status(opened, name), reasons(opened, name), sensors(opened, name)
        contract = opened.feed(name).contract
        silent, lost = _silent(opened, name)
        n_waiting = waiting(opened, name).height if f.asked else 0
    finally:
        opened.close()
    broken = {code: n for code, n in why.items() if not code.startswith("refused:")}
    refused = {c.removeprefix("refused:"): n for c, n in why.items() if c.startswith("refused:")}
    lines = reason_lines(contract, broken, refused, lang)
    told = columns(lines, ("rows", "reason", "then", "in words")) if lines else "no row broke a rule"
    text = "\n".join([columns(_facts(f, n_waiting)), *_silent_lines(silent, lost), "", told])
    if each.height:
        text += "\n\n" + columns(each.rows(), each.columns)
    document = {
        **asdict(f),
        "waiting": n_waiting,
        "reasons": why,
        "words": {code: words for _, code, _, words in lines},
        "silent": None if silent is None else [_named(row) for row in silent.iter_rows(named=True)],
        "sensors": each.to_dicts(),
    }
    emit("feed-status", document, text, as_json)


def _facts(f: FeedStatus, n_waiting: int) -> list[tuple[str, str | None]]:
    fresh = {None: "no limit in the contract", True: "fresh", False: "stale"}[f.is_fresh]
    return [
        ("title", f.title + mark(f.simulated)),
        ("contract", f"{f.version}  sha256 {f.contract_sha256}"),
        ("agency", f.agency),
        ("records", counts(f)),
        *([("flagged", f"{f.flagged:,} of the accepted")] if f.flagged else []),
        *([("asked", f"{f.asked:,} of the quarantined; {n_waiting:,} wait for a person")] if f.asked else []),
        *([("late", f"{f.late:,} of the accepted")] if f.late is not None else []),
        ("newest", f"{f.newest or '-'}  ({fresh})"),
        *([("state", f"{f.state_bytes:,} bytes remembered")] if f.state_bytes is not None else []),
    ]


def _silent(home: Home, name: str) -> tuple[pl.DataFrame | None, str]:
    """Return the silent sensors, and why nobody can tell if what the rules remember is gone."""
    try:
        return silent_now(home, name), ""
    except StateBehind as exc:
        return None, str(exc)


def _silent_lines(silent: pl.DataFrame | None, lost: str) -> list[str]:
    if lost:
        return ["", f"silent sensors: {lost}"]
    if silent is None:
        return []
    if silent.is_empty():
        return ["", "no sensor is silent"]
    head = [n.removeprefix("_") for n in silent.columns]
    shown = silent.sort("_newest").head(NAMED)
    lines = ["", f"{silent.height:,} silent sensors, the longest first", columns(shown.rows(), head)]
    return lines if silent.height <= NAMED else [*lines, f"and {silent.height - NAMED:,} more"]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    newest = row.pop("_newest")
    return {"sensor": row, "newest": newest}
