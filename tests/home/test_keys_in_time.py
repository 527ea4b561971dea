"""Devices count for their agency, keys expire, and a revocation as of a time reaches back."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from small_city import AGENCY, NOW, key, ndjson, new_city
from veracity.home.audit import audit
from veracity.home.enrolments import (
    add_agency,
    add_device,
    list_keys,
    revoke_key,
    rotate_key,
    rotate_operator,
    signing_key,
)
from veracity.home.errors import AgencyExists, BadName, UnknownAgency
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, make_receipt
from veracity.provenance.errors import EnrolmentRejected, ExpiredKey, ReceiptRejected
from veracity.provenance.keys import SigningKey
from veracity.provenance.receipts import SCHEMA, SCHEMA_2, Receipt, format_receipt, parse_receipt
from veracity.verifying import verify

GAUGE = f"{AGENCY}/g01"


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city", signature="required")


def take(root: Path, clock: Clock, n: int, sign: SigningKey) -> str:
    """Take in file ``n``, an hour after the one before, and return what became of it."""
    clock.tick(hours=1)
    with open_writer(root, clock) as home:
        (report,) = ingest(home, "rain", [ndjson(root.parent / f"{n}.ndjson", 20 * n, 20)], sign=sign)
    return report.outcome if report.outcome != "refused" else next(iter(report.refusals), report.detail)


def receipt(root: Path, clock: Clock, batch: int) -> Receipt:
    home = Home.open(root, clock)
    made = make_receipt(home, "rain", find_record(home, "rain", batch, 0))
    home.close()
    return parse_receipt(format_receipt(made))


def found(root: Path, clock: Clock, sample: int | None = None) -> list[str]:
    home = Home.open(root, clock)
    report = audit(home, sample=sample)
    home.close()
    return [f"{f.where}: {f.what}" for f in report.findings]


def test_a_device_counts_for_its_agency(root: Path, clock: Clock) -> None:
    """A device enrolled by its agency's key signs a file; the receipt carries both enrolments."""
    with open_writer(root, clock) as home:
        entry = add_device(home, GAUGE, key(GAUGE).public, sign=key(AGENCY)).enrolled_at
    assert take(root, clock, 0, key(GAUGE)) == "sealed"
    made = receipt(root, clock, 0)
    assert made.schema == SCHEMA
    assert {0, entry} < {k.index for k in made.keys}
    checked = verify(made, root / "trust.policy")
    assert checked.agency == AGENCY
    assert GAUGE in next(s.detail for s in checked.steps if s.name == "delivery")
    assert found(root, clock) == []


def test_a_device_signs_no_changes_of_keys(root: Path, clock: Clock) -> None:
    """Devices come, change and go by the operator's or the agency's signature; never by their own."""
    with open_writer(root, clock) as home:
        add_device(home, GAUGE, key(GAUGE).public)
        with pytest.raises(EnrolmentRejected):
            add_device(home, f"{AGENCY}/g02", key("g02").public, sign=key(GAUGE))
        with pytest.raises(EnrolmentRejected):
            rotate_key(home, GAUGE, key("next").public, sign=key(GAUGE))
        for name in (GAUGE, AGENCY):
            with pytest.raises(EnrolmentRejected):
                revoke_key(home, name, "?", sign=key(GAUGE))
        assert rotate_key(home, GAUGE, key("next").public, sign=key(AGENCY)).role == "device"
        assert revoke_key(home, GAUGE, "lost", sign=key(AGENCY)).ended_at is not None
        with pytest.raises(UnknownAgency):
            rotate_key(home, GAUGE, key("more").public)


def test_names_of_devices(root: Path, clock: Clock) -> None:
    """A device is <agency>/<device> of an agency that is enrolled; its made key is kept and found by name."""
    with open_writer(root, clock) as home:
        for name in ("g01", "a/b/c", f"{AGENCY}/", "/g01", f"{AGENCY}/G", "operator/x"):
            with pytest.raises((BadName, UnknownAgency, EnrolmentRejected)):
                add_device(home, name, key("x").public)
        made = add_device(home, GAUGE)
        assert made.key_file is not None
        assert made.key_file.parent.name == AGENCY
        assert signing_key(home, GAUGE).public.keyid == made.keyid
        with pytest.raises(AgencyExists):
            add_device(home, GAUGE)


def test_an_expired_key_is_refused(root: Path, clock: Clock) -> None:
    """What comes after a key expired is refused with a code of its own; what came before stays valid."""
    with open_writer(root, clock) as home:
        rotate_key(home, AGENCY, key("short").public, NOW + timedelta(hours=2))
        with pytest.raises(BadName, match="to come"):
            rotate_key(home, AGENCY, key("past").public, NOW)
    assert take(root, clock, 0, key("short")) == "sealed"
    clock.tick(hours=1)
    assert take(root, clock, 1, key("short")) == "expired-key"
    verify(receipt(root, clock, 0), root / "trust.policy")
    assert found(root, clock) == []


def test_revoked_as_of_a_time(root: Path, clock: Clock) -> None:
    """As of a time: before stays valid, after is refused, in between audit, receipts and verify say so."""
    start = clock.now
    assert [take(root, clock, n, key(AGENCY)) for n in range(3)] == ["sealed"] * 3  # at 1, 2 and 3 hours
    earlier = receipt(root, clock, 2)
    clock.tick(hours=1)
    with open_writer(root, clock) as home:
        done = revoke_key(home, AGENCY, "stolen", as_of=start + timedelta(hours=2))
    assert done.ended_at is not None
    assert take(root, clock, 3, key(AGENCY)) == "revoked-key"
    verify(earlier, root / "trust.policy")  # its holder does not know yet
    for batch, holds in ((0, True), (1, False), (2, False)):
        made = receipt(root, clock, batch)
        assert made.schema == SCHEMA_2
        assert [r.index for r in made.revocations] == [done.ended_at]
        if holds:
            checked = verify(made, root / "trust.policy")
            assert "stolen" in checked.revoked[0]
        else:
            with pytest.raises(ReceiptRejected, match="as of which entry") as caught:
                verify(made, root / "trust.policy")
            assert caught.value.step == "delivery"
    want = [
        f"rain batch {n} (log entry {idx}): signed by a key revoked as of before"
        for n, idx in ((1, done.ended_at - 2), (2, done.ended_at - 1))
    ]
    assert found(root, clock) == want
    assert found(root, clock, sample=1) == want


def test_revoked_without_a_time_keeps_all_before(root: Path, clock: Clock) -> None:
    """A plain revocation keeps all that was received before, though the clock stood still or stepped back."""
    assert take(root, clock, 0, key(AGENCY)) == "sealed"
    clock.tick(seconds=-2)
    with open_writer(root, clock) as home:
        revoke_key(home, AGENCY, "closed")
    made = receipt(root, clock, 0)
    assert made.schema == SCHEMA_2
    verify(made, root / "trust.policy")
    assert found(root, clock) == []


def test_as_of_has_bounds(root: Path, clock: Clock) -> None:
    """As of a time to come, or before the key was enrolled, is refused."""
    clock.tick(hours=1)
    with open_writer(root, clock) as home:
        for when in (NOW - timedelta(seconds=1), clock.now + timedelta(seconds=1)):
            with pytest.raises(BadName, match="as-of"):
                revoke_key(home, AGENCY, "?", as_of=when)
        revoke_key(home, AGENCY, "stolen", as_of=NOW)


def test_a_replaced_key_is_revoked_later(root: Path, clock: Clock) -> None:
    """That a key was stolen may be known after it was replaced: it is named, and revoked as of then."""
    assert take(root, clock, 0, key(AGENCY)) == "sealed"
    theft = clock.tick(minutes=1)
    assert take(root, clock, 1, key(AGENCY)) == "sealed"
    with open_writer(root, clock) as home:
        rotate_key(home, AGENCY, key("new").public)
    assert take(root, clock, 2, key("new")) == "sealed"
    with open_writer(root, clock) as home:
        with pytest.raises(BadName, match="want at least 8 digits"):
            revoke_key(home, AGENCY, "stolen", theft, "00000000")
        revoke_key(home, AGENCY, "stolen", theft, key(AGENCY).public.keyid[:12])
    assert [f.split(" (")[0] for f in found(root, clock)] == ["rain batch 1"]
    verify(receipt(root, clock, 0), root / "trust.policy")
    assert receipt(root, clock, 2).schema == SCHEMA_2  # its agency's chain has the revoked key
    verify(receipt(root, clock, 2), root / "trust.policy")
    assert take(root, clock, 3, key("new")) == "sealed"


def test_a_stolen_key_takes_its_devices_with_it(root: Path, clock: Clock) -> None:
    """Devices that a stolen key enrolled since the theft count for nothing; others go on."""
    names = {"before": "g01", "since": "g02", "by-the-city": "g03"}
    with open_writer(root, clock) as home:
        add_device(home, f"{AGENCY}/g01", key("before").public, sign=key(AGENCY))
        theft = clock.tick(minutes=1)
        clock.tick(minutes=1)
        since = add_device(home, f"{AGENCY}/g02", key("since").public, sign=key(AGENCY))
        add_device(home, f"{AGENCY}/g03", key("by-the-city").public)
    for n, name in enumerate(names):
        assert take(root, clock, n, key(name)) == "sealed"
    with open_writer(root, clock) as home:
        assert revoke_key(home, AGENCY, "stolen", theft).devices == (f"{AGENCY}/g01", f"{AGENCY}/g03")
    assert found(root, clock) == [
        f"log entry {since.enrolled_at}: enrolment taken back",
        f"rain batch 1 (log entry {since.enrolled_at + 3}): signed by a key revoked as of before",
    ]
    outcomes = [take(root, clock, 3 + n, key(name)) for n, name in enumerate(names)]
    assert outcomes == ["sealed", "revoked-key", "sealed"]
    verify(receipt(root, clock, 0), root / "trust.policy")
    with pytest.raises(ReceiptRejected, match="delivery"):
        verify(receipt(root, clock, 1), root / "trust.policy")
    with open_writer(root, clock) as home:  # the agency goes on with a new key
        add_agency(home, AGENCY, key("fresh").public)
    assert take(root, clock, 6, key("fresh")) == "sealed"


def test_the_operators_key_expires_and_is_replaced(tmp_path: Path, clock: Clock) -> None:
    """Expired, it signs nothing but its own replacement; then the city goes on, and old receipts hold."""
    root = tmp_path / "city"
    init(root, "test.example/city", clock, expires=NOW + timedelta(days=1))
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
    clock.tick(days=1)
    with open_writer(root, clock) as home:
        with pytest.raises(ExpiredKey, match="before it expired"):
            add_agency(home, "second", key("second").public)
        old = home.operator_key.public
        done = rotate_operator(home, expires=clock.now + timedelta(days=400))
        assert home.operator.public.keyid == done.keyid != old.keyid
        add_agency(home, "second", key("second").public)
    assert (root / "keys" / "ended" / f"operator-{old.keyid[:8]}.pem").is_file()
    with open_writer(root, clock) as home:
        (current,) = (k for k in list_keys(home) if k.role == "operator" and k.ended_at is None)
        assert current.keyid == done.keyid
    assert found(root, clock) == []


def test_receipts_across_a_replaced_operator(root: Path, clock: Clock) -> None:
    """A receipt carries the revocation though a later operator's key signed it, and what that rests on."""
    assert take(root, clock, 0, key(AGENCY)) == "sealed"
    clock.tick(hours=1)
    with open_writer(root, clock) as home:
        rotate_operator(home)
        revoke_key(home, AGENCY, "stolen", clock.now)
    made = receipt(root, clock, 0)
    assert [r.statement.predicate["action"] for r in made.revocations] == ["rotate", "revoke"]
    verify(made, root / "trust.policy")
