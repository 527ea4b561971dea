"""``veracity personal``: find a person's data, show them to who holds the keys, erase them."""

import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from veracity.cli.output import columns, common, emit, in_home, mark
from veracity.feeds.file_info import inspect
from veracity.home.contracts import load_contract
from veracity.home.erasures import (
    Erasure,
    erase_records,
    erase_value,
    retain,
    retained_feeds,
    try_erase_records,
    try_erase_value,
    try_retain,
)
from veracity.home.errors import BadName, NothingPersonal
from veracity.home.home import Home, open_writer
from veracity.home.key_file import protect_file
from veracity.home.persons import accesses, find, opened_vault, show
from veracity.home.taking import forget_file, take_keys
from veracity.provenance.statements.erase import GROUNDS, Ground

SHOWN = 20
F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def personal() -> None:
    """Find a person's data, show them to who holds the keys, erase them."""


def who(command: F) -> F:
    """Give a command who asks and why."""
    by = click.option("--by", required=True, metavar="NAME", help="The person who asks or decides.")
    why = click.option("--reason", "why", required=True, metavar="TEXT", help="Why. No personal data in it.")
    return by(why(command))


@personal.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--contract", "yaml", required=True, type=click.Path(path_type=Path), help="What is personal in it."
)
@click.option("--to", required=True, type=click.Path(path_type=Path), help="Where the protected file goes.")
@click.option("--keys", required=True, type=click.Path(path_type=Path), help="Where its keys go, apart.")
@common
def protect(file: Path, yaml: Path, to: Path, keys: Path, as_json: bool) -> None:
    """Encrypt what is personal in a file, as its sender: then sign the result, and hand the keys over apart.

    Needs no home.
    """
    contract = load_contract(yaml)
    if not contract.personal:
        raise NothingPersonal(f"contract {yaml}: want one with personal fields, got one without")
    n = protect_file(contract, inspect(file), to, keys)
    text = f"{to}: {n:,} records with personal values{mark(contract.simulated)}\n{keys}: their keys, a secret"
    document = {"to": to, "keys": keys, "records": n, "simulated": contract.simulated}
    emit("personal-protected", document, text, as_json)


@personal.command()
@click.argument("feed")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--keys", required=True, type=click.Path(path_type=Path), help="The keys that came with it.")
@in_home
def take(feed: str, file: Path, keys: Path, home: Path, as_json: bool) -> None:
    """Take the keys of a file that its sender protected into the vault: it can be ingested then."""
    with open_writer(home) as writer:
        n = take_keys(writer, feed, file, keys)
        simulated = writer.feed(feed).contract.simulated
    taken_before = n is None
    text = (
        f"{file.name}: taken before" if n is None else f"{file.name}: {n:,} keys in the vault; destroy {keys}"
    )
    document = {"feed": feed, "file": file.name, "keys": n or 0, "taken_before": taken_before}
    document |= {"simulated": simulated}
    emit("personal-taken", document, text + mark(simulated), as_json)


@personal.command()
@click.argument("feed")
@click.argument("file")
@who
@in_home
def forget(feed: str, file: str, by: str, why: str, home: Path, as_json: bool) -> None:
    """Destroy all keys of a file that was not taken in, by its name or digest.

    Nothing of it is in the log, and nothing of it can be taken in any more, but with its keys again or in
    clear. Who decided that and why is kept in the vault.
    """
    with open_writer(home) as writer:
        gone = forget_file(writer, feed, file, by, why)
        simulated = writer.feed(feed).contract.simulated
    document = {"feed": feed, "file": gone.name, "sha256": gone.sha256, "simulated": simulated}
    emit("personal-forgotten", document, f"{gone.name}: its keys are destroyed{mark(simulated)}", as_json)


@personal.command(name="find")
@click.argument("feed")
@click.option("--field", required=True, help="The personal field to look in.")
@click.option("--value", required=True, help="The value, however it is written; - reads it from stdin.")
@who
@in_home
def find_records(feed: str, field: str, value: str, by: str, why: str, home: Path, as_json: bool) -> int:
    """List the records in which a field has a value, by its keyed pseudonym. Exit 1 if there are none.

    That somebody looked is kept in the vault.
    """
    opened = Home.open(home)
    found = find(opened, feed, field, _value(value), by, why)
    simulated = opened.feed(feed).contract.simulated
    opened.close()
    text = f"{len(found.records):,} records of {feed}{mark(simulated)}"
    text += "".join(f"\n{r.batch}:{r.record}" for r in found.records)
    text += "".join(f"\nand {f.n_records:,} of {f.name}, not taken in yet" for f in found.waiting)
    document = {
        "feed": feed,
        "items": [asdict(r) for r in found.records],
        "waiting": [asdict(f) for f in found.waiting],
        "simulated": simulated,
    }
    emit("personal-found", document, text, as_json)
    return int(not (found.records or found.waiting))


@personal.command(name="show")
@click.argument("feed")
@click.option("--record", required=True, metavar="BATCH:N", help="Record N of a batch.")
@who
@in_home
def show_record(feed: str, record: str, by: str, why: str, home: Path, as_json: bool) -> None:
    """Decrypt the personal values of a record. That somebody looked is kept in the vault."""
    batch, number = _place(record)
    opened = Home.open(home)
    shown = show(opened, feed, batch, number, by, why)
    simulated = opened.feed(feed).contract.simulated
    opened.close()
    text = f"{feed} record {record}{mark(simulated)}\n" + columns((f"  {s.field}", s.value) for s in shown)
    document = {"feed": feed, "record": record, "values": [asdict(s) for s in shown], "simulated": simulated}
    emit("personal-shown", document, text, as_json)


@personal.command()
@click.argument("feed")
@click.option("--field", help="The personal field that has the value.")
@click.option("--value", help="Records with this value, however it is written; - reads it from stdin.")
@click.option("--record", "records", multiple=True, metavar="BATCH:N", help="This record; may be repeated.")
@click.option(
    "--ground", type=click.Choice(GROUNDS), default="request", show_default=True, help="The legal ground."
)
@click.option(
    "--rotate", is_flag=True, help="Change the vault's master key too: old backups of it are noise."
)
@click.option("--dry-run", is_flag=True, help="Tell what would be erased; write nothing.")
@who
@in_home
def erase(
    feed: str,
    field: str | None,
    value: str | None,
    records: tuple[str, ...],
    ground: Ground,
    rotate: bool,
    dry_run: bool,
    by: str,
    why: str,
    home: Path,
    as_json: bool,
) -> None:
    """Destroy the keys of records, so that nobody can read their personal values again, and say so.

    Every proof of these records still verifies. It cannot be undone.
    """
    if (field is None) != (value is None) or (value is None) != bool(records):
        raise click.UsageError("want either --field and --value, or --record")
    places = [_place(r) for r in records]
    text = _value(value) if value is not None else ""
    if dry_run:
        opened = Home.open(home)
        if field is not None:
            done = try_erase_value(opened, feed, field, text, by, why, ground)
        else:
            done = try_erase_records(opened, feed, places, by, why, ground)
        opened.close()
    else:
        with open_writer(home) as writer:
            if field is not None:
                done = erase_value(writer, feed, field, text, by, why, ground)
            else:
                done = erase_records(writer, feed, places, by, why, ground)
            if rotate:
                _rotate(writer)
    rotated = rotate and not dry_run
    emit("personal-erased", _document(done) | {"rotated": rotated}, _text(done, rotated=rotated), as_json)


@personal.command(name="retain")
@click.argument("feed", required=False)
@click.option(
    "--rotate", is_flag=True, help="Change the vault's master key too: old backups of it are noise."
)
@click.option("--dry-run", is_flag=True, help="Tell what would be erased; write nothing.")
@in_home
def apply_retention(feed: str | None, rotate: bool, dry_run: bool, home: Path, as_json: bool) -> None:
    """Erase what the contracts do not keep any longer, of one feed or of all that have a retention."""
    done: list[Erasure] = []
    if dry_run:
        opened = Home.open(home)
        feeds = [feed] if feed else retained_feeds(opened)
        done = [e for name in feeds if (e := try_retain(opened, name)) is not None]
        opened.close()
    else:
        with open_writer(home) as writer:
            feeds = [feed] if feed else retained_feeds(writer)
            done = [e for name in feeds if (e := retain(writer, name)) is not None]
            if rotate and done:
                _rotate(writer)
    rotated = rotate and not dry_run and bool(done)
    text = "\n".join(_text(e, rotated=rotated) for e in done) or "nothing is older than its contract keeps it"
    document = {"items": [_document(e) for e in done], "dry_run": dry_run, "rotated": rotated}
    emit("personal-retained", document | {"simulated": any(e.simulated for e in done)}, text, as_json)


@personal.command(name="accesses")
@in_home
def show_accesses(home: Path, as_json: bool) -> None:
    """List who looked at whose data, when and why, as the vault keeps it."""
    opened = Home.open(home)
    found = accesses(opened)
    opened.close()
    rows = [(a.at, a.what, a.feed, a.records or "none", a.by, a.why) for a in found]
    text = columns(rows, ("when", "what", "feed", "records", "by", "why")) if rows else "nobody looked"
    emit("personal-accesses", {"items": [asdict(a) for a in found]}, text, as_json)


@personal.command(name="rotate")
@in_home
def rotate_key(home: Path, as_json: bool) -> None:
    """Change the vault's master key: what old backups and snapshots hold of the vault is noise then."""
    with open_writer(home) as writer:
        _rotate(writer)
    emit("personal-rotated", {"rotated": True}, "the vault is under a new master key", as_json)


def _rotate(home: Home) -> None:
    with opened_vault(home) as vault:
        vault.rotate()


def _value(text: str) -> str:
    """Return a value given on the command line, or the line on stdin: others see command lines."""
    return sys.stdin.readline(65_536).rstrip("\r\n") if text == "-" else text


def _place(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,12}):([0-9]{1,12})", text)
    if match is None:
        raise BadName(f"record: want BATCH:N, two numbers, got {text[:40]!r}")
    return int(match.group(1)), int(match.group(2))


def _text(done: Erasure, *, rotated: bool) -> str:
    would = "" if done.entries else "would be "
    text = f"{len(done.records):,} records of {done.feed} {would}erased{mark(done.simulated)}"
    text += f"\n  by {done.by}: {done.why} ({done.ground})"
    for r in done.records[:SHOWN]:
        text += f"\n  {r.batch}:{r.record}"
    if len(done.records) > SHOWN:
        text += f"\n  and {len(done.records) - SHOWN:,} more"
    if done.entries:
        text += f"\n  log entry {', '.join(map(str, done.entries))}"
    for r in done.others[:SHOWN]:
        text += f"\n  {r.batch}:{r.record} not erased: its value is another"
    if len(done.others) > SHOWN:
        text += f"\n  and {len(done.others) - SHOWN:,} more not erased"
    return text + ("\n  the vault is under a new master key" if rotated else "")


def _document(done: Erasure) -> dict[str, Any]:
    return asdict(done) | {"dry_run": not done.entries}
