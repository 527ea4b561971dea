"""``veracity feed``: contracts, and what a file would look like under one."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.certificate import certify_days, remember_again, show_certificate
from veracity.cli.feed_account import show_account
from veracity.cli.feed_clocks import show_clocks
from veracity.cli.feed_status import show_feed
from veracity.cli.output import columns, common, counts, emit, in_home, mark
from veracity.cli.trust import trust
from veracity.cli.verdicts import show_verdicts
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
from veracity.data.contract import Contract, parse_contract
from veracity.data.infer.propose import infer_contract
from veracity.feeds.sample import RECORDS, sample_files
from veracity.home.check import CheckReport, check_file, survey_files
from veracity.home.contracts import add_feed, load_contract, status
from veracity.home.directory import write_whole
from veracity.home.errors import BadName, HomeUnusable
from veracity.home.home import Home, open_writer
from veracity.pages.check_page import check_page
from veracity.provenance.fields import MAX_COUNT


@click.group()
def feed() -> None:
    """Add feeds, list them, check files against a contract."""


for command in (
    show_feed,
    show_account,
    show_clocks,
    show_verdicts,
    trust,
    certify_days,
    show_certificate,
    remember_again,
):
    feed.add_command(command)


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
@click.argument("contract", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    help="Write a page with pictures here: one HTML file below 1 MB.",
)
@common
def check(contract: Path, files: tuple[Path, ...], page: Path | None, as_json: bool) -> int:
    """Give verdicts on files without storing anything. Exit 1 if any row would not be accepted."""
    if page is not None:
        _check_target(page, (contract, *files), "page")
    loaded = load_contract(contract)
    reports = [check_file(loaded, path) for path in files] if page is None else _paged(loaded, files, page)
    lines = []
    for r in reports:
        lines.append(f"{r.file}: {counts(r)}{mark(loaded.simulated)}")
        lines.append(columns([*r.reasons.items(), *((f"refused:{k}", n) for k, n in r.refusals.items())]))
        lines.extend(r.first_refusals)
        lines.extend(r.examples)
    document = {"simulated": loaded.simulated, "page": page, "items": [asdict(r) for r in reports]}
    emit("check", document, "\n".join(line for line in lines if line), as_json)
    return int(any(r.quarantined or r.refused for r in reports))


@feed.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--id", "name", help="The feed's name; made from the first file's name if absent.")
@click.option(
    "--timezone", help="Zone of times without an offset, such as Asia/Ho_Chi_Minh; guessed if absent."
)
@click.option(
    "--records",
    type=click.IntRange(1, MAX_COUNT),
    default=RECORDS,
    show_default=True,
    help="How many records to look at, at most.",
)
@click.option("--to", "to", type=click.Path(path_type=Path), help="Write the contract here, not to stdout.")
@common
def infer(
    files: tuple[Path, ...],
    name: str | None,
    timezone: str | None,
    records: int,
    to: Path | None,
    as_json: bool,
) -> None:
    """Propose a contract from files of one shape, with a comment for each guess."""
    if to is not None:
        _check_target(to, files, "to")
    sample = sample_files(files, records)
    text = infer_contract(sample, name, timezone)
    contract = parse_contract(text)
    n, part = sample.frame.height, "all" if sample.is_whole else "a part"
    document = {
        "feed": contract.feed,
        "records": n,
        "whole": sample.is_whole,
        "columns": len(contract.fields),
        "key": contract.key,
        "simulated": False,
    }
    if to is None:
        emit("infer", {**document, "contract": text.decode()}, text.decode().removesuffix("\n"), as_json)
        return
    _write(to, text, "contract")
    key = ", ".join(contract.key) or "none"
    said = (
        f"contract of {contract.feed} from {n:,} records ({part}): {len(contract.fields)} columns, key {key}"
    )
    emit("infer", {**document, "to": to}, f"{said}, to {to}", as_json)


@feed.command()
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


def _paged(contract: Contract, files: tuple[Path, ...], page: Path) -> list[CheckReport]:
    """Check files and write the page; the reports are those of ``check_file``."""
    reports, survey = survey_files(contract, files)
    _write(page, check_page(survey), "page")
    return reports


def _check_target(path: Path, sources: Iterable[Path], what: str) -> None:
    """Refuse to write over what is read, or over what is no file: before any work is done."""
    if not path.name:
        raise BadName(f"{what}: want a file to write, got {str(path)!r}")
    if path.exists() and not path.is_file():
        raise HomeUnusable(f"{what}: want a file to write, got something else at {path}")
    if path.exists() and any(source.exists() and path.samefile(source) for source in sources):
        raise BadName(f"{what}: want another file than those that are read, got {path}")


def _write(path: Path, body: bytes, what: str) -> None:
    try:
        write_whole(path, body)
    except OSError as exc:
        raise HomeUnusable(f"{what}: want to write {path}, got {exc.strerror}") from exc


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
