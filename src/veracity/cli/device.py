"""``veracity device``: the devices of agencies, whose signatures count for them."""

from pathlib import Path

import click

from veracity.cli.key_changes import expiring, revoking, say_key, say_keys, time_of
from veracity.cli.output import F, columns, emit, in_home
from veracity.home.directory import open_directory
from veracity.home.enrolments import add_device, revoke_key, rotate_key, signing_key
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer, open_writer
from veracity.provenance.keys import MessageSigner, PublicKey


def _signed(command: F) -> F:
    return click.option(
        "--sign",
        metavar="KEY",
        help="Signed by a key of its agency (the agency's name, a key file or reference), not the operator.",
    )(command)


@click.group()
def device() -> None:
    """Enrol devices of agencies as AGENCY/DEVICE, rotate and revoke their keys."""


@device.command()
@click.argument("name")
@click.option("--key", help="Its public key, ed25519:<base64>; without one a key is made and kept here.")
@expiring
@_signed
@in_home
def add(name: str, key: str | None, expires: str | None, sign: str | None, home: Path, as_json: bool) -> None:
    """Enrol a device: what it signs counts for its agency."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        done = add_device(writer, name, public, time_of("expires", expires), _signer(writer, sign))
        say_key("enrolled", done, as_json)


@device.command()
@click.argument("name")
@click.option("--key", help="The new public key, ed25519:<base64>; without one a key is made and kept here.")
@expiring
@_signed
@in_home
def rotate(
    name: str, key: str | None, expires: str | None, sign: str | None, home: Path, as_json: bool
) -> None:
    """Replace a device's key; what the old one signed before stays valid."""
    public = PublicKey.parse(key) if key else None
    with open_writer(home) as writer:
        done = rotate_key(writer, _device(name), public, time_of("expires", expires), _signer(writer, sign))
        say_key("rotated", done, as_json)


@device.command()
@click.argument("name")
@revoking
@_signed
@in_home
def revoke(
    name: str,
    reason: str,
    as_of: str | None,
    keyid: str | None,
    sign: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Revoke a device's key: what it signs from here on is refused."""
    with open_writer(home) as writer:
        when, signer = time_of("as-of", as_of), _signer(writer, sign)
        say_key("revoked", revoke_key(writer, _device(name), reason, when, keyid, signer), as_json)


@device.command(name="ls")
@in_home
def list_devices(home: Path, as_json: bool) -> None:
    """List every key ever enrolled for a device."""
    opened = Home.open(home)
    say_keys(opened, "devices", ("device",), as_json)
    opened.close()


@device.command()
@click.argument("name")
@in_home
def password(name: str, home: Path, as_json: bool) -> None:
    """Make a device a password for the broker, instead of any it has; it is shown this once."""
    from veracity.live.credentials import set_password

    made = set_password(home, name)
    emit("device-password", {"name": name, "password": made}, made, as_json)


@device.command()
@click.argument("name")
@click.argument("subject")
@in_home
def certificate(name: str, subject: str, home: Path, as_json: bool) -> None:
    """Let a device in by a certificate of this SUBJECT (CN=aq05,O=Da Nang) or for this DNS name."""
    from veracity.live.credentials import set_certificate

    set_certificate(home, name, subject)
    emit("device-certificate", {"name": name, "certificate": subject}, f"{name} by {subject}", as_json)


@device.command()
@click.argument("name")
@in_home
def forbid(name: str, home: Path, as_json: bool) -> None:
    """Let a device into the broker no more; its key stays as it is."""
    from veracity.live import credentials

    credentials.forbid(home, name)
    emit("device-forbid", {"name": name}, f"{name} is let in no more", as_json)


@device.command()
@in_home
def access(home: Path, as_json: bool) -> None:
    """List the devices that the broker lets in, and how."""
    from veracity.live.credentials import read_credentials

    root = open_directory(home).root
    items = [
        {"name": c.name, "password": c.password is not None, "certificate": c.certificate}
        for c in read_credentials(root).values()
    ]
    rows = [(i["name"], "password" if i["password"] else None, i["certificate"]) for i in items]
    text = columns(rows, ("device", "password", "certificate")) if rows else "no device"
    emit("device-access", {"devices": items}, text, as_json)


def _signer(home: Writer, sign: str | None) -> MessageSigner | None:
    return signing_key(home, sign) if sign else None


def _device(name: str) -> str:
    if "/" not in name:
        raise BadName(f"device: want a name such as danang-environment/aq05, got {name!r}")
    return name
