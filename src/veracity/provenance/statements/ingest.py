"""``ingest``: one batch came in, and this is what became of every record of it."""

from dataclasses import dataclass, field
from typing import Any

from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import MalformedEnvelope, MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.statements.batch import (
    Counts,
    Evidence,
    Part,
    ReceivedFile,
    RowsDigest,
    TableVersion,
)
from veracity.provenance.statements.checks import Checks, Released
from veracity.provenance.statements.messages import Messages
from veracity.provenance.statements.statement import (
    EVIDENCE_ROOT,
    FEED,
    FEED_NAME,
    ROWS,
    SHA256,
    Statement,
    Subject,
    check_subjects,
    predicate_of,
)

Layout = tuple[int, tuple[str, ...]]
_KIND = "ingest"
MAX_LAYOUTS = 4_096
MAX_COLUMNS = 20_000


@dataclass(frozen=True)
class Ingest:
    """One batch of one feed.

    Attributes
    ----------
    contract_sha256
        Digest of the contract's YAML bytes.
    layouts
        For records that name no columns: (first record, columns), the record counted from the
        batch's first; each holds until the next.
    reasons
        How many rows broke each rule; a row with two reasons counts in both.
    refusals
        How many records could not be read, by code; they sum to ``counts.refused``.
    event_time
        First and last event time of the accepted rows, RFC 3339.
    delivery
        The agency's signed ``delivery`` of the whole file.
    engine
        Name and version of what cleaned the batch.
    checks
        How the batch was judged. Absent from statements of the first release.
    released
        For a batch of rows let in from quarantine: by whom and why; absent from others.
    messages
        For a batch put together from messages: which they were; absent from others. Its file is their
        records in order of arrival, and the only batch that may have none.
    """

    feed: str
    batch: int
    received_at: str
    contract_sha256: str
    file: ReceivedFile
    part: Part
    evidence: Evidence
    counts: Counts
    engine: str
    simulated: bool
    layouts: tuple[Layout, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    event_time: tuple[str, str] | None = None
    table: TableVersion | None = None
    quarantine: RowsDigest | None = None
    delivery: Envelope | None = None
    checks: Checks | None = None
    released: Released | None = None
    messages: Messages | None = None

    def __post_init__(self) -> None:
        counts, part, evidence = self.counts, self.part, self.evidence
        if counts.received != counts.accepted + counts.quarantined + counts.refused:
            raise MalformedStatement(
                f"ingest.counts: want received = accepted + quarantined + refused, got {counts.received}"
                f" = {counts.accepted} + {counts.quarantined} + {counts.refused}"
            )
        if sum(self.refusals.values()) != counts.refused:
            raise MalformedStatement(
                f"ingest.refusals: want a sum of {counts.refused}, got {sum(self.refusals.values())}"
            )
        n_pages = -(-part.n_records // evidence.records_per_page)
        if evidence.n_pages != n_pages:
            raise MalformedStatement(
                f"ingest.evidence.n_pages: want {n_pages} for {part.n_records} records of"
                f" {evidence.records_per_page}, got {evidence.n_pages}"
            )
        for name, count, rows in (
            ("table", counts.accepted, self.table.rows if self.table else 0),
            ("quarantine", counts.quarantined, self.quarantine.rows if self.quarantine else 0),
        ):
            if rows != count:
                raise MalformedStatement(f"ingest.{name}.rows: want {count}, got {rows}")
        if self.checks is not None and (
            self.checks.flagged > counts.accepted or self.checks.asked > counts.quarantined
        ):
            raise MalformedStatement(
                f"ingest.checks: want at most {counts.accepted} flagged and {counts.quarantined} asked,"
                f" got {self.checks.flagged} and {self.checks.asked}"
            )
        if self.released is not None:
            self._check_released()
        if self.messages is not None:
            self._check_messages(self.messages)
        firsts = [first for first, _ in self.layouts]
        if firsts != sorted(set(firsts)) or any(first >= part.n_records for first in firsts):
            raise MalformedStatement(
                f"ingest.layouts: want records that ascend below {part.n_records}, got {firsts[:8]}"
            )

    def _check_released(self) -> None:
        """A release is one whole file of our own lines, each a row that the city kept; no agency sends it."""
        counts, part, file = self.counts, self.part, self.file
        lines = (file.kind, file.compression, self.evidence.form, part.index, part.first_record, part.last)
        if (
            lines != ("ndjson", "none", "received", 0, 0, True)
            or self.delivery is not None
            or counts.refused
            or counts.blank
            or counts.received != part.n_records
        ):
            raise MalformedStatement(
                "ingest.released: want one whole file of lines, each a row, without a delivery, got another"
            )

    def _check_messages(self, messages: Messages) -> None:
        """A live batch is one whole file of lines that no agency delivered; without records it says why."""
        part, file = self.part, self.file
        lines = (file.compression, self.evidence.form, part.index, part.first_record, part.last)
        if (
            lines != ("none", "received", 0, 0, True)
            or file.kind == "parquet"
            or self.delivery is not None
            or self.released is not None
            or messages.taken > part.n_records
            or (messages.taken == 0) != (part.n_records == 0)
        ):
            raise MalformedStatement(
                "ingest.messages: want one whole file of lines, at least one a message, without a delivery"
            )
        if part.n_records + messages.duplicate + sum(messages.refused.values()) == 0:
            raise MalformedStatement("ingest.messages: want some that came, got none")

    @property
    def is_signed(self) -> bool:
        """Whether who sent it signed all of it: a delivery as a whole, or messages one by one."""
        return self.delivery is not None or (self.messages is not None and self.messages.signed)

    def columns_of(self, record: int) -> tuple[str, ...] | None:
        """Return the columns in force at a record of the batch; None where records name their own."""
        columns: tuple[str, ...] | None = None
        for first, names in self.layouts:
            if first > record:
                break
            columns = names
        return columns

    def page_of(self, record: int) -> tuple[int, int, int]:
        """Return a record's page, its position there, and how many records the page has."""
        per_page = self.evidence.records_per_page
        page, position = divmod(record, per_page)
        return page, position, min(per_page, self.part.n_records - page * per_page)

    @classmethod
    def from_statement(cls, statement: Statement) -> "Ingest":
        """Read a statement; MalformedStatement if it is no ``ingest``, or contradicts itself."""
        fields = predicate_of(statement, _KIND)
        ingest = cls(
            feed=fields.matching("feed", FEED_NAME, FEED),
            batch=fields.count("batch"),
            received_at=fields.time("received_at"),
            contract_sha256=fields.sha256("contract"),
            file=ReceivedFile.read(fields.object("file")),
            part=Part.read(fields.object("part")),
            evidence=Evidence.read(fields.object("evidence")),
            counts=Counts.read(fields.object("counts")),
            engine=fields.text("engine", 128),
            simulated=fields.flag("simulated"),
            layouts=tuple(_layout(fields, item) for item in fields.items("layouts", MAX_LAYOUTS)),
            reasons=fields.tally("reasons"),
            refusals=fields.tally("refusals"),
            event_time=fields.optional("event_time", lambda n: _event_time(fields.object(n))),
            table=fields.optional("table", lambda n: TableVersion.read(fields.object(n))),
            quarantine=fields.optional("quarantine", lambda n: RowsDigest.read(fields.object(n))),
            delivery=fields.optional("delivery", lambda n: _envelope(fields.take(n))),
            checks=Checks.read(fields.object("checks")) if "checks" in fields else None,
            released=Released.read(fields.object("released")) if "released" in fields else None,
            messages=Messages.read(fields.object("messages")) if "messages" in fields else None,
        )
        fields.done()
        check_subjects(statement, ingest.to_statement())
        return ingest

    def to_statement(self) -> Statement:
        """Return the statement; its subjects are the file, the evidence and the rows."""
        file = self.file.digest
        predicate: dict[str, Any] = {
            "feed": self.feed,
            "batch": self.batch,
            "received_at": self.received_at,
            "contract": self.contract_sha256,
            "file": self.file.to_object(),
            "part": self.part.to_object(),
            "evidence": self.evidence.to_object(),
            "layouts": [[first, list(columns)] for first, columns in self.layouts],
            "counts": self.counts.to_object(),
            "reasons": self.reasons,
            "refusals": self.refusals,
            "event_time": None
            if self.event_time is None
            else {"first": self.event_time[0], "last": self.event_time[1]},
            "table": self.table and self.table.to_object(),
            "quarantine": self.quarantine and self.quarantine.to_object(),
            "delivery": self.delivery and self.delivery.to_object(),
            "simulated": self.simulated,
            "engine": self.engine,
        }
        if self.checks is not None:
            predicate["checks"] = self.checks.to_object()
        if self.released is not None:
            predicate["released"] = self.released.to_object()
        if self.messages is not None:
            predicate["messages"] = self.messages.to_object()
        subjects = [
            Subject(SHA256, file.sha256, file.name),
            Subject(EVIDENCE_ROOT, self.evidence.root, f"evidence of {self.feed} batch {self.batch}"),
        ]
        if self.table is not None:
            subjects.append(Subject(ROWS, self.table.sha256, f"rows of {self.feed} batch {self.batch}"))
        if self.quarantine is not None:
            name = f"quarantine of {self.feed} batch {self.batch}"
            subjects.append(Subject(ROWS, self.quarantine.sha256, name))
        return Statement(_KIND, tuple(subjects), predicate)


def _layout(fields: Fields, item: Any) -> Layout:
    if isinstance(item, list) and len(item) == 2:
        first, columns = item
        whole = isinstance(first, int) and not isinstance(first, bool) and first >= 0
        named = isinstance(columns, list) and 0 < len(columns) <= MAX_COLUMNS
        if whole and named and all(isinstance(c, str) for c in columns):
            return first, tuple(columns)
    raise fields.fail("layouts", "[first record, [column, …]]", item)


def _event_time(fields: Fields) -> tuple[str, str]:
    times = fields.time("first"), fields.time("last")
    fields.done()
    return times


def _envelope(value: Any) -> Envelope:
    try:
        return Envelope.from_object(value, "ingest.delivery")
    except MalformedEnvelope as exc:
        raise MalformedStatement(str(exc)) from exc
