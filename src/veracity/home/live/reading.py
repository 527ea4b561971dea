"""What a message says: its records, and the key it names. Whose it is has not been asked yet."""

from typing import Literal

from veracity.data.bodies import cut_body
from veracity.data.contract import Contract
from veracity.data.csv_header import read_header
from veracity.data.errors import MalformedBody
from veracity.data.text import RECORD_BYTES
from veracity.home.live.arrivals import Admitted, Arrival
from veracity.home.live.room import HEADER_BYTES
from veracity.provenance.errors import MalformedMessage
from veracity.provenance.messages import Message, parse_message


class Away(Exception):
    """A message is turned away. The door counts it; it goes no further."""

    def __init__(self, reason: str, detail: str, n_records: int = 1) -> None:
        super().__init__(detail)
        self.reason, self.n_records = reason, n_records


def kind_of(contract: Contract) -> Literal["csv", "ndjson"]:
    """Return how the records of a feed's messages are written."""
    return "csv" if contract.kind == "csv" else "ndjson"


def read_message(arrival: Arrival, contract: Contract, max_records: int) -> Admitted:
    """Cut a message into its records, at most ``max_records``; Away if it cannot be read."""
    message = _parsed(arrival.payload)
    records, columns, n_headers = _cut(message.body, contract)
    n = max(1, len(records) - n_headers)
    if len(records) > max_records:
        said = f"message: want at most {max_records} records, got {len(records)}"
        raise Away("too-many-records", said, n)
    if (longest := max(map(len, records))) >= RECORD_BYTES:  # with its line end
        raise Away("too-long", f"record: want fewer than {RECORD_BYTES} bytes, got {longest}", n)
    return Admitted(
        arrival,
        arrival.id,
        arrival.device,
        tuple(records),
        message.keyid,
        message.signature,
        columns,
        n_headers,
    )


def _parsed(payload: bytes) -> Message:
    try:
        return parse_message(payload)
    except MalformedMessage as exc:
        raise Away("malformed-message", str(exc)) from exc


def _cut(body: bytes, contract: Contract) -> tuple[list[bytes], tuple[str, ...], int]:
    """Return the records; of CSV the columns that the first one names, and how many are headers."""
    kind = kind_of(contract)
    try:
        records = cut_body(body, kind, contract.separator)
    except MalformedBody as exc:
        raise Away("malformed-body", str(exc)) from exc
    if kind == "ndjson":
        return records, (), 0
    columns, n_headers = _header(records, contract)
    return records, columns, n_headers


def _header(records: list[bytes], contract: Contract) -> tuple[tuple[str, ...], int]:
    """Return the columns of CSV, and how many lines say so.

    Only a header that is known as one wherever it stands ends the one of the message before. A message
    has one alone, though it may repeat it: so a batch has no more of them than messages.
    """
    found = [read_header(r, contract.separator, contract.source_names) for r in records]
    columns, n = found[0], len(records)
    if columns is None or len(records[0]) > HEADER_BYTES:
        said = "the names of columns in the first line of CSV, two or more, all of the contract"
        raise Away("no-header", f"body: want {said}, got {records[0][:80]!r}", n)
    headers = [h for h in found if h is not None]
    if any(h != columns for h in headers):
        raise Away("malformed-body", "body: want CSV under one header, got another", n - len(headers) or 1)
    return columns, len(headers)
