"""A small city's log, made from fixed keys: what receipt tests and vectors are cut from.

Entries: 0 operator, 1 danang-environment, 2 danang-transport, 3 contract, 4 and 5 the two parts
of one delivered file, 6 a panel. ``Lies`` plants what an honest operator or agency would not do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Literal

from veracity.log.checkpoints import Checkpoint
from veracity.log.merkle import inclusion_path, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import Signer, sign_note
from veracity.log.policy import Policy, policy_for
from veracity.log.tlog_proof import TlogProof
from veracity.provenance.dsse import Envelope, seal, sign_envelope
from veracity.provenance.keys import SigningKey
from veracity.provenance.receipts import (
    PartPath,
    ProvenContract,
    ProvenEntry,
    ProvenPage,
    ProvenRecord,
    Receipt,
    RecordEvidence,
)
from veracity.provenance.receipts.receipt import Value
from veracity.provenance.statements import (
    Counts,
    DeliveredEvidence,
    Delivery,
    Enrol,
    Evidence,
    FileDigest,
    Ingest,
    Input,
    Part,
    ReceivedFile,
    RowsDigest,
    SealedContract,
    Statement,
    TableVersion,
    Transform,
    format_statement,
)

PER_PAGE = 64
PART_SIZES = (128, 22)  # records of the file's two parts
ORIGIN = "example.org/city"
COLUMNS = ("observed_at", "station_id", "PM2.5", "note")
CONTRACT = b"""\
apiVersion: v3.1.0
kind: DataContract
id: air-quality
name: Air quality, receipt vectors
version: 1.0.0
status: active
tags: [simulated]
schema:
  - name: observations
    logicalType: object
    properties:
      - {name: observed_at, logicalType: timestamp, required: true, primaryKey: true, primaryKeyPosition: 2}
      - {name: station, physicalName: station_id, logicalType: string, required: true, primaryKey: true,
         primaryKeyPosition: 1}
      - {name: pm25, physicalName: PM2.5, logicalType: number,
         customProperties: [{property: unit, value: ug/m3}]}
customProperties:
  - {property: agency, value: danang-environment}
  - {property: signature, value: required}
"""


def key(name: str) -> SigningKey:
    """Return the fixed key of a name."""
    return SigningKey(sha256(b"veracity receipt vectors: " + name.encode()).digest())


OPERATOR, ENVIRONMENT, TRANSPORT = key("operator"), key("danang-environment"), key("danang-transport")
DEVICE = key("danang-environment/aq05")
LOG = Signer(ORIGIN, sha256(b"veracity receipt vectors: log").digest())
POLICY: Policy = policy_for(LOG.verifier)

Kind = Literal["ndjson", "csv"]


@dataclass(frozen=True)
class Lies:
    """What the log holds that it should not; the default is an honest log."""

    ingest_key: SigningKey = OPERATOR
    contract_key: SigningKey = OPERATOR
    delivery_key: SigningKey | None = ENVIRONMENT  # None: no delivery
    delivery: Mapping[str, Any] = field(default_factory=dict)  # fields of Delivery replaced
    delivered: Mapping[str, Any] = field(default_factory=dict)  # fields of DeliveredEvidence replaced
    ingest: Mapping[str, Any] = field(default_factory=dict)  # fields of Ingest replaced
    contract: Mapping[str, Any] = field(default_factory=dict)  # fields of SealedContract replaced
    operator_role: Literal["operator", "agency"] = "operator"
    revoke_environment: bool = False  # before the batches come in
    contract_last: bool = False  # put in force only after the batches
    operator_expires: str | None = None
    environment_expires: str | None = None
    device: str | None = (
        None  # of this name, enrolled by ``device_by`` as of ``device_as_of``, signs the file
    )
    device_by: SigningKey = ENVIRONMENT
    device_as_of: str | None = "2026-09-01T01:00:00Z"
    later: tuple[tuple[Enrol, SigningKey], ...] = ()  # after the panel


def record_text(kind: Kind, n: int) -> bytes:
    """Return record ``n`` of the file."""
    minute, station = 5 * (n // 10), f"AQ{n % 10:02d}"
    time = f"2026-09-01T{minute // 60:02d}:{minute % 60:02d}:00Z"
    if kind == "csv":
        if n == 0:
            return b"observed_at,station_id,PM2.5,note\n"
        note = '"moved,\nthen cleaned"' if n == 70 else ""
        return f"{time},{station},{10 + n / 8},{note}\n".encode()
    line = {"PM2.5": 10 + n / 8, "observed_at": time, "simulated": True, "station_id": station}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def reexecute(evidence: RecordEvidence) -> Sequence[Mapping[str, Any]]:
    """Clean one record by the contract above, the short way."""
    columns = evidence.ingest.columns_of(evidence.record)
    text = evidence.data.decode().rstrip("\n")
    raw = json.loads(text) if columns is None else dict(zip(columns, text.split(","), strict=False))
    row = {"observed_at": raw["observed_at"], "station": raw["station_id"], "pm25": float(raw["PM2.5"])}
    return [row]


def row_of(kind: Kind, data: bytes) -> dict[str, Value]:
    """Return the clean row that a record gives."""
    text = data.decode().rstrip("\n")
    raw = json.loads(text) if kind == "ndjson" else dict(zip(COLUMNS, text.split(","), strict=False))
    return {"observed_at": raw["observed_at"], "station": raw["station_id"], "pm25": float(raw["PM2.5"])}


class World:
    """The log and its evidence."""

    def __init__(self, kind: Kind = "ndjson", lies: Lies | None = None) -> None:
        self.kind: Kind = kind
        self.lies = lies or Lies()
        self.entries: list[bytes] = []
        records = [record_text(kind, n) for n in range(sum(PART_SIZES))]
        self.parts = [records[: PART_SIZES[0]], records[PART_SIZES[0] :]]
        self.pages = [
            [b"".join(part[i : i + PER_PAGE]) for i in range(0, len(part), PER_PAGE)] for part in self.parts
        ]
        self.roots = [root_from_leaf_hashes([leaf_hash(p) for p in pages]) for pages in self.pages]
        data = b"".join(records)
        self.file = FileDigest(f"air-2026-09-01.{kind}", sha256(data).hexdigest(), len(data))
        self.key_indices: list[int] = []
        self._build()

    def say(self, statement: Statement, signer: SigningKey) -> int:
        """Append a signed statement and return its index."""
        self.entries.append(sign_envelope(format_statement(statement), [signer]))
        if statement.kind == "enrol":
            self.key_indices.append(len(self.entries) - 1)
        return len(self.entries) - 1

    def _build(self) -> None:
        lies = self.lies
        operator = Enrol("enrol", "city", lies.operator_role, OPERATOR.public, expires=lies.operator_expires)
        self.say(operator.to_statement(), OPERATOR)
        for name, agency_key in (("danang-environment", ENVIRONMENT), ("danang-transport", TRANSPORT)):
            enrol = Enrol("enrol", name, "agency", agency_key.public, as_of="2026-09-01T00:00:00Z")
            if agency_key is ENVIRONMENT and lies.environment_expires is not None:
                enrol = replace(enrol, expires=lies.environment_expires)
            self.say(enrol.to_statement(), OPERATOR)
        if lies.device is not None:
            device = Enrol("enrol", lies.device, "device", DEVICE.public, as_of=lies.device_as_of)
            self.say(device.to_statement(), lies.device_by)
        if lies.revoke_environment:
            revoke = Enrol("revoke", "danang-environment", "agency", ENVIRONMENT.public, reason="stolen")
            self.say(revoke.to_statement(), OPERATOR)
        if not lies.contract_last:
            self._say_contract()
        self.delivery = self._sign_delivery()
        self.ingest_indices = [self._say_ingest(i) for i in range(len(self.parts))]
        if lies.contract_last:
            self._say_contract()
        panel = Transform(
            name="city-5min",
            definition_sha256=sha256(b"panel").hexdigest(),
            inputs=(Input("air-quality", 1, sha256(b"snapshot").hexdigest()),),
            output=RowsDigest(30, sha256(b"panel rows").hexdigest()),
            simulated=True,
        )
        self.transform_index = self.say(panel.to_statement(), OPERATOR)
        for enrol, signer in lies.later:
            self.say(enrol.to_statement(), signer)

    def _say_contract(self) -> None:
        sealed = SealedContract(
            feed="air-quality",
            version="1.0.0",
            sha256=sha256(CONTRACT).hexdigest(),
            agency="danang-environment",
            signature="required",
            simulated=True,
        )
        statement = replace(sealed, **self.lies.contract).to_statement()
        self.contract_index = self.say(statement, self.lies.contract_key)

    def _sign_delivery(self) -> Envelope | None:
        evidence = DeliveredEvidence(
            root=root_from_leaf_hashes(self.roots).hex(),
            n_parts=len(self.parts),
            n_records=sum(PART_SIZES),
            records_per_page=PER_PAGE,
            records_per_part=PART_SIZES[0],
        )
        delivery = Delivery("air-quality", self.file, replace(evidence, **self.lies.delivered))
        delivery = replace(delivery, **self.lies.delivery)
        if self.lies.delivery_key is None:
            return None
        key = self.lies.delivery_key if self.lies.device is None else DEVICE
        return seal(format_statement(delivery.to_statement()), [key])

    def ingest(self, part: int) -> Ingest:
        """Return the statement of a part of the file."""
        n_records = len(self.parts[part])
        n_rows = n_records - (1 if self.kind == "csv" and part == 0 else 0)
        ingest = Ingest(
            feed="air-quality",
            batch=part,
            received_at="2026-09-01T03:00:00.250000Z",
            contract_sha256=sha256(CONTRACT).hexdigest(),
            file=ReceivedFile(self.file, self.kind),
            part=Part(part, sum(PART_SIZES[:part]), n_records, part == len(self.parts) - 1),
            evidence=Evidence(self.roots[part].hex(), len(self.pages[part]), PER_PAGE, "received"),
            counts=Counts(n_rows, n_rows, 0, 0),
            engine="veracity 0.1.0",
            simulated=True,
            layouts=((0, COLUMNS),) if self.kind == "csv" else (),
            event_time=("2026-09-01T00:00:00Z", "2026-09-01T01:10:00Z"),
            table=TableVersion(n_rows, part, sha256(b"rows %d" % part).hexdigest()),
            delivery=self.delivery,
        )
        return replace(ingest, **self.lies.ingest)

    def _say_ingest(self, part: int) -> int:
        return self.say(self.ingest(part).to_statement(), self.lies.ingest_key)

    def prove(self, index: int, size: int | None = None) -> ProvenEntry:
        """Return an entry with its proof in the tree of the first ``size`` entries (all)."""
        hashes = [leaf_hash(entry) for entry in self.entries[:size]]
        tree = Checkpoint(ORIGIN, len(hashes), root_from_leaf_hashes(hashes))
        note = sign_note(tree.format(), [LOG])
        proof = TlogProof(index, tuple(inclusion_path(hashes, index)), note)
        return ProvenEntry.parse(self.entries[index], proof.format())

    def statement_receipt(self, index: int) -> Receipt:
        """Return the receipt of a statement without a record."""
        keys = tuple(self.prove(i) for i in self.key_indices if i < index)
        later = tuple(self.prove(i) for i in self.key_indices if i > max(index, self.transform_index))
        return Receipt(stated=self.prove(index), keys=keys, revocations=later)

    def receipt(self, part: int, record: int) -> Receipt:
        """Return the receipt of a record of a part, with the row it gives."""
        page, position = divmod(record, PER_PAGE)
        hashes = [leaf_hash(p) for p in self.pages[part]]
        within = self.parts[part][page * PER_PAGE : page * PER_PAGE + position]
        shown = ProvenPage(page, self.pages[part][page], tuple(inclusion_path(hashes, page)))
        parts = PartPath(part, len(self.parts), tuple(inclusion_path(self.roots, part)))
        data = self.parts[part][record]
        return replace(
            self.statement_receipt(self.ingest_indices[part]),
            contract=ProvenContract(CONTRACT, self.prove(self.contract_index)),
            parts=parts if self.delivery is not None else None,
            record=ProvenRecord(
                batch=part,
                record=record,
                pages=(shown,),
                offset=sum(map(len, within)),
                length=len(data),
                first_line=sum(PART_SIZES[:part]) + record + 1,
            ),
            row=row_of(self.kind, data),
        )
