"""Proofs that a part of a tree belongs to it (draft-ietf-plants-merkle-tree-certs, section 4).

A part is a subtree if its start is a multiple of the smallest power of two that is not below its
length. From start 0 its proof is the consistency proof of RFC 6962; of one entry, the inclusion
proof.
"""

from collections.abc import Iterator, Sequence

from veracity.log.errors import ConsistencyRejected, IndexOutOfRange
from veracity.log.merkle import MAX_PATH, node_hash, root_from_leaf_hashes, split_point


def is_subtree(start: int, end: int) -> bool:
    """Say whether the entries ``start`` up to ``end`` are a subtree.

    Examples
    --------
    >>> [is_subtree(8, 13), is_subtree(4, 9)]
    [True, False]
    """
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def subtree_ranges(start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the leaf ranges whose roots are the proof of a subtree in a tree of ``size`` entries."""
    if not is_subtree(start, end) or end > size:
        raise IndexOutOfRange(f"subtree: want one within {size} entries, got {start} to {end}")
    low, high, whole, path = 0, size, True, []
    while (start, end) != (low, high):
        middle = low + split_point(high - low)
        if end <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            if start < middle:  # its right part goes on; its left part is this very hash
                start, whole = middle, False
            low = middle
    if not whole:
        path.append((low, high))
    yield from reversed(path)


def subtree_path(hashes: Sequence[bytes], start: int, end: int) -> list[bytes]:
    """Return the proof of a subtree in the tree over ``hashes``."""
    return [root_from_leaf_hashes(hashes[a:b]) for a, b in subtree_ranges(start, end, len(hashes))]


def verify_subtree(
    start: int, end: int, size: int, path: Sequence[bytes], subtree_root: bytes, root: bytes
) -> None:
    """Check that the entries ``start`` up to ``end`` under ``root`` have the root ``subtree_root``.

    Raises
    ------
    IndexOutOfRange
        If there is no such subtree in a tree of ``size`` entries.
    ConsistencyRejected
        If they have not, or the proof is too long or too short.
    """
    ranges = list(subtree_ranges(start, end, size))
    if len(path) != len(ranges) or len(path) > MAX_PATH:
        raise ConsistencyRejected(f"subtree proof: want {len(ranges)} hashes, got {len(path)}")
    proof = list(zip(ranges, path, strict=True))
    starts_inside = bool(proof) and proof[0][0][0] >= start and proof[0][0][1] <= end
    part = whole = proof.pop(0)[1] if starts_inside else subtree_root
    low = ranges[0][0] if starts_inside else start
    for (first, last), value in proof:
        if first >= low:
            whole = node_hash(whole, value)
        else:
            whole = node_hash(value, whole)
            if first >= start and last <= end:
                part = node_hash(value, part)
            low = first
    if part != subtree_root:
        raise ConsistencyRejected(f"subtree root: want {subtree_root.hex()}, got {part.hex()}")
    if whole != root:
        raise ConsistencyRejected(f"root: want {root.hex()}, got {whole.hex()}")
