"""Where a message stood in its broker's stream: what tells a broker's second delivery from a second message.

A place is the stream's own name (16 hex digits, of its name and when it was made, so that a stream made
anew is another) and the sequence number that the broker gave the message there. A list of places is
written as text: ``<stream>:1-5,9;<stream>:7``.
"""

import hashlib
import re
from collections.abc import Iterable
from itertools import groupby

from veracity.data.errors import TableMismatch

Origin = tuple[str, int]

_PLACES = re.compile(r"[0-9a-f]{16}:[0-9]{1,19}(-[0-9]{1,19})?(,[0-9]{1,19}(-[0-9]{1,19})?)*")
MAX_PLACES = 1_000_000


def stream_name(name: str, made_at: str) -> str:
    """Return what a stream is known by: the same name made at another time is another stream."""
    return hashlib.sha256(f"{name}\n{made_at}".encode()).hexdigest()[:16]


def origin_id(origin: Origin) -> str:
    """Return a place as 32 hex digits."""
    return f"{origin[0]}{origin[1]:016x}"


def format_origins(origins: Iterable[Origin]) -> str | None:
    """Write places, runs of numbers as ranges; None for none.

    Examples
    --------
    >>> format_origins([("00112233445566aa", n) for n in (3, 1, 2, 9)])
    '00112233445566aa:1-3,9'
    """
    parts = []
    for stream, of_one in groupby(sorted(set(origins)), key=lambda o: o[0]):
        runs: list[list[int]] = []
        for _, number in of_one:
            if runs and number == runs[-1][1] + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        parts.append(f"{stream}:" + ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs))
    return ";".join(parts) or None


def parse_origins(text: str) -> list[Origin]:
    """Read such a list; TableMismatch if it is none, or names more than a million places."""
    origins: list[Origin] = []
    for part in text.split(";"):
        if not _PLACES.fullmatch(part):
            raise TableMismatch(f"origin: want <stream>:<numbers>, got {part[:60]!r}")
        stream, _, runs = part.partition(":")
        for run in runs.split(","):
            first, _, last = run.partition("-")
            numbers = range(int(first), int(last or first) + 1)
            if len(origins) + len(numbers) > MAX_PLACES:
                raise TableMismatch(f"origin: want at most {MAX_PLACES} places, got more")
            origins += [(stream, n) for n in numbers]
    return origins
