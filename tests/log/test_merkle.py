"""The tree of RFC 6962: published vectors, then every small tree with every proof."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.log.errors import ConsistencyRejected, InclusionRejected, IndexOutOfRange, MalformedHash
from veracity.log.merkle import (
    EMPTY_ROOT,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_from_leaf_hashes,
    verify_consistency,
    verify_inclusion,
)

MAX_SIZE = 130
# The entries and roots of the certificate-transparency test suite for RFC 6962.
ENTRIES = [
    bytes.fromhex(h)
    for h in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
    (5, 8, ["bc1a0643", "ca854ea1", "d37ee418"]),
    (2, 3, ["fac54203"]),
    (1, 5, ["6e340b9c", "5f083f0a", "bc1a0643"]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
    (6, 8, ["0ebc5d34", "ca854ea1", "d37ee418"]),
    (2, 5, ["5f083f0a", "bc1a0643"]),
]
LEAVES = [leaf_hash(i.to_bytes(2, "big")) for i in range(MAX_SIZE)]
ROOT_OF = [root_from_leaf_hashes(LEAVES[:n]) for n in range(MAX_SIZE + 1)]


def starts(path: list[bytes]) -> list[str]:
    return [h.hex()[:8] for h in path]


def recursive_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(recursive_root(leaves[:k]), recursive_root(leaves[k:]))


def test_published_roots() -> None:
    """The roots over the published entries are the published ones."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    assert [root_from_leaf_hashes(leaves[: n + 1]).hex() for n in range(8)] == ROOTS


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, path: list[str]) -> None:
    """The published inclusion proofs come out, and verify."""
    leaves = [leaf_hash(entry) for entry in ENTRIES[:size]]
    proof = inclusion_path(leaves, index)
    assert starts(proof) == path
    verify_inclusion(leaves[index], index, size, proof, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, path: list[str]) -> None:
    """The published consistency proofs come out, and verify."""
    proof = consistency_path([leaf_hash(entry) for entry in ENTRIES[:new]], old)
    assert starts(proof) == path
    verify_consistency(old, new, proof, bytes.fromhex(ROOTS[old - 1]), bytes.fromhex(ROOTS[new - 1]))


def test_roots_by_definition() -> None:
    """Every tree to size 130 has the root that the definition gives."""
    assert [recursive_root(LEAVES[:n]) for n in range(MAX_SIZE + 1)] == ROOT_OF


def test_every_inclusion_proof_verifies() -> None:
    """Every entry of every tree to size 130 has a proof that verifies, for its own place only."""
    for size in range(1, MAX_SIZE + 1):
        for index in range(size):
            path = inclusion_path(LEAVES[:size], index)
            verify_inclusion(LEAVES[index], index, size, path, ROOT_OF[size])
            for other in {index ^ 1, index + 1, size - 1, size} - {index}:
                with pytest.raises(InclusionRejected):
                    verify_inclusion(LEAVES[index], other, size, path, ROOT_OF[size])
            for wrong in (path[:-1], [*path, EMPTY_ROOT]):
                if wrong != path:
                    with pytest.raises(InclusionRejected):
                        verify_inclusion(LEAVES[index], index, size, wrong, ROOT_OF[size])


def test_every_consistency_proof_verifies() -> None:
    """Every pair of sizes to 130 has a proof that verifies, and no shorter or longer one does."""
    for new in range(MAX_SIZE + 1):
        for old in range(new + 1):
            path = consistency_path(LEAVES[:new], old)
            verify_consistency(old, new, path, ROOT_OF[old], ROOT_OF[new])
            if 0 < old < new:
                for wrong in (path[:-1], [*path, EMPTY_ROOT]):
                    with pytest.raises(ConsistencyRejected):
                        verify_consistency(old, new, wrong, ROOT_OF[old], ROOT_OF[new])
                with pytest.raises(ConsistencyRejected):
                    verify_consistency(old, new, path, ROOT_OF[old - 1], ROOT_OF[new])


def flips(hashes: list[bytes], bits: range) -> list[list[bytes]]:
    flipped = []
    for i, value in enumerate(hashes):
        number = int.from_bytes(value, "big")
        flipped += [
            [*hashes[:i], (number ^ (1 << bit)).to_bytes(32, "big"), *hashes[i + 1 :]] for bit in bits
        ]
    return flipped


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 65, 100, 127, 128, 129, 130])
def test_every_bit_of_an_inclusion_proof_counts(size: int) -> None:
    """Flip any one bit of leaf, path or root: the proof is rejected."""
    for index in sorted({0, 1, size // 2, size - 2, size - 1} & set(range(size))):
        path = inclusion_path(LEAVES[:size], index)
        for leaf, root, *rest in flips([LEAVES[index], ROOT_OF[size], *path], range(256)):
            with pytest.raises(InclusionRejected):
                verify_inclusion(leaf, index, size, rest, root)


def test_some_bit_of_every_inclusion_proof_counts() -> None:
    """In every tree to size 130, for every entry, a flipped bit in any hash is rejected."""
    for size in range(1, MAX_SIZE + 1):
        for index in range(size):
            path = inclusion_path(LEAVES[:size], index)
            bit = (size * 131 + index) % 256
            for leaf, root, *rest in flips([LEAVES[index], ROOT_OF[size], *path], range(bit, bit + 1)):
                with pytest.raises(InclusionRejected):
                    verify_inclusion(leaf, index, size, rest, root)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 8), (6, 8), (64, 130), (65, 130), (127, 129)])
def test_every_bit_of_a_consistency_proof_counts(old: int, new: int) -> None:
    """Flip any one bit of either root or of the path: the proof is rejected."""
    path = consistency_path(LEAVES[:new], old)
    for old_root, new_root, *rest in flips([ROOT_OF[old], ROOT_OF[new], *path], range(256)):
        with pytest.raises(ConsistencyRejected):
            verify_consistency(old, new, rest, old_root, new_root)


def test_consistency_of_the_empty_tree() -> None:
    """Size 0 extends to anything with an empty proof, and only with the root of nothing."""
    verify_consistency(0, 5, [], EMPTY_ROOT, ROOT_OF[5])
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    for old, new, path, old_root, new_root in [
        (0, 5, [], ROOT_OF[1], ROOT_OF[5]),
        (0, 5, [EMPTY_ROOT], EMPTY_ROOT, ROOT_OF[5]),
        (0, 0, [], EMPTY_ROOT, ROOT_OF[1]),
        (4, 4, [], ROOT_OF[4], ROOT_OF[5]),
        (5, 4, [], ROOT_OF[5], ROOT_OF[4]),
        (3, 5, [], ROOT_OF[3], ROOT_OF[5]),
    ]:
        with pytest.raises(ConsistencyRejected):
            verify_consistency(old, new, path, old_root, new_root)


def test_hashes_of_the_wrong_length_are_malformed() -> None:
    """A hash that has not 32 bytes, and a path that no tree needs, are refused before any hashing."""
    with pytest.raises(MalformedHash):
        verify_inclusion(LEAVES[0][:31], 0, 1, [], ROOT_OF[1])
    with pytest.raises(MalformedHash):
        verify_consistency(1, 2, [b""], ROOT_OF[1], ROOT_OF[2])
    with pytest.raises(MalformedHash):
        verify_inclusion(LEAVES[0], 0, 2**62, [EMPTY_ROOT] * 70, ROOT_OF[1])


def test_no_proof_of_what_is_not_there() -> None:
    """An index or a size outside the tree is an error, not a proof."""
    with pytest.raises(IndexOutOfRange):
        inclusion_path(LEAVES[:4], 4)
    with pytest.raises(IndexOutOfRange):
        inclusion_path(LEAVES[:4], -1)
    with pytest.raises(IndexOutOfRange):
        consistency_path(LEAVES[:4], 5)


@given(st.integers(1, 2000), st.data())
def test_large_trees(size: int, data: st.DataObject) -> None:
    """Proofs of larger trees verify."""
    leaves = [leaf_hash(i.to_bytes(4, "big")) for i in range(size)]
    root = root_from_leaf_hashes(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    verify_inclusion(leaves[index], index, size, inclusion_path(leaves, index), root)
    verify_consistency(old, size, consistency_path(leaves, old), root_from_leaf_hashes(leaves[:old]), root)
