"""The receipt's format: JSON of at most 1 MiB, parsed once into frozen values.

Version 2 is version 1 with ``revocations`` and ``time_stamps``; a receipt without either is written as
version 1. Version 3 is version 2 with ``release``: it is about a ``decide``. Version 4 is version 2 with
``message``: it shows a record that its device signed.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from veracity.errors import Malformed
from veracity.log.merkle import HASH_BYTES, MAX_PATH
from veracity.log.tlog_proof import MAX_PROOF_BYTES, TlogProof
from veracity.provenance.dsse import MAX_ENVELOPE_BYTES, Envelope, open_envelope
from veracity.provenance.errors import MalformedReceipt
from veracity.provenance.fields import Fields, decode_base64
from veracity.provenance.keys import SIGNATURE_BYTES
from veracity.provenance.receipts.pages import ProvenPage
from veracity.provenance.statements import Statement, parse_statement
from veracity.provenance.strictjson import parse_json

SCHEMA = "veracity.receipt/v1"
SCHEMA_2 = "veracity.receipt/v2"
SCHEMA_3 = "veracity.receipt/v3"
SCHEMA_4 = "veracity.receipt/v4"
MAX_RECEIPT_BYTES = 1_048_576
MAX_KEYS = 64
MAX_TIME_STAMPS = 4
MAX_TIME_STAMP_BYTES = 32_768
MAX_PAGES = 8
MAX_COLUMNS = 1_000

_Item = TypeVar("_Item")
Value = str | int | float | bool | None


@dataclass(frozen=True)
class ProvenEntry:
    """A log entry's exact bytes, its proof, and what both hold. Nothing is verified yet."""

    entry: bytes
    proof: TlogProof
    envelope: Envelope
    statement: Statement

    @classmethod
    def parse(cls, entry: bytes, proof: str) -> "ProvenEntry":
        """Parse both; MalformedEnvelope, MalformedStatement or MalformedProof if one is none."""
        envelope = open_envelope(entry)
        return cls(entry, TlogProof.parse(proof), envelope, parse_statement(envelope.payload))

    @property
    def index(self) -> int:
        """Where in the log the entry claims to be."""
        return self.proof.index

    def to_object(self) -> dict[str, str]:
        """Return the JSON object."""
        return {"entry": self.entry.decode("utf-8"), "proof": self.proof.format()}


@dataclass(frozen=True)
class ProvenContract:
    """A contract's YAML bytes, and the ``contract`` statement that put them in force."""

    text: bytes
    stated: ProvenEntry


@dataclass(frozen=True)
class PartPath:
    """The way from a batch's evidence root to its file's: part ``index`` of ``n``, siblings first."""

    index: int
    n: int
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class ProvenRecord:
    """One record of a batch, or one decision of a run, and the pages that show it.

    Attributes
    ----------
    batch
        The batch's number in its feed, or the run's in its system.
    record
        Its number, counted from the batch's first record.
    pages
        Ascending; the record lies in one of them. A further one may show the header it is read by.
    offset, length
        Of its bytes, newline included, in the pages' contents joined.
    first_line
        The line of the file it begins on, from 1: a help to find it, proven by nothing.
    """

    batch: int
    record: int
    pages: tuple[ProvenPage, ...]
    offset: int
    length: int
    first_line: int | None = None


@dataclass(frozen=True)
class ProvenMessage:
    """The message that a record of a live batch came in: what it takes to check its sender's signature.

    Attributes
    ----------
    n, index, path
        Its number of records, which of them this is, and the way to the root over all of them, siblings
        first.
    keyid, signature
        Whose key signed it (64 hex digits), and the signature, 64 bytes.
    """

    n: int
    index: int
    path: tuple[bytes, ...]
    keyid: str
    signature: bytes


@dataclass(frozen=True)
class Receipt:
    """A statement of the log and, for an ``ingest``, one record of the batch and its clean row.

    For a ``decide``, one decision of the run, and the release it ran under.

    Attributes
    ----------
    stated
        The statement that the receipt is about.
    keys
        The ``enrol`` entries that its signers' keys rest on, in the log's order, entry 0 first.
    row
        The clean values claimed for the record, by column.
    revocations
        ``enrol`` entries after the statement, in the log's order: those that revoke keys it rests on,
        and what the keys that signed those rest on in turn.
    time_stamps
        RFC 3161 time stamps of the checkpoint's text, DER; nothing in them is parsed here.
    release
        The ``release`` that a ``decide`` names.
    message
        The signed message that a record of a live batch came in.
    """

    stated: ProvenEntry
    keys: tuple[ProvenEntry, ...]
    contract: ProvenContract | None = None
    parts: PartPath | None = None
    record: ProvenRecord | None = None
    row: Mapping[str, Value] | None = None
    revocations: tuple[ProvenEntry, ...] = ()
    time_stamps: tuple[bytes, ...] = ()
    release: ProvenEntry | None = None
    message: ProvenMessage | None = None

    @property
    def schema(self) -> str:
        """The version that it takes to write it."""
        if self.message is not None:
            return SCHEMA_4
        if self.release is not None:
            return SCHEMA_3
        return SCHEMA_2 if self.revocations or self.time_stamps else SCHEMA


def format_receipt(receipt: Receipt) -> bytes:
    """Write a receipt as indented JSON; ``parse_receipt`` gives an equal one.

    Raises
    ------
    MalformedReceipt
        If it would be longer than 1 MiB: its records are too long to be shown with their page. Or if
        its signers' keys rest on more changes than a receipt carries.
    """
    for name, entries in (("keys", receipt.keys), ("revocations", receipt.revocations)):
        if len(entries) > MAX_KEYS:
            raise MalformedReceipt(f"receipt.{name}: want at most {MAX_KEYS}, got {len(entries)}")
    contract, parts, record = receipt.contract, receipt.parts, receipt.record
    document: dict[str, Any] = {
        "schema": receipt.schema,
        **receipt.stated.to_object(),
        "keys": [key.to_object() for key in receipt.keys],
        "contract": contract and {**_content(contract.text), **contract.stated.to_object()},
        "parts": parts and {"index": parts.index, "n": parts.n, "path": _path(parts.path)},
        "record": record and _record(record),
        "row": None if receipt.row is None else dict(receipt.row),
    }
    if receipt.schema != SCHEMA:
        stamps = [b64encode(stamp).decode("ascii") for stamp in receipt.time_stamps]
        document["revocations"] = [key.to_object() for key in receipt.revocations] or None
        document["time_stamps"] = stamps or None
    if receipt.release is not None:
        document["release"] = receipt.release.to_object()
    if receipt.message is not None:
        document["message"] = _message(receipt.message)
    data = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2).encode("utf-8") + b"\n"
    if len(data) > MAX_RECEIPT_BYTES:
        raise MalformedReceipt(f"receipt: want at most {MAX_RECEIPT_BYTES} bytes, got {len(data)}")
    return data


def read_receipt(file: BinaryIO) -> Receipt:
    """Parse a receipt from an open file, of which no more than 1 MiB and a byte is ever read."""
    return parse_receipt(file.read(MAX_RECEIPT_BYTES + 1))


def parse_receipt(data: bytes) -> Receipt:
    """Parse a receipt without verifying anything.

    Raises
    ------
    MalformedReceipt
        Naming the field that is not what it should be.
    """
    document = parse_json(data, "receipt", MAX_RECEIPT_BYTES, MalformedReceipt)
    fields = Fields(document, "receipt", MalformedReceipt)
    schema = fields.choice("schema", (SCHEMA, SCHEMA_2, SCHEMA_3, SCHEMA_4))
    is_later = schema != SCHEMA
    receipt = Receipt(
        stated=_parse_entry(fields, "receipt"),
        keys=_parse_keys(fields, "keys"),
        contract=fields.optional("contract", lambda name: _parse_contract(fields.object(name))),
        parts=fields.optional("parts", lambda name: _parse_parts(fields.object(name))),
        record=fields.optional("record", lambda name: _parse_record(fields.object(name))),
        row=fields.optional("row", lambda name: _parse_row(fields, name)),
        revocations=_some(fields, "revocations", _parse_keys) if is_later else (),
        time_stamps=_some(fields, "time_stamps", _parse_stamps) if is_later else (),
        release=_parse_release(fields.object("release")) if schema == SCHEMA_3 else None,
        message=_parse_message(fields.object("message")) if schema == SCHEMA_4 else None,
    )
    fields.done()
    if receipt.schema != schema:
        raise MalformedReceipt("receipt: want revocations or time_stamps in version 2, got neither")
    if receipt.record is None and receipt.row is not None:
        raise MalformedReceipt("receipt.row: want a record that it was read from, got none")
    if receipt.record is None and receipt.message is not None:
        raise MalformedReceipt("receipt.message: want a record that came in it, got none")
    return receipt


def _parse_entry(fields: Fields, where: str) -> ProvenEntry:
    entry, proof = fields.text("entry", MAX_ENVELOPE_BYTES), fields.text("proof", MAX_PROOF_BYTES)
    with _inside(where):
        return ProvenEntry.parse(entry.encode("utf-8"), proof)


def _parse_release(fields: Fields) -> ProvenEntry:
    release = _parse_entry(fields, "receipt.release")
    fields.done()
    return release


def _parse_keys(fields: Fields, name: str) -> tuple[ProvenEntry, ...]:
    keys = []
    for i, item in enumerate(fields.objects(name, MAX_KEYS)):
        keys.append(_parse_entry(item, f"receipt.{name}[{i}]"))
        item.done()
    return tuple(keys)


def _parse_stamps(fields: Fields, name: str) -> tuple[bytes, ...]:
    stamps = []
    for item in fields.items(name, MAX_TIME_STAMPS):
        stamp = decode_base64(item)
        if not stamp or len(stamp) > MAX_TIME_STAMP_BYTES:
            raise fields.fail(name, f"base64 of 1 to {MAX_TIME_STAMP_BYTES} bytes each", item)
        stamps.append(stamp)
    return tuple(stamps)


def _some(fields: Fields, name: str, parse: Callable[[Fields, str], tuple[_Item, ...]]) -> tuple[_Item, ...]:
    """Return the items of an array; null stands for none, and an empty array for nothing known."""
    items = fields.optional(name, lambda name: parse(fields, name))
    if items == ():
        raise fields.fail(name, "null or at least one", [])
    return items or ()


def _parse_contract(fields: Fields) -> ProvenContract:
    contract = ProvenContract(_parse_content(fields), _parse_entry(fields, "receipt.contract"))
    fields.done()
    return contract


def _parse_parts(fields: Fields) -> PartPath:
    parts = PartPath(fields.count("index"), fields.count("n", 1), _parse_path(fields))
    fields.done()
    return parts


def _parse_record(fields: Fields) -> ProvenRecord:
    pages = []
    for page in fields.objects("pages", MAX_PAGES):
        pages.append(ProvenPage(page.count("index"), _parse_content(page), _parse_path(page)))
        page.done()
    record = ProvenRecord(
        batch=fields.count("batch"),
        record=fields.count("record"),
        pages=tuple(pages),
        offset=fields.count("offset"),
        length=fields.count("length", 1),
        first_line=fields.optional("first_line", lambda name: fields.count(name, 1)),
    )
    fields.done()
    return record


def _parse_message(fields: Fields) -> ProvenMessage:
    message = ProvenMessage(
        n=fields.count("n", 1),
        index=fields.count("index"),
        path=_parse_path(fields),
        keyid=fields.sha256("keyid"),
        signature=fields.base64("signature", SIGNATURE_BYTES),
    )
    fields.done()
    return message


def _parse_row(fields: Fields, name: str) -> dict[str, Value]:
    row = fields.take(name)
    if not isinstance(row, dict) or len(row) > MAX_COLUMNS:
        raise fields.fail(name, f"an object of at most {MAX_COLUMNS} columns", row)
    for column, value in row.items():
        if isinstance(value, dict | list):
            raise MalformedReceipt(f"receipt.row[{column[:64]!r}]: want one value, got an object or array")
    return row


def _parse_content(fields: Fields) -> bytes:
    """Read bytes that stand as ``text`` where they are UTF-8, else as ``base64``."""
    if "text" in fields:
        return fields.text("text", MAX_RECEIPT_BYTES, empty=True).encode("utf-8")
    return fields.base64("base64")


def _content(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode("ascii")}


def _parse_path(fields: Fields) -> tuple[bytes, ...]:
    hashes = []
    for item in fields.items("path", MAX_PATH):
        value = decode_base64(item)
        if value is None or len(value) != HASH_BYTES:
            raise fields.fail("path", f"base64 of {HASH_BYTES} bytes each", item)
        hashes.append(value)
    return tuple(hashes)


def _path(hashes: tuple[bytes, ...]) -> list[str]:
    return [b64encode(value).decode("ascii") for value in hashes]


def _record(record: ProvenRecord) -> dict[str, Any]:
    return {
        "batch": record.batch,
        "record": record.record,
        "pages": [{"index": p.index, **_content(p.content), "path": _path(p.path)} for p in record.pages],
        "offset": record.offset,
        "length": record.length,
        "first_line": record.first_line,
    }


def _message(message: ProvenMessage) -> dict[str, Any]:
    return {
        "n": message.n,
        "index": message.index,
        "path": _path(message.path),
        "keyid": message.keyid,
        "signature": b64encode(message.signature).decode("ascii"),
    }


@contextmanager
def _inside(where: str) -> Iterator[None]:
    """Say where in the receipt something malformed was found."""
    try:
        yield
    except Malformed as exc:
        raise MalformedReceipt(f"{where}: {exc}") from exc
