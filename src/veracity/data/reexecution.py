"""Clean one proven record again: what turns "these bytes were received" into "this number is right"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from veracity.data.clean import clean
from veracity.data.contract import Contract, parse_contract
from veracity.data.errors import EvidenceMismatch
from veracity.data.records import TextFormat, parse_one, split_records
from veracity.data.released import released_contract

if TYPE_CHECKING:
    from veracity.provenance.receipts import RecordEvidence


def reexecute(evidence: RecordEvidence) -> Sequence[Mapping[str, Any]]:
    """Return the clean rows that a proven record gives, as JSON values: one, or many of a wide record.

    None if the record breaks a rule of its own; rules that look at other records (a key that
    came before, a reading before, neighbours, a registry) are not asked.

    Raises
    ------
    EvidenceMismatch
        If the page, cut again, holds other bytes at the record's place, or the contract says
        otherwise than the batch's statement.
    UnreadableRecord, WrongFile, MalformedContract
        If the bytes give no row.
    NotWaivable
        If a release waives what nobody may.
    """
    ingest = evidence.ingest
    contract = parse_contract(evidence.contract)
    if ingest.released is not None:
        contract = released_contract(contract, ingest.released.waived)
    _check_terms(evidence, contract)
    fmt = text_format(contract, "ndjson" if ingest.evidence.form == "rendered" else ingest.file.kind)
    if not evidence.is_exact:
        _check_cut(evidence, fmt)
    columns = ingest.columns_of(evidence.record)
    if columns is None:
        columns = tuple(sorted(known_names(contract, fmt, evidence.data)))
    raw = parse_one(evidence.data, fmt, columns, contract.source_names, source_types(contract))
    raw = raw.with_columns(pl.lit(evidence.record, pl.Int64).alias("_record"))
    received_at = datetime.fromisoformat(ingest.received_at)
    rows = clean(raw, contract, received_at, by_itself=True).accepted.drop("_record")
    return [json_row(row) for row in rows.iter_rows(named=True)]


def json_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a clean row as a receipt carries it: times as ISO 8601 text in UTC."""
    return {name: _json(value) for name, value in row.items()}


def text_format(contract: Contract, kind: str) -> TextFormat:
    """Return how a feed's text of a kind (csv, else ndjson) is written."""
    if kind == "csv":
        return TextFormat("csv", contract.separator, contract.encoding, contract.fallback_encoding)
    return TextFormat("ndjson", encoding=contract.encoding, fallback_encoding=contract.fallback_encoding)


def source_types(contract: Contract) -> dict[str, pl.DataType]:
    """Return the columns that an NDJSON reader may take as numbers straight away.

    Only those that every field reads as a number: of the others the text counts.
    """
    numbers = {n for f in contract.fields if f.type == "number" for n in f.sources}
    others = {n for f in contract.fields if f.type != "number" for n in f.sources}
    joined = {n for f in contract.fields for n in f.joined}
    return {n: pl.Float64() for n in sorted(numbers - others - joined)}


def known_names(contract: Contract, fmt: TextFormat, data: bytes) -> frozenset[str]:
    """Return the header names to look for in ``data``: the contract's, and of a wide feed all there are."""
    if contract.carried is None or fmt.kind == "csv":
        return contract.source_names
    names: set[str] = set(contract.source_names)
    for line in data.splitlines():
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # refused with its reason where it is parsed
        if isinstance(document, dict):
            names.update(document)
    return frozenset(names)


def _check_terms(evidence: RecordEvidence, contract: Contract) -> None:
    """Check that the batch keeps to what its contract says of the feed, not only to a summary of it."""
    ingest = evidence.ingest
    for name, want, got in (
        ("feed", contract.feed, ingest.feed),
        ("simulated", contract.simulated, ingest.simulated),
    ):
        if want != got:
            raise EvidenceMismatch(f"{name}: want {want} as the contract says, got {got}")
    what = "delivery" if ingest.messages is None else "message"
    if evidence.agency is None:
        if contract.signature == "required":
            raise EvidenceMismatch(f"{what}: want one signed by {contract.agency}, got none")
    elif contract.agency not in (None, evidence.agency):
        raise EvidenceMismatch(f"{what}: want the agency {contract.agency}, got {evidence.agency}")


def _check_cut(evidence: RecordEvidence, fmt: TextFormat) -> None:
    ends = split_records(evidence.page.content, fmt, at_end=True).tolist()
    _, position, n_records = evidence.ingest.page_of(evidence.record)
    starts = [0, *ends]
    if len(ends) != n_records or (starts[position], ends[position]) != (evidence.start, evidence.end):
        raise EvidenceMismatch(
            f"record {evidence.record}: want the record at its place on the page, got bytes"
            f" {evidence.start} to {evidence.end}"
        )


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        text = value.strftime("%Y-%m-%dT%H:%M:%S.%f").removesuffix(".000000")
        return text + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) and abs(value) >= 2**53 else value
