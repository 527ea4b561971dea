"""Keyed pseudonyms: how a person's records are found without the value being kept.

HMAC-SHA-256 under the vault's secret, over the feed, the field and the value in a form in which the
usual ways to write one thing are one: case, width, accents' composition, blanks; and the punctuation of
what has no letters, such as a telephone number.
"""

import hmac
import unicodedata
from functools import lru_cache

from veracity.canonical import canonical_json


def pseudonym(pepper: bytes, feed: str, field: str, value: str) -> bytes:
    """Return the pseudonym of a value: 32 bytes."""
    return hmac.digest(pepper, _place(feed, field) + normal(value).encode(), "sha256")


@lru_cache(maxsize=1_024)
def _place(feed: str, field: str) -> bytes:
    return canonical_json(["veracity.pseudonym/v1", feed, field])


def normal(value: str) -> str:
    """Return a value as it is compared.

    Examples
    --------
    >>> normal("  Nguyễn  Thị AN ") == normal("nguyễn thị an")
    True
    >>> normal("(090) 123-4567")
    '0901234567'
    """
    text = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    digits = "".join(c for c in text if c.isalnum())
    if digits and digits.isdecimal():
        return "+" + digits if text.startswith("+") else digits
    return text
