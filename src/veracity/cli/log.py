"""``veracity log`` and ``veracity lineage``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from veracity.cli.exit_codes import UNREACHED
from veracity.cli.output import COUNT, columns, common, emit, in_home, mark, note, visible
from veracity.home.errors import BadName, NoHome
from veracity.home.home import Home, open_writer
from veracity.home.roll import check_published
from veracity.home.simulated import is_simulated
from veracity.log.bundles import MAX_BUNDLE_BYTES
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.fsck import Report
from veracity.log.fsck import fsck as run_fsck
from veracity.log.notes import Verifier
from veracity.provenance.dsse import open_envelope
from veracity.provenance.lineage import Lineage
from veracity.provenance.statements import Statement, parse_statement
from veracity.stores.objects import LocalObjects
from veracity.stores.opening import open_objects
from veracity.stores.plain_files import PlainFiles

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@click.group()
def log() -> None:
    """The transparency log."""


@log.command()
@in_home
def show(home: Path, as_json: bool) -> None:
    """Show the checkpoint and what the log holds."""
    opened = Home.open(home)
    reader, kinds, simulated = opened.reader(), opened.index.kinds(), is_simulated(opened)
    vkey = opened.log_verifier.format()
    published = opened.published_size()
    opened.close()
    checkpoint = reader.checkpoint
    facts = [
        ("origin", checkpoint.origin + mark(simulated)),
        ("entries", checkpoint.size),
        *([("published", published)] if published != checkpoint.size else []),
        ("root", checkpoint.root.hex()),
        ("key", vkey),
    ]
    text = columns((k, str(v)) for k, v in facts) + "\n\n" + columns(kinds.items(), ("statements", "number"))
    document = {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "published": published,
        "root": checkpoint.root.hex(),
        "key": vkey,
        "kinds": kinds,
        "simulated": simulated,
    }
    emit("log", document, text, as_json)


@log.command()
@click.option(
    "--log",
    "location",
    metavar="LOCATION",
    help="Any log: a directory, s3://… or https://…; not this home's.",
)
@click.option("--key", metavar="VKEY", help="That log's key, as <name>+<id>+<base64>.")
@click.option("--home", type=click.Path(path_type=Path), envvar="VERACITY_HOME", help="The city's directory.")
@common
def fsck(location: str | None, key: str | None, home: Path | None, as_json: bool) -> int:
    """Check every tile and every entry of a log against its signed checkpoint. Exit 1 on a finding.

    Over HTTP nobody can say which files are there, so what is extra is not all found.
    """
    if (location is None) != (key is None):
        raise click.UsageError("--log and --key go together")
    if location is not None and key is not None:
        report = _check_location(location, Verifier.parse(key))
        behind = None
    elif home is not None:
        opened = Home.open(home)
        signed = opened.signed()
        tree = None if signed is None else signed.checkpoint
        report = _check_objects(opened.log_objects, opened.log_verifier, tree)
        behind = check_published(opened, report.checkpoint)
        opened.close()
    else:
        raise NoHome("fsck: want --home, VERACITY_HOME, or --log with --key, got none")
    findings = [*report.findings, *([behind] if behind else [])]
    size = report.checkpoint.size if report.checkpoint else None
    lines = [f"FINDING  {visible(str(finding), keep='')}" for finding in findings]
    if not findings:
        lines.append(f"sound: {size} entries, every tile and bundle gives the signed root")
    else:
        lines.append(f"{report.n_findings + (behind is not None)} findings")
    if n := report.n_unpublished:
        files = f"{n} file{'s' * (n > 1)}"
        lines.append(f"{files} beyond what is published: its witnesses may be awaited")
    items = [{"path": f.path, "code": f.code, "position": f.position, "detail": str(f)} for f in findings]
    document = {"sound": not findings, "size": size, "unpublished": report.n_unpublished, "items": items}
    emit("fsck", document, "\n".join(lines), as_json)
    return int(bool(findings))


def _check_location(location: str, verifier: Verifier) -> Report:
    objects = open_objects(location, read_only=True)
    if location.startswith(("http://", "https://")):
        return run_fsck(objects, verifier, is_listed=False)
    return _check_objects(objects, verifier)


def _check_objects(objects: Objects, verifier: Verifier, signed: Checkpoint | None = None) -> Report:
    """Check a log; of a directory all that lies there, what is no file included."""
    if not isinstance(objects, LocalObjects):
        return run_fsck(objects, verifier, signed=signed)
    files = PlainFiles(objects.root, MAX_BUNDLE_BYTES)
    return run_fsck(files, verifier, oddities=files.oddities(), signed=signed)


@log.command()
@in_home
def publish(home: Path, as_json: bool) -> int:
    """Publish what is signed, newly cosigned by the policy's witnesses. Exit 4 without their quorum."""
    with open_writer(home) as writer:  # which publishes when it opens
        done, size = writer.is_published, writer.log.size
        outcomes = () if writer.publisher is None else writer.publisher.outcomes
    lines = [f"published: {size} entries" if done else f"not published: {size} entries are signed"]
    lines.append(columns((o.witness, o.status, o.detail) for o in outcomes))
    items = [{"witness": o.witness, "status": o.status, "detail": o.detail} for o in outcomes]
    document = {"published": done, "entries": size, "items": items}
    emit("published", document, "\n".join(line for line in lines if line), as_json)
    return 0 if done else UNREACHED


@log.command()
@click.option("--home", type=click.Path(path_type=Path), envvar="VERACITY_HOME", help="The city's directory.")
@click.option("--log", "location", metavar="LOCATION", help="Any tlog-tiles directory; not a home's.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=7880, show_default=True, help="0: a free one."
)
@click.option("--receipts", is_flag=True, help="With --home: receipts too, but for personal feeds.")
@common
def serve(
    home: Path | None, location: str | None, host: str, port: int, receipts: bool, as_json: bool
) -> None:
    """Serve the log to anyone, read-only, until stopped: checkpoint, tiles and entries as tlog-tiles says."""
    # Imported here: the other commands of the log need no server.
    from veracity.server.log_app import LogApp
    from veracity.server.log_store import log_of_home, open_log
    from veracity.server.running import address, listen, run

    if location is None:
        if home is None:
            raise NoHome("serve: want --home, VERACITY_HOME, or --log, got none")
        location = log_of_home(home)
    app: ASGIApp = LogApp(open_log(location))
    if receipts:
        if home is None:
            raise click.UsageError("--receipts needs --home: a receipt is made from a city's evidence")
        from veracity.server.receipts_app import WithReceipts

        app = WithReceipts(app, home)
    listening = listen(host, port)
    url = address(listening)
    emit("log-serve", {"url": url}, url, as_json)
    note(f"log: serving {location} at {url}")
    run(app, listening)
    note("log: stopped")


@log.command()
@in_home
def reindex(home: Path, as_json: bool) -> None:
    """Empty the index and make it again from the log alone."""
    with open_writer(home, reindex=True) as writer:
        size = writer.index.size
    emit("reindex", {"entries": size}, f"indexed {size} entries", as_json)


@click.command()
@click.argument("entry", type=COUNT)
@in_home
def lineage(entry: int, home: Path, as_json: bool) -> None:
    """Show what a statement of the log rests on, and what rests on it."""
    opened = Home.open(home)
    entries = opened.reader().entries()
    statements = [parse_statement(open_envelope(body).payload) for body in entries]
    opened.close()
    if entry >= len(statements):
        raise BadName(f"entry: want a log index below {len(statements)}, got {entry}")
    graph = Lineage.of(enumerate(statements))
    groups = {"rests_on": graph.ancestors(entry), "it": [entry], "used_by": graph.descendants(entry)}
    items = {name: [_line(i, statements[i]) for i in indices] for name, indices in groups.items()}
    lines = []
    for name, title in (("rests_on", "rests on"), ("it", "the statement"), ("used_by", "used by")):
        lines.append(title + ("" if items[name] else ": nothing"))
        lines.append(
            columns((f"  {x['entry']}", x["kind"], x["about"] + mark(x["simulated"])) for x in items[name])
        )
    simulated = any(x["simulated"] for group in items.values() for x in group)
    emit("lineage", {"simulated": simulated, **items}, "\n".join(line for line in lines if line), as_json)


def _line(entry: int, statement: Statement) -> dict[str, Any]:
    simulated = statement.predicate.get("simulated") is True
    return {"entry": entry, "kind": statement.kind, "about": _about(statement), "simulated": simulated}


def _about(statement: Statement) -> str:
    return next((s.name for s in statement.subjects if s.name), statement.subjects[0].digest[:16])
