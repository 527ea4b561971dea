"""Passphrases and PINs: from a file that an environment variable names, or asked for on a terminal."""

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from veracity.provenance.errors import MalformedSigningKey, PassphraseNeeded
from veracity.provenance.secret_files import read_secret

PASSPHRASE_FILE = "VERACITY_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
NEW_PASSPHRASE_FILE = "VERACITY_NEW_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable
PIN_FILE = "VERACITY_PKCS11_PIN_FILE"

Ask = Callable[[str], str]


def passphrase(what: str, variable: str = PASSPHRASE_FILE) -> bytes:
    """Return the passphrase of ``what``: from the file that the variable names (mode 0600), or asked for.

    Raises
    ------
    PassphraseNeeded
        If there is neither a file nor a terminal.
    KeyUnavailable, ExposedKey
        If the file cannot be read, or by others too.
    """
    named = os.environ.get(variable)
    if named:
        return read_passphrase(Path(named))
    return _asked(what, variable)


def new_passphrase(what: str) -> bytes:
    """Return a passphrase to put a key under: asked for twice on a terminal, or from its file."""
    named = os.environ.get(NEW_PASSPHRASE_FILE)
    if named:
        return read_passphrase(Path(named))
    chosen = _asked(f"new passphrase for {what}", NEW_PASSPHRASE_FILE)
    if _asked(f"the same again for {what}", NEW_PASSPHRASE_FILE) != chosen:
        raise MalformedSigningKey("passphrase: want the same twice, got two")
    return chosen


def read_passphrase(path: Path) -> bytes:
    """Read a file's first line, which is not empty."""
    line = read_secret(path, "passphrase file").split(b"\n", 1)[0].rstrip(b"\r")
    if not line:
        raise MalformedSigningKey(f"passphrase file {path}: want a first line, got an empty one")
    return line


def _asked(what: str, variable: str) -> bytes:
    if not sys.stdin.isatty():
        raise PassphraseNeeded(f"{what}: want a terminal to ask on, or {variable}, got neither")
    typed = getpass.getpass(f"{what}: ").encode("utf-8")
    if not typed:
        raise MalformedSigningKey(f"{what}: want one that is not empty, got an empty one")
    return typed
