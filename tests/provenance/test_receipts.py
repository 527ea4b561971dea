import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receipt_world import ENVIRONMENT, LOG, OPERATOR, ORIGIN, POLICY, Lies, World, reexecute

from veracity.data.evidence import page_ends
from veracity.data.splitting import split_records
from veracity.data.text import TextFormat
from veracity.errors import Malformed, VeracityError
from veracity.log.checkpoints import Checkpoint
from veracity.log.cosignatures import Cosigner, add_signatures
from veracity.log.merkle import inclusion_path, leaf_hash, root_from_leaf_hashes
from veracity.log.notes import Signer, parse_note, sign_note
from veracity.log.policy import parse_policy, policy_for
from veracity.log.tlog_proof import TlogProof
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.errors import MalformedReceipt, ReceiptRejected
from veracity.provenance.receipts import (
    MAX_RECEIPT_BYTES,
    ProvenEntry,
    ProvenPage,
    Receipt,
    RecordEvidence,
    format_receipt,
    line_ends,
    parse_receipt,
    read_receipt,
    verify_receipt,
)
from veracity.provenance.statements import Statement, Subject

WORLD = World()
RECEIPT = WORLD.receipt(1, 5)
DATA = format_receipt(RECEIPT)


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_every_record_has_a_receipt(kind: Any) -> None:
    """Each record of each part gives a receipt that verifies, and the record's own bytes."""
    world = World(kind)
    for part, records in enumerate(world.parts):
        for record in range(0, len(records), 7):
            if (kind, part, record) in {("csv", 0, 0), ("csv", 0, 70)}:
                continue  # a header has no row; the quoted record needs more than the short cleaning
            verification = verify_receipt(world.receipt(part, record), POLICY, reexecute)
            assert verification.evidence is not None
            assert verification.evidence.data == records[record]
            assert verification.is_row_checked
            assert (verification.operator, verification.agency) == ("city", "danang-environment")


def test_round_trip() -> None:
    """A receipt is written and read back equal, whatever bytes its pages hold."""
    assert parse_receipt(DATA) == RECEIPT
    record = RECEIPT.record
    assert record is not None
    for content in (b"", b"\xff\xfe", b"\r\n\x00", "é\N{GRINNING FACE}".encode()):
        page = ProvenPage(0, content, ())
        changed = replace(RECEIPT, record=replace(record, pages=(page,)))
        assert parse_receipt(format_receipt(changed)) == changed


def test_every_receipt_says_what_it_did_not_check() -> None:
    """What a reader could take for checked and was not is said in words."""
    core = verify_receipt(RECEIPT, POLICY)
    assert not core.is_row_checked
    heads = {line.split(":")[0] for line in core.not_checked}
    assert {"witnesses", "revocation", "later statements", "file", "time", "row", "contract"} <= heads
    names = [step.name for step in core.steps]
    assert names[:5] == ["checkpoint", "keys", "entry", "signature", "statement"]
    assert names[5:] == ["contract", "delivery", "parts", "pages", "record"]
    full = verify_receipt(RECEIPT, POLICY, reexecute)
    assert full.steps[-1].name == "row"
    assert full.simulated


def test_unsigned_delivery_where_the_contract_allows_it() -> None:
    """A batch that no agency signed verifies if its contract lets it, and says so."""
    world = World(lies=Lies(delivery_key=None, contract={"signature": "optional"}))
    verification = verify_receipt(world.receipt(0, 1), POLICY, reexecute)
    assert verification.agency is None
    assert any(line.startswith("agency: nobody signed") for line in verification.not_checked)


def test_statement_without_record() -> None:
    """A receipt may be about a statement alone, of any kind that the operator says."""
    for index in range(len(WORLD.entries)):
        receipt = WORLD.statement_receipt(index)
        if index in WORLD.ingest_indices:
            receipt = replace(receipt, parts=WORLD.receipt(index - WORLD.ingest_indices[0], 0).parts)
        assert verify_receipt(parse_receipt(format_receipt(receipt)), POLICY).index == index
    model = Statement("train", (Subject("sha256", "22" * 32),), {"simulated": True})
    world = World()
    index = world.say(model, ENVIRONMENT)
    with pytest.raises(ReceiptRejected, match="want the operator"):
        verify_receipt(world.statement_receipt(index), POLICY)


def test_delivery_is_no_log_statement() -> None:
    """An agency's delivery put into the log by itself gives no receipt."""
    world = World()
    assert world.delivery is not None
    world.entries.append(sign_envelope(world.delivery.payload, [OPERATOR]))
    with pytest.raises(ReceiptRejected, match="got delivery"):
        verify_receipt(world.statement_receipt(len(world.entries) - 1), POLICY)


def test_another_logs_receipt_is_rejected() -> None:
    """A receipt does not verify under the policy of another log, of the same name or not."""
    for name in (ORIGIN, "example.org/town"):
        with pytest.raises(ReceiptRejected, match=r"^checkpoint: "):
            verify_receipt(RECEIPT, policy_for(Signer(name, bytes(32)).verifier))


def cosigned(receipt: Receipt, *cosignatures: tuple[Cosigner, int]) -> Receipt:
    """Return a receipt under the same checkpoint, cosigned by each witness at its time."""
    text = parse_note(receipt.stated.proof.checkpoint_note).text
    lines = tuple(witness.cosign(text, time_s) for witness, time_s in cosignatures)

    def under(stated: ProvenEntry) -> ProvenEntry:
        note = add_signatures(stated.proof.checkpoint_note, lines)
        return replace(stated, proof=replace(stated.proof, checkpoint_note=note))

    contract = receipt.contract
    return replace(
        receipt,
        stated=under(receipt.stated),
        keys=tuple(under(key) for key in receipt.keys),
        contract=None if contract is None else replace(contract, stated=under(contract.stated)),
    )


def test_witness_quorum() -> None:
    """Where the policy asks for a witness, a receipt without its cosignature is rejected."""
    witness = Cosigner("witness.example", sha256(b"witness").digest())
    text = f"log {LOG.verifier.format()}\nwitness w {witness.verifier.format()}\nquorum w\n"
    policy = parse_policy(text)
    with pytest.raises(ReceiptRejected, match="quorum w"):
        verify_receipt(RECEIPT, policy)
    receipt = cosigned(RECEIPT, (witness, 1_788_000_000))
    verification = verify_receipt(receipt, policy)
    assert verification.witnesses == ("w",)
    assert not any(line.startswith("witnesses") for line in verification.not_checked)


WITNESSES = [Cosigner(f"w{n}.example", sha256(b"witness %d" % n).digest()) for n in range(3)]
RECEIVED_S = 1_788_231_600  # 2026-09-01T03:00:00Z; the statement says a quarter of a second more


@pytest.mark.parametrize(
    ("quorum", "times", "want"),
    [
        ("two", (1, RECEIVED_S + 20, RECEIVED_S + 10), RECEIVED_S + 10),  # one lies, and is not enough
        ("two", (RECEIVED_S + 20, 2**62, RECEIVED_S + 10), RECEIVED_S + 20),
        ("two", (RECEIVED_S, 2**62, 2**61), None),  # of no calendar
        ("w0", (RECEIVED_S + 9, 1, 1), RECEIVED_S + 9),
        ("two", (RECEIVED_S, RECEIVED_S, 1), RECEIVED_S),
        ("two", (1, RECEIVED_S - 1, 5), 5),
        ("none", (RECEIVED_S, RECEIVED_S, RECEIVED_S), None),
    ],
)
def test_the_quorum_says_when(quorum: str, times: tuple[int, ...], want: int | None) -> None:
    """A time counts once enough witnesses say one up to it; one before the statement's own is told."""
    text = f"log {LOG.verifier.format()}\n"
    text += "".join(f"witness w{n} {w.verifier.format()}\n" for n, w in enumerate(WITNESSES))
    policy = parse_policy(f"{text}group two 2 w0 w1 w2\nquorum {quorum}\n")
    verification = verify_receipt(cosigned(RECEIPT, *zip(WITNESSES, times, strict=True)), policy)
    got = verification.in_log_before
    assert (None if got is None else got.timestamp()) == want
    said = [line for line in verification.not_checked if line.startswith("time: ")]
    assert len(said) == (2 if want is not None and want < RECEIVED_S else 1)
    if len(said) == 2:
        assert said[1] == (
            "time: the statement says 2026-09-01T03:00:00.250000Z, later than 1970-01-01T00:00:05Z,"
            " before which it was in the log: one of the two is wrong"
        )


def test_a_witness_that_signs_twice_is_one() -> None:
    """Two cosignatures of one witness are not those of two."""
    one, other, _ = WITNESSES
    text = f"log {LOG.verifier.format()}\nwitness a {one.verifier.format()}\n"
    policy = parse_policy(f"{text}witness b {other.verifier.format()}\ngroup both all a b\nquorum both\n")
    receipt = cosigned(RECEIPT, (one, 5), (one, 6), (other, RECEIVED_S))
    before = verify_receipt(receipt, policy).in_log_before
    assert before is not None
    assert before.timestamp() == RECEIVED_S


def test_no_byte_of_a_receipt_can_be_changed_unseen() -> None:
    """Change any one byte: the receipt is refused, or still says the same but for the line number."""
    want = verify_receipt(RECEIPT, POLICY, reexecute)
    for at in range(0, len(DATA), 3):
        changed = DATA[:at] + bytes([DATA[at] ^ 1]) + DATA[at + 1 :]
        try:
            got = verify_receipt(parse_receipt(changed), POLICY, reexecute)
        except (MalformedReceipt, ReceiptRejected):
            continue
        assert (got.statement, got.row) == (want.statement, want.row)
        assert got.evidence is not None
        assert want.evidence is not None
        assert replace(got.evidence, first_line=0) == replace(want.evidence, first_line=0)


def test_truncated_anywhere() -> None:
    """A receipt cut short is malformed, wherever it is cut."""
    for length in range(0, len(DATA) - 2, 97):
        with pytest.raises(MalformedReceipt):
            parse_receipt(DATA[:length])


class Zeros(io.RawIOBase):
    """A gigabyte of zeros that counts how much of it was asked for."""

    def __init__(self) -> None:
        self.n_read = 0

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= MAX_RECEIPT_BYTES + 1
        self.n_read += size
        return bytes(size)


def test_a_gigabyte_of_zeros() -> None:
    """Of a huge file no more than 1 MiB and a byte is read before it is refused."""
    zeros = Zeros()
    with pytest.raises(MalformedReceipt, match="at most 1048576 bytes"):
        read_receipt(zeros)  # type: ignore[arg-type]
    assert zeros.n_read == MAX_RECEIPT_BYTES + 1


def test_too_large_to_write() -> None:
    """A receipt that nobody could read is not written."""
    record = RECEIPT.record
    assert record is not None
    page = ProvenPage(0, bytes(MAX_RECEIPT_BYTES), ())
    with pytest.raises(MalformedReceipt, match="at most"):
        format_receipt(replace(RECEIPT, record=replace(record, pages=(page,))))


@given(st.data())
def test_only_our_errors(data: st.DataObject) -> None:
    """Any JSON value put anywhere in a receipt fails as our own error, in one line, or verifies."""
    document = json.loads(DATA)
    target, path = document, data.draw(st.sampled_from(PATHS))
    for name in path[:-1]:
        target = target[name]
    junk = (
        st.none() | st.booleans() | st.integers(-3, 2**53) | st.text(max_size=9) | st.floats(allow_nan=False)
    )
    target[path[-1]] = data.draw(
        junk | st.lists(junk, max_size=2) | st.dictionaries(st.text(max_size=3), junk, max_size=2)
    )
    try:
        verify_receipt(parse_receipt(json.dumps(document).encode()), POLICY, reexecute)
    except VeracityError as error:
        lines = str(error).split("\n")
    else:
        lines = ["verified"]
    assert len(lines) == 1


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a JSON document, the root apart."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = [p for key, item in items for p in paths_of(item, (*path, key))]
    return [path, *inner] if path else inner


PATHS = paths_of(json.loads(DATA))


def test_duplicate_name_is_malformed() -> None:
    """A receipt that says one thing to one reader and another to the next is refused."""
    with pytest.raises(MalformedReceipt, match="twice"):
        parse_receipt(DATA.replace(b'"schema"', b'"row": null, "schema"', 1))


def test_quarantine_and_wide_records() -> None:
    """The row claimed must be one of the record's rows; a record that gives none proves none."""

    def nothing(evidence: RecordEvidence) -> Sequence[Mapping[str, Any]]:
        return []

    def several(evidence: RecordEvidence) -> Sequence[Mapping[str, Any]]:
        return [{"station": "AQ99"}, *reexecute(evidence)]

    assert verify_receipt(RECEIPT, POLICY, several).is_row_checked
    with pytest.raises(ReceiptRejected, match=r"^row: row: want one of the record's 0 clean rows"):
        verify_receipt(RECEIPT, POLICY, nothing)


def test_errors_of_cleaning_again_name_the_step() -> None:
    """What cleaning refuses is a rejected row, not a crash."""

    def refuse(evidence: RecordEvidence) -> Sequence[Mapping[str, Any]]:
        raise Malformed("contract: want a mapping, got a list")

    with pytest.raises(ReceiptRejected, match=r"^row: contract: want a mapping"):
        verify_receipt(RECEIPT, POLICY, refuse)


def test_quoted_pages_are_left_to_the_cutting_rule() -> None:
    """On a page with quotes the core finds whole lines only, and says that it found no more."""
    world = World("csv")
    verification = verify_receipt(replace(world.receipt(0, 71), row=None), POLICY)
    assert verification.evidence is not None
    assert not verification.evidence.is_exact
    assert any(line.startswith("record: that these bytes") for line in verification.not_checked)
    receipt = world.receipt(0, 71)
    assert receipt.record is not None
    shifted = replace(receipt, record=replace(receipt.record, offset=receipt.record.offset + 1))
    with pytest.raises(ReceiptRejected, match=r"^record: .*want whole lines"):
        verify_receipt(shifted, POLICY)


def test_a_further_page_may_be_shown() -> None:
    """A receipt may carry the page of the header; each page shown is proven."""
    world = World("csv")
    first, second = world.receipt(0, 3), world.receipt(0, 65)
    assert first.record is not None
    assert second.record is not None
    (header,), (page,) = first.record.pages, second.record.pages
    record = replace(second.record, pages=(header, page), offset=len(header.content) + second.record.offset)
    verification = verify_receipt(replace(second, record=record), POLICY)
    assert verification.evidence is not None
    assert verification.evidence.page == page
    assert verification.evidence.pages[0].content.startswith(b"observed_at,")


def test_long_lines_are_cut_into_records() -> None:
    """A line longer than a record may be is cut, as it is when it is read."""
    assert line_ends(b"a\n" + b"b" * 70_000 + b"\nc\n") == [2, 65_538, 70_003, 70_005]
    assert line_ends(b"x" * 65_536) == [65_536]
    assert line_ends(b"x" * 65_535 + b"\n" + b"y") == [65_536, 65_537]
    assert line_ends(b"") == []


def test_one_entry_log() -> None:
    """The operator's enrolment alone, in a tree of one entry without a proof path, verifies."""
    entry = WORLD.entries[0]
    tree = Checkpoint(ORIGIN, 1, root_from_leaf_hashes([leaf_hash(entry)]))
    proof = TlogProof(0, tuple(inclusion_path([leaf_hash(entry)], 0)), sign_note(tree.format(), [LOG]))
    receipt = Receipt(stated=ProvenEntry.parse(entry, proof.format()), keys=())
    verification = verify_receipt(receipt, POLICY)
    assert (verification.size, verification.statement.kind, verification.operator) == (1, "enrol", "city")


@given(st.lists(st.text("ab,\r\n", max_size=5) | st.just("x" * 65_530), max_size=80).map("".join))
def test_cut_as_the_reader_cuts(text: str) -> None:
    """Pages are cut into the very records that the file was cut into when it came in."""
    data = text.encode()
    for fmt in (TextFormat("ndjson"), TextFormat("csv")):
        ends = split_records(data, fmt, at_end=True)
        assert line_ends(data) == ends.tolist()
        for start, end in zip([0, *page_ends(ends)[:-1]], page_ends(ends), strict=False):
            page = data[start:end]
            assert line_ends(page) == [e - start for e in ends.tolist() if start < e <= end]
