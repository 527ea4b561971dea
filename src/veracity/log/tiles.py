"""Tiles (C2SP tlog-tiles): 256 neighbouring hashes of one level, stored as one file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from veracity.log.errors import MalformedTile
from veracity.log.merkle import HASH_BYTES

TILE_WIDTH = 256  #: hashes in a full tile, entries in a full bundle
TILE_HEIGHT = 8  #: levels of the tree that a tile spans
MAX_LEVEL = 63
INDEX_PATTERN = r"(?:x[0-9]{3}/)*[0-9]{3}"
_TILE = re.compile(rf"tile/([0-9]{{1,2}})/({INDEX_PATTERN})(?:\.p/([0-9]{{1,3}}))?")


class TileReader(Protocol):
    """The only door from proof code to the outside world."""

    def read_tiles(self, tiles: Sequence["Tile"]) -> list[bytes]:
        """Return contents in the order asked for, or raise ObjectMissing or StoreUnavailable.

        A partial tile that is gone because its full tile exists is cut from the full one.
        """


@dataclass(frozen=True, order=True)
class Tile:
    """Hashes ``index * 256`` and on, ``width`` of them, of tile level ``level``.

    Hash ``i`` of level ``level`` is the root over the entries from ``i * 256**level`` to
    ``(i + 1) * 256**level``.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not (0 <= self.level <= MAX_LEVEL and self.index >= 0 and 1 <= self.width <= TILE_WIDTH):
            got = f"{self.level}, {self.index}, {self.width}"
            raise MalformedTile(f"tile: want level 0-63, index >= 0, width 1-256, got {got}")

    @property
    def path(self) -> str:
        """The tile's path below the log's prefix.

        Examples
        --------
        >>> Tile(0, 1234067, 5).path
        'tile/0/x001/x234/067.p/5'
        """
        return f"tile/{self.level}/{format_index(self.index, self.width)}"

    @property
    def is_full(self) -> bool:
        """Whether the tile holds all of its 256 hashes."""
        return self.width == TILE_WIDTH

    @property
    def full(self) -> "Tile":
        """The full tile of the same level and index."""
        return Tile(self.level, self.index)

    @classmethod
    def parse(cls, path: str) -> Self:
        """Read a path back; MalformedTile for any spelling but the one of ``path``."""
        match = _TILE.fullmatch(path) if len(path) <= 128 else None
        if match is None:
            raise MalformedTile(f"tile path: want tile/<level>/<index>[.p/<width>], got {path[:80]!r}")
        tile = cls(int(match[1]), *parse_index(match[2], match[3]))
        if tile.path != path:
            raise MalformedTile(f"tile path: want {tile.path}, got {path!r}")
        return tile


def format_index(index: int, width: int) -> str:
    """Write ``<N>[.p/<W>]``: groups of three digits, all but the last marked with ``x``."""
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03}")
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return "/".join(reversed(groups)) + suffix


def parse_index(index: str, width: str | None) -> tuple[int, int]:
    """Read the parts of ``<N>[.p/<W>]``; other spellings of one value are for the caller to refuse."""
    if width is not None and int(width) == TILE_WIDTH:
        raise MalformedTile("tile width: want 1 to 255 in a partial tile, got 256")
    return int(index.replace("x", "").replace("/", "")), int(width) if width else TILE_WIDTH


def n_hashes(level: int, size: int) -> int:
    """Return how many hashes tile level ``level`` has in a tree of ``size`` entries."""
    return size >> (TILE_HEIGHT * level)


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return tile ``index`` of ``level`` as wide as it is in a tree of ``size`` entries."""
    width = min(n_hashes(level, size) - index * TILE_WIDTH, TILE_WIDTH)
    if width < 1:
        raise MalformedTile(f"tile {level}/{index}: want one that a tree of {size} has, got none")
    return Tile(level, index, width)


def edge_tiles(size: int) -> Iterator[Tile]:
    """Yield the partial tile of each level that has one, lowest level first."""
    level = 0
    while count := n_hashes(level, size):
        if width := count % TILE_WIDTH:
            yield Tile(level, count // TILE_WIDTH, width)
        level += 1


def tiles_for_size(size: int) -> Iterator[Tile]:
    """Yield every tile that a tree of ``size`` entries has, level by level.

    Examples
    --------
    >>> [tile.path for tile in tiles_for_size(256)]
    ['tile/0/000', 'tile/1/000.p/1']
    """
    level = 0
    while count := n_hashes(level, size):
        for index in range((count + TILE_WIDTH - 1) // TILE_WIDTH):
            yield tile_at(level, index, size)
        level += 1


def split_tile(tile: Tile, data: bytes) -> list[bytes]:
    """Cut a tile's content into its hashes; MalformedTile if it is not exactly ``tile.width`` of them."""
    if len(data) != tile.width * HASH_BYTES:
        raise MalformedTile(f"{tile.path}: want {tile.width * HASH_BYTES} bytes, got {len(data)}")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
