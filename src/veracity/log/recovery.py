"""What a crash left undone: bring the object store up to the last signed checkpoint, or refuse."""

from veracity.log.bundles import bundle_at, frame_entries
from veracity.log.checkpoints import Checkpoint, parse_checkpoint
from veracity.log.doors import LastSigned, Objects
from veracity.log.edge import Edge
from veracity.log.errors import (
    MalformedBundle,
    MalformedTile,
    ObjectMissing,
    StoreBehind,
    TileMismatch,
)
from veracity.log.merkle import leaf_hash
from veracity.log.notes import Verifier, parse_note
from veracity.log.pending import parse_pending
from veracity.log.reader import CHECKPOINT_PATH, ObjectTiles, open_checkpoint, read_bundle
from veracity.log.tiles import TILE_WIDTH, edge_tiles, split_tile


def published_checkpoint(objects: Objects, verifier: Verifier) -> Checkpoint | None:
    """Return the published checkpoint, which ``verifier`` must have signed; None if there is none."""
    try:
        note = objects.get(CHECKPOINT_PATH)
    except ObjectMissing:
        return None
    return open_checkpoint(note, verifier)


def settle(objects: Objects, last: LastSigned, signed: Checkpoint, published: Checkpoint | None) -> None:
    """Bring the object store up to the last signed checkpoint, or refuse.

    A step is signed only after the one before was written in whole. So of a store that nobody put
    back at most the last step can be missing, and that step is in the state.
    """
    if published == signed:
        return
    if published is not None and published.size >= signed.size:
        raise StoreBehind(
            f"state of {signed.origin}: want the published checkpoint of size {published.size} "
            f"({published.root.hex()[:16]}), got size {signed.size} ({signed.root.hex()[:16]})"
        )
    objects.put_many(parse_pending(last.pending))
    previous = parse_checkpoint(parse_note(last.previous).text) if last.previous is not None else None
    if published != previous:
        # More than one step behind: witnesses are awaited, a slow writer published late; or files are lost.
        _check_since(objects, signed, published)


def _check_since(objects: Objects, signed: Checkpoint, published: Checkpoint | None) -> None:
    """Check that the store holds all that came after the published checkpoint; ``StoreBehind`` if not."""
    edge = Edge() if published is None else read_edge(objects, published)
    try:
        for index in range(edge.size // TILE_WIDTH, (signed.size + TILE_WIDTH - 1) // TILE_WIDTH):
            entries = read_bundle(objects, bundle_at(index, signed.size))[edge.size - index * TILE_WIDTH :]
            edge, writes = edge.extend(entries, [leaf_hash(entry) for entry in entries])
            for path, data in writes:
                if ".p/" not in path and objects.get(path) != data:
                    raise TileMismatch(f"{path}: want what the entries give, got other content")
    except (ObjectMissing, MalformedTile, MalformedBundle, TileMismatch) as exc:
        raise StoreBehind(f"log {signed.origin}: want all of size {signed.size}, got: {exc}") from exc
    if edge.root() != signed.root:
        raise StoreBehind(
            f"log {signed.origin}: want entries that give the root signed at size {signed.size}, got others"
        )


def read_edge(objects: Objects, signed: Checkpoint) -> Edge:
    """Read the right edge and check it, and the last entries, against the signed root."""
    rows: dict[int, tuple[bytes, ...]] = {}
    framed: list[bytes] = []
    try:
        tiles = list(edge_tiles(signed.size))
        for tile, data in zip(tiles, ObjectTiles(objects).read_tiles(tiles), strict=True):
            rows[tile.level] = tuple(split_tile(tile, data))
        if signed.size % TILE_WIDTH:
            entries = read_bundle(objects, bundle_at(signed.size // TILE_WIDTH, signed.size))
            if tuple(map(leaf_hash, entries)) != rows[0]:
                raise TileMismatch("last bundle: want the entries of the last tile, got others")
            framed = frame_entries(entries)
    except (ObjectMissing, MalformedTile, MalformedBundle, TileMismatch) as exc:
        raise StoreBehind(f"log {signed.origin}: want the tree of size {signed.size}, got: {exc}") from exc
    n_levels = max(rows, default=-1) + 1
    edge = Edge(signed.size, tuple(rows.get(level, ()) for level in range(n_levels)), tuple(framed))
    if edge.root() != signed.root:
        raise StoreBehind(
            f"log {signed.origin}: want the signed root {signed.root.hex()[:16]} at size {signed.size}, "
            f"got {edge.root().hex()[:16]} from its tiles"
        )
    return edge
