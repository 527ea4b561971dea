"""How much fits into one batch: bytes in memory, and headers of CSV in a statement.

A compressed message of a hundred bytes may be a megabyte, and each may order its columns anew: what a
broker holds says nothing of what its messages come to.
"""

from veracity.data.text import LAYOUTS
from veracity.home.live.arrivals import Admitted

BATCH_BYTES = 64 * 1024 * 1024
HEADER_BYTES = 8_192  #: of one header; of all in a batch at most twice that, so that a statement holds them
_RECORD_BYTES = 72  # what a record takes beside its bytes


class Room:
    """What is left for more; one message always fits."""

    def __init__(self) -> None:
        self._n_bytes = BATCH_BYTES
        self._headers: dict[str, dict[tuple[str, ...], int]] = {}
        self.is_full = False

    def take(self, message: Admitted) -> None:
        """Take up the room of a message that was let in."""
        self._n_bytes -= sum(map(len, message.records)) + _RECORD_BYTES * len(message.records)
        self.is_full |= self._n_bytes <= 0
        if message.columns:
            headers = self._headers.setdefault(message.arrival.feed, {})
            headers.setdefault(message.columns, len(message.records[0]))
            self.is_full |= len(headers) >= LAYOUTS or sum(headers.values()) >= HEADER_BYTES
