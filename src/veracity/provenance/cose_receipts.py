"""COSE Receipts (RFC 9942): that an entry is in the log, or that the log grew, for software of that world.

A receipt is a COSE_Sign1 by the log's key. What it signs is the tree's root and is not in it: a reader
works it out from the entry and the path. The two wrappers around a path are easily lost::

    396: {-1: [ bstr .cbor [tree size, leaf index, [+ hash]] ]}     the entry is in the tree
    396: {-2: [ bstr .cbor [old size, new size, [+ hash]] ]}        the tree grew

The leaf is the one of our log, ``SHA-256(0x00 || entry)``, and an entry is the bytes of a DSSE envelope. A
Transparent Statement of SCITT (RFC 9943) has those bytes as its payload, and the receipt in header
394. So the receipt is of the payload, not of the COSE message around it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veracity.log.checkpoints import Checkpoint
from veracity.log.errors import ConsistencyRejected, InclusionRejected
from veracity.log.merkle import (
    HASH_BYTES,
    MAX_PATH,
    consistency_root,
    inclusion_root,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from veracity.log.notes import Verifier
from veracity.log.text import MAX_INTEGER
from veracity.provenance.cose import (
    ALG,
    CONTENT_TYPE,
    CWT_CLAIMS,
    ISSUER,
    KID,
    SUBJECT,
    Sign,
    Sign1,
    check_labels,
    decode,
    encode,
    is_array,
    parse_sign1,
    sign1,
)
from veracity.provenance.errors import CoseRejected, MalformedCose, NotExpressible
from veracity.provenance.keys import PublicKey

RECEIPTS, VDS, VDP = 394, 395, 396
RFC9162_SHA256 = 1
INCLUSION, CONSISTENCY = -1, -2
ENVELOPE_TYPE = "application/vnd.dsse.envelope.v1+json"


@dataclass(frozen=True)
class CoseReceipt:
    """What a verified receipt shows: the entry is number ``index`` of ``size`` under ``root`` (32 bytes)."""

    issuer: str
    subject: str
    size: int
    index: int
    root: bytes


@dataclass(frozen=True)
class CoseStatement:
    """A statement as parsed: the log entry it carries, and its receipt. Nothing is verified yet."""

    message: Sign1
    entry: bytes
    receipt: bytes

    def verify(self, key: PublicKey) -> None:
        """Return if ``key`` signed the statement, else raise CoseRejected. The receipt is another matter."""
        self.message.verify(self.entry, bytes.fromhex(key.keyid), key.raw)


def inclusion_receipt(
    entry: bytes, tree: Checkpoint, index: int, path: Sequence[bytes], log: Verifier, sign: Sign, subject: str
) -> bytes:
    """Return the receipt that ``entry`` is number ``index`` of ``tree``.

    Parameters
    ----------
    tree
        One that the log has signed already: the caller vouches for that, as this signs its root again.
    log, sign
        The log's key: what names it, and what makes its signatures.
    subject
        What the entry is about; a statement around it says the same.

    Raises
    ------
    NotExpressible
        For the tree of one entry: its path is empty, and the format wants one hash or more.
    InclusionRejected
        If the entry is not in the tree.
    """
    verify_inclusion(leaf_hash(entry), index, tree.size, path, tree.root)
    return _receipt(INCLUSION, [tree.size, index, list(path)], tree, log, sign, subject)


def consistency_receipt(
    old: Checkpoint, new: Checkpoint, path: Sequence[bytes], log: Verifier, sign: Sign
) -> bytes:
    """Return the receipt that ``new`` begins with ``old``, both trees that the log has signed.

    Raises
    ------
    NotExpressible
        From an empty tree and between equal ones: their path is empty.
    ConsistencyRejected
        If it does not.
    """
    verify_consistency(old.size, new.size, path, old.root, new.root)
    return _receipt(CONSISTENCY, [old.size, new.size, list(path)], new, log, sign, new.origin)


def _receipt(kind: int, proof: list[Any], tree: Checkpoint, log: Verifier, sign: Sign, subject: str) -> bytes:
    if not proof[2]:
        raise NotExpressible(
            f"COSE receipt: want a path of one hash or more (RFC 9942), got none in a tree of {tree.size}"
        )
    claims = {ISSUER: tree.origin, SUBJECT: subject}
    protected = {KID: log.key_id, CWT_CLAIMS: claims, VDS: RFC9162_SHA256}
    return sign1(tree.root, protected, {VDP: {kind: [encode(proof)]}}, sign, detached=True)


def transparent_statement(
    entry: bytes, receipt: bytes, key: PublicKey, sign: Sign, issuer: str, subject: str
) -> bytes:
    """Wrap a log entry and its receipt as a Transparent Statement of SCITT, signed by ``key``."""
    claims = {ISSUER: issuer, SUBJECT: subject}
    protected = {CONTENT_TYPE: ENVELOPE_TYPE, KID: bytes.fromhex(key.keyid), CWT_CLAIMS: claims}
    return sign1(entry, protected, {RECEIPTS: [receipt]}, sign)


def verify_inclusion_receipt(data: bytes, entry: bytes, log: Verifier) -> CoseReceipt:
    """Verify that the log says ``entry`` is one of its entries.

    Raises
    ------
    MalformedCose
        If it is no receipt in the one encoding that is written here.
    CoseRejected
        If the proof or the signature fails, or another log issued it.
    """
    message, size, index, path = _open(data, INCLUSION, log)
    try:
        root = inclusion_root(leaf_hash(entry), index, size, path)
    except InclusionRejected as exc:
        raise CoseRejected(f"receipt: {exc}") from exc
    message.verify(root, log.key_id, log.public_key)
    return CoseReceipt(message.issuer, message.subject, size, index, root)


def verify_consistency_receipt(data: bytes, old: Checkpoint, log: Verifier) -> Checkpoint:
    """Verify that the log says one of its trees begins with ``old``, and return it; errors as above."""
    message, old_size, new_size, path = _open(data, CONSISTENCY, log)
    if old_size != old.size:
        raise CoseRejected(f"receipt: want growth from size {old.size}, got from {old_size}")
    try:
        root = consistency_root(old.size, new_size, path, old.root)
    except ConsistencyRejected as exc:
        raise CoseRejected(f"receipt: {exc}") from exc
    message.verify(root, log.key_id, log.public_key)
    return Checkpoint(message.issuer, new_size, root)


def receipt_kind(data: bytes) -> int | None:
    """Say what a message claims to be: a receipt of INCLUSION or CONSISTENCY; None for anything else.

    Raises
    ------
    MalformedCose
        If it is no message at all.
    """
    message = parse_sign1(data)
    proofs = message.unprotected.get(VDP) if VDS in message.protected else None
    if not isinstance(proofs, Mapping):
        return None
    return next((kind for kind in (INCLUSION, CONSISTENCY) if set(proofs) == {kind}), None)


def parse_statement(data: bytes) -> CoseStatement:
    """Parse a Transparent Statement with one receipt; MalformedCose if it is none."""
    message = parse_sign1(data)
    check_labels("protected header", message.protected, {ALG, CONTENT_TYPE, KID, CWT_CLAIMS})
    check_labels("unprotected header", message.unprotected, {RECEIPTS})
    receipts = message.unprotected[RECEIPTS]
    if message.protected[CONTENT_TYPE] != ENVELOPE_TYPE or message.payload is None:
        raise MalformedCose(f"statement: want a payload of {ENVELOPE_TYPE}, got another")
    if not is_array(receipts, 1) or not isinstance(receipts[0], bytes):
        raise MalformedCose("statement: want one receipt, got another number or none of bytes")
    return CoseStatement(message, message.payload, receipts[0])


def _open(data: bytes, kind: int, log: Verifier) -> tuple[Sign1, int, int, tuple[bytes, ...]]:
    """Parse a receipt and its one proof: two numbers and the path."""
    message = parse_sign1(data)
    check_labels("protected header", message.protected, {ALG, KID, CWT_CLAIMS, VDS})
    check_labels("unprotected header", message.unprotected, {VDP})
    if message.protected[VDS] != RFC9162_SHA256:
        raise MalformedCose(
            f"receipt: want the tree {RFC9162_SHA256}, got {str(message.protected[VDS])[:20]}"
        )
    if message.payload is not None:
        raise MalformedCose("receipt: want a detached payload, got one that nothing ties to the entry")
    proofs = message.unprotected[VDP]
    if not hasattr(proofs, "items") or set(proofs) != {kind} or not is_array(proofs[kind], 1):
        raise MalformedCose(f"receipt: want one proof of kind {kind}, got others")
    (wrapped,) = proofs[kind]
    proof = decode("proof", wrapped) if isinstance(wrapped, bytes) else None
    if not is_array(proof, 3) or not all(map(_is_size, proof[:2])):
        raise MalformedCose("proof: want [size, number, path], wrapped in bytes, got another")
    first, second, path = proof
    if not isinstance(path, list | tuple) or not 0 < len(path) <= MAX_PATH:
        raise MalformedCose(f"proof: want a path of 1 to {MAX_PATH} hashes, got another")
    if not all(isinstance(value, bytes) and len(value) == HASH_BYTES for value in path):
        raise MalformedCose(f"proof: want hashes of {HASH_BYTES} bytes, got others")
    if message.issuer != log.name:
        raise CoseRejected(f"issuer: want {log.name}, got {message.issuer[:80]!r}")
    return message, first, second, tuple(path)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER
