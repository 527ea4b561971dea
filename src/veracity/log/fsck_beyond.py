"""Files beyond the published end of a log: what goes on from it, and what does not.

A log whose witnesses are awaited has written entries that it has signed and not published. Seen from
outside nothing vouches for them; but they can be held against the tree that is published.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from veracity.log.bundles import Bundle, parse_bundle
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.edge import Edge
from veracity.log.errors import LogError, MalformedBundle, MalformedTile, ObjectMissing, StoreUnavailable
from veracity.log.fsck_findings import Finding
from veracity.log.fsck_tree import first_wrong
from veracity.log.merkle import HASH_BYTES, leaf_hash
from veracity.log.reader import ObjectTiles
from veracity.log.tiles import TILE_WIDTH, Tile, n_hashes, split_tile


def is_beyond(file: Tile | Bundle, size: int) -> bool:
    """Say whether a file holds more than a tree of ``size`` entries has."""
    return file.index * TILE_WIDTH + file.width > n_hashes(_level(file), size)


def leftover(file: Tile | Bundle, size: int) -> Finding:
    """Return the finding of a file beyond the end that nothing accounts for."""
    count, first = n_hashes(_level(file), size), file.index * TILE_WIDTH
    detail = f"want at most {count} at this level, got a file up to {first + file.width}"
    return Finding(file.path, "leftover", max(first, count), detail)


def judge_beyond(
    objects: Objects, checkpoint: Checkpoint, files: Sequence[Tile | Bundle]
) -> Iterator[Finding]:
    """Yield one finding for each file beyond the end.

    It is ``unpublished`` if it is a bundle that goes on, without a gap, from the published entries,
    or a tile that those entries give. Keeps the hashes of all that is not published in memory.
    """
    edge = _read_edge(objects, checkpoint)
    if edge is None:
        yield from map(
            _unpublished, files
        )  # the published end is at fault, and reported: no other fault here
        return
    beyond = _Beyond(objects, edge)
    yield from beyond.read_bundles([file for file in files if isinstance(file, Bundle)])
    for file in files:
        if isinstance(file, Tile):
            yield from beyond.check_tile(file, checkpoint.size)


@dataclass
class _Beyond:
    """The tree as it goes on from its published end, and the tiles that it gives there."""

    objects: Objects
    edge: Edge
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)  #: content by level and index

    def read_bundles(self, bundles: Sequence[Bundle]) -> Iterator[Finding]:
        """Go on with each bundle that begins with all that is known of its place; judge every one."""
        size = self.edge.size
        for bundle in sorted(bundles):
            row = self.edge.rows[0] if self.edge.rows else ()
            if bundle.index * TILE_WIDTH != self.edge.size - len(row):
                yield leftover(bundle, size)  # there is a gap before it
                continue
            try:
                entries = parse_bundle(bundle, self.objects.get(bundle.path))
            except ObjectMissing:
                continue  # deleted since it was listed, as its writer may
            except MalformedBundle as exc:
                yield Finding(bundle.path, exc.code, first_wrong(self.objects, bundle), str(exc))
                continue
            leaves = [leaf_hash(entry) for entry in entries]
            found = _compare(bundle, row, leaves, "the entries that are known of it")
            if found.code == "unpublished":
                self._go_on(entries[len(row) :], leaves[len(row) :])
            yield found

    def _go_on(self, entries: list[bytes], leaves: list[bytes]) -> None:
        edge, writes = self.edge.extend(entries, leaves)
        self.edge = replace(edge, framed=())
        for path, content in writes:
            if not path.startswith("tile/entries/"):
                tile = Tile.parse(path)
                self.tiles[tile.level, tile.index] = content

    def check_tile(self, tile: Tile, size: int) -> Iterator[Finding]:
        """Compare a tile with what the entries give there."""
        content = self.tiles.get((tile.level, tile.index), b"")[: tile.width * HASH_BYTES]
        if len(content) < tile.width * HASH_BYTES:
            yield leftover(tile, size)
            return
        try:
            got = split_tile(tile, self.objects.get(tile.path))
        except ObjectMissing:
            return
        except MalformedTile as exc:
            yield Finding(tile.path, exc.code, first_wrong(self.objects, tile), str(exc))
            return
        yield _compare(tile, split_tile(tile, content), got, "the hashes of the entries beyond the end")


def _compare(file: Tile | Bundle, want: Sequence[bytes], got: Sequence[bytes], what: str) -> Finding:
    for i, (a, b) in enumerate(zip(want, got, strict=False)):
        if a != b:
            position = file.index * TILE_WIDTH + i
            return Finding(file.path, "mismatch", position, f"want {what}, got other content")
    return _unpublished(file)


def _unpublished(file: Tile | Bundle) -> Finding:
    return Finding(file.path, "unpublished", None, "goes on from what is published, and is not published")


def _level(file: Tile | Bundle) -> int:
    return file.level if isinstance(file, Tile) else 0


def _read_edge(objects: Objects, checkpoint: Checkpoint) -> Edge | None:
    """Return the hashes at the published end; None if they cannot be read or do not give the root."""
    tiles, rows, level = ObjectTiles(objects), [], 0
    try:
        while count := n_hashes(level, checkpoint.size):
            row: list[bytes] = []
            if width := count % TILE_WIDTH:
                last = Tile(level, count // TILE_WIDTH, width)
                row = split_tile(last, tiles.read_tiles([last])[0])
            rows.append(tuple(row))
            level += 1
    except StoreUnavailable:
        raise
    except LogError:
        return None
    edge = Edge(checkpoint.size, tuple(rows))
    return edge if edge.root() == checkpoint.root else None
