"""The doors of the log to the outside world: an object store and a small transactional state.

A witness has a state of its own: what it cosigned last. The log declares the doors; ``stores``
implements them. They raise only ``ObjectMissing`` and ``StoreUnavailable``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from veracity.log.errors import ObjectMissing, StoreUnavailable

__all__ = ["LastSigned", "LogState", "ObjectMissing", "Objects", "StoreUnavailable", "WitnessState"]


class Objects(Protocol):
    """Bytes under paths (``a/b/c``), each written whole: a reader sees the old or the new content."""

    def put(self, path: str, data: bytes) -> None:
        """Write one object; durable when it returns."""

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write objects; all durable when it returns, in no promised order before."""

    def put_file(self, path: str, source: Path, sha256: str) -> None:
        """Copy a local file of any size into one object, in bounded memory; durable when it returns."""

    def sync(self, path: str) -> None:
        """Make durable an object that another library wrote; nothing where writes always are."""

    def get(self, path: str) -> bytes:
        """Return an object's content, or raise ObjectMissing."""

    def get_range(self, path: str, start: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``start``; StoreUnavailable if it has fewer."""

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the paths below the folder ``prefix`` ("" for all), in no promised order."""

    def delete(self, path: str) -> None:
        """Remove an object; no error if it is not there."""

    def exists(self, path: str) -> bool:
        """Say whether an object is stored under ``path``."""

    def size(self, path: str) -> int:
        """Return an object's size in bytes, or raise ObjectMissing."""


@dataclass(frozen=True)
class LastSigned:
    """The last checkpoint a log signed, and what it takes to finish publishing it.

    ``previous`` is the note it replaced (None for the first); ``pending`` the objects that the
    step from there to here writes (see ``log.pending``).
    """

    note: bytes
    previous: bytes | None
    pending: bytes


class LogState(Protocol):
    """Where a log keeps the last checkpoint it signed: the one place that decides who may sign next."""

    def compare_and_swap(self, origin: str, old_note: bytes | None, new_note: bytes, pending: bytes) -> bool:
        """Replace ``old_note`` by ``new_note``, or return False if another note stands there.

        In the same transaction: keep ``pending``, and ``old_note`` as the one before. Durable when it
        returns.
        """

    def last(self, origin: str) -> LastSigned | None:
        """Return the last signed checkpoint, or None for a log that is new."""


class WitnessState(Protocol):
    """Where a witness keeps the last checkpoint it cosigned of each log."""

    def latest(self, origin: str) -> bytes | None:
        """Return the note last cosigned, or None for a log never cosigned."""

    def swap(self, origin: str, old_note: bytes | None, new_note: bytes) -> bool:
        """Replace ``old_note`` by ``new_note``, or return False if another note stands there.

        One atomic step, durable when it returns: whoever loses a race must not have cosigned.
        """
