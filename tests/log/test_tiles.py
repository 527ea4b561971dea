"""Tiles and bundles: their paths and their contents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.log.bundles import Bundle, bundle_at, bundles_for_size, format_bundle, parse_bundle
from veracity.log.errors import EntryTooLarge, MalformedBundle, MalformedTile
from veracity.log.tiles import Tile, edge_tiles, split_tile, tile_at, tiles_for_size


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 5), "tile/0/005"),
        (Tile(2, 1234067), "tile/2/x001/x234/067"),
        (Tile(63, 1000, 255), "tile/63/x001/000.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    """A tile's path is the published one, and is read back."""
    assert tile.path == path
    assert Tile.parse(path) == tile


@given(st.integers(0, 63), st.integers(0, 10**15), st.integers(1, 256))
def test_paths_round_trip(level: int, index: int, width: int) -> None:
    """Every tile's and every bundle's path is read back."""
    assert Tile.parse(Tile(level, index, width).path) == Tile(level, index, width)
    assert Bundle.parse(Bundle(index, width).path) == Bundle(index, width)


@pytest.mark.parametrize(
    "rest",
    ["", "0", "00", "0000", "x000/000", "001/000", "x01/000", "x001", "x001/x000", "000.p", "000.p/0",
     "000.p/256", "000.p/01", "000.p/", "000/p/5", "/000", "000\n", "٠٠٠", "x001/" * 40 + "000"],
)  # fmt: skip
def test_other_spellings_are_refused(rest: str) -> None:
    """One tile has one path: leading zeros, empty groups and impossible widths are refused."""
    for prefix in ("tile/0/", "tile/00/", "tile/64/"):
        with pytest.raises(MalformedTile):
            Tile.parse(prefix + rest)
    with pytest.raises(MalformedBundle):
        Bundle.parse("tile/entries/" + rest)


def test_the_tiles_of_the_published_sizes() -> None:
    """Sizes 256 and 70,000 have the tiles that the specification counts."""
    assert [t.path for t in tiles_for_size(256)] == ["tile/0/000", "tile/1/000.p/1"]
    tiles = list(tiles_for_size(70_000))
    assert [sum(t.level == level and t.is_full for t in tiles) for level in range(3)] == [273, 1, 0]
    assert [t.width for t in edge_tiles(70_000)] == [112, 17, 1]
    assert set(edge_tiles(70_000)) == {t for t in tiles if not t.is_full}
    assert sum(b.width for b in bundles_for_size(70_000)) == 70_000
    assert list(tiles_for_size(0)) == []


def test_nothing_outside_the_tree() -> None:
    """A tile or bundle that a size does not have is an error."""
    with pytest.raises(MalformedTile):
        tile_at(0, 1, 256)
    with pytest.raises(MalformedBundle):
        bundle_at(1, 256)
    with pytest.raises(MalformedTile):
        Tile(64, 0)


def test_a_tile_holds_exactly_its_hashes() -> None:
    """A byte or a hash too many or too few is refused."""
    tile = Tile(0, 0, 3)
    assert split_tile(tile, bytes(96)) == [bytes(32)] * 3
    for n_bytes in (0, 64, 95, 97, 128):
        with pytest.raises(MalformedTile):
            split_tile(tile, bytes(n_bytes))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    """Entries of any content, the empty one too, are written and read back."""
    assert parse_bundle(Bundle(0, len(entries)), format_bundle(entries)) == entries


def test_a_bundle_holds_exactly_its_entries() -> None:
    """Trailing bytes, a doubled last entry, a cut entry, a missing one: each is refused."""
    entries = [b"a", b"", b"ccc"]
    data = format_bundle(entries)
    for wrong in (b"", data[:-1], data[:-5], data + b"\0", data + format_bundle([b"ccc"]), data[:1]):
        with pytest.raises(MalformedBundle):
            parse_bundle(Bundle(0, 3), wrong)


def test_the_largest_entry() -> None:
    """65,535 bytes go in; one more does not."""
    assert parse_bundle(Bundle(0, 1), format_bundle([bytes(65_535)])) == [bytes(65_535)]
    with pytest.raises(EntryTooLarge):
        format_bundle([bytes(65_536)])
