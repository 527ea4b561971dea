"""One feed: its contracts, and the chain of its batches."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, get_type_hints

from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.contradictions.remembered import Remembered
from veracity.provenance.plain import check_plain
from veracity.provenance.statements import Ingest, Reject, SealedContract

MAX_VERSIONS = 256
MAX_ASIDE = 4_096


@dataclass
class FeedSoFar:
    """What the log has said of one feed.

    Attributes
    ----------
    contract, stated_at
        The digest in force, and the entry that put it there.
    versions, replaced
        Digests by version; entries by digests that are in force no more.
    table_version
        Of the last batch with rows: each commits one.
    state_after, is_judged
        What the rules remember, as the last batch says; whether any batch said how it was judged.
    aside
        Of the newest batches with quarantined rows: how many.
    n_aside, n_decided
        Rows set aside, and rows that a person has decided on, in all.
    """

    contract: str | None = None
    agency: str | None = None
    signature: str = "optional"
    simulated: bool = False
    stated_at: int | None = None
    next_batch: int = 0
    last_index: int | None = None
    received_at: str | None = None
    table_version: int = 0
    state_after: str | None = None
    is_judged: bool = False
    n_aside: int = 0
    n_decided: int = 0
    versions: Remembered[str] = field(default_factory=lambda: Remembered(MAX_VERSIONS, str))
    replaced: Remembered[int] = field(default_factory=lambda: Remembered(MAX_VERSIONS, int))
    aside: Remembered[int] = field(default_factory=lambda: Remembered(MAX_ASIDE, int))

    @classmethod
    def from_object(cls, value: dict[str, Any]) -> "FeedSoFar":
        """Read plain JSON back."""
        lists = {"versions": (MAX_VERSIONS, str), "replaced": (MAX_VERSIONS, int), "aside": (MAX_ASIDE, int)}
        plain = get_type_hints(cls)
        read: dict[str, Any] = {
            name: Remembered(*lists[name], v) if name in lists else check_plain(v, plain[name])
            for name, v in value.items()
        }
        if read["received_at"] is not None:
            datetime.fromisoformat(read["received_at"])
        return cls(**read)

    def to_object(self) -> dict[str, Any]:
        """Return plain JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {n: v.to_object() if isinstance(v, Remembered) else v for n, v in values.items()}

    def add_contract(self, index: int, said: SealedContract) -> Iterator[Contradiction]:
        """Put a contract in force."""
        stated = self.versions.get(said.version)
        if stated not in (None, said.sha256):
            detail = f"version {said.version}: want {str(stated)[:16]} as stated, got {said.sha256[:16]}"
            yield Contradiction("contract-version", detail, self.stated_at)
        if said.sha256 in self.replaced:
            detail = f"want a contract never replaced, got {said.sha256[:16]} again"
            yield Contradiction("contract-returns", detail, self.replaced.get(said.sha256))
        if self.contract is not None and self.stated_at is not None and self.contract != said.sha256:
            self.replaced.set(self.contract, self.stated_at)
        self.versions.set(said.version, said.sha256)
        self.contract, self.stated_at = said.sha256, index
        self.agency, self.signature, self.simulated = said.agency, said.signature, said.simulated

    def add_batch(self, index: int, ingest: Ingest) -> Iterator[Contradiction]:
        """Take in the next batch. One that repeats a number is told, and changes nothing else."""
        yield from self._check_contract(ingest)
        if ingest.batch < self.next_batch:
            detail = f"want batch {self.next_batch} of {ingest.feed} next, got {ingest.batch} again"
            yield Contradiction("batch-repeated", detail, self.last_index)
            return
        if ingest.batch > self.next_batch:
            detail = f"want batch {self.next_batch} of {ingest.feed} next, got {ingest.batch}"
            yield Contradiction("batch-skipped", detail, self.last_index)
        yield from self._check_time(ingest)
        yield from self._check_table(ingest)
        yield from self._check_state(ingest)
        yield from self._check_released(ingest)
        quarantined = ingest.counts.quarantined
        if quarantined:
            self.n_aside += quarantined
            self.aside.set(str(ingest.batch), quarantined)
        self.next_batch, self.last_index = ingest.batch + 1, index

    def add_rejection(self, said: Reject) -> Iterator[Contradiction]:
        """Take in rows that stay out."""
        yield from self._check_decided(said.batches, said.rows.rows, "rejected")
        if said.simulated != self.simulated:
            yield Contradiction("simulated", f"want {self.simulated} as the contract says", self.stated_at)

    def _check_contract(self, ingest: Ingest) -> Iterator[Contradiction]:
        if self.contract is None:
            yield Contradiction("no-contract", f"want a contract of {ingest.feed} stated before, got none")
            return
        if ingest.contract_sha256 != self.contract:
            detail = f"want contract {self.contract[:16]}, in force, got {ingest.contract_sha256[:16]}"
            yield Contradiction("contract-not-in-force", detail, self.stated_at)
        elif ingest.simulated != self.simulated:
            detail = f"simulated: want {self.simulated} as the contract says, got {ingest.simulated}"
            yield Contradiction("simulated", detail, self.stated_at)
        unsigned = not ingest.is_signed and ingest.released is None
        if self.signature == "required" and unsigned and not refused_whole(ingest):
            what = "one" if ingest.messages is None else "every message"
            yield Contradiction("delivery", f"want {what} signed by {self.agency}, got none", self.stated_at)

    def _check_time(self, ingest: Ingest) -> Iterator[Contradiction]:
        if self.received_at is not None and _time(ingest.received_at) < _time(self.received_at):
            detail = f"received at: want {self.received_at} or later, got {ingest.received_at}"
            yield Contradiction("received-backwards", detail, self.last_index)
        else:
            self.received_at = ingest.received_at
        if ingest.event_time is not None and _time(ingest.event_time[0]) > _time(ingest.event_time[1]):
            yield Contradiction("event-time", "want a first that is not after the last, got one that is")

    def _check_table(self, ingest: Ingest) -> Iterator[Contradiction]:
        if ingest.table is None:
            return
        if ingest.table.version != self.table_version + 1:
            detail = f"table: want version {self.table_version + 1}, got {ingest.table.version}"
            yield Contradiction("table-version", detail, self.last_index)
        self.table_version = ingest.table.version

    def _check_state(self, ingest: Ingest) -> Iterator[Contradiction]:
        if ingest.checks is None:
            if self.is_judged:
                detail = "want how the batch was judged, as batches before it say, got none"
                yield Contradiction("state-broken", detail, self.last_index)
            self.state_after = None
            return
        self.is_judged = True
        if ingest.checks.state_before != self.state_after:
            want, got = str(self.state_after)[:16], str(ingest.checks.state_before)[:16]
            detail = f"state before: want {want}, as the batch before left it, got {got}"
            yield Contradiction("state-broken", detail, self.last_index)
        self.state_after = ingest.checks.state_after

    def _check_released(self, ingest: Ingest) -> Iterator[Contradiction]:
        if ingest.released is not None:
            yield from self._check_decided(ingest.released.batches, ingest.counts.received, "released")

    def _check_decided(self, batches: tuple[int, ...], n_rows: int, verb: str) -> Iterator[Contradiction]:
        """Check that rows decided on were set aside: the batches exist, and not more rows than wait there."""
        for batch in batches:
            known = str(batch) in self.aside
            if batch >= self.next_batch or (not known and not self.aside.is_full):
                detail = f"{verb}: want rows set aside before, got some of batch {batch}, which has none such"
                yield Contradiction("not-set-aside", detail, self.last_index)
                break
        self.n_decided += n_rows
        if self.n_decided > self.n_aside:
            detail = (
                f"{verb}: want at most the {self.n_aside} rows set aside, got {self.n_decided} decided on"
            )
            yield Contradiction("not-set-aside", detail, self.last_index)


def refused_whole(ingest: Ingest) -> bool:
    """Tell whether a batch is the record of a file of which nothing was taken in."""
    counts = ingest.counts
    return (
        counts.refused == counts.received == ingest.part.n_records
        and len(ingest.refusals) == 1
        and ingest.delivery is None
        and set(ingest.refusals) <= {"unsigned", "signature", "unknown-key", "revoked-key", "wrong-delivery"}
        and ingest.part.last
        and ingest.part.index == 0
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
