"""Where a home's private keys are, and opening one to sign with.

A key is held in one of four forms, the first that is there counts::

    <name>.ref    one line that says where it is: file:, env:, keyring: or pkcs11:
    <name>.p12    under a passphrase (PKCS#12)
    <name>.pem    as it is (PKCS8); of the log's key <name>.key, as Go's note package writes it

Two forms of one name hold the same key: a move that a crash broke off. Doing it again ends it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from veracity.home.errors import BadName, MissingKey
from veracity.home.passphrases import PIN_FILE, passphrase, read_passphrase
from veracity.log.errors import MalformedKey
from veracity.log.notes import Signer
from veracity.provenance.errors import KeyUnavailable, MalformedKeyReference, MalformedSigningKey
from veracity.provenance.keys import MessageSigner, SigningKey
from veracity.provenance.secret_files import open_regular, read_secret

MAX_REFERENCE_BYTES = 2_048
LOG, OPERATOR_KEY = "log", "operator"
_NAME = re.compile(r"log|operator|agencies/[a-z0-9-]{1,80}(/[a-z0-9-]{1,80})?")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_FORMS = (".ref", ".p12", ".pem", ".key")


@dataclass(frozen=True)
class KeyPlace:
    """The place of one key under ``keys/``: its name there, without the form's ending."""

    keys: Path
    name: str

    @classmethod
    def named(cls, keys: Path, name: str) -> "KeyPlace":
        """Return the place of a name that somebody gave; BadName if it cannot be one."""
        if not _NAME.fullmatch(name):
            raise BadName(f"key: want log, operator or agencies/<name>, got {name[:80]!r}")
        return cls(keys, name)

    def form(self, ending: str) -> Path:
        """Return the path of one form."""
        return self.keys / f"{self.name}{ending}"

    @property
    def plain(self) -> Path:
        """Where the key is if it is there as it is."""
        return self.form(".key" if self.name == LOG else ".pem")

    @property
    def p12(self) -> Path:
        """Where it is under a passphrase."""
        return self.form(".p12")

    @property
    def ref(self) -> Path:
        """What says where it is."""
        return self.form(".ref")

    def held(self) -> list[Path]:
        """Return the forms that are there; the first counts."""
        return [path for path in (self.ref, self.p12, self.plain) if os.path.lexists(path)]

    def reference(self) -> str | None:
        """Return what ``<name>.ref`` says; None if there is none."""
        return read_reference(self.ref) if os.path.lexists(self.ref) else None


def key_places(keys: Path) -> Iterator[KeyPlace]:
    """Yield the places of a home's keys: the log's, the operator's, the agencies' and devices' by name."""
    yield KeyPlace(keys, LOG)
    yield KeyPlace(keys, OPERATOR_KEY)
    found = {p.relative_to(keys).with_suffix("").as_posix() for p in (keys / "agencies").rglob("*")}
    for name in sorted(found):
        if _NAME.fullmatch(name) and KeyPlace(keys, name).held():
            yield KeyPlace(keys, name)


def open_key(place: KeyPlace) -> MessageSigner:
    """Open a key to sign with, whatever form it is held in.

    Raises
    ------
    MissingKey
        If it is in none.
    KeyUnavailable, ExposedKey, PassphraseNeeded, PassphraseRejected
        If its form cannot be opened.
    MalformedSigningKey, MalformedKeyReference
        If it is not one.
    """
    held = place.held()
    if not held:
        raise MissingKey(f"key: want to read {place.plain}, or .p12 or .ref there, got none")
    if held[0] == place.ref:
        return open_reference(read_reference(place.ref), place.ref.parent)
    return read_key_file(held[0])


def open_software_key(place: KeyPlace) -> SigningKey:
    """Open a key whose secret can be had; KeyUnavailable if a token holds it."""
    key = open_key(place)
    if not isinstance(key, SigningKey):
        raise KeyUnavailable(f"key {place.name}: want one that can leave where it is, got one on a token")
    return key


def open_reference(reference: str, base: Path) -> MessageSigner:
    """Open the key that a reference names; a relative ``file:`` is meant from ``base``."""
    scheme, _, rest = reference.partition(":")
    if scheme == "file" and rest:
        return read_key_file(base / rest)
    if scheme == "env" and _VARIABLE.fullmatch(rest):
        named = os.environ.get(rest)
        if not named:
            raise KeyUnavailable(f"key reference: want {rest} to name a key file, got no such variable")
        where = f"what {rest} names"  # its value may be a key, put there by mistake
        return _parse_key(read_secret(Path(named), "key file", where), f"key file: {where}")
    if scheme == "keyring":
        from veracity.stores.keyring import keyring_item, read_keyring

        return _parse_key(read_keyring(*keyring_item(rest)), f"keyring item {rest}")
    if scheme == "pkcs11":
        from veracity.stores.pkcs11 import open_token_key
        from veracity.stores.token_uri import TokenUri

        uri = TokenUri.parse(reference)
        return open_token_key(uri, lambda: token_pin(uri.pin_source))
    raise MalformedKeyReference(
        "key reference: want file:PATH, env:VARIABLE, keyring:SERVICE/NAME or pkcs11:…,"
        f" got {reference[:40]!r}"
    )


def token_pin(source: Path | None) -> bytes:
    """Return a token's PIN: from the file that its URI names, or a variable, or asked for."""
    return passphrase("PIN of the token", PIN_FILE) if source is None else read_passphrase(source)


def is_reference(text: str) -> bool:
    """Say whether a text reads as a key reference, not as a file's name."""
    return text.partition(":")[0] in ("file", "env", "keyring", "pkcs11") and ":" in text


def absolute_reference(reference: str) -> str:
    """Return a reference that somebody gave as one that holds wherever it is written down."""
    if reference.startswith("file:") and reference != "file:":
        return f"file:{Path(reference.removeprefix('file:')).absolute()}"
    return reference


def read_reference(path: Path) -> str:
    """Read the one line of a reference."""
    try:
        with open_regular(path) as file:
            raw = file.read(MAX_REFERENCE_BYTES + 1)
    except OSError as exc:
        raise KeyUnavailable(f"key reference: want to read {path}, got {exc.strerror or exc}") from exc
    lines = raw.decode("utf-8", "replace").splitlines()
    if len(raw) > MAX_REFERENCE_BYTES or len(lines) != 1 or not lines[0].isprintable():
        raise MalformedKeyReference(f"key reference {path}: want one line, got {len(lines)}")
    return lines[0].strip()


def read_key_file(path: Path) -> SigningKey:
    """Read a key file of mode 0600 in any of the forms: PEM, PKCS#12, or Go's private note key."""
    return _parse_key(read_secret(path, "key file"), f"key file {path}")


def _parse_key(secret: bytes, where: str) -> SigningKey:
    """Read a private key, asking for its passphrase if it is under one."""
    try:
        if secret.startswith(b"PRIVATE+KEY+"):
            return SigningKey(Signer.parse(secret.decode("ascii", "replace").strip()).seed)
        if secret.startswith(b"\x30"):
            return SigningKey.from_pkcs12(secret, passphrase(f"passphrase of {where}"))
        if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in secret:
            return SigningKey.from_pem(secret, passphrase(f"passphrase of {where}"))
        return SigningKey.from_pem(secret)
    except (MalformedSigningKey, MalformedKey) as exc:
        raise MalformedSigningKey(f"{where}: {exc}") from None
