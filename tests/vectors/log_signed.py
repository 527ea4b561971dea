"""Vectors of what is signed: notes, checkpoints, cosignatures, envelopes."""

import json
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from log_world import (
    AGENCY,
    HERE,
    LOG,
    ORIGIN,
    OTHER,
    QUANTUM,
    TIME_S,
    WITNESSES,
    Case,
    b64,
    bad,
    content,
    flip,
    tree,
)

from veracity.log.checkpoints import Checkpoint
from veracity.log.errors import SignatureRejected
from veracity.log.merkle import EMPTY_ROOT
from veracity.log.notes import Signature, Signer, sign_note
from veracity.provenance.dsse import IN_TOTO, seal


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
