"""Write the vectors of the log's formats: ``python tests/vectors/make_log.py``. Same keys, same bytes.

One file a format in ``log/``. Each has ``valid`` cases, with what is to be read from them, and ``invalid``
ones, with why and the error's code. Bytes stand as ``text`` where they are UTF-8 and as ``base64`` where
they are not; hashes are base64; numbers beyond 2**53 are text.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from veracity.log.bundles import Bundle, format_bundle
from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.errors import SignatureRejected
from veracity.log.merkle import (
    EMPTY_ROOT,
    consistency_path,
    inclusion_path,
    inclusion_root,
    leaf_hash,
    root_from_leaf_hashes,
)
from veracity.log.notes import Signature, Signer, sign_note
from veracity.log.subtree_cosignatures import SubtreeCosigner
from veracity.log.tiles import Tile
from veracity.log.tlog_proof import TlogProof
from veracity.provenance.dsse import IN_TOTO, seal
from veracity.provenance.keys import SigningKey

HERE = Path(__file__).resolve().parent / "log"
SCHEMA = "veracity.log-vectors/v1"
ORIGIN = "example.org/vectors"
TIME_S = 1_788_000_000
Case = dict[str, Any]


def seed(name: str) -> bytes:
    return sha256(b"veracity log vectors: " + name.encode()).digest()


LOG, OTHER = Signer(ORIGIN, seed("log")), Signer("example.org/other", seed("other"))
WITNESSES = [Cosigner(f"w{i}.example", seed(f"witness {i}")) for i in range(3)]
QUANTUM = SubtreeCosigner("pq.example", seed("ml-dsa witness"))
AGENCY = SigningKey(seed("agency"))
ENTRIES = [b"entry %d\n" % i for i in range(40)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]


def content(data: bytes) -> Case:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": b64(data)}


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def flip(data: bytes, bit: int = 0) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def tree(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_from_leaf_hashes(HASHES[:size]))


def bad(name: str, why: str, code: str, **given: Any) -> Case:
    return {"name": name, "why": why, "code": code, **given}


def notes() -> dict[str, list[Case]]:
    text = "first line\n\nthird line, tiếng Việt\n"
    keys = [LOG.verifier.format()]
    note = sign_note(text, [LOG])
    both = sign_note(text, [OTHER, LOG])
    line = note.split(b"\n\n")[-1].decode()
    wrong = Signature(LOG.name, LOG.verifier.key_id, flip(LOG.sign(text).payload)).format()
    stranger = Signature("nobody.example", b"\0\1\2\3", b"?").format()
    raw = b64decode(line.split(" ")[2])

    def signed(lines: str, of: str = text) -> bytes:
        return f"{of}\n{lines}".encode()

    def given(data: bytes, known: list[str] = keys) -> Case:
        return {"keys": known, "note": content(data)}

    def read(*keys: Signer) -> Case:
        return {"reads": {"text": text, "signed_by": sorted(k.name for k in keys)}}

    def malformed(name: str, why: str, data: bytes) -> Case:
        return bad(name, why, "malformed-note", **given(data))

    return {
        "valid": [
            {"name": "one signature", **given(note), **read(LOG)},
            {"name": "a blank line in the text", **given(note), **read(LOG)},
            {"name": "the other's signature is passed over", **given(both), **read(LOG)},
            {
                "name": "two known keys",
                **given(both, [*keys, OTHER.verifier.format()]),
                **read(LOG, OTHER),
            },
            {"name": "a stranger's line of any content", **given(signed(stranger + line)), **read(LOG)},
            {"name": "the same line twice", **given(signed(line + line)), **read(LOG)},
            {"name": "100 signatures", **given(signed(stranger * 99 + line)), **read(LOG)},
        ],
        "invalid": [
            malformed("101 signatures", "more than a reader must take", signed(stranger * 100 + line)),
            malformed("no blank line", "text and signatures are not parted", note.replace(b"\n\n", b"\n")),
            malformed("no signature", "a note is signed", f"{text}\n".encode()),
            malformed("last newline missing", "each line ends in one", note[:-1]),
            malformed("carriage return", "a control character", note.replace(b"line\n", b"line\r\n", 1)),
            malformed("tab in the text", "a control character", note.replace(b" line", b"\tline", 1)),
            malformed("NUL in the text", "a control character", note.replace(b" line", b"\0line", 1)),
            malformed("not UTF-8", "0xff is no UTF-8", note.replace(b"first", b"\xffirst")),
            malformed("a hyphen for the dash", "the dash is U+2014", note.replace("—".encode(), b"-")),
            malformed("two spaces", "name and base64 are parted by one", signed(line.replace(" ", "  ", 2))),
            malformed("a plus in the name", "a plus parts the parts of keys", signed(f"— a+b {b64(raw)}\n")),
            malformed("a no-break space in the name", "white space", signed(f"— a\xa0b {b64(raw)}\n")),
            malformed("no name", "a name is not empty", signed(f"—  {b64(raw)}\n")),
            malformed("a name of 256 bytes", "at most 255", signed(f"— {'n' * 256} {b64(raw)}\n")),
            malformed("base64 without padding", "it is padded", signed(line.replace("=", ""))),
            malformed("base64 of the other alphabet", "it is the standard one", signed("— a AAAA__8=\n")),
            malformed("base64 with stray bits", "one value, one spelling", signed("— a AAAAAAF=\n")),
            malformed("four bytes", "a key ID and nothing signed", signed(f"— a {b64(raw[:4])}\n")),
            bad(
                "signed by nobody known", "none of the keys", "signature-rejected", **given(signed(stranger))
            ),
            bad(
                "a known key's bad line beside its good one",
                "a known key that fails rejects the whole note",
                "signature-rejected",
                **given(signed(line + wrong)),
            ),
            bad(
                "signature of another text",
                "one letter of the text",
                "signature-rejected",
                **given(note.replace(b"first", b"First")),
            ),
            bad(
                "key ID of another name",
                "its ID is not that of its name",
                "malformed-key",
                **given(note, [keys[0].replace(ORIGIN, "example.org/x")]),
            ),
            bad(
                "key of an unknown type",
                "0x02 is ECDSA",
                "malformed-key",
                **given(note, ["x.example+00000000+" + b64(b"\2" + bytes(32))]),
            ),
        ],
    }


def checkpoints() -> dict[str, list[Case]]:
    root = b64(tree(7).root)

    def good(name: str, text: str, size: int, root: bytes, extensions: Sequence[str] = ()) -> Case:
        reads = {"origin": ORIGIN, "size": str(size), "root": b64(root), "extensions": list(extensions)}
        return {"name": name, "text": text, "reads": reads}

    def malformed(name: str, why: str, text: str) -> Case:
        return bad(name, why, "malformed-checkpoint", text=text)

    last = 2**63 - 1
    return {
        "valid": [
            good("empty tree", Checkpoint(ORIGIN, 0, EMPTY_ROOT).format(), 0, EMPTY_ROOT),
            good("seven entries", tree(7).format(), 7, tree(7).root),
            good("the largest size", f"{ORIGIN}\n{last}\n{root}\n", last, tree(7).root),
            good("extension lines", f"{tree(7).format()}more\nlines\n", 7, tree(7).root, ["more", "lines"]),
        ],
        "invalid": [
            malformed("size with a leading zero", "one value, one spelling", f"{ORIGIN}\n07\n{root}\n"),
            malformed("size with a sign", "digits only", f"{ORIGIN}\n+7\n{root}\n"),
            malformed("size in Arabic digits", "ASCII digits only", f"{ORIGIN}\n٧\n{root}\n"),
            malformed("size of 2**63", "below 2**63", f"{ORIGIN}\n{2**63}\n{root}\n"),
            malformed("size -1", "digits only", f"{ORIGIN}\n-1\n{root}\n"),
            malformed("no size", "a decimal", f"{ORIGIN}\n\n{root}\n"),
            malformed("root of 31 bytes", "32 bytes", f"{ORIGIN}\n7\n{b64(bytes(31))}\n"),
            malformed("root of 33 bytes", "32 bytes", f"{ORIGIN}\n7\n{b64(bytes(33))}\n"),
            malformed("root with stray bits", "one value, one spelling", f"{ORIGIN}\n7\n{root[:-2]}{'t='}\n"),
            malformed("root in hex", "base64", f"{ORIGIN}\n7\n{tree(7).root.hex()}\n"),
            bad(
                "empty tree with another root",
                "SHA-256 of nothing",
                "wrong-empty-root",
                text=f"{ORIGIN}\n0\n{root}\n",
            ),
            malformed("empty origin", "a line that is not empty", f"\n7\n{root}\n"),
            malformed("DEL in the origin", "no control character", f"a\x7f\n7\n{root}\n"),
            malformed("two lines", "three at least", f"{ORIGIN}\n7\n"),
            malformed("last newline missing", "each line ends in one", f"{ORIGIN}\n7\n{root}"),
            malformed("an empty extension line", "none is empty", f"{tree(7).format()}\nmore\n"),
        ],
    }


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


def policy_text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


LOG_LINE = f"log {LOG.verifier.format()}"
WITNESS_LINES = [f"witness w{i} {w.verifier.format()}" for i, w in enumerate(WITNESSES)]
QUANTUM_LINE = f"witness pq {QUANTUM.verifier.format()}"
TWO_OF_THREE = policy_text(LOG_LINE, *WITNESS_LINES, "group two 2 w0 w1 w2", "quorum two")


def cosigned(note: bytes, *witnesses: Cosigner) -> bytes:
    text = note.decode().rpartition("\n\n")[0] + "\n"
    return add_signatures(note, tuple(w.cosign(text, TIME_S) for w in witnesses))


def cosignatures(kept: bytes | None) -> dict[str, list[Case]]:
    """``kept`` is an ML-DSA-44 signature made before: each is drawn anew, and one that verifies is kept."""
    text, witness = tree(7).format(), WITNESSES[0]
    vkey = witness.verifier.format()
    payload = witness.cosign(text, TIME_S).payload
    try:
        QUANTUM.verifier.verify(text, kept or b"")
    except SignatureRejected:
        kept = QUANTUM.cosign(text, TIME_S).payload
    assert kept is not None
    quantum = QUANTUM.verifier.format()

    def case(name: str, key: str, payload: bytes, text: str = text) -> Case:
        return {"name": name, "key": key, "text": text, "payload": b64(payload)}

    def rejected(name: str, why: str, key: str, payload: bytes, of: str = text) -> Case:
        return {**case(name, key, payload, of), "why": why, "code": "signature-rejected"}

    later = (TIME_S + 1).to_bytes(8, "big")
    return {
        "valid": [
            {**case("Ed25519", vkey, payload), "time": str(TIME_S)},
            {
                **case("Ed25519 at the last time", vkey, witness.cosign(text, 2**63 - 1).payload),
                "time": str(2**63 - 1),
            },
            {**case("ML-DSA-44", quantum, kept), "time": str(TIME_S)},
            {
                **case("ML-DSA-44 covers no extension lines", quantum, kept, text + "more\n"),
                "time": str(TIME_S),
            },
        ],
        "invalid": [
            rejected("another time", "the time is signed", vkey, later + payload[8:]),
            rejected("another tree", "the text is signed", vkey, payload, tree(6).format()),
            rejected("another line", "every line is signed", vkey, payload, text + "more\n"),
            rejected("a time of 2**63", "below that", vkey, (2**63).to_bytes(8, "big") + payload[8:]),
            rejected("a note's signature", "it has no time", vkey, payload[8:]),
            rejected("cut short", "72 bytes", vkey, payload[:-1]),
            rejected("too long", "72 bytes", vkey, payload + b"\0"),
            rejected("another witness", "not its key", WITNESSES[1].verifier.format(), payload),
            rejected("ML-DSA-44 at another time", "the time is signed", quantum, later + kept[8:]),
            rejected("ML-DSA-44 of another tree", "the tree is signed", quantum, kept, tree(6).format()),
            rejected("ML-DSA-44, one bit", "another signature", quantum, flip(kept, 8 * 100)),
            rejected("ML-DSA-44 of no checkpoint", "it is of a tree", quantum, kept, "not a checkpoint\n"),
        ],
    }


def policies() -> dict[str, list[Case]]:
    note = sign_note(tree(7).format(), [LOG])
    one, two, _ = WITNESSES
    other_log = sign_note(tree(7).format(), [OTHER])

    def reads(
        text: str, *, witnesses: Sequence[str] = (), groups: Case | None = None, quorum: str | None
    ) -> Case:
        told = {"logs": [ORIGIN], "witnesses": list(witnesses), "groups": groups or {}, "quorum": quorum}
        return {"policy": content(text.encode()), "reads": told}

    names = ["w0", "w1", "w2"]
    nested = policy_text(
        LOG_LINE, *WITNESS_LINES, "group inner any w0 w1", "group outer all inner w2", "quorum outer"
    )

    def malformed(name: str, why: str, text: str | bytes) -> Case:
        data = text if isinstance(text, bytes) else text.encode()
        return bad(name, why, "malformed-policy", policy=content(data))

    group = f"group g 1 {'w0'}"
    return {
        "valid": [
            {"name": "one log", **reads(policy_text(LOG_LINE, "quorum none"), quorum=None)},
            {
                "name": "comments, tabs and blank lines",
                **reads(f"# whom I believe\n\n \t# more\n\t{LOG_LINE}\t \nquorum\tnone\n", quorum=None),
            },
            {
                "name": "addresses",
                **reads(
                    policy_text(f"{LOG_LINE} https://log.example/", "quorum none"),
                    quorum=None,
                ),
            },
            {
                "name": "two of three",
                **reads(TWO_OF_THREE, witnesses=names, groups={"two": [2, *names]}, quorum="two"),
                "checks": [
                    {"note": content(cosigned(note, one, two)), "witnesses": ["w0", "w1"]},
                    {"note": content(cosigned(note, *WITNESSES)), "witnesses": names},
                    {"note": content(cosigned(note, one)), "code": "policy-rejected"},
                    {"note": content(cosigned(note, one, one)), "code": "policy-rejected"},
                    {"note": content(note), "code": "policy-rejected"},
                    {"note": content(cosigned(other_log, one, two)), "code": "policy-rejected"},
                    {"note": content(cosigned(note, one, two)[:-1]), "code": "malformed-note"},
                    {"note": content(note.replace(b"\n7\n", b"\n8\n")), "code": "policy-rejected"},
                ],
            },
            {
                "name": "groups of groups",
                **reads(
                    nested,
                    witnesses=names,
                    groups={"inner": [1, "w0", "w1"], "outer": [2, "inner", "w2"]},
                    quorum="outer",
                ),
                "checks": [
                    {"note": content(cosigned(note, two, WITNESSES[2])), "witnesses": ["w1", "w2"]},
                    {"note": content(cosigned(note, one, two)), "code": "policy-rejected"},
                ],
            },
            {
                "name": "a witness of ML-DSA-44",
                **reads(policy_text(LOG_LINE, QUANTUM_LINE, "quorum none"), witnesses=["pq"], quorum=None),
            },
            {
                "name": "a name that is no UTF-8",
                "policy": content(
                    policy_text(LOG_LINE, WITNESS_LINES[0], "group g any w0", "quorum g")
                    .replace(" g", " \udcff")
                    .encode("utf-8", "surrogateescape")
                ),
                "reads": {"logs": [ORIGIN], "witnesses": ["w0"], "groups": None, "quorum": None},
            },
        ],
        "invalid": [
            malformed("no quorum", "exactly one line", policy_text(LOG_LINE)),
            malformed("two quorums", "exactly one line", policy_text(LOG_LINE, "quorum none", "quorum none")),
            malformed("an unknown quorum", "defined above", policy_text(LOG_LINE, "quorum w")),
            malformed(
                "an unknown word", "four words are known", policy_text(LOG_LINE, "trust all", "quorum none")
            ),
            malformed("words in capitals", "four words are known", policy_text(LOG_LINE, "Quorum none")),
            malformed("log twice", "each key once", policy_text(LOG_LINE, LOG_LINE, "quorum none")),
            malformed(
                "a witness as log", "type 0x01", policy_text(f"log {one.verifier.format()}", "quorum none")
            ),
            malformed(
                "a log as witness",
                "type 0x04 or 0x06",
                policy_text(f"witness w {LOG.verifier.format()}", "quorum w"),
            ),
            malformed(
                "a member not defined",
                "defined above",
                policy_text(LOG_LINE, group, WITNESS_LINES[0], "quorum g"),
            ),
            malformed(
                "a member of two groups",
                "of one only",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 1 w0", "group b 2 w0 w1", "quorum b"),
            ),
            malformed(
                "a threshold of 0",
                "1 at least",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 0 w0", "quorum a"),
            ),
            malformed(
                "a threshold too high",
                "no more than there are",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 2 w0", "quorum a"),
            ),
            malformed(
                "a threshold with a leading zero",
                "one value, one spelling",
                policy_text(LOG_LINE, *WITNESS_LINES, "group a 01 w0", "quorum a"),
            ),
            *(
                malformed(
                    f"a threshold called {word}",
                    "any, all or a decimal",
                    policy_text(LOG_LINE, *WITNESS_LINES, f"group a {word} w0 w1", "quorum a"),
                )
                for word in ("constructor", "toString", "__proto__", "Any", "2n", "0x1", "1e0")
            ),
            malformed(
                "a witness called none",
                "a free name",
                policy_text(LOG_LINE, WITNESS_LINES[0].replace("w0", "none")),
            ),
            malformed(
                "a name twice", "a free name", policy_text(LOG_LINE, WITNESS_LINES[0], WITNESS_LINES[0])
            ),
            malformed(
                "carriage returns", "no control character", policy_text(LOG_LINE + "\r", "quorum none\r")
            ),
            malformed("no last newline", "each line ends in one", policy_text(LOG_LINE, "quorum none")[:-1]),
            malformed("nothing", "a quorum at least", ""),
            malformed(
                "a key that is no UTF-8", "names of keys are", b"log a\xff+00000000+AQ==\nquorum none\n"
            ),
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


def envelopes() -> dict[str, list[Case]]:
    payload = '{"any": "bytes, tiếng Việt"}'.encode()
    envelope = seal(payload, [AGENCY])
    text = envelope.format().decode()
    key = {"raw": AGENCY.public.raw.hex(), "keyid": AGENCY.public.keyid}
    document = json.loads(text)
    line = document["signatures"][0]
    stranger = {"keyid": "00" * 32, "sig": "AAAA"}

    def written(**changed: Any) -> str:
        return json.dumps({**document, **changed}, ensure_ascii=False)

    def good(name: str, text: str) -> Case:
        return {"name": name, "key": key, "envelope": text, "payload": b64(payload)}

    def malformed(name: str, why: str, text: str) -> Case:
        return bad(name, why, "malformed-envelope", key=key, envelope=text)

    def rejected(name: str, why: str, text: str) -> Case:
        return bad(name, why, "envelope-rejected", key=key, envelope=text)

    url = line["sig"].replace("+", "-").replace("/", "_")
    spoilt = b64(flip(b64decode(line["sig"])))
    return {
        "valid": [
            good("canonical", text),
            good("written in another way", json.dumps(document, indent=3)),
            good("no hint", written(signatures=[{"sig": line["sig"]}])),
            good("an empty hint", written(signatures=[{"keyid": "", "sig": line["sig"]}])),
            good("the other alphabet", written(signatures=[{**line, "sig": url}])),
            good("another's signature beside", written(signatures=[stranger, line])),
        ],
        "invalid": [
            malformed("no signature", "one at least", written(signatures=[])),
            malformed("17 signatures", "16 at most", written(signatures=[line] * 17)),
            malformed("another payload type", IN_TOTO, written(payloadType="text/plain")),
            malformed("a name nobody knows", "three names", written(note="")),
            malformed("a name twice", "two readers could differ", text.replace("{", '{"payload":"",', 1)),
            malformed("payload without padding", "padded", written(payload=document["payload"].rstrip("="))),
            malformed("payload with stray bits", "one value, one spelling", written(payload="AAF=")),
            malformed("payload of both alphabets", "one of the two", written(payload="+_==")),
            malformed("payload no text", "base64", written(payload=7)),
            malformed(
                "a hint of 129 characters", "128 at most", written(signatures=[{**line, "keyid": "a" * 129}])
            ),
            malformed("not an object", "an object", "[]"),
            malformed("two values", "one", text + "{}"),
            malformed("a byte-order mark", "none", "\ufeff" + text),
            rejected("signed by another", "not its key", written(signatures=[stranger])),
            rejected("one bit of the signature", "another", written(signatures=[{**line, "sig": spoilt}])),
            rejected(
                "a bad line of the key beside its good one",
                "a named key's line must verify",
                written(signatures=[line, {**line, "sig": spoilt}]),
            ),
            rejected("another payload", "it is signed", written(payload=b64(payload + b" "))),
            rejected("a signature cut short", "64 bytes", written(signatures=[{**line, "sig": "AAAA"}])),
        ],
    }


def kept_signature() -> bytes | None:
    """The ML-DSA-44 signature in the tree, if there is one."""
    path = HERE / "cosignatures.json"
    if not path.exists():
        return None
    cases = json.loads(path.read_bytes())["valid"]
    return next((b64decode(c["payload"]) for c in cases if c["name"] == "ML-DSA-44"), None)


FORMATS: dict[str, Callable[[], dict[str, list[Case]]]] = {
    "notes": notes,
    "checkpoints": checkpoints,
    "inclusion": inclusions,
    "consistency": consistencies,
    "cosignatures": lambda: cosignatures(kept_signature()),
    "policies": policies,
    "tlog_proofs": tlog_proofs,
    "tiles": tiles,
    "bundles": bundles,
    "envelopes": envelopes,
}


def vectors() -> dict[str, bytes]:
    """Return every file of the vectors by name."""
    return {
        f"{name}.json": json.dumps({"schema": SCHEMA, **make()}, ensure_ascii=False, indent=1).encode()
        + b"\n"
        for name, make in FORMATS.items()
    }


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, data in vectors().items():
        (HERE / name).write_bytes(data)
