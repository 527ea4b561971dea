"""The keys a witness may have: Ed25519 ``cosignature/v1`` or ML-DSA-44 ``subtree/v1``."""

from veracity.log.cosignatures import CosignatureVerifier, Cosigner
from veracity.log.errors import MalformedKey
from veracity.log.keys import COSIGNATURE, SUBTREE_COSIGNATURE, parse_private_key, parse_vkey
from veracity.log.subtree_cosignatures import SubtreeCosigner, SubtreeVerifier

WitnessVerifier = CosignatureVerifier | SubtreeVerifier
WitnessCosigner = Cosigner | SubtreeCosigner


def parse_witness_vkey(vkey: str) -> WitnessVerifier:
    """Read a witness's vkey; MalformedKey if its type is neither 0x04 nor 0x06."""
    identity = parse_vkey(vkey)
    if identity.kind == COSIGNATURE:
        return CosignatureVerifier(identity.name, identity.public_key)
    if identity.kind == SUBTREE_COSIGNATURE:
        return SubtreeVerifier(identity.name, identity.public_key)
    raise MalformedKey(f"witness key of {identity.name}: want type 0x04 or 0x06, got 0x{identity.kind:02x}")


def parse_witness_key(text: str) -> WitnessCosigner:
    """Read a witness's private key, of either type."""
    name, kind, _, _ = parse_private_key(text)
    if kind == COSIGNATURE:
        return Cosigner.parse(text)
    if kind == SUBTREE_COSIGNATURE:
        return SubtreeCosigner.parse(text)
    raise MalformedKey(f"private key of {name}: want type 0x04 or 0x06, got 0x{kind:02x}")
