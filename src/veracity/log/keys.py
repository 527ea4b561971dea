"""Names and identifiers of the keys that sign notes (C2SP signed-note).

A ``vkey`` is ``<name>+<key ID, 8 hex digits>+<base64(type || public key)>``. The key ID ties
the name to the key, so a signature line cannot be moved from one name to another.
"""

from dataclasses import dataclass
from hashlib import sha256

from veracity.log.errors import MalformedKey
from veracity.log.text import format_base64, parse_base64

ED25519 = 0x01  #: Ed25519 over the text of the note
COSIGNATURE = 0x04  #: Ed25519 over a timestamp and the text of the note
SUBTREE_COSIGNATURE = 0x06  #: ML-DSA-44 over cosigner, timestamp, origin, and a (sub)tree
KEY_ID_BYTES = 4
ED25519_KEY_BYTES = 32
ML_DSA_44_KEY_BYTES = 1312
SEED_BYTES = 32  #: of the private key, of every type
MAX_NAME_BYTES = 255
_KEY_BYTES = {
    ED25519: ED25519_KEY_BYTES,
    COSIGNATURE: ED25519_KEY_BYTES,
    SUBTREE_COSIGNATURE: ML_DSA_44_KEY_BYTES,
}


@dataclass(frozen=True)
class KeyIdentity:
    """Who a note's key is: its name, signature type and public key (32 bytes; 1,312 of ML-DSA-44)."""

    name: str
    kind: int
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.kind not in _KEY_BYTES:
            raise MalformedKey(f"key type: want 0x01, 0x04 or 0x06, got 0x{self.kind:02x}")
        if len(self.public_key) != _KEY_BYTES[self.kind]:
            raise MalformedKey(f"public key: want {_KEY_BYTES[self.kind]} bytes, got {len(self.public_key)}")

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of ``SHA-256(name || LF || type || public key)``."""
        return key_id(self.name, self.kind, self.public_key)


def key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """Return the 4-byte key ID of a named public key."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public_key).digest()[:KEY_ID_BYTES]


def check_key_name(name: str) -> None:
    """Raise MalformedKey unless ``name`` may name a key: not empty, no space, no ``+``, no control."""
    allowed = bool(name) and "+" not in name and not any(c.isspace() or c < " " or c == "\x7f" for c in name)
    try:
        n_bytes = len(name.encode())
    except UnicodeEncodeError:
        allowed, n_bytes = False, 0
    if not allowed or n_bytes > MAX_NAME_BYTES:
        raise MalformedKey(
            f"key name: want 1 to {MAX_NAME_BYTES} bytes with no space and no '+', got {name[:40]!r}"
        )


def parse_vkey(text: str) -> KeyIdentity:
    """Parse a verifier key and check its key ID.

    Examples
    --------
    >>> parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").name
    'example.com/foo'
    """
    if len(text) > 4096:
        raise MalformedKey(f"verifier key: want at most 4,096 characters, got {len(text)}")
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise MalformedKey(f"verifier key: want <name>+<hex>+<base64>, got {text[:40]!r}")
    name, hex_id, encoded = parts
    check_key_name(name)
    raw = parse_base64("verifier key", encoded, MalformedKey)
    if len(raw) < 2:
        raise MalformedKey(f"verifier key: want a type byte and a public key, got {len(raw)} bytes")
    identity = KeyIdentity(name, raw[0], raw[1:])
    if identity.key_id.hex() != hex_id:
        raise MalformedKey(f"key ID of {name}: want {identity.key_id.hex()}, got {hex_id[:16]!r}")
    return identity


def format_vkey(identity: KeyIdentity) -> str:
    """Write a verifier key as text."""
    encoded = format_base64(bytes([identity.kind]) + identity.public_key)
    return f"{identity.name}+{identity.key_id.hex()}+{encoded}"


def parse_private_key(text: str) -> tuple[str, int, bytes, str]:
    """Parse Go's ``PRIVATE+KEY+<name>+<hex>+<base64(type || seed)>``.

    Returns
    -------
    name, kind, seed, key_id
        The seed has 32 bytes; the key ID is the text's claim, for the caller to check against
        the public key. No message of an error here carries any of the secret part.
    """
    parts = text.strip("\n").split("+", 4)
    if len(text) > 4096 or len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
        raise MalformedKey("private key: want PRIVATE+KEY+<name>+<hex>+<base64>, got something else")
    name, hex_id, encoded = parts[2:]
    check_key_name(name)
    try:
        raw = parse_base64("private key", encoded, MalformedKey, 1 + SEED_BYTES)
    except MalformedKey:
        raise MalformedKey(f"private key of {name}: want base64 of a type and a 32-byte seed") from None
    return name, raw[0], raw[1:], hex_id


def parse_seed(text: str, kind: int) -> tuple[str, bytes, str]:
    """Parse a private key of one type; return its name, its seed and the key ID it claims."""
    name, got, seed, hex_id = parse_private_key(text)
    if got != kind:
        raise MalformedKey(f"private key of {name}: want type 0x{kind:02x}, got 0x{got:02x}")
    return name, seed, hex_id


def check_seed(name: str, seed: bytes) -> None:
    """Raise MalformedKey unless ``seed`` has the length of a private key's."""
    check_key_name(name)
    if len(seed) != SEED_BYTES:
        raise MalformedKey(f"private key of {name}: want a {SEED_BYTES}-byte seed, got {len(seed)} bytes")


def check_claimed_id(identity: KeyIdentity, hex_id: str) -> None:
    """Raise MalformedKey unless a private key's text claims the key ID of its own seed."""
    if identity.key_id.hex() != hex_id:
        raise MalformedKey(
            f"key ID of private key {identity.name}: want that of its seed, got {hex_id[:8]!r}"
        )


def format_private_key(identity: KeyIdentity, seed: bytes) -> str:
    """Write a private key in Go's form. Keep it in a file of mode 0600."""
    encoded = format_base64(bytes([identity.kind]) + seed)
    return f"PRIVATE+KEY+{identity.name}+{identity.key_id.hex()}+{encoded}"
