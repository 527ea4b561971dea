"""``veracity feed``: contracts, and what a file would look like under one."""

from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.output import columns, common, counts, emit, in_home, mark
from veracity.home.check import check_file
from veracity.home.contracts import add_feed, load_contract, reasons, sensors, status
from veracity.home.home import Home, open_writer


@click.group()
def feed() -> None:
    """Add feeds, list them, check files against a contract."""


@feed.command()
@click.argument("contract", type=click.Path(path_type=Path))
@in_home
def add(contract: Path, home: Path, as_json: bool) -> None:
    """Put a contract in force: a new feed, or a new version of one."""
    with open_writer(home) as writer:
        added = add_feed(writer, contract)
    c = added.contract
    document = {
        "feed": c.feed,
        "version": c.version,
        "contract": c.sha256,
        "entry": added.idx,
        "simulated": c.simulated,
    }
    key = ", ".join(c.key) or "none"
    text = f"feed {c.feed} {c.version}: {len(c.fields)} columns, key {key}, log entry {added.idx}"
    emit("feed", document, text + mark(c.simulated), as_json)


@feed.command(name="ls")
@in_home
def list_feeds(home: Path, as_json: bool) -> None:
    """List the feeds and their counts."""
    opened = Home.open(home)
    feeds = [status(opened, name) for name in opened.feeds()]
    opened.close()
    rows = [
        (
            f.feed,
            f.version,
            f.batches,
            f.accepted,
            f.quarantined,
            f.refused,
            f.newest,
            mark(f.simulated).strip(),
        )
        for f in feeds
    ]
    head = ("feed", "version", "batches", "accepted", "quarantined", "refused", "newest", "")
    document = {"simulated": any(f.simulated for f in feeds), "items": [asdict(f) for f in feeds]}
    emit("feeds", document, columns(rows, head), as_json)


@feed.command()
@click.argument("name")
@in_home
def show(name: str, home: Path, as_json: bool) -> None:
    """Show one feed: contract, counts, reasons, freshness, sensors."""
    opened = Home.open(home)
    f, why, each = status(opened, name), reasons(opened, name), sensors(opened, name)
    opened.close()
    fresh = {None: "no limit in the contract", True: "fresh", False: "stale"}[f.is_fresh]
    facts = [
        ("title", f.title + mark(f.simulated)),
        ("contract", f"{f.version}  sha256 {f.contract_sha256}"),
        ("agency", f.agency),
        ("records", counts(f)),
        *([("late", f"{f.late:,} of the accepted")] if f.late is not None else []),
        ("newest", f"{f.newest or '-'}  ({fresh})"),
    ]
    text = "\n".join(
        [columns(facts), "", columns(why.items(), ("reason", "rows")) if why else "no row was set aside"]
    )
    if each.height:
        text += "\n\n" + columns(each.rows(), each.columns)
    emit("feed-status", {**asdict(f), "reasons": why, "sensors": each.to_dicts()}, text, as_json)


@feed.command()
@click.argument("contract", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@common
def check(contract: Path, files: tuple[Path, ...], as_json: bool) -> int:
    """Give verdicts on files without storing anything. Exit 1 if any row would not be accepted."""
    loaded = load_contract(contract)
    reports = [check_file(loaded, path) for path in files]
    lines = []
    for r in reports:
        lines.append(f"{r.file}: {counts(r)}{mark(loaded.simulated)}")
        lines.append(columns([*r.reasons.items(), *((f"refused:{k}", n) for k, n in r.refusals.items())]))
        lines.extend(r.first_refusals)
        lines.extend(r.examples)
    document = {"simulated": loaded.simulated, "items": [asdict(r) for r in reports]}
    emit("check", document, "\n".join(line for line in lines if line), as_json)
    return int(any(r.quarantined or r.refused for r in reports))
