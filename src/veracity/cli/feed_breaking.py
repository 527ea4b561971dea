"""``veracity feed breaking``: what a change of contract breaks."""

from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.output import common, emit, mark
from veracity.data.breaking import (
    Bump,
    Change,
    breaks_readers,
    bump_deserved,
    bump_made,
    compare,
    needs_new_feed,
    obeys,
)
from veracity.data.contract import Contract
from veracity.home.contracts import load_contract


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@common
def breaking(old: Path, new: Path, as_json: bool) -> int:
    """Say what a change of contract breaks. Exit 1 if readers of the table may go wrong."""
    before, after = load_contract(old), load_contract(new)
    changes = compare(before, after)
    deserved, made = bump_deserved(before, after, changes), bump_made(before.version, after.version)
    other = needs_new_feed(changes)
    document = {
        "simulated": before.simulated or after.simulated,
        "old": {"feed": before.feed, "version": before.version, "sha256": before.sha256},
        "new": {"feed": after.feed, "version": after.version, "sha256": after.sha256},
        "breaks_readers": breaks_readers(changes),
        "bump": {"deserved": deserved, "made": made, "obeyed": obeys(deserved, made)},
        "needs_new_feed": sorted({c.kind for c in other}),
        "items": [asdict(c) for c in changes],
    }
    lines = [_change(c) for c in changes]
    lines.append(_verdict(before, after, changes, deserved, made))
    if other:
        kinds = ", ".join(sorted({c.kind for c in other}))
        lines.append(f"`veracity feed add` refuses it ({kinds}): give the new contract another id")
    text = "\n".join(lines) + mark(before.simulated or after.simulated)
    emit("breaking", document, text, as_json)
    return int(breaks_readers(changes))


def _change(c: Change) -> str:
    whom = {"readers": "BREAKS READERS", "senders": "breaks senders", "no": "breaks nobody"}[c.breaks]
    return f"{whom}  {c.kind}  {c.what}: {c.old or 'none'} -> {c.new or 'none'}\n  {c.why}"


def _verdict(
    before: Contract, after: Contract, changes: list[Change], deserved: Bump, made: Bump | None
) -> str:
    n = {whom: sum(c.breaks == whom for c in changes) for whom in ("readers", "senders", "no")}
    step = f"{before.version} -> {after.version}"
    if made is None:
        is_read = f"{step} is no step of a semantic version"
    else:
        is_read = f"{step} is {'none' if made == 'none' else 'a ' + made + ' one'}"
    fits = "enough" if obeys(deserved, made) else "not enough"
    wanted = "no new version" if deserved == "none" else f"a {deserved} version"
    told = f"changes that break readers: {n['readers']}, senders: {n['senders']}, nobody: {n['no']}"
    return f"{told}; deserves {wanted}; {is_read}: {fits}"
