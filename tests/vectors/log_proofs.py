"""Vectors of proofs: of inclusion, of consistency, and whole with their checkpoint."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from log_world import (
    ENTRIES,
    HASHES,
    LOG,
    LOG_LINE,
    TWO_OF_THREE,
    WITNESSES,
    Case,
    b64,
    bad,
    cosigned,
    flip,
    policy_text,
    tree,
)

from veracity.log.merkle import consistency_path, inclusion_path, inclusion_root
from veracity.log.notes import sign_note
from veracity.log.tlog_proof import TlogProof


def deep_inclusions() -> Iterator[Case]:
    """Proofs in trees that nobody can hold: any siblings give some root."""
    for size, index in [
        (2**32, 0),
        (2**32 + 1, 2**32),
        (2**53 + 1, 2**53 - 1),
        (2**63 - 1, 2**63 - 2),
        (2**63 - 1, 2**62 - 1),
        (10**18, 123_456_789_012_345_678),
    ]:
        n = (index ^ (size - 1)).bit_length() + (index >> (index ^ (size - 1)).bit_length()).bit_count()
        path = [sha256(b"%d %d %d" % (size, index, i)).digest() for i in range(n)]
        yield inclusion(HASHES[0], index, size, path, inclusion_root(HASHES[0], index, size, path))


def inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> Case:
    return {
        "name": f"{index} of {size}",
        "leaf": b64(leaf),
        "index": str(index),
        "size": str(size),
        "path": [*map(b64, path)],
        "root": b64(root),
    }


def inclusions() -> dict[str, list[Case]]:
    places = [(i, n) for n in range(1, 18) for i in range(n)]
    places += [(i, n) for n in (32, 33, 40) for i in (0, 1, 15, 16, 30, n - 1)]
    valid = [inclusion(HASHES[i], i, n, inclusion_path(HASHES[:n], i), tree(n).root) for i, n in places]
    valid += deep_inclusions()
    good = next(case for case in valid if case["name"] == "5 of 7")
    path = good["path"]

    def rejected(name: str, why: str, code: str = "inclusion-rejected", **changed: Any) -> Case:
        return bad(name, why, code, **{k: v for k, v in good.items() if k != "name"} | changed)

    return {
        "valid": valid,
        "invalid": [
            rejected("index beyond", "below the size", index="7"),
            rejected("index of the neighbour", "another place", index="4"),
            rejected("size of another tree", "the path has another shape", size="5"),
            rejected("no path", "too short", path=[]),
            rejected("a hash too few", "too short", path=path[:-1]),
            rejected("a hash too many", "too long", path=[*path, path[0]]),
            rejected("path upside down", "the leaf's sibling first", path=path[::-1]),
            rejected("one bit of the path", "another root", path=[b64(flip(b64decode(path[0]))), *path[1:]]),
            rejected("one bit of the leaf", "another leaf", leaf=b64(flip(HASHES[5]))),
            rejected("one bit of the root", "another root", root=b64(flip(tree(7).root))),
            rejected(
                "leaf is a node", "a node of the tree given out as a leaf", size="3", index="2", path=path[1:]
            ),
            rejected("a hash of 31 bytes", "32 bytes", "malformed-hash", path=[b64(bytes(31)), *path[1:]]),
            rejected("empty tree", "it has no entry", size="0", index="0", path=[]),
            rejected("one entry with a path", "its path is empty", size="1", index="0", path=path[:1]),
        ],
    }


def consistencies() -> dict[str, list[Case]]:
    def case(m: int, n: int) -> Case:
        return {
            "name": f"{m} to {n}",
            "old_size": str(m),
            "new_size": str(n),
            "path": [*map(b64, consistency_path(HASHES[:n], m))],
            "old_root": b64(tree(m).root),
            "new_root": b64(tree(n).root),
        }

    pairs = [(m, n) for n in range(13) for m in range(n + 1)]
    pairs += [(m, n) for n in (32, 33, 40) for m in (1, 7, 8, 31, 32)]
    valid = [case(m, n) for m, n in pairs]
    good = next(c for c in valid if c["name"] == "6 to 11")
    path = good["path"]

    def rejected(
        name: str, why: str, code: str = "consistency-rejected", base: Case = good, **changed: Any
    ) -> Case:
        return bad(name, why, code, **{k: v for k, v in base.items() if k != "name"} | changed)

    equal, empty, power = case(7, 7), case(0, 7), case(8, 11)
    return {
        "valid": valid,
        "invalid": [
            rejected("old beyond new", "a log does not shrink", old_size="12"),
            rejected("no path", "too short", path=[]),
            rejected("a hash too few", "too short", path=path[:-1]),
            rejected("a hash too many", "too long", path=[*path, path[0]]),
            rejected("one bit of the path", "other roots", path=[*path[:-1], b64(flip(b64decode(path[-1])))]),
            rejected("another old root", "the log was rewritten", old_root=b64(flip(tree(6).root))),
            rejected("another new root", "not this tree", new_root=b64(flip(tree(11).root))),
            rejected(
                "roots exchanged", "old is not new", old_root=good["new_root"], new_root=good["old_root"]
            ),
            rejected("equal sizes with a path", "none is needed", base=equal, path=path[:1]),
            rejected("equal sizes with another root", "a fork", base=equal, new_root=b64(flip(tree(7).root))),
            rejected("from nothing with a path", "none is needed", base=empty, path=path[:1]),
            rejected("from nothing with another root", "not empty", base=empty, old_root=b64(tree(1).root)),
            rejected(
                "from a power of two with its own root in the path",
                "that root is left out",
                base=power,
                path=[power["old_root"], *power["path"]],
            ),
            rejected("a hash of 33 bytes", "32 bytes", "malformed-hash", path=[b64(bytes(33)), *path[1:]]),
        ],
    }


def tlog_proofs() -> dict[str, list[Case]]:
    note = cosigned(sign_note(tree(7).format(), [LOG]), *WITNESSES[:2])
    proof = TlogProof(5, tuple(inclusion_path(HASHES[:7], 5)), note)
    text = proof.format()
    lines = text.split("\n")
    single = TlogProof(0, (), sign_note(tree(1).format(), [LOG]))
    alone = policy_text(LOG_LINE, "quorum none")
    fixed = {"policy": TWO_OF_THREE, "entry": ENTRIES[5].decode()}

    def malformed(name: str, why: str, text: str) -> Case:
        return bad(name, why, "malformed-proof", **fixed, proof=text)

    def line(number: int, value: str) -> str:
        return "\n".join([*lines[:number], value, *lines[number + 1 :]])

    extra = text.replace("index", "extra aGludA==\nindex", 1)
    return {
        "valid": [
            {"name": "5 of 7", **fixed, "proof": text, "index": "5", "size": "7", "witnesses": ["w0", "w1"]},
            {"name": "extra", **fixed, "proof": extra, "index": "5", "size": "7", "witnesses": ["w0", "w1"]},
            {
                "name": "one entry",
                "policy": alone,
                "entry": ENTRIES[0].decode(),
                "proof": single.format(),
                "index": "0",
                "size": "1",
                "witnesses": [],
            },
        ],
        "invalid": [
            malformed("another version", "version 1", line(0, lines[0].replace("v1", "v2"))),
            malformed("index with a leading zero", "one value, one spelling", line(1, "index 05")),
            malformed("no index", "a line of its own", "\n".join([lines[0], *lines[2:]])),
            malformed(
                "extra after the index", "it stands before", text.replace("index 5", "index 5\nextra AA==")
            ),
            malformed("extra twice", "once", extra.replace("extra", "extra AA==\nextra", 1)),
            malformed("a hash in hex", "base64", line(2, proof.path[0].hex())),
            malformed("a hash of 31 bytes", "32 bytes", line(2, b64(bytes(31)))),
            malformed("64 hashes", "63 at most", line(2, "\n".join([lines[2]] * 62))),
            malformed("no checkpoint", "a blank line and a note", "\n".join(lines[:5])),
            bad(
                "another entry",
                "it is not there",
                "inclusion-rejected",
                **{**fixed, "entry": "other\n"},
                proof=text,
            ),
            bad("another index", "it is not there", "inclusion-rejected", **fixed, proof=line(1, "index 4")),
            bad(
                "a cosignature too few",
                "the quorum is two",
                "policy-rejected",
                **fixed,
                proof=TlogProof(
                    5, proof.path, cosigned(sign_note(tree(7).format(), [LOG]), WITNESSES[0])
                ).format(),
            ),
            bad("a note cut short", "its last newline", "malformed-note", **fixed, proof=text[:-1]),
        ],
    }
