"""Fuzz targets of ``provenance`` and ``data``: JSON, envelopes, statements, keys, receipts, records."""

import json
import math
from contextlib import suppress
from typing import Literal

from artefacts import ENVELOPES, RECEIPT_POLICY, RECEIPTS, WORLD
from fuzzing import edited, promise, same, target
from receipt_world import ENVIRONMENT, OPERATOR, reexecute

from veracity.data.bodies import cut_body
from veracity.data.evidence import parse_pages
from veracity.data.json_strict import NotOneObject, check_names, load_object
from veracity.errors import Malformed
from veracity.provenance.dsse import Envelope, open_envelope, verify
from veracity.provenance.keys import PublicKey, SigningKey
from veracity.provenance.messages import MAX_MESSAGE_BYTES, parse_message
from veracity.provenance.receipts import Receipt, format_receipt, parse_receipt, verify_receipt
from veracity.provenance.statements import format_statement, parse_statement, typed
from veracity.provenance.strictjson import parse_json

PAYLOADS = {open_envelope(entry).payload for entry in ENVELOPES}
FORMATTED = [format_receipt(receipt) for receipt in RECEIPTS]


@target()
def strict_json(data: bytes) -> None:
    """What the strict parser takes, the lenient one reads as the same, and it is written and read back."""
    value = parse_json(data, "input", 1 << 20, Malformed)
    with promise("strict JSON is JSON"):
        same("value", value, json.loads(data))
        same("value", parse_json(json.dumps(value, allow_nan=False).encode(), "", 1 << 24, Malformed), value)


@target()
def record_json(data: bytes) -> None:
    """A record of NDJSON is one unambiguous object to two parsers, or no record."""
    try:
        check_names(data)
    except NotOneObject as exc:
        raise Malformed(str(exc)[:900].replace("\n", " ")) from exc
    with promise("a record means one thing"):
        ours, lenient = load_object(data), json.loads(data)
        same("record", _plain(ours), _plain(lenient))


def _plain(value: object) -> object:
    """Return JSON values with every number as a float: parsers differ in what they call an integer."""
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
        return math.inf
    return value


@target()
def envelope(data: bytes) -> None:
    """An envelope is read back as it was, from its object and from its canonical bytes."""
    opened = open_envelope(data)
    with promise("an envelope can be written and read back"):
        same("envelope", Envelope.from_object(opened.to_object()), opened)
        same("envelope", open_envelope(opened.format()), opened)


@target()
def signed_envelope(data: bytes) -> None:
    """A changed envelope does not verify, or carries a payload that was signed."""
    chosen = ENVELOPES[data[0] % len(ENVELOPES)] if data else ENVELOPES[0]
    opened = open_envelope(edited(chosen, data[1:]))
    verify(opened, [OPERATOR.public, ENVIRONMENT.public])
    same("payload", opened.payload in PAYLOADS, True)


@target()
def statement(data: bytes) -> None:
    """A statement of any kind is read back as it was, and its typed form too."""
    parsed = parse_statement(data)
    with promise("a statement can be written and read back"):
        same("statement", parse_statement(format_statement(parsed)), parsed)
    form = typed(parsed)
    if form is not None:
        with promise("a typed statement can be written and read back"):
            again = parse_statement(format_statement(form.to_statement()))
            same("typed", typed(again), form)
            same("digests", _digests(again), _digests(parsed))


def _digests(parsed: object) -> list[tuple[str, str]]:
    return [(s.algorithm, s.digest) for s in getattr(parsed, "subjects", ())]


@target()
def message(data: bytes) -> None:
    """What a device sends is a signed message or its own body, and no small one becomes a large one."""
    parsed = parse_message(data)
    with promise("a message is bounded, and signed or not"):
        same("size", len(parsed.body) <= MAX_MESSAGE_BYTES, True)
        same("signed", parsed.keyid is None, parsed.signature is None)
        same("bare", parsed.keyid is not None or parsed.body == data, True)


@target()
def body(data: bytes) -> None:
    """Records are runs of the bytes received, in order, each on a line; sent on lines they are the same."""
    kind: Literal["csv", "ndjson"] = "csv" if data[:1] == b"\1" else "ndjson"
    records = cut_body(data[1:], kind)
    with promise("records are runs of the bytes received"):
        at = 1
        for record in records:
            same("line", (b"\n" in record, bool(record.strip())), (False, True))
            at = data.index(record, at) + len(record)
    if kind == "csv" or records[0][:1] == b"{":
        with promise("records on lines are the same records"):
            same("records", cut_body(b"\n".join(records), kind), records)


@target()
def public_key(data: bytes) -> None:
    """A public key has one spelling."""
    text = data.decode("utf-8", "surrogateescape")
    same("public key", PublicKey.parse(text).format(), text)


@target()
def signing_key(data: bytes) -> None:
    """A private key's file is read, or refused without a word of what it holds."""
    key = SigningKey.from_pem(data)
    with promise("a key can be written and read back"):
        same("key", SigningKey.from_pem(key.to_pem()), key)


@target(max_bytes=32_768)
def receipt(data: bytes) -> None:
    """A receipt is read back as it was."""
    parsed = parse_receipt(data)
    with promise("a receipt can be written and read back"):
        same("receipt", parse_receipt(format_receipt(parsed)), parsed)


@target()
def verified_receipt(data: bytes) -> None:
    """A changed receipt does not verify, or shows no more than one that was issued."""
    chosen = data[0] % len(FORMATTED) if data else 0
    parsed = parse_receipt(edited(FORMATTED[chosen], data[1:]))
    verify_receipt(parsed, RECEIPT_POLICY, reexecute)
    same("shown", any(_claims_no_more(parsed, issued) for issued in RECEIPTS), True)


def _claims_no_more(claimed: Receipt, issued: Receipt) -> bool:
    """Whether a receipt is about the same entry, and whatever else it shows is the same too."""
    same_entry = (claimed.stated.envelope.payload, claimed.stated.index) == (
        issued.stated.envelope.payload,
        issued.stated.index,
    )
    return same_entry and all(
        mine is None or (theirs is not None and mine == theirs)
        for mine, theirs in (
            (claimed.contract and claimed.contract.text, issued.contract and issued.contract.text),
            (claimed.record and _shown(claimed), issued.record and _shown(issued)),
            (claimed.message, issued.message),
            (claimed.row and dict(claimed.row), issued.row and dict(issued.row)),
        )
    )


def _shown(receipt: Receipt) -> tuple[int, int, bytes]:
    record = receipt.record
    assert record is not None
    joined = b"".join(page.content for page in record.pages)
    return record.batch, record.record, joined[record.offset : record.offset + record.length]


@target()
def evidence_pages(data: bytes) -> None:
    """The index of a batch's pages is read, or refused, without a gigabyte for a few bytes."""
    parse_pages(data, "pages")


assert WORLD.entries, "the world has a log"
