"""Changing how a private key is held: under a passphrase, in a keyring, in a file elsewhere, on a token.

A key is written where it goes and read back from there before anything is removed where it was. Nothing
that is there already is overwritten, but the same key under its old passphrase. So a crash leaves the
key in both places at worst, and doing the same again ends it. A path has many names: whether two places
are one is asked of the file system. What is removed is unlinked, not wiped: disks and backups may keep it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from veracity.home.errors import BadName, MissingKey
from veracity.home.key_places import (
    LOG,
    KeyPlace,
    is_reference,
    key_places,
    open_key,
    open_reference,
    open_software_key,
    read_key_file,
    token_pin,
)
from veracity.log.notes import Signer
from veracity.provenance.errors import KeyUnavailable, MalformedKeyReference
from veracity.provenance.keys import MessageSigner, PublicKey, SigningKey
from veracity.provenance.secret_files import part_of, remove_part, remove_secret, replace_secret, write_secret

SERVICE = "veracity"
_FORMS = {".ref": "reference", ".p12": "file, under a passphrase", ".pem": "file", ".key": "file"}


@dataclass(frozen=True)
class HeldKey:
    """How a key is held. ``reference`` says where if it is not in the home; ``left`` are forms to remove."""

    name: str
    held: str
    reference: str | None
    left: tuple[Path, ...]


def held_keys(keys: Path) -> list[HeldKey]:
    """Return how each key of a home is held. No key is opened."""
    return [_held(place) for place in key_places(keys) if place.held()]


def _held(place: KeyPlace) -> HeldKey:
    first, *left = place.held()
    return HeldKey(place.name, _FORMS[first.suffix], place.reference(), tuple(left))


def encrypt_key(place: KeyPlace, new: Callable[[str], bytes]) -> HeldKey:
    """Put a key that the home keeps under a passphrase, or under another one.

    Raises
    ------
    BadName
        If it is not in the home.
    MissingKey, KeyUnavailable, ExposedKey, PassphraseNeeded, PassphraseRejected
        Nothing is changed.
    """
    held = place.held()
    if held and held[0] == place.ref:
        raise BadName(f"key {place.name}: want one kept in the home, got one at {place.reference()}")
    key = open_software_key(place)
    _check_left(place, key.public)
    passphrase = new(f"key {place.name}")
    body = key.to_pkcs12(passphrase)
    if SigningKey.from_pkcs12(body, passphrase) != key:  # pragma: no cover - a bug in the library
        raise AssertionError("what was written is read back")
    with usable_key(place):
        replace_secret(place.p12, body)
        remove_secret(place.plain)
    return _held(place)


def move_key(place: KeyPlace, to: str, origin: str) -> HeldKey:
    """Move a key to ``home``, ``keyring``, or where a reference says.

    Raises
    ------
    MalformedKeyReference, KeyUnavailable
        If it cannot go there; also if another key is there, or it is in that very file.
    MissingKey, ExposedKey, PassphraseNeeded, PassphraseRejected
        If it cannot be read. Nothing is changed.
    """
    before = place.reference()
    if to == "home":
        _to_home(place, before, origin)
        return _held(place)
    reference = f"keyring:{SERVICE}/{origin}/{place.name}" if to == "keyring" else to
    if not is_reference(reference) or reference.startswith("env:"):
        raise MalformedKeyReference(
            f"key {place.name}: want to go to home, keyring, file:PATH or pkcs11:…, got {to[:40]!r}"
        )
    key = open_key(place)
    _check_left(place, key.public)
    with usable_key(place):
        _check_apart(place, reference, before)
    if before != reference:
        if not isinstance(key, SigningKey):
            raise KeyUnavailable(f"key {place.name}: want one that can leave where it is, got one on a token")
        _put(reference, key, place.ref.parent)
    with usable_key(place):
        replace_secret(place.ref, f"{reference}\n".encode())
        remove_secret(place.p12)
        remove_secret(place.plain)
    if before is not None and before != reference:
        _forget(before, place.ref.parent)
    return _held(place)


def make_key(reference: str, base: Path) -> PublicKey:
    """Make a new key where a reference says, and return its public half."""
    if reference.startswith("pkcs11:"):
        from veracity.stores.pkcs11 import make_token_key
        from veracity.stores.token_uri import TokenUri

        uri = TokenUri.parse(reference)
        return make_token_key(uri, lambda: token_pin(uri.pin_source)).public
    key = SigningKey.generate()
    _put(reference, key, base)
    return key.public


def add_reference(place: KeyPlace, reference: str) -> MessageSigner:
    """Write a place's reference to a key that is where it says, and open it."""
    if not is_reference(reference):
        raise MalformedKeyReference(
            f"key {place.name}: want file:PATH, env:VARIABLE, keyring:SERVICE/NAME or pkcs11:…,"
            f" got {reference[:40]!r}"
        )
    key = open_reference(reference, place.ref.parent)
    with usable_key(place):
        write_secret(place.ref, f"{reference}\n".encode())
    return key


def _to_home(place: KeyPlace, before: str | None, origin: str) -> None:
    if before is None:
        if not place.held():
            raise MissingKey(f"key {place.name}: want one to move, got none")
        return
    key = open_software_key(place)
    _check_left(place, key.public)
    if place.plain.is_symlink():
        raise KeyUnavailable(f"key {place.name}: want {place.plain} to be a file, got a link; move it away")
    with usable_key(place):
        if not os.path.lexists(place.plain):
            is_log = place.name == LOG
            body = f"{Signer(origin, key.seed).format()}\n".encode() if is_log else key.to_pem()
            write_secret(place.plain, body)
        if read_key_file(place.plain) != key:  # pragma: no cover - a disk that loses what was fsynced
            raise KeyUnavailable(f"key {place.name}: want {place.plain} to be the same key, got another")
        remove_part(place.plain)
        there = _file_of(before, place.ref.parent)
        is_here = there is not None and _is_same_file(there, place.plain)
        remove_secret(place.ref)
        remove_secret(place.p12)
    if not is_here:
        _forget(before, place.ref.parent)


def _put(reference: str, key: SigningKey, base: Path) -> None:
    """Write a key where a reference says; the same key there is left, another is never overwritten."""
    scheme, _, rest = reference.partition(":")
    if (path := _file_of(reference, base)) is not None:
        if os.path.lexists(path):
            remove_part(path)
        else:
            write_secret(path, key.to_pem())
    elif scheme == "keyring":
        from veracity.stores.keyring import find_keyring, keyring_item, write_keyring

        service, name = keyring_item(rest)
        if find_keyring(service, name) is None:
            write_keyring(service, name, key.to_pem())
    elif scheme == "pkcs11":
        from veracity.stores.pkcs11 import import_token_key
        from veracity.stores.token_uri import TokenUri

        uri = TokenUri.parse(reference)
        import_token_key(uri, key, lambda: token_pin(uri.pin_source))
    else:
        raise MalformedKeyReference(
            f"key: want to go to keyring:SERVICE/NAME, file:PATH or pkcs11:…, got {reference[:40]!r}"
        )
    if open_reference(reference, base).public != key.public:
        raise KeyUnavailable(f"key: want no other at {reference[:80]}, got one; keys are never overwritten")


def _file_of(reference: str, base: Path) -> Path | None:
    """Return the file that a ``file:`` reference names; None of any other."""
    scheme, _, rest = reference.partition(":")
    return base / rest if scheme == "file" and rest else None


def _check_apart(place: KeyPlace, to: str, before: str | None) -> None:
    """Raise if a reference leads to a file that the move would remove, or into the home's own ``keys/``."""
    base = place.ref.parent
    target = _file_of(to, base)
    if target is None:
        return
    left = None if before in (None, to) else _file_of(before, base)
    for path in (place.plain, place.p12, *([] if left is None else [left])):
        if any(_is_same_file(written, path) for written in (target, part_of(target))):
            raise KeyUnavailable(f"key {place.name}: want another place, got the file it is in, {target}")
    keys = os.path.realpath(place.keys)
    if any(Path(os.path.realpath(path)).is_relative_to(keys) for path in (target, target.parent)):
        raise KeyUnavailable(f"key {place.name}: want another place than {keys}, got {target}; or home")


def _is_same_file(one: Path, other: Path) -> bool:
    """Say whether two paths lead to one file, by links of whatever kind."""
    return one.exists() and other.exists() and one.samefile(other)


def _check_left(place: KeyPlace, public: PublicKey) -> None:
    """Raise unless the forms that a broken move left, if any, are the same key: they will be removed."""
    for path in place.held()[1:]:
        if read_key_file(path).public != public:
            raise KeyUnavailable(
                f"key {place.name}: want {path} to be the same key, got another; move it away"
            )


def _forget(reference: str, base: Path) -> None:
    """Remove a key from where it was, once it is elsewhere; a token's is left to the token's own tools."""
    scheme, _, rest = reference.partition(":")
    if scheme == "keyring":
        from veracity.stores.keyring import delete_keyring, keyring_item

        delete_keyring(*keyring_item(rest))
    elif (path := _file_of(reference, base)) is not None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


@contextlib.contextmanager
def usable_key(place: KeyPlace) -> Iterator[None]:
    """Turn the system's refusals into KeyUnavailable."""
    try:
        yield
    except OSError as exc:
        where = exc.filename or place.keys
        raise KeyUnavailable(f"key {place.name}: want to write {where}, got {exc.strerror or exc}") from exc
