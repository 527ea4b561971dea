"""``veracity register``: the public register of the city's systems, computed from the log."""

import json
from pathlib import Path
from typing import Any

import click

from veracity.cli.apps import all_apps
from veracity.cli.output import columns, emit, in_home, mark, write_output
from veracity.home.errors import BadName, HomeUnusable
from veracity.home.home import Home
from veracity.home.models.register import register as gather
from veracity.models.register import Entry, Register, line
from veracity.pages.register import index_page, system_page


@click.group()
def register() -> None:
    """Show and export the public register of systems: purpose, skill, incidents, how to appeal."""


@register.command(name="ls")
@in_home
def list_systems(home: Path, as_json: bool) -> None:
    """List the systems, a line each."""
    found = _gathered(home)
    document = found.to_document()
    rows = [
        (
            item["system"],
            item["stage"],
            str(item["model"] or "-")[:16],
            ", ".join(f"{t} {100 * v:+.0f} %" for t, v in item["skill"].items()) or "-",
            item["overrides"],
            item["open_incidents"],
            item["overdue_incidents"],
            ", ".join([*item["not_known"], *(f"{n} (old)" for n in item["stale"])]) or "-",
        )
        for item in document["systems"]
    ]
    heads = (
        *("system", "stage", "model", "better than the best baseline", "overrides", "open"),
        *("overdue", "not known or old"),
    )
    emit("register", document, columns(rows, heads) if rows else "no system", as_json)


@register.command()
@click.argument("system")
@in_home
def show(system: str, home: Path, as_json: bool) -> None:
    """Show what is known of a system, each fact with the log entries that prove it."""
    found = {entry.system: entry for entry in _gathered(home).entries}
    if system not in found:
        raise BadName(f"system: want one of {', '.join(found) or 'none'}, got {system[:64]!r}")
    emit("register-entry", found[system].to_document(), _text(found[system]), as_json)


@register.command()
@click.option("--to", required=True, type=click.Path(path_type=Path, file_okay=False), help="A directory.")
@in_home
def export(to: Path, home: Path, as_json: bool) -> None:
    """Write the register as static pages with their JSON beside them."""
    found = _gathered(home)
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise HomeUnusable(f"output: want a directory at {to}, got {exc.strerror}") from exc
    files = {"index.html": index_page(found), "register.json": _json(found.to_document())}
    for entry in found.entries:
        files[f"{entry.system}.html"] = system_page(found, entry)
        files[f"{entry.system}.json"] = _json(entry.to_document())
    for name, body in files.items():
        write_output(to / name, body)
    simulated = any(entry.simulated for entry in found.entries)
    document = {"to": to, "files": sorted(files), "systems": len(found.entries), "simulated": simulated}
    text = f"{len(files)} files to {to}: {', '.join(sorted(files))}{mark(simulated)}"
    emit("register-export", document, text, as_json)


def _gathered(home: Path) -> Register:
    opened = Home.open(home)
    try:
        return gather(opened, all_apps(opened), opened.clock())
    finally:
        opened.close()


def _text(entry: Entry) -> str:
    facts = [
        (name, fact.standing, _short(fact.value), fact.note, " ".join(f"[{i}]" for i in fact.entries))
        for name, fact in entry.facts.items()
    ]
    about = [("system", entry.system)]
    if entry.declared is not None:
        words = entry.declared
        about += [
            ("title", words.title["en"]),
            ("purpose", words.purpose["en"]),
            ("owner", words.owner),
            ("how to appeal", words.appeal["en"]),
        ]
    told = line(entry)
    about += [
        ("overrides", str(told["overrides"])),
        ("incidents", f"{told['open_incidents']} open, {told['overdue_incidents']} of them overdue"),
    ]
    table = columns(facts, ("fact", "standing", "value", "note", "proofs"))
    return f"{columns(about)}{mark(entry.simulated)}\n\n{table}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
