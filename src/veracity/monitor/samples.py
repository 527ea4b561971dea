"""Records of new batches, chosen at random, made again from their receipts: the cleaning is run here.

The choice is made after the log has signed, from randomness that it cannot know, so it cannot have
prepared the records that will be looked at.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from veracity.errors import Malformed, Rejected
from veracity.log.checkpoints import parse_checkpoint
from veracity.log.doors import Objects
from veracity.log.errors import LogError, ObjectMissing, StoreUnavailable
from veracity.log.merkle import leaf_hash
from veracity.log.notes import parse_note
from veracity.log.policy import Policy
from veracity.log.reader import LogReader
from veracity.monitor.comparing import fork
from veracity.monitor.findings import Finding
from veracity.monitor.report import Samples
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.receipts import Receipt, parse_receipt
from veracity.provenance.statements import Ingest, Typed
from veracity.verifying import verify

MAX_PROBLEMS = 3


@dataclass(frozen=True)
class Pick:
    """A record of a batch, and the entry that states the batch."""

    feed: str
    batch: int
    record: int
    index: int
    leaf: bytes

    @property
    def path(self) -> str:
        """Where its receipt is served."""
        return f"receipts/{self.feed}/{self.batch}/{self.record}"

    @property
    def where(self) -> str:
        """Its name in a finding."""
        return f"{self.feed} record {self.batch}:{self.record}"


class ReceiptSampler:
    """Keeps ``n`` records of all that was seen, each equally likely, then asks for their receipts.

    Parameters
    ----------
    receipts
        The server's receipts.
    told
        Takes what should be known and is no finding.
    """

    def __init__(
        self, receipts: Objects, policy: Policy, n: int, seed: int, told: Callable[[str], None]
    ) -> None:
        self._receipts, self._policy, self._told = receipts, policy, told
        self._seed, self._rng = seed, random.Random(seed)  # noqa: S311 - a choice, no secret
        self._n_seen = 0
        self._picks: list[Pick | None] = [None] * n

    def see(self, index: int, entry: bytes, said: Typed | None) -> None:
        """Take note of a new batch: each place is taken over with the batch's share of all records."""
        if not isinstance(said, Ingest) or said.counts.accepted + said.counts.quarantined == 0:
            return
        n_records = said.part.n_records
        self._n_seen += n_records
        for at in range(len(self._picks)):
            chosen = self._rng.randrange(self._n_seen)
            if chosen < n_records:
                self._picks[at] = Pick(said.feed, said.batch, chosen, index, leaf_hash(entry))

    def check(self, reader: LogReader, samples: Samples) -> list[Finding]:
        """Ask for the receipts of the records chosen and verify each; StoreUnavailable never leaves here."""
        samples.seed = self._seed
        found: list[Finding] = []
        n_told = 0
        for pick in dict.fromkeys(p for p in self._picks if p is not None):
            try:
                receipt = parse_receipt(self._receipts.get(pick.path))
                _check(receipt, pick, reader, self._policy)
                samples.n_good += 1
            except (ObjectMissing, StoreUnavailable) as exc:
                samples.n_not_had += 1
                n_told += 1
                if n_told <= MAX_PROBLEMS:
                    self._told(f"no receipt of {pick.where}: {exc}")
            except (Malformed, Rejected) as exc:
                samples.n_bad += 1
                detail = f"want a receipt that verifies, got: {exc}"
                found.append(Finding("receipt-rejected", pick.where, detail, is_lasting=True))
        self._picks = [None] * len(self._picks)
        self._n_seen = 0
        return found


def _check(receipt: Receipt, pick: Pick, reader: LogReader, policy: Policy) -> None:
    """Verify a receipt, that it is the one asked for, and that it is under the tree that we are shown."""
    stated, record = receipt.stated, receipt.record
    got = (stated.index, None if record is None else (record.batch, record.record))
    if got != (pick.index, (pick.batch, pick.record)) or leaf_hash(stated.entry) != pick.leaf:
        raise ReceiptRejected("asked for", f"want {pick.where} by entry {pick.index}, got another")
    verify(receipt, policy)
    note = stated.proof.checkpoint_note
    seen = parse_checkpoint(parse_note(note).text)
    if seen.size > reader.size:
        return  # newer than what we are shown; the next round holds the larger against this one
    try:
        proof = fork(reader, note, seen, f"in the receipt of {pick.where}")
    except StoreUnavailable:
        raise
    except LogError as exc:
        raise ReceiptRejected(
            "checkpoint", f"want one of the tree shown, which cannot be seen: {exc}"
        ) from exc
    if proof is not None:
        raise ReceiptRejected("checkpoint", f"want one of the tree shown, got another of size {seen.size}")
