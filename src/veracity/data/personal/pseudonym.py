"""Keyed pseudonyms: how a person's records are found without the value being kept.

HMAC-SHA-256 under the vault's secret, over the feed, the field and the value in a form in which the
usual ways to write one thing are one: case, width, accents' composition, blanks; and the punctuation of
a telephone number. Whatever may be two things stays two: `12/3` and `123` are two houses.
"""

import hmac
import re
import unicodedata
from functools import lru_cache

from veracity.canonical import canonical_json

_TELEPHONE = re.compile(r"\+?[0-9(][0-9() .-]*")
_FEWEST, _MOST = 8, 15  # digits


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
    >>> normal("12/3 Lê Lợi"), normal("-5"), normal("10.7768894"), normal("½3")
    ('12/3 lê lợi', '-5', '10.7768894', '½3')
    """
    text = unicodedata.normalize("NFC", "".join(map(_full_width, value)))
    text = " ".join(unicodedata.normalize("NFC", text.casefold()).split())
    return _digits(text) if _is_telephone(text) else text


def _full_width(c: str) -> str:
    """Return a character at its usual width, and nothing else of its looks: `½` and `²` are no digits."""
    kind, _, code = unicodedata.decomposition(c).partition(" ")
    return chr(int(code, 16)) if kind in ("<wide>", "<narrow>") else c


def _is_telephone(text: str) -> bool:
    """Tell whether a text can be nothing else: a lone dot may be a decimal point, a dash first a sign."""
    if not _TELEPHONE.fullmatch(text) or (text.count(".") == 1 and "(" not in text):
        return False
    return _FEWEST <= len(_digits(text).removeprefix("+")) <= _MOST


def _digits(text: str) -> str:
    return "".join(c for c in text if c == "+" or c.isdecimal())
