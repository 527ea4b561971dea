"""``veracity feed add`` and ``ls``: contracts in force."""

from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.output import columns, emit, in_home, mark
from veracity.home.contracts import add_feed, status
from veracity.home.home import Home, open_writer


@click.command()
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


@click.command(name="ls")
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
