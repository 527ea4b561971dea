"""Check the vectors of signed messages, knowing the format from ``docs/device-messages.md`` alone.

Nothing of Veracity is imported: SHA-256 from hashlib, Ed25519 from cryptography, Zstandard from its
library. ``python tests/vectors/check_messages.py``
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_root(leaves[:k]) + tree_root(leaves[k:])).digest()


def records_of(body: bytes, kind: str) -> list[bytes]:
    """The records of a body, without line ends; an array's items as they stand."""
    text = body.strip(b" \t\r\n")
    if kind == "ndjson" and text.startswith(b"["):
        items: list[bytes] = []
        decoder, inner, at = json.JSONDecoder(), text.decode("utf-8"), 1
        while True:
            while inner[at] in " \t,":
                at += 1
            if inner[at] == "]":
                return items
            _, end = decoder.raw_decode(inner, at)
            items.append(inner[at:end].encode("utf-8"))
            at = end
    return [line.rstrip(b"\r") for line in text.split(b"\n") if line.strip()]


def holds(vector: dict[str, Any]) -> bool:
    """Whether a message is signed by its device, for its feed."""
    head, _, body = base64.b64decode(vector["message"]).partition(b"\n")
    magic, keyid, signature, *how = head.split(b" ")
    assert magic == b"veracity-message/v1"
    if how == [b"zstd"]:
        body = zstandard.ZstdDecompressor().decompress(body, max_output_size=1 << 20)
    records = records_of(body, vector["kind"])
    assert [r.decode() for r in records] == vector["records"]
    root = tree_root([hashlib.sha256(b"\x00" + r).digest() for r in records])
    assert root.hex() == vector["root"]
    raw = base64.b64decode(vector["public_key"].removeprefix("ed25519:"))
    if keyid.decode() != hashlib.sha256(raw).hexdigest():
        return False
    lines = ("veracity-message/v1", vector["feed"], vector["device"], str(len(records)), root.hex())
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(
            base64.b64decode(signature), "".join(f"{line}\n" for line in lines).encode()
        )
    except InvalidSignature:
        return False
    return True


def check(path: Path) -> list[str]:
    """Return the names of the vectors that are not as they say."""
    vectors = json.loads(path.read_text(encoding="utf-8"))["vectors"]
    return [v["name"] for v in vectors if holds(v) != v["holds"]]


if __name__ == "__main__":
    wrong = check(Path(__file__).parent / "messages" / "signed.json")
    sys.stdout.write(f"{wrong or 'all as they say'}\n")
    sys.exit(bool(wrong))
