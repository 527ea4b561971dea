"""Tiles in memory, with every hash inside them computed once."""

from collections import OrderedDict
from collections.abc import Sequence

from veracity.log.merkle import parent_hashes
from veracity.log.tiles import Tile, TileReader, split_tile

TileRows = list[list[bytes]]  #: row r: the roots over 2**r neighbouring hashes of the tile, r = 0 to 7


class TileCache:
    """The tiles used last, at most ``max_tiles`` of them (about 40 kB each).

    Not safe to share between threads.
    """

    def __init__(self, reader: TileReader, max_tiles: int = 512) -> None:
        self._reader = reader
        self._max_tiles = max_tiles
        self._rows: OrderedDict[Tile, TileRows] = OrderedDict()

    def load(self, tiles: Sequence[Tile]) -> dict[Tile, TileRows]:
        """Return the rows of each of ``tiles``, reading those not held in one call.

        Raises
        ------
        MalformedTile, ObjectMissing, StoreUnavailable
            As the reader, or if a tile has not exactly its width of hashes.
        """
        found: dict[Tile, TileRows] = {}
        missing = []
        for tile in dict.fromkeys(tiles):
            if tile in self._rows:
                self._rows.move_to_end(tile)
                found[tile] = self._rows[tile]
            else:
                missing.append(tile)
        if missing:
            for tile, data in zip(missing, self._reader.read_tiles(missing), strict=True):
                found[tile] = self._rows[tile] = tile_rows(tile, data)
        while len(self._rows) > self._max_tiles:
            self._rows.popitem(last=False)
        return found


def tile_rows(tile: Tile, data: bytes) -> TileRows:
    """Compute all roots over complete groups of 1, 2, 4 … 128 hashes inside a tile."""
    rows = [split_tile(tile, data)]
    while len(rows) < 8 and len(rows[-1]) > 1:
        rows.append(parent_hashes(rows[-1]))
    return rows
