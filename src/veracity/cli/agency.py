"""``veracity agency``: who may sign."""

from pathlib import Path

import click

from veracity.cli.key_changes import expiring, revoking, say_key, say_keys, time_of
from veracity.cli.output import in_home
from veracity.home.enrolments import add_agency, revoke_key, rotate_key
from veracity.home.home import Home, open_writer
from veracity.provenance.keys import PublicKey


@click.group()
def agency() -> None:
    """Enrol agencies, rotate and revoke their keys."""


@agency.command()
@click.argument("name")
@click.option("--key", help="Its public key, ed25519:<base64>; without one a key is made and kept here.")
@expiring
@in_home
def add(name: str, key: str | None, expires: str | None, home: Path, as_json: bool) -> None:
    """Enrol an agency, or give a new key to one whose keys were revoked."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        say_key("enrolled", add_agency(writer, name, public, time_of("expires", expires)), as_json)


@agency.command()
@click.argument("name")
@click.option("--key", help="The new public key, ed25519:<base64>; without one a key is made and kept here.")
@expiring
@in_home
def rotate(name: str, key: str | None, expires: str | None, home: Path, as_json: bool) -> None:
    """Replace an agency's key; what the old one signed before stays valid."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        say_key("rotated", rotate_key(writer, name, public, time_of("expires", expires)), as_json)


@agency.command()
@click.argument("name")
@revoking
@in_home
def revoke(name: str, reason: str, as_of: str | None, keyid: str | None, home: Path, as_json: bool) -> None:
    """Revoke an agency's key: what it signs from here on is refused."""
    with open_writer(home) as writer:
        say_key("revoked", revoke_key(writer, name, reason, time_of("as-of", as_of), keyid), as_json)


@agency.command(name="ls")
@in_home
def list_agencies(home: Path, as_json: bool) -> None:
    """List every key ever enrolled for the operator or an agency."""
    opened = Home.open(home)
    say_keys(opened, "agencies", ("operator", "agency"), as_json)
    opened.close()
