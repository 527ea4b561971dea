"""What a contract says of the records of a source, all in one batch."""

from collections.abc import Iterable
from datetime import datetime

from veracity.data.clean import Cleaned, clean
from veracity.data.contract import Contract, check_units, parse_contract
from veracity.data.records import parse_records, split_records
from veracity.data.reexecution import source_types, text_format
from veracity.feeds.contract_files import contract_file


def contract_of(feed: str) -> Contract:
    """The contract that comes with a feed, its units checked."""
    contract = parse_contract(contract_file(feed).read_bytes())
    check_units(contract)
    assert contract.feed == feed
    return contract


def cleaned(feed: str, records: Iterable[bytes], received_at: datetime) -> Cleaned:
    """Hold records to the contract of their feed."""
    contract = contract_of(feed)
    data = b"".join(record + b"\n" for record in records)
    fmt = text_format(contract, "ndjson")
    ends = split_records(data, fmt, at_end=True)
    known, types = contract.source_names, source_types(contract)
    parsed = parse_records(data, ends, fmt, None, 1, known, types)
    assert parsed.refusals == []
    unknown = set(parsed.frame.columns) - {"_record"} - known
    assert not unknown
    return clean(parsed.frame, contract, received_at)
