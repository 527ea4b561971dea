"""A record shown in its page: that the page is the batch's, and which bytes are the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.receipts.pages import ProvenPage, is_on_lines, line_ends
from veracity.provenance.receipts.receipt import ProvenRecord, Value
from veracity.provenance.statements import Decide, Evidence, Ingest


@dataclass(frozen=True)
class RecordEvidence:
    """A proven record, with all it takes to clean it again.

    Attributes
    ----------
    contract
        The YAML bytes whose digest the statement gives.
    agency
        Whose signature the delivery carries, or the message that the record came in; None for neither.
    record
        The record's number in the batch; ``ingest.columns_of(record)`` names its columns.
    data
        The record's bytes, its newline included.
    page, start, end
        The page that holds it, and where: ``data == page.content[start:end]``.
    is_exact
        False where the page holds quoted CSV, so that ``start`` and ``end`` are only known to lie on
        lines of the page: cut it again to know that the record is number ``record``.
    pages
        All pages of the receipt, each proven.
    """

    contract: bytes
    ingest: Ingest
    agency: str | None
    record: int
    data: bytes
    page: ProvenPage
    start: int
    end: int
    is_exact: bool
    pages: tuple[ProvenPage, ...]
    first_line: int | None


@dataclass(frozen=True)
class DecisionEvidence:
    """A proven decision.

    Attributes
    ----------
    decide
        The run that it is of.
    record, data
        Its number in the run, and its bytes as the page has them, the newline included.
    row
        What it says: the JSON of those bytes.
    due
        When its outcome happens.
    is_forecast
        Whether it was made before that; else it says what already was and was not measured.
    officer, person, why
        Who released the model, as enrolled and as people read it, and the reason given.
        None for a run without a release.
    """

    decide: Decide
    record: int
    data: bytes
    row: Mapping[str, Value]
    due: datetime
    is_forecast: bool
    officer: str | None = None
    person: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Paged:
    """Records cut into pages under one root: of a batch as received, of a run as rendered."""

    number: int
    n_records: int
    evidence: Evidence
    is_csv: bool = False

    @classmethod
    def of_ingest(cls, ingest: Ingest) -> "Paged":
        """Return a batch's records."""
        is_csv = ingest.file.kind == "csv" and ingest.evidence.form == "received"
        return cls(ingest.batch, ingest.part.n_records, ingest.evidence, is_csv)

    @classmethod
    def of_decide(cls, decide: Decide) -> "Paged":
        """Return a run's decisions."""
        return cls(decide.run, decide.output.rows, decide.evidence)

    def page_of(self, record: int) -> tuple[int, int, int]:
        """Return a record's page, its position there, and how many records the page has."""
        page, position = divmod(record, self.evidence.records_per_page)
        first = page * self.evidence.records_per_page
        return page, position, min(self.evidence.records_per_page, self.n_records - first)


def check_pages(paged: Paged, record: ProvenRecord) -> None:
    """Check that the record is one of the batch and that every page shown is a page of it.

    Raises
    ------
    ReceiptRejected, InclusionRejected
        If not.
    """
    if record.batch != paged.number:
        raise ReceiptRejected("pages", f"batch: want {paged.number}, got {record.batch}")
    if record.record >= paged.n_records:
        raise ReceiptRejected("pages", f"record: want below {paged.n_records}, got {record.record}")
    indices = [page.index for page in record.pages]
    if indices != sorted(set(indices)):
        raise ReceiptRejected("pages", f"page indices: want them to ascend, got {indices}")
    root = bytes.fromhex(paged.evidence.root)
    for page in record.pages:
        page.verify(paged.evidence.n_pages, root)


def locate(paged: Paged, record: ProvenRecord) -> tuple[ProvenPage, int, int, bool]:
    """Find the record in its page, and check that it is the one its number says.

    Returns
    -------
    page, start, end, is_exact
        As in ``RecordEvidence``.

    Raises
    ------
    ReceiptRejected
        If the page is not shown, is not cut into the records it should hold, or the bytes named
        are not that record.
    """
    number, position, n_records = paged.page_of(record.record)
    base = 0
    for page in record.pages:
        if page.index == number:
            break
        base += len(page.content)
    else:
        shown = [page.index for page in record.pages]
        raise ReceiptRejected("record", f"record {record.record}: want page {number}, got pages {shown}")
    start, end = record.offset - base, record.offset - base + record.length
    got = f"bytes {start} to {end} of {len(page.content)}"
    if not 0 <= start < end <= len(page.content):
        raise ReceiptRejected("record", f"record {record.record}: want bytes of page {number}, got {got}")
    if paged.is_csv and b'"' in page.content:  # a newline may stand inside a quoted field
        if not is_on_lines(page.content, start, end):
            raise ReceiptRejected("record", f"record {record.record}: want whole lines, got {got}")
        return page, start, end, False
    ends = line_ends(page.content)
    if len(ends) != n_records:
        raise ReceiptRejected("record", f"page {number}: want {n_records} records, got {len(ends)}")
    want = (ends[position - 1] if position else 0, ends[position])
    if (start, end) != want:
        raise ReceiptRejected(
            "record", f"record {record.record}: want bytes {want[0]} to {want[1]} of page {number}, got {got}"
        )
    return page, start, end, True
