r"""A token: what stands in evidence, tables and quarantine in place of a personal value.

::

    vp1.<record's name>.<ordinal and ciphertext>

Both parts are base64url without padding. The name is 16 random bytes and the record's only link to its
key: 32 random bytes for one record alone. Each value of the record is one ChaCha20-Poly1305 message
under that key, its nonce the ordinal of the value in the record, bound to the feed, the field and the
record's name. The plain text is padded to whole blocks of 64 bytes, so that its length tells little.
A key is used for the record's values once each, in order, and never again: a nonce cannot repeat.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from veracity.canonical import canonical_json
from veracity.data.errors import DataError
from veracity.errors import Malformed, Rejected

NAME_BYTES, KEY_BYTES = 16, 32
BLOCK = 64
TOKEN = re.compile(r"vp1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{100,131072})")
#: Tokens in text of any kind. A name that any token could have is found, whatever stands around it.
IN_TEXT = re.compile(rb"vp1\.([A-Za-z0-9_-]{22})\.[A-Za-z0-9_-]{100}")
OTHER = "*other"  #: the field of what the contract does not name: columns, headers
WHOLE = "*record"  #: the field of a record that could not be read, encrypted whole
_VERSION = "veracity.personal/v1"

Random = Callable[[int], bytes]


class MalformedToken(DataError, Malformed):
    """The text is not a token of an encrypted personal value."""

    code = "malformed-token"


class TokenRejected(DataError, Rejected):
    """The token is not of this feed, field and record, or was not made with this key."""

    code = "token-rejected"


@dataclass(frozen=True)
class RecordKey:
    """The name of a record and the key of its personal values. The key is a secret."""

    name: bytes
    key: bytes = field(repr=False)

    @classmethod
    def generate(cls, random: Random) -> "RecordKey":
        """Make a new one from ``random``, which returns as many random bytes as asked."""
        drawn = random(NAME_BYTES + KEY_BYTES)
        return cls(drawn[:NAME_BYTES], drawn[NAME_BYTES:])


class Sealer(Protocol):
    """What turns what must not stay in clear into what may stand in its place."""

    def seal(self, name: str, plain: bytes) -> str:
        """Return the token of a value of the field ``name``."""

    def seal_names(self, names: Sequence[str]) -> str:
        """Return the token of the names in a header that the contract does not know."""

    def seal_member(self, member: str) -> str:
        """Return what stands in place of a member of an object that the contract does not know."""


class RecordSealer:
    """Encrypts the values of one record, each once. ``used`` tells whether there was any."""

    def __init__(self, feed: str, key: RecordKey) -> None:
        self.key = key
        self._feed = feed
        self._cipher: ChaCha20Poly1305 | None = None
        self._n = 0

    @property
    def used(self) -> bool:
        """Whether anything was encrypted: else nothing hangs on the key."""
        return self._n > 0

    def seal_names(self, names: Sequence[str]) -> str:
        """Encrypt the names of a header that the contract does not know, together; return the token."""
        return self.seal(OTHER, json.dumps(list(names), ensure_ascii=False).encode())

    def seal_member(self, member: str) -> str:
        """Encrypt a member of an object, name and value; return what to write in its place."""
        return f'"{self.seal(OTHER, member.encode())}":null'

    def seal(self, name: str, plain: bytes) -> str:
        """Encrypt the next value, of the field ``name``; return its token."""
        self._cipher = self._cipher or ChaCha20Poly1305(self.key.key)
        ordinal = self._n.to_bytes(4, "big")
        self._n += 1
        aad = _bound_to(self._feed, name, self.key.name)
        sealed = self._cipher.encrypt(_nonce(ordinal), _padded(plain), aad)
        return f"vp1.{_text(self.key.name)}.{_text(ordinal + sealed)}"


def name_of(token: str) -> bytes:
    """Return the name of the record that a token belongs to."""
    match = TOKEN.fullmatch(token)
    if match is None:
        raise MalformedToken(f"token: want vp1.<22>.<at least 100> base64url characters, got {token[:16]!r}")
    return _bytes(match.group(1))


def open_token(token: str, feed: str, names: Iterable[str], key: bytes) -> tuple[str, bytes]:
    """Decrypt a token that is of one of the fields ``names``; return which, and the plain text.

    Raises
    ------
    MalformedToken
        If it is none.
    TokenRejected
        If the key is another, or the token was moved here from elsewhere.
    """
    record = name_of(token)
    body = _bytes(token.rpartition(".")[2])
    ordinal, sealed = body[:4], body[4:]
    for name in names:
        try:
            plain = ChaCha20Poly1305(key).decrypt(_nonce(ordinal), sealed, _bound_to(feed, name, record))
        except InvalidTag:
            continue
        return name, _unpadded(plain)
    raise TokenRejected(f"token of {token[4:26]}: want one of {feed} made with its record's key, got another")


def format_name(name: bytes) -> str:
    """Write a record's name as tokens carry it."""
    return _text(name)


def parse_name(text: str) -> bytes:
    """Read a record's name as tokens carry it."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{22}", text):
        raise MalformedToken(f"record's name: want 22 base64url characters, got {text[:30]!r}")
    return _bytes(text)


def _nonce(ordinal: bytes) -> bytes:
    return ordinal.rjust(12, b"\0")


def _bound_to(feed: str, name: str, record: bytes) -> bytes:
    return _place(feed, name) + record


@lru_cache(maxsize=1_024)
def _place(feed: str, name: str) -> bytes:
    return canonical_json([_VERSION, feed, name])


def _padded(plain: bytes) -> bytes:
    """Pad to whole blocks as ISO/IEC 7816-4 does: one bit set, then zeros."""
    return (plain + b"\x80").ljust(-(-(len(plain) + 1) // BLOCK) * BLOCK, b"\0")


def _unpadded(padded: bytes) -> bytes:
    plain, mark, _ = padded.rpartition(b"\x80")
    if not mark:
        raise TokenRejected("token: want padded text in it, got other bytes")
    return plain


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as exc:
        raise MalformedToken(f"token: want base64url, got {len(text)} characters") from exc
    if _text(data) != text:
        raise MalformedToken("token: want base64url without stray bits, got some")
    return data
