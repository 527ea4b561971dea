"""Attacks on keys: forged, stolen, revoked, backdated, expired. For each, who notices and what they say.

The insider here has the disk and the log's own key, so that whatever goes into the log is proven to be in it.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from small_city import AGENCY, NOW, clock, key, ndjson, new_city
from veracity.feeds.file_info import inspect
from veracity.home.audit import audit
from veracity.home.deliveries import sign_file, write_sidecar
from veracity.home.enrolments import add_agency, add_device, revoke_key, rotate_key, rotate_operator
from veracity.home.home import Home, open_writer
from veracity.home.ingest import FileReport, ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.dsse import open_envelope, sign_envelope
from veracity.provenance.errors import (
    EnrolmentRejected,
    ExposedKey,
    ReceiptRejected,
    RevokedKey,
    UnknownKey,
)
from veracity.provenance.keys import SigningKey
from veracity.provenance.receipts import Receipt, format_receipt, parse_receipt
from veracity.provenance.statements import Action, Enrol, Ingest, Role, format_statement, parse_statement
from veracity.verifying import verify

GAUGE = f"{AGENCY}/g01"
THIEF = key("thief")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A city with one signed batch, entry 3."""
    root = new_city(tmp_path / "city", signature="required")
    taken(root, 0, key(AGENCY))
    return root


def later(hours: float) -> Callable[[], datetime]:
    return lambda: NOW + timedelta(hours=hours)


def taken(root: Path, n: int, sign: SigningKey, hours: float = 0) -> FileReport:
    with open_writer(root, later(hours)) as home:
        (report,) = ingest(home, "rain", [ndjson(root.parent / f"{n}.ndjson", 20 * n, 20)], sign=sign)
    return report


def slip_in(root: Path, payload: bytes, signer: SigningKey) -> None:
    """Append an entry past all checks, as one who has the log's key can."""
    with open_writer(root, clock) as home:
        home.append(sign_envelope(payload, [signer]))


def enrolment(
    action: Action, name: str, subject: SigningKey, role: Role = "device", as_of: str | None = None
) -> bytes:
    return format_statement(Enrol(action, name, role, subject.public, as_of=as_of).to_statement())


def receipt(root: Path, batch: int = 0) -> Receipt:
    home = Home.open(root, clock)
    made = make_receipt(home, "rain", find_record(home, "rain", batch, 0))
    home.close()
    return made


def findings(root: Path) -> list[str]:
    home = Home.open(root, clock)
    report = audit(home)
    home.close()
    return [f"{f.where}: {f.what}: {f.detail}" for f in report.findings]


@pytest.mark.parametrize("signer", ["thief", f"{AGENCY}/g01", "other-agency"])
def test_a_forged_device(root: Path, signer: str) -> None:
    """A device enrolled in the log by a stranger, another device or another agency: audit stops at it."""
    with open_writer(root, clock) as home:
        add_device(home, GAUGE, key(GAUGE).public)
    payload = enrolment("enrol", f"{AGENCY}/g02", THIEF, as_of="2026-09-03T12:00:00Z")
    slip_in(root, payload, key(signer))
    found = [f for f in findings(root) if f.startswith("log: unreadable log")]
    assert len(found) == 1
    with pytest.raises((UnknownKey, EnrolmentRejected)), open_writer(root, clock):
        pass  # nor does the city sign anything on top of it


def test_a_forged_key_signs_a_file(root: Path) -> None:
    """A file signed by a key that nobody enrolled is refused, and the log says so."""
    assert taken(root, 1, THIEF).refusals == {"unknown-key": 20}
    assert findings(root) == []


def test_a_stolen_key_after_its_revocation(root: Path, tmp_path: Path) -> None:
    """A delivery signed before the key's revocation and handed in after it: what counts is the log."""
    file = ndjson(tmp_path / "1.ndjson", 20, 20)
    with open_writer(root, clock) as home:
        write_sidecar(sign_file(inspect(file), home.feed("rain").contract, key(AGENCY)), file)
        revoke_key(home, AGENCY, "stolen")
        (report,) = ingest(home, "rain", [file])
        assert set(report.refusals) == {"revoked-key"}


def test_a_stolen_key_brings_an_accomplice(root: Path) -> None:
    """A thief enrols a device with the stolen key and goes on with that: the revocation takes it back."""
    with open_writer(root, later(2)) as home:
        add_device(home, GAUGE, THIEF.public, sign=key(AGENCY))
    assert taken(root, 1, THIEF, 3).outcome == "sealed"
    with open_writer(root, later(4)) as home:
        revoke_key(home, AGENCY, "stolen", as_of=NOW + timedelta(hours=1))
    assert taken(root, 2, THIEF, 5).refusals == {"revoked-key": 20}
    told = [f.split(":")[1].strip() for f in findings(root)]
    assert told == ["enrolment taken back", "signed by a key revoked as of before"]
    verify(receipt(root, 0), root / "trust.policy")
    with pytest.raises(ReceiptRejected, match="delivery"):
        verify(receipt(root, 1), root / "trust.policy")


def test_an_enrolment_backdated_by_a_thief(root: Path) -> None:
    """An enrolment that says it came before the theft is told by the entries before it; one without a time
    is taken back with the key."""
    slip_in(root, enrolment("enrol", GAUGE, THIEF, as_of="2026-09-03T10:00:00Z"), key(AGENCY))
    slip_in(root, enrolment("enrol", f"{AGENCY}/g02", key("another")), key(AGENCY))
    with open_writer(root, later(4)) as home:
        revoke_key(home, AGENCY, "stolen", as_of=NOW + timedelta(hours=3))
        assert home.agencies().active(f"{AGENCY}/g02") == []
    told = [":".join(f.split(":")[:2]) for f in findings(root)]
    assert told == ["log entry 4: enrolment dated back", "log entry 5: enrolment taken back"]


def test_a_batch_backdated_by_the_operator(root: Path) -> None:
    """An operator writes an earlier time of receipt to save a batch: audit sees the order."""
    assert taken(root, 1, key(AGENCY), 5).outcome == "sealed"
    reading = Home.open(root, clock)
    said = Ingest.from_statement(parse_statement(open_envelope(reading.reader().entry(4)).payload))
    reading.close()
    backdated = replace(said, batch=2, received_at="2026-09-03T11:00:00Z")
    slip_in(root, format_statement(backdated.to_statement()), key("operator"))
    want = "rain batch 2 (log entry 5): received before the batch before it"
    assert any(f.startswith(want) for f in findings(root))


def test_an_expired_key_signs_on(root: Path) -> None:
    """A key that has expired is refused on arrival; a batch slipped in with it is found by audit."""
    with open_writer(root, clock) as home:
        rotate_key(home, AGENCY, key("short").public, NOW + timedelta(hours=1))
    assert taken(root, 1, key("short"), 0.5).outcome == "sealed"
    assert taken(root, 2, key("short"), 1).refusals == {"expired-key": 20}
    reading = Home.open(root, clock)
    said = Ingest.from_statement(parse_statement(open_envelope(reading.reader().entry(5)).payload))
    reading.close()
    late = replace(said, received_at="2026-09-03T13:00:00Z", batch=3)
    slip_in(root, format_statement(late.to_statement()), key("operator"))
    assert any("signed by an expired key" in f for f in findings(root))


def test_an_expired_key_comes_back(root: Path) -> None:
    """The same key enrolled again, to live longer, is refused: a key comes once."""
    with open_writer(root, clock) as home:
        rotate_key(home, AGENCY, key("short").public, NOW + timedelta(hours=1))
    with open_writer(root, later(2)) as home, pytest.raises(EnrolmentRejected, match="never enrolled"):
        rotate_key(home, AGENCY, key("short").public)


def test_a_revocation_taken_back(root: Path) -> None:
    """A later revocation that names a later time, to save what an earlier one refused, is refused itself."""
    with open_writer(root, later(3)) as home:
        revoke_key(home, AGENCY, "stolen", as_of=NOW)
        with pytest.raises(EnrolmentRejected, match="want a time before"):
            revoke_key(home, AGENCY, "?", NOW + timedelta(hours=2), key(AGENCY).public.keyid)
        with pytest.raises(EnrolmentRejected, match="never enrolled"):
            add_agency(home, AGENCY, key(AGENCY).public)


def test_a_receipt_without_its_revocation(root: Path) -> None:
    """Cut out of a receipt, a revocation is missed by nobody offline: the verifier says that it cannot know.

    Edited, or carried by a receipt of another tree, it fails its own step.
    """
    with open_writer(root, later(1)) as home:
        revoke_key(home, AGENCY, "stolen", as_of=NOW)
    made = receipt(root)
    with pytest.raises(ReceiptRejected) as caught:
        verify(made, root / "trust.policy")
    assert caught.value.step == "delivery"
    checked = verify(replace(made, revocations=()), root / "trust.policy")
    assert any(line.startswith("later statements:") for line in checked.not_checked)
    document = json.loads(format_receipt(made))
    entry = document["revocations"][0]["entry"]
    document["revocations"][0]["entry"] = entry.replace('"keyid":"', '"keyid": "', 1)
    with pytest.raises(ReceiptRejected) as caught:
        verify(parse_receipt(json.dumps(document).encode()), root / "trust.policy")
    assert caught.value.step == "revocations"


def test_a_swapped_operator_key(root: Path, tmp_path: Path) -> None:
    """Another key in the operator's place, or a reference to one, signs nothing."""
    path = root / "keys" / "operator.pem"
    kept = path.read_bytes()
    path.write_bytes(THIEF.to_pem())
    with pytest.raises(UnknownKey), open_writer(root, clock):
        pass
    path.write_bytes(kept)
    (tmp_path / "thief.pem").touch(0o600)
    (tmp_path / "thief.pem").write_bytes(THIEF.to_pem())
    (root / "keys" / "operator.ref").write_text(f"file:{tmp_path}/thief.pem\n")
    with pytest.raises(UnknownKey), open_writer(root, clock):
        pass


@pytest.mark.parametrize("name", ["operator.pem", "log.key"])
def test_a_key_laid_open(root: Path, name: str) -> None:
    """A key file that others could have read signs nothing until somebody has looked into it."""
    (root / "keys" / name).chmod(0o644)
    with pytest.raises(ExposedKey), open_writer(root, clock):
        pass


def test_the_operators_replaced_key_signs_on(root: Path) -> None:
    """Whoever kept the operator's old key signs nothing with it that counts."""
    with open_writer(root, clock) as home:
        rotate_operator(home)
    (old,) = (root / "keys" / "ended").iterdir()
    old.replace(root / "keys" / "operator.pem")
    with pytest.raises(RevokedKey, match="replaced at"), open_writer(root, clock):
        pass
