"""Files of a log that belong to no size of it, or contradict its later tiles."""

from collections.abc import Iterator

from veracity.log.bundles import Bundle, bundle_at, parse_bundle
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import LogError, MalformedBundle, MalformedTile, ObjectMissing, StoreUnavailable
from veracity.log.fsck_beyond import is_beyond, judge_beyond, leftover
from veracity.log.fsck_findings import Finding
from veracity.log.fsck_tree import first_wrong
from veracity.log.reader import CHECKPOINT_PATH, read_bundle
from veracity.log.tiles import TILE_WIDTH, Tile, n_hashes, split_tile, tile_at


def stray_files(objects: Objects, checkpoint: Checkpoint, *, ends_here: bool = False) -> Iterator[Finding]:
    """Yield a finding for each file that a log of this size has no place for.

    A partial tile or bundle of an earlier size may stay; then it must be a prefix of the later one.
    What goes on from the end is ``unpublished``; where the log is known to end here, it is left over.
    """
    beyond: list[Tile | Bundle] = []
    for path in objects.list(""):
        if path == CHECKPOINT_PATH:
            continue
        named = _parse(path)
        if named is None:
            yield Finding(path, "leftover", None, "want a tile, a bundle or the checkpoint, got another file")
        elif is_beyond(named, checkpoint.size):
            beyond.append(named)
        elif _is_earlier(named, checkpoint.size):
            yield from _check_prefix(objects, named, checkpoint.size)
    if ends_here:
        yield from (leftover(file, checkpoint.size) for file in beyond)
    else:
        yield from judge_beyond(objects, checkpoint, beyond)


def stray_answers(objects: Objects, checkpoint: Checkpoint) -> Iterator[Finding]:
    """Yield what can be found out without a list: earlier partial files that are not as the later ones say.

    For a log read over HTTP. Files beyond its end are not asked for: it may have grown by now.
    At most 255 questions for each level of the tree, and for the last bundle.
    """
    edge: list[Tile | Bundle] = []
    level = 0
    while count := n_hashes(level, checkpoint.size):
        edge.append(tile_at(level, (count - 1) // TILE_WIDTH, checkpoint.size))
        level += 1
    if checkpoint.size:
        edge.append(bundle_at((checkpoint.size - 1) // TILE_WIDTH, checkpoint.size))
    for last in edge:
        for width in range(1, last.width):
            earlier = (
                Tile(last.level, last.index, width) if isinstance(last, Tile) else Bundle(last.index, width)
            )
            yield from _check_prefix(objects, earlier, checkpoint.size)


def _parse(path: str) -> Tile | Bundle | None:
    try:
        return Bundle.parse(path) if path.startswith("tile/entries/") else Tile.parse(path)
    except (MalformedTile, MalformedBundle):
        return None


def _is_earlier(named: Tile | Bundle, size: int) -> bool:
    level = named.level if isinstance(named, Tile) else 0
    return named.width < min(n_hashes(level, size) - named.index * TILE_WIDTH, TILE_WIDTH)


def _check_prefix(objects: Objects, earlier: Tile | Bundle, size: int) -> Iterator[Finding]:
    """Compare an earlier partial file, if it is there, with the later one."""
    try:
        data = objects.get(earlier.path)
    except ObjectMissing:
        return  # deleted since it was listed, as its writer may
    try:
        got = _items(earlier, data)
    except (MalformedTile, MalformedBundle) as exc:
        yield Finding(earlier.path, exc.code, first_wrong(objects, earlier), str(exc))
        return
    try:
        want = _later(objects, earlier, size)
    except StoreUnavailable:
        raise
    except LogError:
        return  # the later file is at fault, and already reported under its own path
    for i, (a, b) in enumerate(zip(want, got, strict=False)):
        if a != b:
            detail = f"want the first {earlier.width} of the later file, got other content"
            yield Finding(earlier.path, "mismatch", earlier.index * TILE_WIDTH + i, detail)
            return


def _items(file: Tile | Bundle, data: bytes) -> list[bytes]:
    return split_tile(file, data) if isinstance(file, Tile) else parse_bundle(file, data)


def _later(objects: Objects, earlier: Tile | Bundle, size: int) -> list[bytes]:
    if isinstance(earlier, Tile):
        later = tile_at(earlier.level, earlier.index, size)
        return split_tile(later, objects.get(later.path))
    return read_bundle(objects, bundle_at(earlier.index, size))
