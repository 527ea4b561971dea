"""The log of ``receipt_world`` with a live feed in it: what receipts of messages are cut from.

Further entries: 7 and 8 the devices aq05 and aq06 of danang-environment, then any other keys, the contract of
feed ``air-live``, and its batch 0: by default a message of one record by aq05, one of five by aq06, and one
of 70 by the agency itself. ``LiveLies`` plants what an honest city or device would not do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal

from receipt_world import (
    COLUMNS,
    CONTRACT,
    DEVICE,
    ENVIRONMENT,
    OPERATOR,
    PER_PAGE,
    Kind,
    World,
    key,
    record_text,
    row_of,
)

from veracity.log.merkle import inclusion_path, leaf_hash, root_from_leaf_hashes
from veracity.provenance.keys import SigningKey
from veracity.provenance.messages import records_root, signed_text
from veracity.provenance.receipts import ProvenContract, ProvenMessage, ProvenPage, ProvenRecord, Receipt
from veracity.provenance.statements import (
    Account,
    Counts,
    Enrol,
    Evidence,
    FileDigest,
    Ingest,
    Messages,
    Part,
    ReceivedFile,
    RowsDigest,
    SealedContract,
    Sums,
    TableVersion,
)

FEED, AGENCY = "air-live", "danang-environment"
AQ05, AQ06 = f"{AGENCY}/aq05", f"{AGENCY}/aq06"
DEVICE_6 = key(AQ06)
RECEIVED = "2026-09-01T03:00:01.500000Z"


@dataclass(frozen=True)
class Sent:
    """A message of ``n`` records: by whose key (None: bare), and in what name and for what feed it signs."""

    name: str
    key: SigningKey | None
    n: int
    feed: str = FEED


@dataclass(frozen=True)
class LiveLies:
    """What the log says of the messages that it should not; the default is an honest city."""

    sent: tuple[Sent, ...] = (Sent(AQ05, DEVICE, 1), Sent(AQ06, DEVICE_6, 5), Sent(AGENCY, ENVIRONMENT, 70))
    kind: Kind = "ndjson"
    signature: Literal["required", "optional"] = "required"
    device: Mapping[str, Any] = field(default_factory=dict)  # fields of aq05's Enrol replaced
    keys: tuple[tuple[Enrol, SigningKey], ...] = ()  # after the devices, before the batch
    changed: int | None = None  # a record that the city changed after it was signed
    said: Mapping[str, Any] = field(default_factory=dict)  # fields of Messages replaced
    later: tuple[tuple[Enrol, SigningKey], ...] = ()


class LiveWorld:
    """The log, and the pages of the batch."""

    def __init__(self, lies: LiveLies | None = None) -> None:
        self.lies = lies = lies or LiveLies()
        self.world = World()
        for name, device in ((AQ05, DEVICE), (AQ06, DEVICE_6)):
            enrol = Enrol("enrol", name, "device", device.public, as_of="2026-09-01T01:00:00Z")
            self.world.say(
                (replace(enrol, **lies.device) if name == AQ05 else enrol).to_statement(), ENVIRONMENT
            )
        for enrol, signer in lies.keys:
            self.world.say(enrol.to_statement(), signer)
        n = sum(sent.n for sent in lies.sent)
        self.records = [record_text(lies.kind, i).replace(b",\nthen", b", then") for i in range(n)]
        self.firsts = [sum(s.n for s in lies.sent[:i]) for i in range(len(lies.sent))]
        self.signed = [self._sign(first, sent) for first, sent in zip(self.firsts, lies.sent, strict=True)]
        if lies.changed is not None:
            self.records[lies.changed] = self.records[lies.changed].replace(b"1", b"9", 1)
        self.pages = [b"".join(self.records[i : i + PER_PAGE]) for i in range(0, n, PER_PAGE)]
        self.contract = CONTRACT.replace(b"id: air-quality", b"id: air-live")
        self.contract = self.contract.replace(b"value: required", b"value: " + lies.signature.encode())
        digest = sha256(self.contract).hexdigest()
        sealed = SealedContract(FEED, "1.0.0", digest, AGENCY, lies.signature, simulated=True)
        self.contract_at = self.world.say(sealed.to_statement(), OPERATOR)
        self.ingest_at = self.world.say(self.ingest().to_statement(), OPERATOR)
        self.account_at = self.world.say(account(n).to_statement(), OPERATOR)
        self.later_at = [self.world.say(e.to_statement(), signer) for e, signer in lies.later]

    def _of(self, first: int, sent: Sent) -> list[bytes]:
        return [record.removesuffix(b"\n") for record in self.records[first : first + sent.n]]

    def _sign(self, first: int, sent: Sent) -> bytes | None:
        if sent.key is None:
            return None
        return sent.key.sign(signed_text(sent.feed, sent.name, sent.n, records_root(self._of(first, sent))))

    def ingest(self) -> Ingest:
        """Return the statement of the batch."""
        n, sent, data = len(self.records), self.lies.sent, b"".join(self.records)
        rows = max(0, n - (1 if self.lies.kind == "csv" else 0))
        said = Messages(
            rows=RowsDigest(len(sent) + 2, sha256(b"messages").hexdigest()),
            taken=len(sent),
            signed=all(s.key is not None for s in sent),
            duplicate=3,
            refused={"rate": 7},
        )
        root = root_from_leaf_hashes([leaf_hash(page) for page in self.pages]).hex()
        file = FileDigest(f"{FEED}-00000000.{self.lies.kind}", sha256(data).hexdigest(), len(data))
        return Ingest(
            feed=FEED,
            batch=0,
            received_at=RECEIVED,
            contract_sha256=sha256(self.contract).hexdigest(),
            file=ReceivedFile(file, self.lies.kind),
            part=Part(0, 0, n, last=True),
            evidence=Evidence(root, len(self.pages), PER_PAGE, "received"),
            counts=Counts(rows, rows, 0, 0),
            engine="veracity 0.2.0",
            simulated=True,
            layouts=((0, COLUMNS),) if self.lies.kind == "csv" else (),
            table=TableVersion(rows, 1, sha256(b"live rows").hexdigest()) if rows else None,
            messages=replace(said, **self.lies.said),
        )

    def statement_receipt(self, index: int) -> Receipt:
        """Return the receipt of a statement alone."""
        keys = [i for i in self.world.key_indices if i < index]
        return Receipt(
            stated=self.world.prove(index),
            keys=tuple(map(self.world.prove, keys)),
            revocations=tuple(self.world.prove(i) for i in self.later_at),
        )

    def receipt(self, record: int) -> Receipt:
        """Return the receipt of a record, with its message where that is signed."""
        page, position = divmod(record, PER_PAGE)
        hashes = [leaf_hash(p) for p in self.pages]
        within = self.records[page * PER_PAGE : page * PER_PAGE + position]
        shown = ProvenPage(page, self.pages[page], tuple(inclusion_path(hashes, page)))
        data = self.records[record]
        is_header = self.lies.kind == "csv" and record == 0
        return replace(
            self.statement_receipt(self.ingest_at),
            contract=ProvenContract(self.contract, self.world.prove(self.contract_at)),
            record=ProvenRecord(0, record, (shown,), sum(map(len, within)), len(data)),
            row=None if is_header else row_of(self.lies.kind, data),
            message=self.message(record),
        )

    def message(self, record: int) -> ProvenMessage | None:
        """Return what shows who signed a record's message."""
        at = max(i for i, first in enumerate(self.firsts) if first <= record)
        sent, first, signature = self.lies.sent[at], self.firsts[at], self.signed[at]
        if sent.key is None or signature is None:
            return None
        hashes = [leaf_hash(r) for r in self._of(first, sent)]
        path = tuple(inclusion_path(hashes, record - first))
        return ProvenMessage(sent.n, record - first, path, sent.key.public.keyid, signature)


def account(n: int) -> Account:
    """Return an hour's account of the batch."""
    return Account(
        feed=FEED,
        hour="2026-09-01T03:00:00Z",
        batches=(0, 0),
        sums=Sums(messages=13, sent=n + 10, accepted=n, quarantined=0, refused=7, duplicate=3),
        devices=RowsDigest(3, sha256(b"devices").hexdigest()),
        engine="veracity 0.2.0",
        simulated=True,
        reasons={"rate": 7},
    )
