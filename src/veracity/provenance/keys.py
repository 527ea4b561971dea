"""Ed25519 keys of the operator, agencies and devices: what signs statements and deliveries.

A key is named by its *key ID*: the lowercase hex SHA-256 of its 32 raw public bytes.
"""

import os
import stat
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from veracity.provenance.errors import EnvelopeRejected, ExposedKey, KeyUnavailable, MalformedSigningKey
from veracity.provenance.fields import decode_base64

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
MAX_PEM_BYTES = 4_096
_PREFIX = "ed25519:"


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 public key, 32 raw bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PUBLIC_BYTES:
            raise MalformedSigningKey(f"public key: want {PUBLIC_BYTES} bytes, got {len(self.raw)}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``ed25519:<base64>``.

        Examples
        --------
        >>> PublicKey.parse("ed25519:" + 43 * "A" + "=").keyid[:16]
        '66687aadf862bd77'
        """
        raw = decode_base64(text.removeprefix(_PREFIX)) if len(text) <= 128 else None
        if raw is None or len(raw) != PUBLIC_BYTES or cls(raw).format() != text:
            raise MalformedSigningKey(f"public key: want ed25519:<base64 of 32 bytes>, got {text[:60]!r}")
        return cls(raw)

    def format(self) -> str:
        """Write ``ed25519:<base64>``."""
        return _PREFIX + b64encode(self.raw).decode("ascii")

    @property
    def keyid(self) -> str:
        """The key's name: 64 hex digits."""
        return sha256(self.raw).hexdigest()

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return if ``signature`` is this key's of ``message``, else raise EnvelopeRejected."""
        if len(signature) != SIGNATURE_BYTES:
            raise EnvelopeRejected(f"signature: want {SIGNATURE_BYTES} bytes, got {len(signature)}")
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError) as exc:
            raise EnvelopeRejected(f"signature: want one of key {self.keyid[:16]}, got another") from exc


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 private key. Its representation hides the seed."""

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != PUBLIC_BYTES:
            raise MalformedSigningKey(
                f"private key: want a seed of {PUBLIC_BYTES} bytes, got {len(self.seed)}"
            )

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read an unencrypted PKCS8 PEM; no message of an error carries any of it."""
        if len(pem) > MAX_PEM_BYTES:
            raise MalformedSigningKey(f"private key: want at most {MAX_PEM_BYTES} bytes, got {len(pem)}")
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
            raise MalformedSigningKey("private key: want an unencrypted PKCS8 PEM, got other bytes") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise MalformedSigningKey(f"private key: want Ed25519, got {type(key).__name__}")
        return cls(key.private_bytes_raw())

    def to_pem(self) -> bytes:
        """Write PKCS8 PEM. It is the secret."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


def write_signing_key(key: SigningKey, path: Path) -> None:
    """Write a key to a new file of mode 0600, durably.

    Raises
    ------
    KeyUnavailable
        If there is a file already (keys are never overwritten), or it cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            out.write(key.to_pem())
            out.flush()
            os.fsync(out.fileno())
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as exc:
        raise KeyUnavailable(f"key file: want to write a new {path}, got {exc.strerror or exc}") from exc


def read_signing_key(path: Path) -> SigningKey:
    """Read a key from a PEM file that only its owner can read.

    Raises
    ------
    KeyUnavailable
        If there is no such file or it cannot be read.
    ExposedKey
        If its group or others may do anything with it.
    MalformedSigningKey
        If it holds no Ed25519 key.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            pem = file.read(MAX_PEM_BYTES + 1) if stat.S_ISREG(status.st_mode) else None
    except OSError as exc:
        raise KeyUnavailable(f"key file: want to read {path}, got {exc.strerror or exc}") from exc
    if pem is None:
        raise KeyUnavailable(f"key file: want a regular file, got {path}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ExposedKey(f"key file {path}: want mode 0600, got {mode:04o}")
    try:
        return SigningKey.from_pem(pem)
    except MalformedSigningKey as exc:
        raise MalformedSigningKey(f"key file {path}: {exc}") from None
