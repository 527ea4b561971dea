"""Each new entry: an envelope, a statement of its form, signed by a key that counts, at odds with nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from veracity.errors import VeracityError
from veracity.monitor.findings import Finding
from veracity.monitor.state import State
from veracity.provenance.agencies import Authority
from veracity.provenance.approvals import check_approved
from veracity.provenance.dsse import Envelope, open_envelope, verify
from veracity.provenance.errors import UnknownKey
from veracity.provenance.statements import (
    Incident,
    Ingest,
    Override,
    Release,
    Statement,
    Typed,
    parse_statement,
    said_at,
    typed,
)


@dataclass(frozen=True)
class Checked:
    """An entry: the kind of its statement, its typed form if it has one, and what is wrong with it."""

    kind: str | None
    said: Typed | None
    found: list[Finding]


def check_entry(state: State, index: int, entry: bytes) -> Checked:
    """Take in the entry at a log index."""
    found: list[Finding] = []
    try:
        envelope = open_envelope(entry)
        statement = parse_statement(envelope.payload)
        said = typed(statement)
    except VeracityError as exc:
        return Checked(None, None, [_finding(index, exc.code, str(exc))])
    try:
        found.extend(_signatures(state, index, entry, envelope, statement))
        if isinstance(said, Ingest) and said.delivery is not None:
            found.extend(_delivery(state, index, said, said.delivery))
        if isinstance(said, Release | Override | Incident):
            check_approved(state.agencies, index, said)
    except VeracityError as exc:
        found.append(_finding(index, exc.code, f"{statement.kind}: {exc}"))
    if said is not None:
        for c in state.contradictions.add(index, said):
            against = "" if c.against is None else f" (against log entry {c.against})"
            found.append(_finding(index, c.what, c.detail + against))
    return Checked(statement.kind, said, found)


def _signatures(
    state: State, index: int, entry: bytes, envelope: Envelope, statement: Statement
) -> Iterator[Finding]:
    """Check who signed: the operator, but for keys; and that every other signature counts too."""
    agencies = state.agencies
    if statement.kind == "enrol":
        agencies.add(index, envelope)
        state.enrolments.append((index, entry))
        return
    signer = agencies.signer(envelope, index, said_at(statement))
    if signer.role != "operator":
        detail = f"{statement.kind}: want the operator's signature, got {signer.role} {signer.agency}'s"
        yield _finding(index, "wrong-signer", detail)
    for line in envelope.signatures:
        if line.keyid == signer.key.keyid:
            continue  # verified above, with every other line of that key
        try:
            verify(envelope, [agencies.authority(line.keyid, index).key])
        except VeracityError as exc:
            yield _finding(index, exc.code, f"{statement.kind}: a further signature: {exc}")


def _delivery(state: State, index: int, ingest: Ingest, delivery: Envelope) -> Iterator[Finding]:
    """Check who signed the file that a batch came in."""
    signer = delivery_signer(state, index, ingest, delivery)
    wanted = state.contradictions.agency_of(ingest.feed)
    if wanted is not None and signer.agency != wanted:
        yield _finding(index, "wrong-signer", f"delivery: want a key of {wanted}, got one of {signer.agency}")


def delivery_signer(state: State, index: int, ingest: Ingest, delivery: Envelope) -> Authority:
    """Return whose signature on a delivery counts at a log index and at its time of receipt."""
    try:
        return state.agencies.signer(delivery, index, datetime.fromisoformat(ingest.received_at))
    except UnknownKey as exc:
        raise UnknownKey(f"delivery of {ingest.file.digest.name[:80]}: {exc}") from exc


def _finding(index: int, kind: str, detail: str) -> Finding:
    return Finding(kind, f"log entry {index}", detail, is_lasting=True)
