"""The key that signs directories: ECDSA on P-256, which is what OpenSSF Model Signing accepts.

It is not one of the log's: those are Ed25519. Public keys on P-384 and P-521 are read as well, as others
may have signed with one.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from veracity.provenance.errors import BundleRejected, KeyUnavailable, MalformedSigningKey
from veracity.provenance.keys import MAX_PEM_BYTES
from veracity.provenance.secret_files import read_secret, write_secret

_HASHES: dict[str, HashAlgorithm] = {"secp256r1": SHA256(), "secp384r1": SHA384(), "secp521r1": SHA512()}


@dataclass(frozen=True)
class PublishingPublicKey:
    """The public half, on one of the curves above."""

    key: ec.EllipticCurvePublicKey

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a SubjectPublicKeyInfo PEM."""
        if len(pem) > MAX_PEM_BYTES:
            raise MalformedSigningKey(f"public key: want at most {MAX_PEM_BYTES} bytes, got {len(pem)}")
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as exc:
            raise MalformedSigningKey("public key: want a PEM of a public key, got other bytes") from exc
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _HASHES:
            raise MalformedSigningKey(
                f"public key: want one of {', '.join(_HASHES)}, got {type(key).__name__}"
            )
        return cls(key)

    def to_pem(self) -> bytes:
        """Write SubjectPublicKeyInfo PEM."""
        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def hint(self) -> str:
        """How a bundle names the key: hex SHA-256 of its PEM."""
        return sha256(self.to_pem()).hexdigest()

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return if ``signature`` (DER) is this key's of ``message``, else raise BundleRejected."""
        try:
            self.key.verify(signature, message, ec.ECDSA(_HASHES[self.key.curve.name]))
        except InvalidSignature as exc:
            raise BundleRejected(f"signature: want one of key {self.hint[:16]}, got another") from exc


class PublishingKey:
    """A private key on P-256."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the key of a seed of 32 bytes; for simulated cities, where one seed gives every key."""
        return cls(ec.derive_private_key(max(1, int.from_bytes(seed[:32]) >> 1), ec.SECP256R1()))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a key from a PEM file that only its owner can read.

        Raises
        ------
        KeyUnavailable, ExposedKey
            As ``read_secret`` does.
        MalformedSigningKey
            If it holds no unencrypted P-256 key; no message carries any of it.
        """
        pem = read_secret(path, "publishing key")
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise MalformedSigningKey(
                f"publishing key {path}: want an unencrypted PEM, got other bytes"
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise MalformedSigningKey(f"publishing key {path}: want a key on P-256, got {type(key).__name__}")
        return cls(key)

    def write(self, path: Path) -> None:
        """Write PKCS8 PEM to a new file of mode 0600; KeyUnavailable if there is one."""
        try:
            write_secret(path, self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        except OSError as exc:
            raise KeyUnavailable(f"publishing key: want to write a new {path}, got {exc.strerror}") from exc

    @property
    def public(self) -> PublishingPublicKey:
        """The public half."""
        return PublishingPublicKey(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of ``message``, DER."""
        return self._key.sign(message, ec.ECDSA(SHA256()))
