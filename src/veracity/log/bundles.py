"""Entry bundles (C2SP tlog-tiles): the entries below one level-0 tile, length-prefixed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from veracity.log.errors import EntryTooLarge, MalformedBundle, MalformedTile
from veracity.log.tiles import INDEX_PATTERN, TILE_WIDTH, format_index, parse_index

MAX_ENTRY_BYTES = 65_535
MAX_BUNDLE_BYTES = TILE_WIDTH * (MAX_ENTRY_BYTES + 2)
_BUNDLE = re.compile(rf"tile/entries/({INDEX_PATTERN})(?:\.p/([0-9]{{1,3}}))?")


@dataclass(frozen=True, order=True)
class Bundle:
    """Entries ``index * 256`` and on, ``width`` of them."""

    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.index < 0 or not 1 <= self.width <= TILE_WIDTH:
            raise MalformedBundle(f"bundle: want index >= 0, width 1-256, got {self.index}, {self.width}")

    @property
    def path(self) -> str:
        """The bundle's path below the log's prefix.

        Examples
        --------
        >>> Bundle(5, 17).path
        'tile/entries/005.p/17'
        """
        return f"tile/entries/{format_index(self.index, self.width)}"

    @property
    def full(self) -> "Bundle":
        """The full bundle of the same index."""
        return Bundle(self.index)

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path back; MalformedBundle for any spelling but the one of ``path``."""
        match = _BUNDLE.fullmatch(path) if len(path) <= 128 else None
        if match is None:
            raise MalformedBundle(f"bundle path: want tile/entries/<index>[.p/<width>], got {path[:80]!r}")
        try:
            bundle = cls(*parse_index(match[1], match[2]))
        except MalformedTile as exc:
            raise MalformedBundle(f"bundle path {path!r}: {exc}") from exc
        if bundle.path != path:
            raise MalformedBundle(f"bundle path: want {bundle.path}, got {path!r}")
        return bundle


def bundle_at(index: int, size: int) -> Bundle:
    """Return bundle ``index`` as wide as it is in a tree of ``size`` entries."""
    width = min(size - index * TILE_WIDTH, TILE_WIDTH)
    if width < 1:
        raise MalformedBundle(f"bundle {index}: want one that a tree of {size} has, got none")
    return Bundle(index, width)


def bundles_for_size(size: int) -> Iterator[Bundle]:
    """Yield every bundle that a tree of ``size`` entries has."""
    for index in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
        yield bundle_at(index, size)


def frame_entries(entries: Sequence[bytes]) -> list[bytes]:
    """Put its length, two bytes big-endian, before each entry.

    Raises
    ------
    EntryTooLarge
        If an entry is over 65,535 bytes: it goes into the log by digest.
    """
    longest = max(map(len, entries), default=0)
    if longest > MAX_ENTRY_BYTES:
        raise EntryTooLarge(f"entry: want at most {MAX_ENTRY_BYTES} bytes, got {longest}")
    return [len(entry).to_bytes(2, "big") + entry for entry in entries]


def format_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries as the content of a bundle."""
    return b"".join(frame_entries(entries))


def parse_bundle(bundle: Bundle, data: bytes) -> list[bytes]:
    """Cut a bundle's content into its entries.

    Raises
    ------
    MalformedBundle
        Unless it holds exactly ``bundle.width`` entries and not one byte more.
    """
    entries, at = [], 0
    for i in range(bundle.width):
        stop = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or stop > len(data):
            raise MalformedBundle(f"{bundle.path}: want {bundle.width} entries, got {i} in {len(data)} bytes")
        entries.append(data[at + 2 : stop])
        at = stop
    if at != len(data):
        raise MalformedBundle(
            f"{bundle.path}: want {bundle.width} entries in {at} bytes, got {len(data)} bytes"
        )
    return entries


def n_whole_entries(data: bytes) -> int:
    """Count the entries that lie whole at the start of some bytes, up to a bundle's width and one."""
    n = at = 0
    while n <= TILE_WIDTH and at + 2 <= len(data):
        at += 2 + int.from_bytes(data[at : at + 2], "big")
        n += at <= len(data)
    return n
