"""The receipt of one decision: what a system said, before whose outcome, and who let it."""

from veracity.data.errors import EvidenceMismatch
from veracity.home.errors import RecordNotFound
from veracity.home.home import Home
from veracity.home.models.decisions import find_run, read_decisions
from veracity.home.receipts import proven_entry, proven_keys
from veracity.models.decision_rows import decision_pages
from veracity.provenance.receipts import ProvenPage, ProvenRecord, Receipt, line_ends
from veracity.provenance.statements import Decide, Release


def make_decision_receipt(home: Home, system: str, run: int, record: int) -> Receipt:
    """Return the receipt of decision ``record`` of a run of a system, both counted from 0.

    Raises
    ------
    BadName
        If there is no such run.
    RecordNotFound
        If the run has no such decision, or its statement is not published yet.
    TableMismatch, EvidenceMismatch
        If the decisions kept are not those that the log says.
    """
    logged = find_run(home, system, run)
    decide, reader = logged.decide, home.published()
    if logged.idx >= reader.size:
        raise RecordNotFound(
            f"receipt: want an entry that is published, got entry {logged.idx} of {reader.size}: its"
            " witnesses have not cosigned it yet (veracity log publish)"
        )
    if not 0 <= record < decide.output.rows:
        raise RecordNotFound(f"receipt: want a decision below {decide.output.rows}, got {record}")
    stated = proven_entry(reader, logged.idx)
    release = None if decide.release is None else proven_entry(reader, decide.release)
    signed = [stated.envelope]
    if release is not None:
        approval = Release.from_statement(release.statement).approval
        signed += [release.envelope, *([approval] if approval is not None else [])]
    keys, revocations = proven_keys(home, reader, signed, logged.idx)
    return Receipt(
        stated=stated,
        keys=keys,
        revocations=revocations,
        record=proven_decision(home, decide, record),
        release=release,
    )


def proven_decision(home: Home, decide: Decide, record: int) -> ProvenRecord:
    """Return a decision on its page, rendered again from the rows kept and compared with the signed root."""
    data, pages = decision_pages(read_decisions(home, decide.system, decide.run))
    if pages.root.hex() != decide.evidence.root:
        raise EvidenceMismatch(
            f"decisions of {decide.system} run {decide.run}: want pages of root {decide.evidence.root[:16]},"
            f" got {pages.root.hex()[:16]}"
        )
    page, position = divmod(record, decide.evidence.records_per_page)
    start, end = pages.span(page)
    content = data[start:end]
    ends = [0, *line_ends(content)]
    return ProvenRecord(
        batch=decide.run,
        record=record,
        pages=(ProvenPage(page, content, tuple(pages.path(page))),),
        offset=ends[position],
        length=ends[position + 1] - ends[position],
    )
