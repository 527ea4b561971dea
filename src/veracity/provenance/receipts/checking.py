"""What the steps of a verification have in common: naming the one that fails, and proofs of entries."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from veracity.canonical import canonical_json
from veracity.errors import Malformed, Rejected
from veracity.log.cosignatures import cosignature_time
from veracity.log.merkle import leaf_hash, verify_inclusion
from veracity.log.notes import parse_note
from veracity.log.policy import Accepted, Policy
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.receipts.receipt import ProvenEntry, Value

_END_OF_TIME = 253_402_300_800  # the year 10000, in seconds since 1970


def quorum_time(note: bytes, policy: Policy) -> datetime | None:
    """Return by when the quorum had cosigned a note that the policy accepts; None if it asks for none.

    The time is the last that the first witnesses to be a quorum say: fewer cannot make it earlier.
    """
    if policy.quorum is None:
        return None
    names = {(v.name, v.key_id): name for name, v in policy.witnesses.items()}
    signed = [s for s in parse_note(note).signatures if (s.name, s.key_id) in names]
    cosigned: set[str] = set()
    for time_s, name in sorted((cosignature_time(s.payload), names[s.name, s.key_id]) for s in signed):
        cosigned.add(name)
        if policy.is_quorum(cosigned):
            return datetime.fromtimestamp(time_s, UTC) if 0 < time_s < _END_OF_TIME else None
    return None


def check_included(stated: ProvenEntry, accepted: Accepted) -> None:
    """Return if an entry is at its index in the tree of the checkpoint, else raise InclusionRejected."""
    tree = accepted.checkpoint
    verify_inclusion(leaf_hash(stated.entry), stated.index, tree.size, stated.proof.path, tree.root)


def check_claimed(row: Mapping[str, Value], found: Sequence[Mapping[str, Any]]) -> None:
    """Check that the row claimed is one of those the record gives."""
    claimed = canonical_json(dict(row))
    if any(canonical_json(dict(other)) == claimed for other in found):
        return
    if len(found) != 1:
        raise ReceiptRejected("row", f"row: want one of the record's {len(found)} clean rows, got another")
    (other,) = found
    for name in sorted(set(row) | set(other)):
        want, got = other.get(name, "no such column"), row.get(name, "no such column")
        if canonical_json(want) != canonical_json(got):
            raise ReceiptRejected("row", f"{name[:64]!r}: want {str(want)[:60]!r}, got {str(got)[:60]!r}")


@contextmanager
def step(name: str) -> Iterator[None]:
    """Turn any of our errors into ReceiptRejected with the step's name."""
    try:
        yield
    except ReceiptRejected:
        raise
    except (Malformed, Rejected) as exc:
        raise ReceiptRejected(name, str(exc)) from exc
