"""Secrets of 256 bits: API tokens with a name of their own, and what browsers hold. Kept is only a hash.

::

    vct_<identifier, 10>_<secret, 43><checksum, 6>        digits and letters

``vct_`` is what scanners of leaked secrets look for; the checksum tells a token from what only looks like
one, and a mistyped one without asking the database. A hash without salt is enough: nobody can try 2^256.
"""

import hmac
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from veracity.home.accounts.errors import BadCredential

PREFIX = "vct_"
SECRET_BYTES = 32
_ID, _SECRET, _CHECK = 10, 43, 6
_LENGTH = len(PREFIX) + _ID + 1 + _SECRET + _CHECK
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NO_HASH = "0" * 64


@dataclass(frozen=True)
class TokenText:
    """A token as its holder has it; its text is never written anywhere but to its holder."""

    identifier: str
    text: str = field(repr=False)

    @property
    def sha256(self) -> str:
        """What is kept of it."""
        return secret_hash(self.text)


def new_token(random: Callable[[int], bytes] = secrets.token_bytes) -> TokenText:
    """Make a token."""
    identifier = _base62(random(8), _ID)[-_ID:]
    body = f"{PREFIX}{identifier}_{_base62(random(SECRET_BYTES), _SECRET)}"
    return TokenText(identifier, body + _checksum(body))


def parse_token(text: str) -> TokenText:
    """Read a token; BadCredential if it is none of ours. Says nothing of whether it counts."""
    body, check = text[:-_CHECK], text[-_CHECK:]
    identifier, _, rest = body.removeprefix(PREFIX).partition("_")
    if (
        len(text) != _LENGTH
        or not text.startswith(PREFIX)
        or len(identifier) != _ID
        or not (identifier + rest + check).isascii()
        or not (identifier + rest + check).isalnum()
        or not hmac.compare_digest(_checksum(body), check)
    ):
        raise BadCredential("token: want one of this city, whole, got another text")
    return TokenText(identifier, text)


def secret_hash(text: str) -> str:
    """Return what is kept of a secret."""
    return sha256(text.encode()).hexdigest()


def is_secret(text: str, kept: str | None) -> bool:
    """Say whether a secret is the one whose hash is kept, in a time that does not depend on either."""
    return hmac.compare_digest(secret_hash(text), _NO_HASH if kept is None else kept) and kept is not None


def _base62(data: bytes, length: int) -> str:
    number, digits = int.from_bytes(data), []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()).to_bytes(4), _CHECK)
