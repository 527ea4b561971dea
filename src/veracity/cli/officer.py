"""``veracity officer``: the persons who may approve, and approving, offline."""

import json
from pathlib import Path

import click

from veracity.cli.key_changes import expiring, revoking, say_key, time_of
from veracity.cli.output import columns, common, emit, in_home, write_output
from veracity.feeds.file_info import read_file
from veracity.home.clock import format_time, system_clock
from veracity.home.enrolments import revoke_key, rotate_key
from veracity.home.home import Home, open_writer
from veracity.home.key_places import is_reference, open_reference, read_key_file
from veracity.home.officers import add_officer, approve, officer_name, officers
from veracity.provenance.approvals import Request, read_request
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES
from veracity.provenance.keys import MessageSigner, PublicKey
from veracity.provenance.statements import DUTIES, Duty

_PATH = click.Path(path_type=Path)


@click.group()
def officer() -> None:
    """Enrol the persons who may approve, and sign what is asked of one."""


@officer.command()
@click.argument("name")
@click.option("--duty", "duties", multiple=True, required=True, type=click.Choice(DUTIES), help="Repeatable.")
@click.option("--person", help="The name that approvals show; else NAME.")
@click.option("--key", help="The person's public key, ed25519:<base64>; without one a key is made here.")
@expiring
@in_home
def add(
    name: str,
    duties: tuple[Duty, ...],
    person: str | None,
    key: str | None,
    expires: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Enrol an officer, or give a new key to one whose keys were revoked."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        until = time_of("expires", expires)
        say_key("enrolled", add_officer(writer, name, public, duties, person=person, expires=until), as_json)


@officer.command()
@click.argument("name")
@click.option("--key", help="The new public key, ed25519:<base64>; without one a key is made and kept here.")
@expiring
@in_home
def rotate(name: str, key: str | None, expires: str | None, home: Path, as_json: bool) -> None:
    """Replace an officer's key; person and duties stay."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        done = rotate_key(writer, officer_name(name), public, time_of("expires", expires))
        say_key("rotated", done, as_json)


@officer.command()
@click.argument("name")
@revoking
@in_home
def revoke(name: str, reason: str, as_of: str | None, keyid: str | None, home: Path, as_json: bool) -> None:
    """Revoke an officer's key: what it approves from here on is refused."""
    with open_writer(home) as writer:
        done = revoke_key(writer, officer_name(name), reason, time_of("as-of", as_of), keyid)
        say_key("revoked", done, as_json)


@officer.command(name="ls")
@in_home
def list_officers(home: Path, as_json: bool) -> None:
    """List every key ever enrolled for an officer."""
    opened = Home.open(home)
    found = officers(opened)
    opened.close()
    rows = [
        (a.name, a.person, " ".join(a.duties), a.key.keyid[:16], a.enrolled_at, a.ended_at) for a in found
    ]
    items = [
        {
            "name": a.name,
            "person": a.person,
            "duties": a.duties,
            "keyid": a.key.keyid,
            "enrolled_at": a.enrolled_at,
            "ended_at": a.ended_at,
            "expires": None if a.expires is None else format_time(a.expires),
            "revoked_as_of": None if a.void_from is None else format_time(a.void_from),
        }
        for a in found
    ]
    text = columns(rows, ("name", "person", "duties", "key", "from", "to"))
    emit("officers", {"items": items}, text, as_json)


@officer.command()
@click.argument("request", type=_PATH)
@click.option("--key", required=True, metavar="KEY", help="A key file or a key reference.")
@click.option("--by", required=True, help="Your name, as enrolled.")
@click.option("--why", required=True, help="Your reason, for the log.")
@click.option("-o", "--output", required=True, type=_PATH, help="Where to write the approval.")
@click.option("--yes", is_flag=True, help="Sign without being asked.")
@common
def sign(request: Path, key: str, by: str, why: str, output: Path, yes: bool, as_json: bool) -> None:
    """Show what is asked, and sign it. Needs no home and no network."""
    asked = read_request(read_file(request, MAX_ENVELOPE_BYTES))
    if not yes:
        click.echo(_shown(asked), err=True)
        click.confirm(f"Sign this as {by}?", abort=True, err=True)
    signer = _signer(key)
    write_output(output, approve(signer, asked, by, why, system_clock()()).format())
    document = {
        "action": asked.action,
        "system": asked.system,
        "sha256": asked.subject_sha256,
        "duty": asked.duty,
        "by": by,
        "keyid": signer.public.keyid,
        "to": output,
    }
    lines = f"{_shown(asked)}\napproved by {by}, key {signer.public.keyid[:16]}, to {output}"
    emit("approval", document, lines if yes else lines.rpartition("\n")[2], as_json)


def _shown(request: Request) -> str:
    rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in request.asked.items()]
    head = f"asked: {request.action} of {request.system}, which takes duty {request.duty}"
    return f"{head}\n{columns(rows)}\nsha256  {request.subject_sha256}"


def _signer(text: str) -> MessageSigner:
    return open_reference(text, Path()) if is_reference(text) else read_key_file(Path(text))
