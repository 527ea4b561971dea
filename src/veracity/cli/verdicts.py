"""``veracity feed verdicts``: the verdict on every row, one bit map a rule."""

from pathlib import Path
from typing import Any

import click
import polars as pl

from veracity.cli.certificate import language
from veracity.cli.output import columns, emit, in_home, mark
from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.data.rules.language import Language
from veracity.data.rules.words import explain
from veracity.home.clock import parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.tables import write_rows
from veracity.home.verdicts import broken_rules, verdict_rows

SHOWN = 20
OUTCOMES = ("accepted", "quarantined", "refused")


@click.command(name="verdicts")
@click.argument("feed")
@click.option("--rule", help="Only rows that broke this rule (range:pm25), or one of this kind (range).")
@click.option(
    "--to", "to", type=click.Path(path_type=Path), help="FILE.parquet, .csv or .ndjson; all of them."
)
@click.option("--as-of", help="As known at this time (ISO 8601).")
@language
@in_home
def show_verdicts(
    feed: str, rule: str | None, to: Path | None, as_of: str | None, lang: Language, home: Path, as_json: bool
) -> None:
    """Count the rows that broke each rule by what became of them, or write each row's verdict to a file."""
    when = parse_time("as-of", as_of) if as_of else None
    opened = Home.open(home)
    try:
        contract = opened.feed(feed).contract
        rows = verdict_rows(opened, feed, when)
        have = set(rows.collect_schema().names())
        rules = [r for r in _chosen(contract, broken_rules(opened, feed), rule) if r in have]
        if rule is not None:
            rows = rows.filter(pl.any_horizontal(pl.lit(value=False), *rules))
        if to is not None:
            n = write_rows(rows, to, simulated=contract.simulated)
            document = {"feed": feed, "rows": n, "to": to, "as_of": as_of, "simulated": contract.simulated}
            emit("feed-verdicts", document, f"{n:,} verdicts to {to}{mark(contract.simulated)}", as_json)
            return
        _show(contract, rows, rules, lang, as_json)
    finally:
        opened.close()


def _chosen(contract: Contract, broken: list[str], rule: str | None) -> list[str]:
    """Return the reasons that a user names: one, or all of a kind."""
    if rule is None:
        return broken
    known = [*contract.reasons, *broken]
    named = [r for r in known if r == rule or (":" not in rule and r.startswith(f"{rule}:"))]
    if not named:
        raise BadName(
            f"rule: want one of the feed's ({', '.join(broken) or 'none broken'}), got {rule[:80]!r}"
        )
    return [r for r in broken if r in named]


def _show(contract: Contract, rows: pl.LazyFrame, rules: list[str], lang: Language, as_json: bool) -> None:
    """Show by rule how many rows broke it and what became of them, and the first of them."""
    counted = [
        (pl.col(rule) & (pl.col("outcome") == outcome)).sum().alias(f"{rule}|{outcome}")
        for rule in rules
        for outcome in OUTCOMES
    ]
    every = [(pl.col("outcome") == outcome).sum().alias(outcome) for outcome in OUTCOMES]
    (sums,) = collect_rows(rows.select(*every, *counted), streaming=True).iter_rows(named=True)
    items = [
        {"rule": r, **{o: sums[f"{r}|{o}"] for o in OUTCOMES}, "words": explain(contract, r, lang)}
        for r in rules
    ]
    broken = rows.filter(pl.any_horizontal(pl.lit(value=False), *rules)).head(SHOWN)
    first = [_broken(row, rules) for row in collect_rows(broken).iter_rows(named=True)]
    total = ", ".join(f"{sums[outcome]:,} {outcome}" for outcome in OUTCOMES)
    text = f"verdicts of {contract.feed}: {total}{mark(contract.simulated)}"
    if items:
        text += "\n\n" + columns((list(i.values()) for i in items), ("rule", *OUTCOMES, "in words"))
    if first:
        text += f"\n\nthe first {len(first)} (batch:record, outcome, rules)\n"
        text += columns((_place(f), f["outcome"], ", ".join(f["rules"])) for f in first)
    document = {"feed": contract.feed, **{o: sums[o] for o in OUTCOMES}, "items": items, "first": first}
    emit("feed-verdicts", {**document, "simulated": contract.simulated}, text, as_json)


def _broken(row: dict[str, Any], rules: list[str]) -> dict[str, Any]:
    """Return a row that broke a rule as JSON; ``columns`` holds what a wide file's columns carried."""
    place = {"batch": row["_batch"], "record": row["_record"]}
    names = list(row)[2 : list(row).index("outcome")]
    carried = {n: row[n] for n in names if row[n] is not None}
    return {**place, "columns": carried, "outcome": row["outcome"], "rules": [r for r in rules if row[r]]}


def _place(first: dict[str, Any]) -> str:
    return " ".join([f"{first['batch']}:{first['record']}", *map(str, first["columns"].values())])
