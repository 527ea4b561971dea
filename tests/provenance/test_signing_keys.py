import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from veracity.provenance.errors import (
    EnvelopeRejected,
    KeyUnavailable,
    MalformedSigningKey,
    PassphraseNeeded,
    PassphraseRejected,
)
from veracity.provenance.keys import PublicKey, SigningKey, write_signing_key

# RFC 8032, section 7.1, test 2
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_published_vector() -> None:
    """A key signs as RFC 8032 says, and its public half verifies that."""
    key = SigningKey(SEED)
    assert key.public.raw == PUBLIC
    assert key.sign(b"\x72") == SIGNATURE
    key.public.verify(SIGNATURE, b"\x72")


def test_every_flipped_bit_of_a_signature_is_rejected() -> None:
    """No bit of a signature may change."""
    key = PublicKey(PUBLIC)
    for bit in range(512):
        flipped = bytearray(SIGNATURE)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(EnvelopeRejected):
            key.verify(bytes(flipped), b"\x72")
    with pytest.raises(EnvelopeRejected, match="want 64 bytes, got 63"):
        key.verify(SIGNATURE[:-1], b"\x72")


def test_public_key_text() -> None:
    """A public key is written one way and read back; anything else is refused."""
    key = PublicKey(PUBLIC)
    assert PublicKey.parse(key.format()) == key
    body = key.format().removeprefix("ed25519:")
    for bad in (
        "",
        body,
        "rsa:" + body,
        "ed25519:" + body[:-1],
        "ed25519:AAAA",
        "ed25519:" + body + "\n",
        "ed25519:" + body.replace("+", "-").replace("/", "_"),
        "é" * 200,
    ):
        with pytest.raises(MalformedSigningKey):
            PublicKey.parse(bad)


def test_secret_is_not_shown() -> None:
    """Neither the representation of a key nor an error about one shows the secret."""
    assert SEED.hex() not in repr(SigningKey(SEED))
    assert "4ccd" not in repr(SigningKey(SEED))


def test_file_round_trip_and_mode(tmp_path: Path) -> None:
    """A key file has mode 0600 whatever the umask, and gives the key back."""
    path = tmp_path / "operator.pem"
    old = os.umask(0)
    try:
        write_signing_key(SigningKey(SEED), path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.from_pem(path.read_bytes()) == SigningKey(SEED)


def test_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Writing a key over another is refused and leaves the other."""
    path = tmp_path / "operator.pem"
    write_signing_key(SigningKey(SEED), path)
    with pytest.raises(KeyUnavailable, match="want to write a new"):
        write_signing_key(SigningKey.generate(), path)
    with pytest.raises(KeyUnavailable):
        write_signing_key(SigningKey(SEED), tmp_path / "no" / "directory.pem")
    assert SigningKey.from_pem(path.read_bytes()) == SigningKey(SEED)


def test_what_is_no_key() -> None:
    """Bytes that are no key fail as our own error, in one line."""
    other = Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    truncated = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for content in (b"", truncated, bytes(10_000), other):
        with pytest.raises(MalformedSigningKey) as caught:
            SigningKey.from_pem(content)
        assert "\n" not in str(caught.value)


def test_under_a_passphrase() -> None:
    """A key is written under a passphrase and read with it alone; PKCS8 that others encrypted is read too."""
    key = SigningKey(SEED)
    sealed = key.to_pkcs12(b"sesame", rounds=10)
    assert SEED not in sealed
    assert SigningKey.from_pkcs12(sealed, b"sesame") == key
    pem = Ed25519PrivateKey.from_private_bytes(SEED).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame")
    )
    assert SigningKey.from_pem(pem, b"sesame") == key
    for read, data in ((SigningKey.from_pkcs12, sealed), (SigningKey.from_pem, pem)):
        with pytest.raises(PassphraseRejected):
            read(data, b"sesamy")
        with pytest.raises(PassphraseNeeded):
            read(data, None)
    for bad in (b"", sealed[:-1], b"\x30" + bytes(40), sealed + bytes(5_000)):
        with pytest.raises((PassphraseRejected, MalformedSigningKey)):
            SigningKey.from_pkcs12(bad, b"sesame")
