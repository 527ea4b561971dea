"""Which rows were given before: a source that is asked again says most things again."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson

_N_BYTES = 8  # of a digest: to tell rows of one source apart, not to withstand it
LIMIT = 65_536


class Known:
    """The digests of the last ``limit`` rows.

    A row that was forgotten and is given again does no harm: its message is recognised by its content, or
    its key as one that the feed has.

    Parameters
    ----------
    ignoring
        Names that do not make a row another one, such as the time at which it was said.
    """

    def __init__(self, limit: int = LIMIT, ignoring: Collection[str] = ()) -> None:
        self._limit = limit
        self._ignoring = frozenset(ignoring)
        self._digests: dict[bytes, None] = {}

    def new(self, rows: Iterable[bytes]) -> list[bytes]:
        """Return those that are not known, each once; they are not known by that."""
        found: dict[bytes, bytes] = {}
        for row in rows:
            digest = self._digest(row)
            if digest not in self._digests:
                found.setdefault(digest, row)
        return list(found.values())

    def add(self, rows: Iterable[bytes]) -> None:
        """Know these too; beyond the limit, those known longest are forgotten."""
        for row in rows:
            digest = self._digest(row)
            self._digests.pop(digest, None)
            self._digests[digest] = None
        for digest in list(self._digests)[: -self._limit]:
            del self._digests[digest]

    def replace(self, rows: Sequence[bytes]) -> None:
        """Know these alone: what was said before them may be said again and is then new."""
        self._digests = {}
        self.add(rows[-self._limit :])

    @property
    def memory(self) -> str:
        """What is known, as a text; what cannot be read as one is as if nothing were known."""
        return b64encode(b"".join(self._digests)).decode()

    @memory.setter
    def memory(self, text: Any) -> None:
        try:
            data = b64decode(text, validate=True)
        except (ValueError, TypeError):
            data = b""
        data = data[-self._limit * _N_BYTES :] if len(data) % _N_BYTES == 0 else b""
        self._digests = {data[i : i + _N_BYTES]: None for i in range(0, len(data), _N_BYTES)}

    def _digest(self, row: bytes) -> bytes:
        if self._ignoring:
            said = orjson.loads(row)
            kept = {name: value for name, value in said.items() if name not in self._ignoring}
            row = orjson.dumps(kept)
        return hashlib.sha256(row).digest()[:_N_BYTES]
