"""The right edge of the tree: all that is needed to append and to compute the root. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from veracity.log.bundles import Bundle, frame_entries
from veracity.log.merkle import EMPTY_ROOT, root_from_leaf_hashes
from veracity.log.tiles import TILE_WIDTH, Tile, edge_tiles, n_hashes

Writes = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Edge:
    """The partial tiles and the partial bundle at the end of a tree of ``size`` entries.

    ``rows[level]`` holds the hashes of that level's partial tile (0 to 255 of 32 bytes);
    ``framed`` the entries of the partial bundle, each with its length prefix.
    """

    size: int = 0
    rows: tuple[tuple[bytes, ...], ...] = ()
    framed: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root over all ``size`` entries: about one node hash a hash of the edge."""
        tail: list[bytes] = []
        for row in self.rows:
            # A row's hashes cover complete subtrees; the tail to their right is smaller than any one.
            if row or tail:
                tail = [root_from_leaf_hashes([*row, *tail])]
        return tail[0] if tail else EMPTY_ROOT

    def extend(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> tuple["Edge", Writes]:
        """Append entries (with their leaf hashes, in order).

        Returns
        -------
        edge, writes
            The new edge, and every bundle and tile that is new or has grown, as path and content.

        Raises
        ------
        EntryTooLarge
            If an entry is over 65,535 bytes.
        """
        framed = [*self.framed, *frame_entries(entries)]
        writes: Writes = []
        for i in range(0, len(framed), TILE_WIDTH):
            chunk = framed[i : i + TILE_WIDTH]
            bundle = Bundle((self.size + i) // TILE_WIDTH, len(chunk))
            writes.append((bundle.path, b"".join(chunk)))
        rows, new, level = list(self.rows), list(leaves), 0
        while new:
            if level == len(rows):
                rows.append(())
            row = [*rows[level], *new]
            first = n_hashes(level, self.size) // TILE_WIDTH
            new = []
            for i in range(0, len(row), TILE_WIDTH):
                hashes = row[i : i + TILE_WIDTH]
                tile = Tile(level, first + i // TILE_WIDTH, len(hashes))
                writes.append((tile.path, b"".join(hashes)))
                if tile.is_full:
                    new.append(root_from_leaf_hashes(hashes))
            rows[level] = tuple(row[len(row) - len(row) % TILE_WIDTH :])
            level += 1
        tail = framed[len(framed) - len(framed) % TILE_WIDTH :]
        return Edge(self.size + len(entries), tuple(rows), tuple(tail)), writes


def superseded(old_size: int, new_size: int) -> Iterator[str]:
    """Yield the folders of partial tiles and bundles that a full one has replaced since ``old_size``.

    Examples
    --------
    >>> list(superseded(255, 256))
    ['tile/entries/000.p', 'tile/0/000.p']
    """
    for tile in edge_tiles(old_size):
        if n_hashes(tile.level, new_size) // TILE_WIDTH > tile.index:
            if tile.level == 0:
                yield f"{Bundle(tile.index).path}.p"
            yield f"{tile.full.path}.p"
