"""The message that a record of a live batch came in, proven: its signature, and the way to it."""

import polars as pl

from veracity.data.contract import Contract
from veracity.data.errors import EvidenceMismatch, TableMismatch
from veracity.data.records import split_records
from veracity.data.reexecution import text_format
from veracity.data.text import RECORDS_PER_PAGE
from veracity.home.home import Home
from veracity.home.live.gathering import TAKEN
from veracity.home.live.sealing import read_messages
from veracity.log.merkle import inclusion_path, leaf_hash
from veracity.provenance.fields import decode_base64
from veracity.provenance.keys import SIGNATURE_BYTES
from veracity.provenance.receipts import ProvenMessage
from veracity.provenance.statements import Ingest


def proven_message(home: Home, contract: Contract, ingest: Ingest, record: int) -> ProvenMessage | None:
    """Return what shows who signed a record's message; None for a bare one, and for a batch of a file.

    Costs a read of the pages that hold the message, and a hash of each of its records.

    Raises
    ------
    TableMismatch
        If the list of messages is gone or another, or no message of it holds the record.
    EvidenceMismatch
        If the stored evidence is not what the log says it was.
    """
    rows = read_messages(home, ingest.feed, ingest.batch)
    if rows is None:
        return None
    end = pl.col("first") + pl.col("records")
    is_it = (pl.col("outcome") == TAKEN) & (pl.col("first") <= record) & (record < end)
    found = rows.filter(is_it).select("first", "records", "key", "signature").rows()
    if len(found) != 1:
        raise TableMismatch(f"messages: want one that holds record {record}, got {len(found)}")
    first, n, keyid, text = found[0]
    if keyid is None or text is None:
        return None
    signature = decode_base64(text)
    if signature is None or len(signature) != SIGNATURE_BYTES:
        raise TableMismatch(f"messages: want a signature of {SIGNATURE_BYTES} bytes, got {text[:24]!r}")
    hashes = [leaf_hash(r) for r in _records(home, contract, ingest, first, n)]
    path = tuple(inclusion_path(hashes, record - first))
    return ProvenMessage(n, record - first, path, keyid, signature)


def _records(home: Home, contract: Contract, ingest: Ingest, first: int, n: int) -> list[bytes]:
    """Return records of a batch without the newlines that end them, their pages held against the log."""
    evidence, sha256, part = home.evidence(ingest.feed), ingest.file.digest.sha256, ingest.part.index
    pages = evidence.pages(sha256, part, bytes.fromhex(ingest.evidence.root))
    page = first // RECORDS_PER_PAGE
    content = evidence.read(sha256, part, pages, page, (first + n - 1) // RECORDS_PER_PAGE)
    ends = [0, *split_records(content, text_format(contract, ingest.file.kind), at_end=True).tolist()]
    at = first - page * RECORDS_PER_PAGE
    if len(ends) <= at + n:
        raise EvidenceMismatch(f"records: want {at + n} on these pages at least, got {len(ends) - 1}")
    return [content[ends[i] : ends[i + 1] - 1] for i in range(at, at + n)]
