"""The vault's master key: what the keys of records are wrapped under, and how it is replaced.

A wrapped key that was deleted may still stand in a backup, in a file system's snapshot, or in blocks
that nobody has written over. Under a new master key, the old one destroyed, all of these are noise.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from veracity.home.directory import usable, write_new
from veracity.home.errors import VaultUnusable
from veracity.provenance.errors import KeyUnavailable
from veracity.provenance.secret_files import read_secret, sync_directory

_HEAD = "veracity-vault-key-v1:"
_NONCE, _KEY = 12, 32


@dataclass(frozen=True)
class MasterKey:
    """32 random bytes."""

    key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "MasterKey":
        """Make one from the system's randomness."""
        return cls(secrets.token_bytes(_KEY))

    @property
    def keyid(self) -> bytes:
        """What tells one master key from another; says nothing of it."""
        return sha256(b"veracity vault key id" + self.key).digest()

    def wrap(self, secret: bytes, bound_to: bytes) -> bytes:
        """Encrypt a secret so that it opens only where it is bound to."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + ChaCha20Poly1305(self.key).encrypt(nonce, secret, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: bytes) -> bytes:
        """Return the secret; ``VaultUnusable`` if it was wrapped otherwise."""
        try:
            return ChaCha20Poly1305(self.key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], bound_to)
        except (InvalidTag, ValueError) as exc:
            raise VaultUnusable("vault: want a key wrapped under vault.key, got another") from exc


def create_master_key(path: Path) -> MasterKey:
    """Make a master key and write it to a new file of mode 0600, durably."""
    master = MasterKey.generate()
    with usable(path.parent):
        write_new(path, f"{_HEAD}{master.key.hex()}\n".encode(), 0o600)
    return master


def read_master_key(path: Path) -> MasterKey:
    """Read a master key from a file that only its owner can read.

    Raises
    ------
    VaultUnusable
        If there is none, or it cannot be read.
    ExposedKey
        If others may read it.
    """
    try:
        text = read_secret(path, "vault key").decode("ascii", "replace").strip()
    except KeyUnavailable as exc:
        raise VaultUnusable(str(exc)) from exc
    digits = text.removeprefix(_HEAD)
    if not text.startswith(_HEAD) or len(digits) != 2 * _KEY or set(digits) - set("0123456789abcdef"):
        raise VaultUnusable(f"vault key {path}: want {_HEAD}<64 hex digits>, got another text")
    return MasterKey(bytes.fromhex(digits))


def destroy_file(path: Path) -> None:
    """Write over a file, as far as the file system writes in place, and remove it."""
    with usable(path.parent), contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            file.write(b"\0" * size)
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_directory(path.parent)
