"""The objects that one signed step of the log writes, as one blob.

It travels in the transaction that swaps the checkpoint. Whoever opens the log after a crash
writes these objects again, to the same paths with the same bytes, and has lost nothing.
"""

from collections.abc import Sequence

from veracity.log.errors import StoreBehind

_PATH_BYTES, _DATA_BYTES = 2, 4


def format_pending(writes: Sequence[tuple[str, bytes]]) -> bytes:
    """Join paths and contents: u16 length, path, u32 length, content, big-endian."""
    parts: list[bytes] = []
    for path, data in writes:
        name = path.encode("ascii")
        parts += [len(name).to_bytes(_PATH_BYTES, "big"), name, len(data).to_bytes(_DATA_BYTES, "big"), data]
    return b"".join(parts)


def parse_pending(blob: bytes) -> list[tuple[str, bytes]]:
    """Read them back; StoreBehind if the blob, which our own state keeps, is damaged."""
    writes: list[tuple[str, bytes]] = []
    at = 0
    while at < len(blob):
        name, at = _take(blob, at, _PATH_BYTES)
        data, at = _take(blob, at, _DATA_BYTES)
        if not name.isascii():
            raise StoreBehind("pending writes: want ASCII paths, got others: the log's state is damaged")
        writes.append((name.decode("ascii"), data))
    return writes


def _take(blob: bytes, at: int, n_length: int) -> tuple[bytes, int]:
    start = at + n_length
    stop = start + int.from_bytes(blob[at:start], "big")
    if start > len(blob) or stop > len(blob):
        raise StoreBehind(f"pending writes: want {stop} bytes, got {len(blob)}: the log's state is damaged")
    return blob[start:stop], stop
