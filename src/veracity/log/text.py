"""Numbers and bytes in the text formats of a log: one value, one spelling.

Widely used checkers accept ``007`` as a size or base64 with stray bits set; two spellings of
one value are two files that both verify, so each is refused here.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from veracity.errors import Malformed

MAX_INTEGER = 2**63 - 1


def parse_decimal(what: str, text: str, error: type[Malformed]) -> int:
    """Parse ASCII digits without a leading zero, below 2**63, or raise ``error``.

    Examples
    --------
    >>> from veracity.log.errors import MalformedCheckpoint
    >>> parse_decimal("tree size", "70000", MalformedCheckpoint)
    70000
    """
    if text.isascii() and text.isdigit() and len(text) <= 19 and (text[0] != "0" or text == "0"):
        value = int(text)
        if value <= MAX_INTEGER:
            return value
    raise error(f"{what}: want a decimal below 2**63 with no leading zero, got {text[:24]!r}")


def parse_base64(what: str, text: str, error: type[Malformed], n_bytes: int | None = None) -> bytes:
    r"""Decode standard, padded, canonical base64 of ``n_bytes`` (None: any number), or raise ``error``.

    Examples
    --------
    >>> from veracity.log.errors import MalformedProof
    >>> parse_base64("hash", "AQI=", MalformedProof, n_bytes=2)
    b'\x01\x02'
    """
    try:
        value = b64decode(text.encode("ascii"), validate=True)
    except (Base64Error, UnicodeEncodeError, ValueError) as exc:
        raise error(f"{what}: want standard base64, got {text[:24]!r}") from exc
    if format_base64(value) != text:
        raise error(f"{what}: want canonical base64, got {text[:24]!r}")
    if n_bytes is not None and len(value) != n_bytes:
        raise error(f"{what}: want {n_bytes} bytes, got {len(value)}")
    return value


def format_base64(value: bytes) -> str:
    """Encode as standard, padded base64."""
    return b64encode(value).decode("ascii")
