"""``veracity source``: what the running city asks and listens to."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from veracity.cli.output import columns, common, counts, emit, in_home, note, write_output
from veracity.data.plain_yaml import parse_yaml
from veracity.feeds.contract_files import contract_file
from veracity.feeds.errors import BadSource, SourceUnavailable
from veracity.feeds.kinds import KINDS, make_source
from veracity.feeds.source import Fetched, Source, Stream
from veracity.home.check import CheckReport, check_file
from veracity.home.clock import system_clock
from veracity.home.directory import open_directory
from veracity.home.home import Home
from veracity.live.source_list import add_source, live_sources, read_list, remove_source
from veracity.live.source_state import FILE, SourceState

_LISTEN_S = 30.0
_SETTING_BYTES = 65_536


@click.group()
def source() -> None:
    """Sources of the city: services that it asks again and again, or listens to."""


@source.command(name="ls")
@in_home
def list_sources(home: Path, as_json: bool) -> None:
    """List the sources, and when each was last asked with success."""
    root = open_directory(home).root
    feeds = _feed_names(home)
    state = SourceState(root / FILE)
    items = []
    for said in read_list(root):
        made = make_source(said, f"source {said['name']}")
        asked_at = state.restore(made)
        items.append(
            {
                "name": made.name,
                "kind": said["kind"],
                "feed": made.feed,
                "every_s": made.every_s if isinstance(made, Source) else None,
                "has_contract": made.feed in feeds,
                "asked_at": asked_at,
            }
        )
    rows = [
        (i["name"], i["kind"], i["feed"], i["every_s"], "" if i["has_contract"] else "no contract", _at(i))
        for i in items
    ]
    head = ("source", "kind", "feed", "every, s", "", "last asked")
    emit("sources", {"items": items}, columns(rows, head) if rows else "no source", as_json)


@source.command()
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice(sorted(KINDS)), help="What it is.")
@click.option("--feed", help="The feed of its records; some kinds have one of their own.")
@click.option("--every", help="How often it is asked, such as 15min; some kinds have a default.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the kind; YAML, or @FILE for the text of a file, such as a key. Repeatable.",
)
@in_home
def add(
    name: str,
    kind: str,
    feed: str | None,
    every: str | None,
    settings: Sequence[str],
    home: Path,
    as_json: bool,
) -> None:
    """Put a source on the list. A city that runs takes it up when it is started again."""
    root = open_directory(home).root
    said: dict[str, Any] = {"name": name, "kind": kind}
    said |= {key: value for key, value in (("feed", feed), ("every", every)) if value is not None}
    for setting in settings:
        key, value = _setting(setting)
        if key in said:
            raise BadSource(f"set: want each setting once, got {key!r} again")
        said[key] = value
    add_source(root, said)
    made = make_source(said, f"source {name}")
    if made.feed not in _feed_names(home):
        note(f"feed {made.feed} has no contract yet: add one with `veracity feed add`")
    document = {"name": name, "kind": kind, "feed": made.feed}
    emit("source", document, f"source {name} of kind {kind} for feed {made.feed}", as_json)


@source.command()
@click.argument("name")
@in_home
def rm(name: str, home: Path, as_json: bool) -> None:
    """Take a source off the list. What came from it stays."""
    remove_source(open_directory(home).root, name)
    emit("source-removed", {"name": name}, f"source {name} is off the list", as_json)


@source.command(name="try")
@click.argument("name")
@click.option(
    "--limit", type=click.IntRange(0, 1_000), default=10, show_default=True, help="Records to print."
)
@in_home
def try_source(name: str, limit: int, home: Path, as_json: bool) -> int:
    """Ask a source once and print what it gives; nothing is published or remembered.

    NAME is a source on the list, or one of the built-in ones. Where its feed has a contract, the records
    are held to it. Exit 1 if any would not be accepted.
    """
    made = _source(open_directory(home).root, name)
    fetched = _fetch(made, system_clock()())
    records = [record for one in fetched for record in one.records]
    report = _held_to_contract(home, made.feed, records) if records else None
    shown = [record.decode("utf-8") for record in records[:limit]]
    note(f"source {name}: {len(records):,} records in {len(fetched):,} documents for feed {made.feed}")
    if len(shown) < len(records):
        note(f"the first {len(shown):,} are shown")
    if report is not None:
        note(f"under the contract of {made.feed}: {counts(report)}")
        for reason, n in report.reasons.items():
            note(f"  {reason}: {n:,}")
    document = {
        "name": name,
        "feed": made.feed,
        "documents": len(fetched),
        "records": len(records),
        "items": [json.loads(record) for record in shown],
        "counts": None if report is None else _counts(report),
    }
    emit("source-try", document, "\n".join(shown) if shown else "no record", as_json)
    return int(report is not None and report.accepted < report.received)


@source.command()
@click.argument("feed")
@click.option("-o", "--to", type=click.Path(path_type=Path), help="Write it here, not to stdout.")
@common
def contract(feed: str, to: Path | None, as_json: bool) -> None:
    """Print the contract that a connector comes with, to put in force with `veracity feed add`."""
    text = contract_file(feed).read_bytes()
    document: dict[str, Any] = {"feed": feed, "to": to}
    if to is None:
        emit("source-contract", {**document, "contract": text.decode()}, text.decode().rstrip("\n"), as_json)
        return
    write_output(to, text)
    emit("source-contract", document, f"contract of {feed} to {to}", as_json)


def _setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is YAML, so that numbers and lists can be said, or the text of ``@FILE``."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise BadSource(f"set: want NAME=VALUE, got {text[:60]!r}")
    if value.startswith("@"):
        return key, _text_of(Path(value[1:]))
    document = parse_yaml(f"value: {value}\n".encode(), f"set {key[:60]}", _SETTING_BYTES, BadSource)
    return key, document["value"]


def _text_of(path: Path) -> str:
    """Read a setting that is not to be on a command line."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_SETTING_BYTES).strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadSource(f"set: want text in {path}, got: {exc}") from exc


def _source(root: Path, name: str) -> Source | Stream:
    listed = {str(said["name"]): said for said in read_list(root)}
    if name in listed:
        return make_source(listed[name], f"source {name}")
    built_in = {one.name: one for one in live_sources()}
    if name not in built_in:
        raise BadSource(f"source: want one of {', '.join([*listed, *built_in])}, got {name[:60]!r}")
    return built_in[name]


def _fetch(made: Source | Stream, now: datetime) -> Sequence[Fetched]:
    """Ask once, of a source that is told only what is there; of a stream take the first document."""
    if isinstance(made, Source):
        peek = getattr(made, "peek", made.fetch)
        found: Sequence[Fetched] = peek(now)
        return found

    async def first() -> list[Fetched]:
        async with asyncio.timeout(_LISTEN_S):
            async for fetched in made.documents():
                return [fetched]
        return []

    try:
        return asyncio.run(first())
    except TimeoutError as exc:
        raise SourceUnavailable(
            f"source {made.name}: want a document within {_LISTEN_S:.0f} s, got none"
        ) from exc


def _held_to_contract(home: Path, feed: str, records: Sequence[bytes]) -> CheckReport | None:
    """Hold records to the contract that the home has for their feed; None where it has none."""
    opened = Home.open(home)
    try:
        if feed not in opened.feed_names():
            return None
        contract = opened.feed(feed).contract
    finally:
        opened.close()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.ndjson"
        path.write_bytes(b"".join(record + b"\n" for record in records))
        return check_file(contract, path)


def _counts(report: CheckReport) -> dict[str, Any]:
    names = ("received", "accepted", "quarantined", "refused", "reasons")
    return {name: getattr(report, name) for name in names}


def _feed_names(home: Path) -> list[str]:
    opened = Home.open(home)
    try:
        return opened.feed_names()
    finally:
        opened.close()


def _at(item: dict[str, Any]) -> str | None:
    asked_at: datetime | None = item["asked_at"]
    return None if asked_at is None else asked_at.isoformat(timespec="seconds")
