"""Read a log: any tlog-tiles directory, ours or not, under one checkpoint."""

from collections.abc import Iterator, Sequence
from typing import Self

from veracity.log.bundles import Bundle, bundle_at, parse_bundle
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import IndexOutOfRange, ObjectMissing, SignatureRejected
from veracity.log.merkle import HASH_BYTES, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import Verifier, open_note
from veracity.log.proofs import Tree
from veracity.log.tile_cache import TileCache
from veracity.log.tiles import TILE_WIDTH, Tile
from veracity.log.tlog_proof import TlogProof

CHECKPOINT_PATH = "checkpoint"


class ObjectTiles:
    """Tiles read from an object store."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def read_tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        """Return the tiles' contents; a partial tile that is gone is cut from its full tile."""
        return [self._read(tile) for tile in tiles]

    def _read(self, tile: Tile) -> bytes:
        try:
            return self._objects.get(tile.path)
        except ObjectMissing:
            if tile.is_full:
                raise
            return self._objects.get(tile.full.path)[: tile.width * HASH_BYTES]


class LogReader:
    """A log as one checkpoint fixed it. Every entry it returns is checked against that root."""

    def __init__(
        self, objects: Objects, note: bytes, checkpoint: Checkpoint, cache: TileCache | None = None
    ) -> None:
        self._objects = objects
        self._tree = Tree(checkpoint.size, checkpoint.root, cache or TileCache(ObjectTiles(objects)))
        self.checkpoint = checkpoint
        self.checkpoint_note = note

    @classmethod
    def open(cls, objects: Objects, verifier: Verifier) -> Self:
        """Open the published checkpoint, which ``verifier`` must have signed.

        Raises
        ------
        ObjectMissing
            If nothing is published.
        MalformedNote, MalformedCheckpoint, SignatureRejected
            If what is published is not a checkpoint of this log.
        """
        note = objects.get(CHECKPOINT_PATH)
        return cls(objects, note, open_checkpoint(note, verifier))

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.checkpoint.size

    def prove(self, index: int) -> str:
        """Return the ``tlog-proof`` text of entry ``index``.

        Raises
        ------
        IndexOutOfRange
            If the log has no such entry.
        TileMismatch, MalformedTile
            If stored hashes are damaged.
        """
        path = self._tree.prove_inclusion(index)
        return TlogProof(index, tuple(path), self.checkpoint_note).format()

    def prove_consistency(self, old_size: int) -> list[bytes]:
        """Return the consistency path from the log's first ``old_size`` entries to its checkpoint."""
        return self._tree.prove_consistency(old_size)

    def root_at(self, size: int) -> bytes:
        """Return the root over the first ``size`` entries; TileMismatch unless this log extends it."""
        self._tree.prove_consistency(size)
        return self._tree.root_at(size)

    def entry(self, index: int) -> bytes:
        """Return one entry; errors as ``entries``."""
        if not 0 <= index < self.size:
            raise IndexOutOfRange(f"entry: want an index below the size {self.size}, got {index}")
        return next(self.entries(index, index + 1))

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield entries ``start`` up to ``stop`` (None: all), one bundle in memory at a time.

        Raises
        ------
        IndexOutOfRange
            If the log has no such entries.
        TileMismatch, MalformedBundle, MalformedTile
            If a stored entry or hash is damaged. No entry of a damaged bundle is yielded.
        """
        stop = self.size if stop is None else stop
        if not 0 <= start <= stop <= self.size:
            raise IndexOutOfRange(f"entries: want a range within 0 to {self.size}, got {start} to {stop}")
        for index in range(start // TILE_WIDTH, (stop + TILE_WIDTH - 1) // TILE_WIDTH):
            first = index * TILE_WIDTH
            yield from self._bundle(index)[max(start - first, 0) : stop - first]

    def _bundle(self, index: int) -> list[bytes]:
        entries = read_bundle(self._objects, bundle_at(index, self.size))
        self._tree.verify_bundle(index, root_from_leaf_hashes([leaf_hash(entry) for entry in entries]))
        return entries


def open_checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    """Open a note that ``verifier`` must have signed as a checkpoint of its own origin."""
    opened = open_note(note, [verifier])
    checkpoint = parse_checkpoint(opened.text)
    if checkpoint.origin != verifier.name:
        raise SignatureRejected(
            f"origin: want {verifier.name}, the key's name, got {checkpoint.origin[:80]!r}"
        )
    return checkpoint


def read_bundle(objects: Objects, bundle: Bundle) -> list[bytes]:
    """Read and parse a bundle; a partial one that is gone is cut from the full one."""
    try:
        return parse_bundle(bundle, objects.get(bundle.path))
    except ObjectMissing:
        if bundle.width == TILE_WIDTH:
            raise
        return parse_bundle(bundle.full, objects.get(bundle.full.path))[: bundle.width]
