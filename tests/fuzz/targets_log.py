"""Fuzz targets of ``log``: every text and file of a log that others may hand us."""

import struct

from artefacts import CHECKPOINT, COSIGNED, ENTRIES, LEAVES, NOTE, POLICY, PROOF, PROOF_AT, ROOTS, TIMES
from fuzzing import edited, promise, same, target
from log_fakes import SIGNER

from veracity.log.bundles import Bundle, format_bundle, parse_bundle
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.cosignatures import CosignatureVerifier, Cosigner, cosignature_time
from veracity.log.errors import MalformedKey
from veracity.log.keys import format_vkey, parse_vkey
from veracity.log.merkle import consistency_path, inclusion_path, verify_consistency, verify_inclusion
from veracity.log.notes import Signer, open_note, parse_note
from veracity.log.pending import format_pending, parse_pending
from veracity.log.policy import format_policy, parse_policy
from veracity.log.reader import open_checkpoint
from veracity.log.tiles import Tile, split_tile
from veracity.log.tlog_proof import TlogProof


def text_of(data: bytes) -> str:
    """Any text a caller may have: bytes that are not UTF-8 stay as half characters."""
    return data.decode("utf-8", "surrogateescape")


@target()
def note(data: bytes) -> None:
    """A note has one spelling."""
    same("note", parse_note(data).format(), data)


@target()
def checkpoint(data: bytes) -> None:
    """A checkpoint's text has one spelling."""
    text = text_of(data)
    same("checkpoint", parse_checkpoint(text).format(), text)


@target()
def signed_checkpoint(data: bytes) -> None:
    """A changed checkpoint under the log's key is refused, or says the same."""
    same("checkpoint", open_checkpoint(edited(NOTE, data), SIGNER.verifier), CHECKPOINT)


@target()
def vkey(data: bytes) -> None:
    """A verifier key has one spelling."""
    text = text_of(data)
    same("vkey", format_vkey(parse_vkey(text)), text)
    with promise("a vkey names a key of one of two types"):
        try:
            CosignatureVerifier.parse(text)
        except MalformedKey:
            same("vkey", parse_vkey(text).kind, SIGNER.verifier.identity.kind)


@target()
def log_private_key(data: bytes) -> None:
    """A log's private key has one spelling, but for the newlines of its file."""
    text = text_of(data)
    same("private key", Signer.parse(text).format(), text.strip("\n"))


@target()
def witness_private_key(data: bytes) -> None:
    """A witness's private key has one spelling, but for the newlines of its file."""
    text = text_of(data)
    same("private key", Cosigner.parse(text).format(), text.strip("\n"))


@target()
def cosigned_checkpoint(data: bytes) -> None:
    """A changed cosigned checkpoint meets the policy only with the same tree and the same times."""
    body = edited(COSIGNED, data)
    accepted = POLICY.check(body)
    same("checkpoint", accepted.checkpoint, CHECKPOINT)
    same("witnesses", accepted.witnesses, ("w1", "w2"))
    verified = open_note(body, [POLICY.witnesses[name] for name in accepted.witnesses]).verified
    same("times", sorted(cosignature_time(s.payload) for s in verified), TIMES[:2])


@target()
def tlog_proof(data: bytes) -> None:
    """A proof has one spelling."""
    same("proof", TlogProof.parse(data).format().encode(), data)


@target()
def verified_proof(data: bytes) -> None:
    """A changed proof does not verify, or proves the same entry at the same place in the same tree."""
    proof = TlogProof.parse(edited(PROOF, data))
    accepted = proof.verify(ENTRIES[PROOF_AT], POLICY)
    same("index and tree", (proof.index, accepted.checkpoint), (PROOF_AT, CHECKPOINT))


@target()
def inclusion(data: bytes) -> None:
    """Only the one path of an entry at its own index leads to the root."""
    index, claimed, size = struct.unpack(">BQQ", data[:17].ljust(17, b"\0"))
    index %= len(LEAVES)
    path = [data[i : i + 32] for i in range(17, len(data), 32)]
    verify_inclusion(LEAVES[index], claimed, len(LEAVES), path, ROOTS[-1])
    same("index and path", (claimed, path), (index, inclusion_path(LEAVES, index)))
    verify_inclusion(LEAVES[index], claimed, size, path, ROOTS[-1])  # a size that no checkpoint gave


@target()
def consistency(data: bytes) -> None:
    """Only a root that the log had leads to the root it has."""
    old, new = struct.unpack(">QB", data[:9].ljust(9, b"\0"))
    new %= len(ROOTS)
    hashes = [data[i : i + 32] for i in range(9, len(data), 32)]
    old_root, path = hashes[0] if hashes else ROOTS[0], hashes[1:]
    verify_consistency(old, new, path, old_root, ROOTS[new])
    same("old root and path", (old_root, path), (ROOTS[old], consistency_path(LEAVES[:new], old)))


@target()
def policy(data: bytes) -> None:
    """A policy is read back as it was, from the text that is written of it."""
    parsed = parse_policy(data)
    with promise("a policy can be written and read back"):
        same("policy", parse_policy(format_policy(parsed)), parsed)


@target(max_bytes=160)
def tile_path(data: bytes) -> None:
    """A tile's path has one spelling."""
    same("path", Tile.parse(text_of(data)).path, text_of(data))


@target(max_bytes=160)
def bundle_path(data: bytes) -> None:
    """A bundle's path has one spelling."""
    same("path", Bundle.parse(text_of(data)).path, text_of(data))


@target(max_bytes=8_200)
def tile(data: bytes) -> None:
    """A tile's content is its hashes and nothing else; the first byte is its width."""
    hashes = split_tile(Tile(0, 0, data[0] + 1 if data else 1), data[1:])
    same("tile", b"".join(hashes), data[1:])


@target()
def bundle(data: bytes) -> None:
    """A bundle's content is its entries and nothing else; the first byte is its width."""
    entries = parse_bundle(Bundle(0, data[0] + 1 if data else 1), data[1:])
    same("bundle", format_bundle(entries), data[1:])


@target()
def pending(data: bytes) -> None:
    """What a state keeps pending is read back as it was written, or refused."""
    same("pending", format_pending(parse_pending(data)), data)
