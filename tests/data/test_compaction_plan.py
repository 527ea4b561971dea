"""Which files become one: small neighbours, oldest first, and each row only a few times."""

from itertools import pairwise

import numpy as np

from veracity.data.compaction import MAX_BYTES, MAX_FILES, MAX_ROWS, MIN_FILES, TableFile, plan


def small(first: int, n: int, n_rows: int = 50) -> list[TableFile]:
    """Files of one batch each, as a live feed leaves them."""
    return [TableFile(f"{i}", i, i, n_rows, 40 * n_rows) for i in range(first, first + n)]


def test_few_files_are_left_alone() -> None:
    """One file too few to be worth a commit: nothing to do."""
    assert plan([], 10) == []
    assert plan(small(0, MIN_FILES - 1), 10**6) == []
    assert plan(small(0, MIN_FILES), 10**6) == [small(0, MIN_FILES)]


def test_young_files_are_left_alone() -> None:
    """A file with rows of a batch after the last that is old enough is in no group."""
    assert plan(small(0, 20), 9) == [small(0, 10)]


def test_large_and_foreign_files_part_the_groups() -> None:
    """Neighbours only: what is large already, or another writer's, stays, and stays between the others."""
    large = TableFile("large", 10, 19, MAX_ROWS // 2, 1)
    heavy = TableFile("heavy", 30, 39, 10, MAX_BYTES // 2)
    foreign = TableFile("foreign", 50, 59, 10, 10, is_ours=False)
    files = [*small(0, 10), large, *small(20, 10), heavy, *small(40, 10), foreign, *small(60, 10)]
    assert plan(files, 100) == [small(0, 10), small(20, 10), small(40, 10), small(60, 10)]


def test_files_of_the_same_batches_are_not_joined() -> None:
    """Files whose batches overlap have no order by which their rows could be joined."""
    twice = [TableFile(f"{i}", 0, 100, 10, 10) for i in range(20)]
    assert plan(twice, 100) == []


def test_no_group_is_too_much_for_one_file() -> None:
    """Rows, bytes and files of a group are bounded, whatever the table has."""
    rng = np.random.default_rng(3)
    for n_rows, n_bytes in ((50, 2_000), (40_000, 10**6), (1_000, 3 * 10**6)):
        sizes = zip(rng.integers(1, n_rows, 5_000), rng.integers(1, n_bytes, 5_000), strict=True)
        files = [TableFile(f"{i}", i, i, int(rows), int(size)) for i, (rows, size) in enumerate(sizes)]
        groups = plan(files, 10**6)
        assert groups
        for group in groups:
            assert MIN_FILES <= len(group) <= MAX_FILES
            assert sum(f.n_rows for f in group) <= MAX_ROWS
            assert sum(f.n_bytes for f in group) <= MAX_BYTES
            assert all(one.last < other.first for one, other in pairwise(group))


def test_rows_are_rewritten_few_times_and_files_stay_few() -> None:
    """Compacted each hour for 40 days, a row is rewritten about as often as its file's size doubles."""
    files: list[TableFile] = []
    written = n_batches = 0
    for _ in range(40 * 24):
        files += small(n_batches, 360)
        n_batches += 360
        while groups := plan(files, n_batches):
            group = groups[0]
            at, rows = files.index(group[0]), sum(f.n_rows for f in group)
            one = TableFile(f"{at}", group[0].first, group[-1].last, rows, 40 * rows)
            files[at : at + len(group)] = [one]
            written += rows
    total = n_batches * 50
    assert sum(f.n_rows for f in files) == total
    assert written < 8 * total
    assert len(files) < 2 * total / MAX_ROWS + 5 * MIN_FILES
