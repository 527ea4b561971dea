"""Identifiers of entities: readable, the same for as long as the city has the thing, safe in an URL.

::

    air-quality:AQ01                    a thing, its location, its feature
    air-quality:AQ01:pm25               a datastream
    air-quality:pm25                    an observed property
    air-quality                         a sensor: the kind of instrument that a feed's contract describes
    air-quality:AQ01:pm25:12:345        an observation: record 345 of batch 12

Values of keys may have any characters: all but letters, digits, ``.``, ``_`` and ``-`` of ASCII are
written as ``~`` and two hexadecimal digits for each byte of UTF-8.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN = re.compile(rb"[A-Za-z0-9._-]")
_ESCAPED = re.compile(r"(?:[A-Za-z0-9._-]|~[0-9A-F]{2})*")
MAX_CHARS = 1_000
_TILDE = re.compile(rb"~([0-9A-F]{2})")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,11}")


def escaped(text: str) -> str:
    """Return a text without any character that means something in an identifier or an URL.

    Examples
    --------
    >>> escaped("Sông Hàn/1")
    'S~C3~B4ng~20H~C3~A0n~2F1'
    """
    raw = (bytes([byte]) for byte in text.encode("utf-8", "surrogatepass"))
    return "".join(b.decode() if _PLAIN.fullmatch(b) else f"~{b[0]:02X}" for b in raw)


def joined(*parts: str) -> str:
    """Return an identifier of parts, each escaped."""
    return ":".join(map(escaped, parts))


def parts_of(identity: str) -> list[str]:
    """Return the parts that ``joined`` made an identifier of; other bytes stay as they are.

    Examples
    --------
    >>> parts_of(joined("feed", "Sông Hàn/1"))
    ['feed', 'Sông Hàn/1']
    """
    found = (_TILDE.sub(lambda m: bytes([int(m[1], 16)]), part.encode()) for part in identity.split(":"))
    return [part.decode("utf-8", "replace") for part in found]


def thing_id(feed: str, key: Sequence[str]) -> str:
    """Return the identifier of the thing with a key in a feed, or a registry."""
    return joined(feed, *key)


def datastream_id(feed: str, key: Sequence[str], column: str) -> str:
    """Return the identifier of a datastream."""
    return joined(feed, *key, column)


@dataclass(frozen=True)
class ObservationId:
    """Which observation: its datastream's identifier, and the place of its row."""

    datastream: str
    batch: int
    record: int

    def __str__(self) -> str:
        return f"{self.datastream}:{self.batch}:{self.record}"


def parse_observation_id(text: str) -> ObservationId | None:
    """Parse the identifier of an observation; None if it can be none."""
    datastream, _, rest = text[:MAX_CHARS].rpartition(":")
    datastream, _, batch = datastream.rpartition(":")
    if not datastream or not _NUMBER.fullmatch(batch) or not _NUMBER.fullmatch(rest):
        return None
    if not all(_ESCAPED.fullmatch(part) for part in datastream.split(":")):
        return None
    return ObservationId(datastream, int(batch), int(rest))
