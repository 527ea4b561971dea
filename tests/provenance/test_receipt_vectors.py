"""The published receipt vectors, each with the outcome its index states."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from receipt_world import reexecute

from veracity.errors import VeracityError
from veracity.log.merkle import inclusion_root, leaf_hash
from veracity.log.policy import parse_policy
from veracity.provenance.errors import ReceiptRejected
from veracity.provenance.messages import signed_text
from veracity.provenance.receipts import parse_receipt, verify_receipt
from veracity.provenance.receipts.time_stamps import parse_roots
from veracity.provenance.statements import Delivery, Ingest, parse_statement, typed

VECTORS = Path(__file__).parents[1] / "vectors"
sys.path.insert(0, str(VECTORS))

from check_receipts import No, check  # noqa: E402
from make_receipts import vectors  # noqa: E402
from receipt_edits import apply_patch  # noqa: E402

RECEIPTS = VECTORS / "receipts"
INDEX: dict[str, Any] = json.loads((RECEIPTS / "index.json").read_bytes())
POLICY = parse_policy((RECEIPTS / INDEX["policy"]).read_bytes())


def outcome(data: bytes) -> tuple[str, str | None]:
    try:
        verify_receipt(parse_receipt(data), POLICY, reexecute)
    except VeracityError as error:
        lines = str(error).count("\n") + 1
        step = error.step if isinstance(error, ReceiptRejected) else None
        return (error.code, step) if lines == 1 else (f"{lines} lines", step)
    return "valid", None


def test_vectors_are_what_the_script_writes() -> None:
    """The files in the tree are those that the script makes, byte for byte."""
    made = vectors()
    assert {path.name for path in RECEIPTS.iterdir()} == set(made)
    for name, data in made.items():
        assert (RECEIPTS / name).read_bytes() == data, name


@pytest.mark.parametrize("name", INDEX["valid"])
def test_valid(name: str) -> None:
    """A good receipt verifies, says that its data are simulated, and is written again as it was."""
    data = (RECEIPTS / name).read_bytes()
    verification = verify_receipt(parse_receipt(data), POLICY, reexecute)
    assert verification.simulated == (verification.statement.kind not in ("enrol", "access"))
    assert verification.is_row_checked == (verification.row is not None)


@pytest.mark.parametrize("lie", INDEX["lies"], ids=lambda lie: lie["file"])
def test_lie(lie: dict[str, Any]) -> None:
    """A log that holds what its signers had no right to say gives no receipt that verifies."""
    assert outcome((RECEIPTS / lie["file"]).read_bytes()) == (lie["code"], lie["step"])


@pytest.mark.parametrize("edit", INDEX["edits"], ids=lambda edit: edit["name"])
def test_edit(edit: dict[str, Any]) -> None:
    """Whatever is edited in a receipt, the step that depends on it fails."""
    document = json.loads((RECEIPTS / edit["base"]).read_bytes())
    edited = json.dumps(apply_patch(document, edit["patch"])).encode()
    assert outcome(edited) == (edit["code"], edit["step"])


STAMPED: dict[str, Any] = INDEX["time_stamps"]
ROOTS = parse_roots((RECEIPTS / STAMPED["roots"]).read_bytes())


def test_time_stamps() -> None:
    """With its authority's roots a time stamp says when the entry was there; a false one is found."""
    for name in STAMPED["valid"]:
        receipt = parse_receipt((RECEIPTS / name).read_bytes())
        verification = verify_receipt(receipt, POLICY, reexecute, ROOTS)
        assert verification.in_log_before is not None
        assert "time_stamps" in [step.name for step in verification.steps]
        assert verify_receipt(receipt, POLICY, reexecute).in_log_before is None
    for lie in STAMPED["lies"]:
        receipt = parse_receipt((RECEIPTS / lie["file"]).read_bytes())
        verify_receipt(receipt, POLICY, reexecute)
        with pytest.raises(ReceiptRejected) as caught:
            verify_receipt(receipt, POLICY, reexecute, ROOTS)
        assert caught.value.step == lie["step"]


def second_opinion(data: bytes) -> str | None:
    try:
        check(data, (RECEIPTS / INDEX["policy"]).read_text())
    except No as no:
        return str(no)
    return None


def test_second_implementation_agrees() -> None:
    """A checker written from the specification alone gives each vector the same verdict."""
    for name in INDEX["valid"]:
        assert second_opinion((RECEIPTS / name).read_bytes()) is None, name
    for lie in INDEX["lies"]:
        assert second_opinion((RECEIPTS / lie["file"]).read_bytes()) == lie["step"], lie["file"]
    for name in [*STAMPED["valid"], *(lie["file"] for lie in STAMPED["lies"])]:
        assert second_opinion((RECEIPTS / name).read_bytes()) is None, name
    for edit in INDEX["edits"]:
        if edit["step"] not in (None, "row"):
            document = json.loads((RECEIPTS / edit["base"]).read_bytes())
            edited = json.dumps(apply_patch(document, edit["patch"])).encode()
            assert second_opinion(edited) == edit["step"], edit["name"]


def test_worked_example_is_true() -> None:
    """Every digest on the specification's page is one of the receipt it explains."""
    page = (VECTORS.parents[1] / "docs" / "receipt.md").read_text()
    receipt = parse_receipt((RECEIPTS / "valid-ndjson.json").read_bytes())
    assert receipt.record is not None
    assert receipt.parts is not None
    ingest = typed(receipt.stated.statement)
    assert isinstance(ingest, Ingest)
    assert ingest.delivery is not None
    delivery = Delivery.from_statement(parse_statement(ingest.delivery.payload))
    known = {
        receipt.stated.envelope.signatures[0].keyid,
        leaf_hash(receipt.stated.entry).hex(),
        leaf_hash(receipt.record.pages[0].content).hex(),
        receipt.parts.path[0].hex(),
        delivery.evidence.root,
        ingest.delivery.signatures[0].keyid,
    }
    known |= of_the_message(page)
    assert set(re.findall(r"\b[0-9a-f]{64}\b", page)) == known
    start, length = receipt.record.offset, receipt.record.length
    assert receipt.record.pages[0].content[start : start + length].decode() in page
    assert f"bytes {start} to {start + length}" in page


def of_the_message(page: str) -> set[str]:
    """Hold the page's second example against its receipt; return the digests that it may name."""
    receipt = parse_receipt((RECEIPTS / "valid-v4-live-array.json").read_bytes())
    record, message = receipt.record, receipt.message
    assert record is not None
    assert message is not None
    start, end = record.offset, record.offset + record.length
    data = record.pages[0].content[start:end]
    assert f"record {record.record} of the batch, bytes {start} to {end}" in page
    assert data.decode() in page
    root = inclusion_root(leaf_hash(data[:-1]), message.index, message.n, message.path)
    assert signed_text("air-live", "danang-environment/aq06", message.n, root).decode() in page
    return {message.keyid, leaf_hash(data[:-1]).hex(), root.hex()}
