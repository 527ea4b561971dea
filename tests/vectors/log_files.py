"""Vectors of the log's files: tiles and bundles of entries."""

from hashlib import sha256

from log_world import HASHES, Case, b64, bad

from veracity.log.bundles import Bundle, format_bundle
from veracity.log.tiles import Tile


def tiles() -> dict[str, list[Case]]:
    def path(name: str, level: int | str, index: int, width: int) -> Case:
        reads = {"level": level, "index": str(index), "width": width}
        return {"name": name, "path": name, "reads": reads}

    def wrong(name: str, why: str) -> Case:
        kind = "bundle" if name.startswith("tile/entries/") else "tile"
        return bad(name, why, f"malformed-{kind}", path=name)

    def holds(name: str, data: bytes, why: str | None = None) -> Case:
        case = {"name": f"{name}: {len(data)} bytes", "path": name, "data": b64(data)}
        return case if why is None else {**case, "why": why, "code": "malformed-tile"}

    three = Tile(0, 0, 3)
    indices = (0, 5, 999, 1000, 1_234_067, 2**40, 2**55 - 1)
    return {
        "valid": [
            *(
                path(Tile(level, i, w).path, level, i, w)
                for level in (0, 1, 63)
                for i in indices
                for w in (1, 255, 256)
            ),
            *(path(Bundle(i, w).path, "entries", i, w) for i in indices for w in (1, 17, 256)),
            holds(three.path, b"".join(HASHES[:3])),
            holds(Tile(0, 0).path, b"".join(sha256(b"%d" % i).digest() for i in range(256))),
        ],
        "invalid": [
            wrong("tile/0/1", "three digits"),
            wrong("tile/0/0001", "three digits"),
            wrong("tile/00/001", "a level has no leading zero"),
            wrong("tile/64/001", "63 is the highest level"),
            wrong("tile/0/x000/001", "one value, one spelling"),
            wrong("tile/0/1/001", "all but the last group begin with x"),
            wrong("tile/0/x001", "the last group has no x"),
            wrong("tile/0/001.p/0", "no empty tile"),
            wrong("tile/0/001.p/256", "a full tile has no width"),
            wrong("tile/0/001.p/05", "a width has no leading zero"),
            wrong("tile/8/0/001", "another convention"),
            wrong("tile/data/001", "another convention"),
            wrong("/tile/0/001", "below the prefix"),
            wrong("tile/0/001\n", "nothing after it"),
            wrong("tile/entries/1", "three digits"),
            wrong("tile/entries/x000/001", "one value, one spelling"),
            wrong("tile/entries/001.p/256", "a full bundle has no width"),
            holds(three.path, b"".join(HASHES[:4]), "a hash too many"),
            holds(three.path, b"".join(HASHES[:2]), "a hash too few"),
            holds(three.path, b"".join(HASHES[:3])[:-1], "a byte too few"),
            holds(three.path, b"".join(HASHES[:3]) + b"\0", "a byte too many"),
        ],
    }


def bundles() -> dict[str, list[Case]]:
    some = [b"", b"a", "đ".encode(), b"\xff" * 300]
    good = format_bundle(some)
    name = Bundle(0, len(some)).path

    def malformed(name_: str, why: str, data: bytes) -> Case:
        return bad(name_, why, "malformed-bundle", path=name, data=b64(data))

    return {
        "valid": [
            {"name": "four entries", "path": name, "data": b64(good), "entries": [*map(b64, some)]},
            {
                "name": "one empty entry",
                "path": Bundle(7, 1).path,
                "data": b64(b"\0\0"),
                "entries": [""],
            },
        ],
        "invalid": [
            malformed("a byte after the last entry", "nothing follows", good + b"\0"),
            malformed("the last entry twice", "as many as the name says", good + format_bundle(some[-1:])),
            malformed("an entry too few", "as many as the name says", format_bundle(some[:3])),
            malformed("cut within an entry", "whole entries", good[:-1]),
            malformed("cut within a length", "whole lengths", format_bundle(some[:3]) + b"\1"),
            malformed("nothing", "four entries", b""),
        ],
    }
