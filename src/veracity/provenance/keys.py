"""Ed25519 keys of the operator, agencies and devices: what signs statements and deliveries.

A key is named by its *key ID*: the lowercase hex SHA-256 of its 32 raw public bytes. At rest it is a
PKCS8 PEM, or under a passphrase a PKCS#12 (PBES2, AES-256, PBKDF2 with ``KDF_ROUNDS`` rounds of
HMAC-SHA-256): the one form in which ``cryptography`` lets the rounds be chosen.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from veracity.provenance.errors import (
    EnvelopeRejected,
    KeyUnavailable,
    MalformedSigningKey,
    PassphraseNeeded,
    PassphraseRejected,
)
from veracity.provenance.fields import decode_base64
from veracity.provenance.secret_files import write_secret

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
MAX_PEM_BYTES = 4_096
KDF_ROUNDS = 600_000  #: what guessing one passphrase costs: a tenth of a second of one core
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


class MessageSigner(Protocol):
    """Whatever signs as one key: the key itself, or a token that does not give it away."""

    @property
    def public(self) -> PublicKey:
        """The public half."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of ``message``."""


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
    def from_pem(cls, pem: bytes, passphrase: bytes | None = None) -> Self:
        """Read a PKCS8 PEM; no message of an error carries any of it.

        Raises
        ------
        PassphraseNeeded, PassphraseRejected
            If it is encrypted, and there is none or another.
        MalformedSigningKey
            If it is no Ed25519 key.
        """
        if len(pem) > MAX_PEM_BYTES:
            raise MalformedSigningKey(f"private key: want at most {MAX_PEM_BYTES} bytes, got {len(pem)}")
        is_encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem
        if is_encrypted and passphrase is None:
            raise PassphraseNeeded("private key: want its passphrase, got none")
        try:
            key = load_pem_private_key(pem, password=passphrase if is_encrypted else None)
        except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
            if is_encrypted:
                raise PassphraseRejected("private key: want its passphrase, got another") from None
            raise MalformedSigningKey("private key: want an unencrypted PKCS8 PEM, got other bytes") from None
        return cls._of(key)

    @classmethod
    def from_pkcs12(cls, data: bytes, passphrase: bytes | None) -> Self:
        """Read a PKCS#12 of one key; errors as of ``from_pem``."""
        if len(data) > MAX_PEM_BYTES:
            raise MalformedSigningKey(f"private key: want at most {MAX_PEM_BYTES} bytes, got {len(data)}")
        if passphrase is None:
            raise PassphraseNeeded("private key: want its passphrase, got none")
        from cryptography.hazmat.primitives.serialization import pkcs12  # brings all of X.509 with it

        try:
            key, _, _ = pkcs12.load_key_and_certificates(data, passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm, InternalError):
            raise PassphraseRejected("private key: want a PKCS#12 and its passphrase, got another") from None
        return cls._of(key)

    @classmethod
    def _of(cls, key: object) -> Self:
        if not isinstance(key, Ed25519PrivateKey):
            raise MalformedSigningKey(f"private key: want Ed25519, got {type(key).__name__}")
        return cls(key.private_bytes_raw())

    def to_pem(self) -> bytes:
        """Write PKCS8 PEM. It is the secret."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def to_pkcs12(self, passphrase: bytes, rounds: int = KDF_ROUNDS) -> bytes:
        """Write a PKCS#12 encrypted with a passphrase, which is not empty."""
        from cryptography.hazmat.primitives.serialization import pkcs12

        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(rounds)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .hmac_hash(SHA256())
            .build(passphrase)
        )
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return pkcs12.serialize_key_and_certificates(b"veracity", key, None, None, encryption)

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
        write_secret(path, key.to_pem())
    except OSError as exc:
        raise KeyUnavailable(f"key file: want to write a new {path}, got {exc.strerror or exc}") from exc
