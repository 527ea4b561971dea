"""Recompute a tree from its entries and compare it with every stored tile, in one pass.

Where a stored hash differs from the one computed from below, both are carried up, and the hash
above (in the end, the signed root) says which of the two files is at fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from veracity.log.bundles import Bundle, bundle_at, bundles_for_size, n_whole_entries
from veracity.log.checkpoints import Checkpoint
from veracity.log.doors import Objects
from veracity.log.edge import Edge
from veracity.log.errors import LogError, MalformedBundle, MalformedTile, ObjectMissing, StoreUnavailable
from veracity.log.fsck_findings import Finding
from veracity.log.merkle import HASH_BYTES, leaf_hash, root_from_leaf_hashes
from veracity.log.reader import CHECKPOINT_PATH, ObjectTiles, read_bundle
from veracity.log.tiles import TILE_WIDTH, Tile, split_tile, tile_at

Row = tuple[bytes, ...]
Candidates = tuple[bytes, ...]  #: hashes a position may have; none if nothing below was readable
MAX_MISSING = 1_024  #: bundles missing in a row, after which the rest of the tree is not asked for


@dataclass(frozen=True)
class Account:
    """The hashes of one tile: as computed from below, as stored (None: unknown), and where they differ."""

    tile: Tile
    by_below: Row | None
    by_tile: Row | None
    positions: tuple[int, ...]

    @property
    def rows(self) -> list[Row]:
        """The different rows of hashes that this tile may have."""
        return list(dict.fromkeys(row for row in (self.by_below, self.by_tile) if row is not None))


class TreeCheck:
    """One pass over one tree. ``run`` is called once."""

    def __init__(self, objects: Objects, checkpoint: Checkpoint) -> None:
        self._objects = objects
        self._checkpoint = checkpoint
        self._levels: list[list[Candidates]] = []
        self._n_closed: list[int] = []
        self._found: list[Finding] = []

    def run(self) -> Iterator[Finding]:
        """Yield every fault of the tree's bundles and tiles.

        Raises
        ------
        StoreUnavailable
            If the store cannot be read.
        """
        n_missing = 0
        for bundle in bundles_for_size(self._checkpoint.size):
            leaves: list[Candidates] = [()] * bundle.width
            try:
                leaves = [(leaf_hash(entry),) for entry in read_bundle(self._objects, bundle)]
                n_missing = 0
            except StoreUnavailable:
                raise
            except LogError as exc:
                self._found.append(self._unreadable(bundle, exc))
                n_missing = n_missing + 1 if isinstance(exc, ObjectMissing) else 0
            for leaf in leaves:
                self._push(0, leaf)
            yield from self._drain()
            if n_missing == MAX_MISSING:
                # Whoever holds the key may sign any size: 2**63 entries would be asked for, one by one.
                stop = (bundle.index + 1) * TILE_WIDTH
                detail = f"want {self._checkpoint.size} entries, got none in the last {MAX_MISSING} bundles"
                yield Finding(CHECKPOINT_PATH, "gave-up", stop, detail)
                return
        self._check_edge()
        yield from self._drain()

    def _drain(self) -> list[Finding]:
        found, self._found = self._found, []
        return found

    def _push(self, level: int, candidates: Candidates) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._n_closed.append(0)
        self._levels[level].append(candidates)
        if len(self._levels[level]) == TILE_WIDTH:
            account = self._close(level)
            if account.positions:
                self._judge(account, self._said_above(account.tile))
            self._push(level + 1, tuple(map(root_from_leaf_hashes, account.rows)))

    def _close(self, level: int) -> Account:
        """Compare the hashes gathered at a level with the tile that stores them."""
        tile = tile_at(level, self._n_closed[level], self._checkpoint.size)
        gathered, self._levels[level] = self._levels[level], []
        self._n_closed[level] += 1
        try:
            stored = self._read(tile)
        except StoreUnavailable:
            raise
        except LogError as exc:
            self._found.append(self._unreadable(tile, exc))
            known = [candidates[0] for candidates in gathered if candidates]
            return Account(tile, tuple(known) if len(known) == len(gathered) else None, None, ())
        by_below, positions = [], []
        for i, (candidates, hash_) in enumerate(zip(gathered, stored, strict=True)):
            agrees = not candidates or hash_ in candidates
            by_below.append(hash_ if agrees else candidates[0])
            if not agrees:
                positions.append(tile.index * TILE_WIDTH + i)
        return Account(tile, tuple(by_below), stored, tuple(positions))

    def _read(self, tile: Tile) -> Row:
        return tuple(split_tile(tile, ObjectTiles(self._objects).read_tiles([tile])[0]))

    def _said_above(self, tile: Tile) -> bytes | None:
        """Return the hash that the tile above stores for a full tile, if it is readable."""
        above = tile_at(tile.level + 1, tile.index // TILE_WIDTH, self._checkpoint.size)
        try:
            return self._read(above)[tile.index % TILE_WIDTH]
        except StoreUnavailable:
            raise
        except LogError:
            return None  # reported under its own path

    def _judge(self, account: Account, root: bytes | None) -> None:
        """Report each position of a dispute under the file that ``root`` speaks against."""
        below_is_right = account.by_below is not None and root == root_from_leaf_hashes(account.by_below)
        tile_is_right = account.by_tile is not None and root == root_from_leaf_hashes(account.by_tile)
        for position in account.positions:
            below = self._below(account.tile, position)
            if tile_is_right:
                detail = f"want what {account.tile.path} and the tree above say, got other content"
                self._found.append(Finding(below, "mismatch", position, detail))
            elif below_is_right:
                detail = f"want the hash of {below}, as the tree above says, got another"
                self._found.append(Finding(account.tile.path, "mismatch", position, detail))
            else:
                detail = f"want the hash of {below}, got another; the tree above agrees with neither"
                self._found.append(Finding(account.tile.path, "mismatch", position, detail))

    def _below(self, tile: Tile, position: int) -> str:
        if tile.level == 0:
            return bundle_at(tile.index, self._checkpoint.size).path
        return tile_at(tile.level - 1, position, self._checkpoint.size).path

    def _check_edge(self) -> None:
        """Compare the partial tiles, and with them the whole tree, against the signed root."""
        edge = [self._close(level) if self._levels[level] else None for level in range(len(self._levels))]
        choices: list[list[Row]] = [account.rows if account else [()] for account in edge]
        if not all(choices):
            return  # some hashes are in no readable file: that is reported, and no root can be computed
        size, signed = self._checkpoint.size, self._checkpoint.root
        right = next((rows for rows in product(*choices) if Edge(size, rows).root() == signed), None)
        for level, account in enumerate(edge):
            if account and account.positions:
                self._judge(account, root_from_leaf_hashes(right[level]) if right else None)
        if right is None:
            got = Edge(size, tuple(rows[0] for rows in choices)).root()
            detail = f"want the signed root {signed.hex()}, got {got.hex()} from the entries"
            self._found.append(Finding(CHECKPOINT_PATH, "mismatch", None, detail))

    def _unreadable(self, file: Bundle | Tile, exc: LogError) -> Finding:
        code = "missing" if isinstance(exc, ObjectMissing) else exc.code
        position = None
        if isinstance(exc, (MalformedBundle, MalformedTile)):
            position = first_wrong(self._objects, file)
        return Finding(file.path, code, position, str(exc))


def first_wrong(objects: Objects, file: Bundle | Tile) -> int | None:
    """Return where a file is cut short or goes on too long: the first entry or hash not as it should be."""
    try:
        data = objects.get(file.path)
    except ObjectMissing:
        return None  # a partial file that is gone: the full one is at fault
    n = n_whole_entries(data) if isinstance(file, Bundle) else len(data) // HASH_BYTES
    return file.index * TILE_WIDTH + min(n, file.width)
