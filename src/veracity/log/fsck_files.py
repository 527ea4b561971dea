"""Files of a log directory that belong to no size of the log, or contradict its later tiles."""

from collections.abc import Iterator

from veracity.log.bundles import Bundle, bundle_at, format_bundle
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import LogError, MalformedBundle, MalformedTile, ObjectMissing, StoreUnavailable
from veracity.log.fsck_findings import Finding
from veracity.log.merkle import HASH_BYTES
from veracity.log.reader import CHECKPOINT_PATH, read_bundle
from veracity.log.tiles import TILE_WIDTH, Tile, n_hashes, tile_at


def stray_files(objects: Objects, checkpoint: Checkpoint) -> Iterator[Finding]:
    """Yield a finding for each file that a log of this size has no place for.

    A partial tile or bundle of an earlier size may stay; then it must be a prefix of the later one.
    """
    for path in objects.list(""):
        if path == CHECKPOINT_PATH:
            continue
        named = _parse(path)
        if named is None:
            yield Finding(path, "leftover", None, "want a tile, a bundle or the checkpoint, got another file")
            continue
        level = named.level if isinstance(named, Tile) else 0
        count = n_hashes(level, checkpoint.size)
        stop = named.index * TILE_WIDTH + named.width
        if stop > count:
            yield Finding(
                path, "leftover", None, f"want at most {count} at this level, got a file up to {stop}"
            )
        elif named.width < min(count - named.index * TILE_WIDTH, TILE_WIDTH):
            try:
                yield from _check_prefix(objects, named, checkpoint.size)
            except StoreUnavailable:
                raise
            except LogError:
                continue  # the later file is at fault, and already reported under its own path


def _parse(path: str) -> Tile | Bundle | None:
    try:
        return Bundle.parse(path) if path.startswith("tile/entries/") else Tile.parse(path)
    except (MalformedTile, MalformedBundle):
        return None


def _check_prefix(objects: Objects, earlier: Tile | Bundle, size: int) -> Iterator[Finding]:
    if isinstance(earlier, Tile):
        later = objects.get(tile_at(earlier.level, earlier.index, size).path)
        want = later[: earlier.width * HASH_BYTES]
    else:
        want = format_bundle(read_bundle(objects, bundle_at(earlier.index, size))[: earlier.width])
    try:
        got = objects.get(earlier.path)
    except ObjectMissing:
        return  # deleted since it was listed, as its writer may
    if got != want:
        detail = f"want the first {earlier.width} of the later file, got other content"
        yield Finding(earlier.path, "mismatch", None, detail)
