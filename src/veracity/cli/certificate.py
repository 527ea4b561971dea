"""``veracity feed certify``, ``certificate`` and ``remember``: what a batch or a day was worth."""

from datetime import date
from pathlib import Path
from typing import Any

import click
import polars as pl

from veracity.cli.output import COUNT, columns, counts, emit, in_home, mark
from veracity.data.contract import Contract
from veracity.data.rules.language import LANGUAGES, Language
from veracity.data.rules.words import explain, explain_action
from veracity.home.certificates import (
    Certificate,
    batch_certificate,
    certify,
    day_certificate,
    uncertified,
)
from veracity.home.errors import BadName
from veracity.home.home import Home, open_writer
from veracity.home.remember import remember

SENSORS = 20
language = click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of the reasons: English, Vietnamese, Indonesian.",
)


@click.command(name="certify")
@click.argument("feed")
@click.option("--day", help="This day of receipt (UTC); else every day that is over and not certified.")
@in_home
def certify_days(feed: str, day: str | None, home: Path, as_json: bool) -> None:
    """Sum up a day's batches, and the health of each sensor, in a signed statement."""
    with open_writer(home) as writer:
        simulated = writer.feed(feed).contract.simulated
        days = uncertified(writer, feed) if day is None else [read_day(day)]
        made = [certify(writer, feed, d) for d in days]
    lines = [f"{c.day}: {counts(c.counts)}, log entry {c.idx}" for c in made]
    text = "\n".join(lines) if lines else f"every day of {feed} that is over is certified"
    items = [{"day": c.day, "entry": c.idx, "counts": c.counts.to_object()} for c in made]
    emit("certify", {"feed": feed, "simulated": simulated, "items": items}, text + mark(simulated), as_json)


@click.command(name="certificate")
@click.argument("feed")
@click.option("--day", help="The certificate of a day of receipt (UTC).")
@click.option("--batch", type=COUNT, help="What a batch's own statement says.")
@click.option("--sensors", type=COUNT, default=SENSORS, show_default=True, help="Sensors to show.")
@language
@in_home
def show_certificate(
    feed: str,
    day: str | None,
    batch: int | None,
    sensors: int,
    lang: Language,
    home: Path,
    as_json: bool,
) -> None:
    """Show what a day or a batch was worth: counts, reasons in words, the health of its sensors."""
    if (day is None) == (batch is None):
        raise click.UsageError("want either --day or --batch")
    opened = Home.open(home)
    try:
        if day is not None:
            said = day_certificate(opened, feed, read_day(day))
        else:
            said = batch_certificate(opened, feed, batch or 0)
        named = said.contract_sha256
        contract = opened.feed(feed).contract if named is None else opened.contract(named)
    finally:
        opened.close()
    worst = worst_sensors(said.health)
    emit(
        "certificate",
        _document(said, contract, worst.head(sensors), worst.height, lang),
        _text(said, contract, worst.head(sensors), worst.height, lang),
        as_json,
    )


@click.command(name="remember")
@click.argument("feed")
@in_home
def remember_again(feed: str, home: Path, as_json: bool) -> int:
    """Make again, from the evidence, what the rules remember, where it was lost or changed.

    Costs as much as an audit of the feed. Exit 1 if the state after some batch cannot be made again.
    """
    with open_writer(home) as writer:
        simulated = writer.feed(feed).contract.simulated
        done = remember(writer, feed)
    text = f"{done.batches:,} batches of {feed} gone through, {done.written:,} states made again"
    if done.lost:
        text += f"; lost after batch {', '.join(map(str, done.lost[:SENSORS]))}"
        text += "" if len(done.lost) <= SENSORS else f" and {len(done.lost) - SENSORS:,} more"
    document = {
        "feed": feed,
        "batches": done.batches,
        "written": done.written,
        "lost": done.lost,
        "simulated": simulated,
    }
    emit("remember", document, text + mark(simulated), as_json)
    return int(bool(done.lost))


def read_day(text: str) -> date:
    """Read a day as a user gives it; ``BadName`` if it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise BadName(f"day: want a day such as 2026-09-01, got {text[:40]!r}") from exc


def worst_sensors(health: pl.DataFrame) -> pl.DataFrame:
    """Add up health over the days of event time; the sensors and properties with the most broken first."""
    if health.is_empty():
        return health
    counted = ["_readings", "_broken", "_set_aside", "_compared", "_disagreed"]
    names = [n for n in health.columns if n not in (*counted, "_day")]
    summed = health.group_by(names).agg(pl.col(counted).sum())
    share = pl.col("_broken") / pl.col("_readings")
    summed = summed.sort(names, nulls_last=True)
    return summed.sort(share, "_broken", descending=True, maintain_order=True)


def _text(c: Certificate, contract: Contract, worst: pl.DataFrame, n: int, lang: Language) -> str:
    title = f"day {c.day}" if c.day is not None else "one batch"
    span = "none" if c.batches is None else f"{c.batches[0]} to {c.batches[1]}"
    facts = [
        ("batches", span),
        ("records", counts(c.counts)),
        ("flagged", f"{c.flagged:,} of the accepted"),
        ("waiting", f"{c.asked:,} of the quarantined were put to a person"),
        *([("released", f"{c.released:,} of the received came from quarantine")] if c.released else []),
        *([("silent", f"{c.silent:,} sensors at the end")] if c.silent is not None else []),
        ("rules", ", ".join(c.rules) or "not stated"),
        ("data", c.data or "no rows"),
        ("log entry", str(c.idx)),
    ]
    parts = [f"certificate of {c.feed}, {title}{mark(c.simulated)}", columns(facts)]
    told = reason_lines(contract, c.reasons, c.refusals, lang)
    if told:
        parts += ["", columns(told, ("rows", "reason", "then", "in words"))]
    if worst.height:
        head = [name.removeprefix("_").replace("_", " ") for name in worst.columns]
        shown = worst.with_columns(_property=worst["_property"].replace({"": "(row)"}))
        parts += ["", columns(shown.rows(), head)]
        if n > worst.height:
            parts.append(f"and {n - worst.height:,} more, no worse")
    return "\n".join(parts)


def reason_lines(
    contract: Contract, reasons: dict[str, int], refusals: dict[str, int], lang: Language
) -> list[tuple[int, str, str, str]]:
    """Return count, code, what becomes of the rows, and the reason in words; the most frequent first."""
    told = [
        (n, r, explain_action(contract.action(r), lang), explain(contract, r, lang))
        for r, n in reasons.items()
    ]
    unread = {code: n for code, n in refusals.items() if code not in reasons}
    told += [(n, r, explain_action("refuse", lang), explain(contract, r, lang)) for r, n in unread.items()]
    return sorted(told, key=lambda line: (-line[0], line[1]))


def _document(
    c: Certificate, contract: Contract, worst: pl.DataFrame, n: int, lang: Language
) -> dict[str, Any]:
    lines = reason_lines(contract, c.reasons, c.refusals, lang)
    return {
        "feed": c.feed,
        "day": c.day,
        "batches": None if c.batches is None else {"first": c.batches[0], "last": c.batches[1]},
        "rules": c.rules,
        "data": c.data,
        "counts": c.counts.to_object(),
        "flagged": c.flagged,
        "asked": c.asked,
        "released": c.released,
        "silent": c.silent,
        "reasons": c.reasons,
        "refusals": c.refusals,
        "words": {code: words for _, code, _, words in lines},
        "sensors": n,
        "worst": [_sensor(row) for row in worst.iter_rows(named=True)],
        "entry": c.idx,
        "simulated": c.simulated,
    }


def _sensor(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of health as JSON: the sensor's columns apart from ours, which begin with ``_``."""
    sensor = {name: value for name, value in row.items() if not name.startswith("_")}
    return {"sensor": sensor} | {n[1:]: value for n, value in row.items() if n.startswith("_")}
