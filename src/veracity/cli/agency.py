"""``veracity agency``: who may sign."""

from dataclasses import asdict
from pathlib import Path

import click

from veracity.cli.output import columns, emit, in_home, mark
from veracity.home.contracts import is_simulated
from veracity.home.enrolments import AgencyKey, add_agency, list_keys, revoke_key, rotate_key
from veracity.home.home import Home, open_writer
from veracity.provenance.keys import PublicKey


@click.group()
def agency() -> None:
    """Enrol agencies, rotate and revoke their keys."""


@agency.command()
@click.argument("name")
@click.option("--key", help="Its public key, ed25519:<base64>; without one a key is made and kept here.")
@in_home
def add(name: str, key: str | None, home: Path, as_json: bool) -> None:
    """Enrol an agency."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        _say("enrolled", add_agency(writer, name, public), as_json)


@agency.command()
@click.argument("name")
@click.option("--key", help="The new public key, ed25519:<base64>; without one a key is made and kept here.")
@in_home
def rotate(name: str, key: str | None, home: Path, as_json: bool) -> None:
    """Replace an agency's key; what the old one signed before stays valid."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        _say("rotated", rotate_key(writer, name, public), as_json)


@agency.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why, for the log.")
@in_home
def revoke(name: str, reason: str, home: Path, as_json: bool) -> None:
    """Revoke an agency's key: what it signs from here on is refused."""
    with open_writer(home) as writer:
        _say("revoked", revoke_key(writer, name, reason), as_json)


@agency.command(name="ls")
@in_home
def list_agencies(home: Path, as_json: bool) -> None:
    """List every key ever enrolled."""
    opened = Home.open(home)
    keys = list_keys(opened)
    simulated = {k.agency: is_simulated(opened, agency=k.agency) for k in keys}
    opened.close()
    rows = [
        (k.agency, k.keyid[:16], k.enrolled_at, k.ended_at, mark(simulated[k.agency]).strip()) for k in keys
    ]
    items = [{**asdict(k), "simulated": simulated[k.agency]} for k in keys]
    document = {"simulated": any(simulated.values()), "items": items}
    emit("agencies", document, columns(rows, ("agency", "key", "from", "to", "")), as_json)


def _say(verb: str, key: AgencyKey, as_json: bool) -> None:
    where = f"\nprivate key  {key.key_file}" if key.key_file else ""
    text = f"{verb} {key.agency}, key {key.keyid[:16]}, log entry {key.ended_at or key.enrolled_at}{where}"
    emit("agency", asdict(key), text, as_json)
