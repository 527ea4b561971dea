"""``veracity key``: how the home's private keys are held."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from veracity.cli.key_changes import expiring, say_key, time_of
from veracity.cli.output import columns, common, emit, in_home
from veracity.home.directory import Directory, open_directory
from veracity.home.enrolments import rotate_operator
from veracity.home.errors import BadName
from veracity.home.home import open_writer
from veracity.home.key_care import HeldKey, encrypt_key, held_keys, make_key, move_key
from veracity.home.key_places import KeyPlace, absolute_reference
from veracity.home.lock import writing
from veracity.home.passphrases import new_passphrase
from veracity.provenance.errors import KeyUnavailable


@click.group()
def key() -> None:
    """Hold private keys under a passphrase, in a keyring, or on a token (HSM)."""


@key.command(name="ls")
@in_home
def list_held(home: Path, as_json: bool) -> None:
    """List the home's private keys and how each is held. None is opened."""
    held = held_keys(open_directory(home).keys)
    rows = [(k.name, k.held if k.reference is None else k.reference, _left(k)) for k in held]
    items = [_document(k) for k in held]
    emit("held-keys", {"items": items}, columns(rows, ("key", "held", "")), as_json)


@key.command()
@click.argument("name")
@in_home
def encrypt(name: str, home: Path, as_json: bool) -> None:
    """Put a key of the home under a passphrase, or under another one.

    NAME is log, operator, or as `veracity key ls` shows it.
    """
    directory = open_directory(home)
    with writing(directory):
        _say("encrypted", encrypt_key(_place(directory, name), new_passphrase), as_json)


@key.command()
@click.argument("name")
@click.option("--to", required=True, help="home, keyring[:SERVICE/NAME], file:PATH, or a pkcs11: URI.")
@in_home
def move(name: str, to: str, home: Path, as_json: bool) -> None:
    """Move a key: to the OS keyring, a file elsewhere, a token, or back to the home.

    Written and read back there before it is removed here. Off a token no key comes.
    """
    directory = open_directory(home)
    with writing(directory):
        with _writing(to):
            moved = move_key(_place(directory, name), absolute_reference(to), directory.origin)
        _say("moved", moved, as_json)


@key.command()
@click.argument("reference")
@common
def make(reference: str, as_json: bool) -> None:
    """Make a new key at file:PATH, keyring:SERVICE/NAME or on a token (pkcs11:…); print its public key."""
    with _writing(reference):
        public = make_key(reference, Path()).format()
    emit("made-key", {"reference": reference, "public": public}, public, as_json)


@key.command()
@click.argument("name")
@click.option("--to", metavar="REF", help="The new key is at this key reference; else one is made.")
@expiring
@in_home
def rotate(name: str, to: str | None, expires: str | None, home: Path, as_json: bool) -> None:
    """Replace the operator's key (NAME is operator); the old one goes to keys/ended."""
    if name != "operator":
        raise BadName(f"rotate: want operator (agencies and devices have their own), got {name!r}")
    with open_writer(home) as writer:
        reference = None if to is None else absolute_reference(to)
        say_key("rotated", rotate_operator(writer, reference, time_of("expires", expires)), as_json)


@contextmanager
def _writing(reference: str) -> Iterator[None]:
    """Turn the system's refusals into KeyUnavailable."""
    try:
        yield
    except OSError as exc:
        got = exc.strerror or exc
        raise KeyUnavailable(f"key: want to write {reference[:80]}, got {got}") from exc


def _place(directory: Directory, name: str) -> KeyPlace:
    return KeyPlace.named(directory.keys, name)


def _say(verb: str, held: HeldKey, as_json: bool) -> None:
    where = held.held if held.reference is None else held.reference
    emit("held-key", _document(held), f"{verb} {held.name}: {where}", as_json)


def _document(held: HeldKey) -> dict[str, Any]:
    return asdict(held)


def _left(held: HeldKey) -> str:
    return f"also {', '.join(p.name for p in held.left)}: do it again" if held.left else ""
