"""Make a receipt: gather from the home all that its holder needs to check one record without it."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from veracity.data.contract import Contract
from veracity.data.evidence import Pages, check_page
from veracity.data.lake import collect_rows
from veracity.data.records import split_records
from veracity.data.reexecution import json_row, text_format
from veracity.data.render import render_rows
from veracity.data.text import RECORDS_PER_PAGE
from veracity.data.where import parse_condition
from veracity.feeds.parquet_rows import read_parquet_rows
from veracity.home.errors import RecordNotFound, StateBehind
from veracity.home.home import Home
from veracity.home.index import is_whole_file_refusal
from veracity.home.live.proving import proven_message
from veracity.log.merkle import inclusion_path
from veracity.log.reader import LogReader
from veracity.provenance.dsse import Envelope
from veracity.provenance.receipts import (
    PartPath,
    ProvenContract,
    ProvenEntry,
    ProvenPage,
    ProvenRecord,
    Receipt,
)
from veracity.provenance.statements import Ingest


@dataclass(frozen=True)
class Found:
    """A row of a table and where its record is."""

    batch: int
    record: int
    row: dict[str, object]


def find_row(home: Home, feed: str, where: str) -> Found:
    """Return the one row that a condition selects; ``RecordNotFound`` for none or several."""
    contract = home.feed(feed).contract
    condition = parse_condition(where, contract)
    rows = collect_rows(home.table(feed).scan().filter(condition).head(3))
    if rows.height != 1:
        got = "none" if rows.is_empty() else f"{'at least ' if rows.height == 3 else ''}{rows.height}"
        raise RecordNotFound(f"receipt: want one accepted row where {where}, got {got}")
    return _found(rows)


def find_record(home: Home, feed: str, batch: int, record: int) -> Found:
    """Return the row of a record of a batch; a record without one is still shown, with no row."""
    if home.index.batch(feed, batch) is None:
        raise RecordNotFound(f"receipt: want a batch of {feed}, got {batch}")
    rows = collect_rows(home.table(feed).scan(batch=batch).filter(pl.col("_record") == record).head(2))
    if rows.height != 1:
        return Found(batch, record, {})
    return _found(rows)


def _found(rows: pl.DataFrame) -> Found:
    row = rows.row(0, named=True)
    batch, record = int(row.pop("_batch")), int(row.pop("_record"))
    return Found(batch, record, row)


def make_receipt(home: Home, feed: str, found: Found) -> Receipt:
    """Return the receipt of one record.

    Raises
    ------
    RecordNotFound
        If the batch has no such record, or nothing of it was kept.
    EvidenceMismatch, TableMismatch
        If the stored evidence, or the list of messages, is not what the log says it was.
    """
    row = home.index.batch(feed, found.batch)
    if row is None:
        raise RecordNotFound(f"receipt: want a batch of {feed}, got {found.batch}")
    reader = home.published()
    if row.idx >= reader.size:
        raise RecordNotFound(
            f"receipt: want an entry that is published, got entry {row.idx} of {reader.size}: its witnesses"
            " have not cosigned it yet (veracity log publish)"
        )
    stated = proven_entry(reader, row.idx)
    ingest = Ingest.from_statement(stated.statement)
    if is_whole_file_refusal(stated.statement.predicate):
        reasons = ", ".join(ingest.refusals)
        raise RecordNotFound(
            f"receipt: want a record that was kept, got a file refused as a whole ({reasons})"
        )
    if not 0 <= found.record < ingest.part.n_records:
        raise RecordNotFound(f"receipt: want a record below {ingest.part.n_records}, got {found.record}")
    contract = home.contract(ingest.contract_sha256)
    in_force = _contract_entry(home, reader, ingest, row.idx)
    signed = [stated.envelope, in_force.envelope, *([ingest.delivery] if ingest.delivery else [])]
    message = proven_message(home, contract, ingest, found.record)
    senders = () if message is None else (message.keyid,)
    keys, revocations = proven_keys(home, reader, signed, row.idx, senders)
    return Receipt(
        stated=stated,
        keys=keys,
        revocations=revocations,
        contract=ProvenContract(contract.text, in_force),
        parts=_parts(home, ingest),
        record=proven_record(home, contract, ingest, found.record),
        row=json_row(found.row) if found.row else None,
        message=message,
    )


def proven_entry(reader: LogReader, idx: int) -> ProvenEntry:
    """Return a log entry with its proof."""
    return ProvenEntry.parse(reader.entry(idx), reader.prove(idx))


def _contract_entry(home: Home, reader: LogReader, ingest: Ingest, before: int) -> ProvenEntry:
    for idx, predicate in reversed(home.index.predicates("contract", ingest.feed)):
        if idx < before and predicate["sha256"] == ingest.contract_sha256:
            return proven_entry(reader, idx)
    raise StateBehind(
        f"contract {ingest.contract_sha256[:16]}: want its statement before entry {before}, got none"
    )


def proven_keys(
    home: Home, reader: LogReader, envelopes: Iterable[Envelope], idx: int, keyids: Iterable[str] = ()
) -> tuple[tuple[ProvenEntry, ...], tuple[ProvenEntry, ...]]:
    """Return the changes of keys that a statement's signers rest on, and those after it that revoke any.

    What the revocations' own signers rest on is among them, before the statement or after it. ``keyids``
    are of keys that signed something else it rests on.
    """
    agencies = home.agencies()
    signers = [line.keyid for envelope in envelopes for line in envelope.signatures]
    before = agencies.rests_on([*signers, *keyids])
    revoked, rest_on = agencies.revocations(before, idx)
    wanted = sorted(i for i in before | revoked | rest_on if i < reader.size)
    entries = [proven_entry(reader, i) for i in wanted]
    return tuple(e for e in entries if e.index < idx), tuple(e for e in entries if e.index > idx)


def _parts(home: Home, ingest: Ingest) -> PartPath | None:
    """Return the way from this part's root to the signed root of the file."""
    if ingest.delivery is None:
        return None
    rows = home.index.parts(ingest.feed, ingest.file.digest.sha256)
    if not rows[-1].is_last:
        raise RecordNotFound(
            f"receipt: want all parts of {ingest.file.digest.name} sealed (ingest --resume), got {len(rows)}"
        )
    roots = [bytes.fromhex(str(home.index.predicate(r.idx)["evidence"]["root"])) for r in rows]
    return PartPath(ingest.part.index, len(roots), tuple(inclusion_path(roots, ingest.part.index)))


def proven_record(home: Home, contract: Contract, ingest: Ingest, record: int) -> ProvenRecord:
    """Return a record of a batch on its page, each hash compared with the signed root."""
    evidence = home.evidence(ingest.feed)
    sha256, part = ingest.file.digest.sha256, ingest.part.index
    pages = evidence.pages(sha256, part, bytes.fromhex(ingest.evidence.root))
    page = record // RECORDS_PER_PAGE
    if ingest.evidence.form == "rendered":
        content = rendered_pages(home, ingest, pages, page, page)
    else:
        content = evidence.read(sha256, part, pages, page, page)
    kind = "ndjson" if ingest.evidence.form == "rendered" else ingest.file.kind
    ends = [0, *split_records(content, text_format(contract, kind), at_end=True).tolist()]
    position = record % RECORDS_PER_PAGE
    return ProvenRecord(
        batch=ingest.batch,
        record=record,
        pages=(ProvenPage(page, content, tuple(pages.path(page))),),
        offset=ends[position],
        length=ends[position + 1] - ends[position],
    )


def rendered_pages(home: Home, ingest: Ingest, pages: Pages, first: int, last: int) -> bytes:
    """Render the rows of some pages of a kept columnar file again, each page compared with its hash."""
    sha256 = ingest.file.digest.sha256
    path = home.file(home.evidence(ingest.feed).path(sha256, "received"))
    start = ingest.part.first_record + first * RECORDS_PER_PAGE
    n_rows = min((last + 1) * RECORDS_PER_PAGE, ingest.part.n_records) - first * RECORDS_PER_PAGE
    data, ends = render_rows(read_parquet_rows(path, start, n_rows))
    begin = 0
    for page in range(first, last + 1):
        end = int(ends[min((page - first + 1) * RECORDS_PER_PAGE, len(ends)) - 1])
        check_page(data[begin:end], pages.hashes[page], f"{ingest.feed} batch {ingest.batch} page {page}")
        begin = end
    return data
