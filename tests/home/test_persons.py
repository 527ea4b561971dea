"""A feed with personal fields in a home: nothing in clear anywhere, found, shown, erased, still proven."""

import hashlib
import shutil
import sqlite3
import stat
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import veracity
from persons import FEED, contract, csv, leaks, ndjson, new_city, persons, secrets_of
from small_city import AGENCY, NOW, ORIGIN, clock, key
from veracity.data.errors import WrongFile
from veracity.data.personal.columns import Unprotected
from veracity.data.personal.pseudonym import pseudonym
from veracity.data.personal.token import parse_name
from veracity.errors import VeracityError
from veracity.feeds.errors import UnknownFileKind
from veracity.feeds.file_info import inspect
from veracity.home import protection
from veracity.home.audit import audit
from veracity.home.batch import BatchWriter
from veracity.home.contracts import add_feed
from veracity.home.directory import open_directory
from veracity.home.enrolments import add_agency, rotate_operator
from veracity.home.erasures import (
    Erasure,
    erase_records,
    erase_value,
    erased_at,
    retain,
    try_erase_records,
    try_erase_value,
    try_retain,
)
from veracity.home.errors import (
    ContractBreaks,
    DeliveryInterrupted,
    FileWaiting,
    NothingPersonal,
    RecordNotFound,
    SignedInClear,
    StateBehind,
    VaultInUse,
    VaultUnusable,
)
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import FileReport, ingest
from veracity.home.lock import writing
from veracity.home.persons import PersonalRecord, accesses, find, opened_vault, show
from veracity.home.protection import write_protected
from veracity.home.receipts import find_record, make_receipt
from veracity.home.releases import release
from veracity.home.selection import Selection
from veracity.home.sources import read_parts
from veracity.home.taking import forget_file
from veracity.log.fsck import fsck
from veracity.provenance.dsse import open_envelope
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import Erase, parse_statement
from veracity.verifying import verify

BY, WHY = "Nguyen Van Dung", "letter of 3 September"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


def take(root: Path, *files: Path, records_per_part: int = 4_096) -> list[FileReport]:
    with open_writer(root, clock) as home:
        return ingest(home, FEED, files, resume=True, records_per_part=records_per_part)


def found(root: Path, field: str, value: str) -> list[PersonalRecord]:
    home = Home.open(root, clock)
    try:
        return list(find(home, FEED, field, value, BY, WHY).records)
    finally:
        home.close()


def shown(root: Path, batch: int, record: int) -> dict[str, str]:
    home = Home.open(root, clock)
    try:
        return {s.field: s.value for s in show(home, FEED, batch, record, BY, WHY)}
    finally:
        home.close()


def findings(root: Path) -> list[str]:
    home = Home.open(root, clock)
    try:
        assert fsck(home.log_objects, home.log_verifier).findings == ()
        return [f"{f.where}: {f.what}: {f.detail}" for f in audit(home).findings]
    finally:
        home.close()


def verified(root: Path, batch: int, record: int) -> dict[str, object]:
    """Make a receipt of a record, verify it, and return its row."""
    home = Home.open(root, clock)
    try:
        receipt = make_receipt(home, FEED, find_record(home, FEED, batch, record))
        return dict(verify(receipt, home.policy).row or {})
    finally:
        home.close()


class Gone(Exception):
    """The program ends here."""


class CutOff(Writer):
    """A home whose program ends before anything goes into the log."""

    def append(self, entry: bytes) -> int:
        raise Gone(len(entry))


def erase_cut_short(root: Path, phone: str) -> None:
    """Erase by number, and end when the keys are destroyed."""
    directory = open_directory(root)
    with writing(directory):
        home = CutOff(directory, clock)
        with pytest.raises(Gone):
            erase_value(home, FEED, "phone", phone, BY, WHY)
        home.close()


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@pytest.mark.parametrize("dirty", [False, True])
def test_nothing_in_clear_anywhere(tmp_path: Path, kind: str, dirty: bool) -> None:
    """After clean and dirty files, no file of the home holds a name, a number, a note or a plain digest."""
    root = new_city(tmp_path / "city", kind)
    rows = persons(300)
    path = (csv if kind == "csv" else ndjson)(tmp_path / f"nguyen-van-a.{kind}", rows, dirty=dirty)
    (report,) = take(root, path, records_per_part=128)
    assert report.received == report.accepted + report.quarantined + report.refused
    assert len(report.batches) >= 3
    assert report.accepted >= (300 if not dirty else 150)
    assert bool(report.quarantined) == bool(report.refused) == dirty
    plain = hashlib.sha256(path.read_bytes())
    secrets = [*secrets_of(rows), b"nguyen-van-a", plain.hexdigest().encode(), plain.digest()]
    assert leaks(root, secrets) == []
    assert findings(root) == []
    assert list((root / "staging").iterdir()) == []


def test_the_vault_is_apart(root: Path, tmp_path: Path) -> None:
    """The keys are in a file of their own that only its owner reads, and no key is in it unwrapped."""
    take(root, csv(tmp_path / "a.csv", persons(20)))
    for name in ("vault.db", "keys/vault.key"):
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o600
    home = Home.open(root, clock)
    with opened_vault(home) as vault:
        assert stat.S_IMODE((root / "vault.db-wal").stat().st_mode) == 0o600
        keys = [
            vault.key(parse_name(r.name))
            for r in find(home, FEED, "phone", persons(1)[0]["phone"], BY, WHY).records
        ]
    home.close()
    assert len(keys) == 1
    assert keys[0] is not None
    assert leaks(root, [keys[0], keys[0].hex().encode()]) == []


def test_a_person_is_found_however_written(root: Path, tmp_path: Path) -> None:
    """A search by pseudonym names the records of all files, however name and number were written."""
    rows = persons(50)
    mine = rows[7]
    rows[20] |= {"phone": f"({mine['phone'][:3]}) {mine['phone'][3:]}"}
    take(root, csv(tmp_path / "a.csv", rows[:15]), csv(tmp_path / "b.csv", rows[15:], dirty=True))
    places = [(r.batch, r.record) for r in found(root, "phone", mine["phone"])]
    assert places[0] == (0, 8)
    assert [batch for batch, _ in places] == [0, 1]
    assert [(r.batch, r.record) for r in found(root, "resident", mine["name"].upper())] == [(0, 8)]
    assert found(root, "phone", "0999999999") == []
    with pytest.raises(NothingPersonal, match="resident, phone"):
        found(root, "kind", "lamp")


def test_who_holds_the_vault_reads_a_record(root: Path, tmp_path: Path) -> None:
    """Values are decrypted for a named person with a reason, and both are on record in the vault alone."""
    rows = persons(30)
    take(root, csv(tmp_path / "a.csv", rows, dirty=True))
    assert shown(root, 0, 1) == {
        "resident": rows[0]["name"],
        "phone": rows[0]["phone"],
        "*other": rows[0]["note"],
    }
    assert rows[1]["name"] in shown(root, 0, 2)["*record"]
    home = Home.open(root, clock)
    looked = accesses(home)
    home.close()
    assert [(a.what, a.records, a.by, a.why) for a in looked] == [
        ("show", "0:1", BY, WHY),
        ("show", "0:2", BY, WHY),
    ]
    outside = [place for place in leaks(root, [BY.encode()]) if not place[0].startswith("vault.db")]
    assert outside == []
    with pytest.raises(RecordNotFound):
        shown(root, 3, 0)
    with pytest.raises(MalformedStatement):
        show(Home.open(root, clock), FEED, 0, 1, "", WHY)


def erase_one(root: Path, field: str, value: str) -> Erasure:
    with open_writer(root, clock) as home:
        return erase_value(home, FEED, field, value, BY, WHY)


def test_erasing_a_house_number_leaves_the_neighbours(root: Path, tmp_path: Path) -> None:
    """Values that only look alike without their punctuation are other persons', and stay."""
    rows = persons(8)
    numbers = ["12/3", "123", "1/23", "½3", "-123", "1.23", "12 / 3", "12/3"]
    rows = [r | {"phone": number} for r, number in zip(rows, numbers, strict=True)]
    take(root, csv(tmp_path / "a.csv", rows))
    done = erase_one(root, "phone", "12/3")
    assert [(r.record, r.batch) for r in done.records] == [(1, 0), (8, 0)]
    assert [shown(root, 0, i)["phone"] for i in range(2, 8)] == numbers[1:7]


def _loose(pepper: bytes, feed: str, field: str, value: str) -> bytes:
    return pseudonym(pepper, feed, field, value.replace("0", "1"))


def test_what_has_another_value_is_not_erased(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value is read before a key is destroyed: of two with one pseudonym one is erased, and one named."""
    rows = persons(6)
    rows[4]["phone"] = rows[2]["phone"].replace("0", "1")
    with monkeypatch.context() as before:  # a vault whose pseudonyms were made by a looser rule
        before.setattr(veracity.home.vault, "pseudonym", _loose)
        take(root, csv(tmp_path / "a.csv", rows))
        home = Home.open(root, clock)
        dry = try_erase_value(home, FEED, "phone", rows[2]["phone"], BY, WHY)
        home.close()
        done = erase_one(root, "phone", rows[2]["phone"])
    assert ([r.record for r in dry.records], [r.record for r in dry.others]) == ([3], [5])
    assert (done.records, done.others) == (dry.records, dry.others)
    assert shown(root, 0, 5)["phone"] == rows[4]["phone"]
    with pytest.raises(NothingPersonal):
        shown(root, 0, 3)


def test_a_file_that_comes_again_after_an_erasure_is_warned_of(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file is not known any more: its rows come in under new keys, the erased person's too."""
    path = csv(tmp_path / "a.csv", persons(5))
    take(root, path)
    erase_one(root, "phone", persons(5)[2]["phone"])
    assert caplog.messages == []
    take(root, csv(tmp_path / "b.csv", persons(5, seed=9)))
    assert caplog.messages == []
    (report,) = take(root, path)
    assert report.reasons["duplicate-key"] == 5
    (message,) = caplog.messages
    assert "a.csv" in message
    assert "erased" in message


def test_erased_is_gone_and_every_proof_still_verifies(root: Path, tmp_path: Path) -> None:
    """Erased values cannot be read; receipts from before and after verify; the audit is clean."""
    rows = persons(40)
    mine = rows[7]["phone"]
    take(root, csv(tmp_path / "a.csv", rows))
    before = verified(root, 0, 8)
    home = Home.open(root, clock)
    (dry,) = try_erase_value(home, FEED, "phone", mine, BY, WHY).records
    old = make_receipt(home, FEED, find_record(home, FEED, 0, 8))
    home.close()
    done = erase_one(root, "phone", mine)
    assert done.records == (dry,)
    assert (dry.batch, dry.record, len(done.entries)) == (0, 8, 1)
    with pytest.raises(NothingPersonal, match="keys are destroyed"):
        shown(root, 0, 8)
    assert found(root, "phone", mine) == []
    assert shown(root, 0, 9)["phone"] == rows[8]["phone"]
    assert verified(root, 0, 8) == before
    home = Home.open(root, clock)
    assert verify(old, home.policy).is_row_checked
    assert erased_at(home, FEED, 0, 8) == done.entries[0]
    assert erased_at(home, FEED, 0, 9) is None
    (said,) = home.index.predicates("erase", FEED)
    assert {k: said[1][k] for k in ("by", "why", "ground", "batches")} == {
        "by": BY,
        "why": WHY,
        "ground": "request",
        "batches": [0],
    }
    home.close()
    assert findings(root) == []
    assert leaks(root, secrets_of(rows)) == []
    with pytest.raises(NothingPersonal):
        erase_one(root, "phone", mine)


def test_an_erasure_by_record(root: Path, tmp_path: Path) -> None:
    """Records are erased by batch and number too, what could not be read among them."""
    rows = persons(30)
    take(root, csv(tmp_path / "a.csv", rows, dirty=True))
    with open_writer(root, clock) as home:
        places = [(0, 1), (0, 2)]
        assert try_erase_records(home, FEED, places, BY, WHY).entries == ()
        done = erase_records(home, FEED, places, BY, WHY, "order")
    assert [(r.batch, r.record) for r in done.records] == places
    for place in places:
        with pytest.raises(NothingPersonal):
            shown(root, *place)
    assert findings(root) == []


def test_the_reason_must_not_say_the_value(root: Path, tmp_path: Path) -> None:
    """Who and why stand in the log for ever: a text with the erased value in it is refused."""
    rows = persons(3)
    take(root, csv(tmp_path / "a.csv", rows))
    with open_writer(root, clock) as home, pytest.raises(MalformedStatement) as caught:
        erase_value(home, FEED, "phone", rows[0]["phone"], BY, f"he called from {rows[0]['phone']}")
    assert rows[0]["phone"] not in str(caught.value)
    assert len(found(root, "phone", rows[0]["phone"])) == 1


def test_a_released_row_is_erased_with_its_record(root: Path, tmp_path: Path) -> None:
    """A row let in from quarantine keeps its token: its key is the first record's, and dies with it."""
    rows = persons(20)
    rows[3] |= {"request": "X9"}
    take(root, csv(tmp_path / "a.csv", rows))
    with open_writer(root, clock) as home:
        done = release(home, FEED, Selection(every=True), BY, "typing error", ["pattern:request"])
        assert done.accepted == 1
        assert leaks(root, secrets_of(rows)) == []
        assert shown(root, 1, 0)["phone"] == shown(root, 0, 4)["phone"] == rows[3]["phone"]
        erased = erase_records(home, FEED, [(1, 0)], BY, WHY)
    assert [(r.batch, r.record) for r in erased.records] == [(0, 4)]
    for place in ((0, 4), (1, 0)):
        with pytest.raises(NothingPersonal):
            shown(root, *place)
        verified(root, *place)
    assert findings(root) == []


def test_retention(root: Path, tmp_path: Path) -> None:
    """What is older than the contract keeps it is erased, at the first run after; nothing before."""
    take(root, csv(tmp_path / "a.csv", persons(10, seed=1)))

    def later(days: float) -> list[int]:
        with open_writer(root, lambda: NOW + timedelta(days=days)) as home:
            would = try_retain(home, FEED)
            done = retain(home, FEED)
            assert (would is None) == (done is None)
            return [] if done is None else [r.record for r in done.records]

    with open_writer(root, lambda: NOW + timedelta(days=400)) as home:
        ingest(home, FEED, [csv(tmp_path / "b.csv", persons(10, seed=2))])
    assert later(729.9) == []
    assert later(730.1) == list(range(11))
    assert later(731) == []
    assert [(r.batch, r.record) for r in found(root, "phone", persons(1, seed=2)[0]["phone"])] == [(1, 1)]
    assert later(1131) == list(range(11))
    assert findings(root) == []


def test_the_same_file_again(root: Path, tmp_path: Path) -> None:
    """A plain file that came before is known, though no digest of it is kept, until a record is erased."""
    rows = persons(10)
    path = csv(tmp_path / "a.csv", rows)
    take(root, path)
    (again,) = take(root, path)
    assert again.outcome == "already sealed"
    with open_writer(root, clock) as home:
        (replayed,) = ingest(home, FEED, [path])
    assert replayed.outcome == "replay"
    erase_one(root, "phone", rows[0]["phone"])
    (third,) = take(root, path)  # to know it would be to be able to test guesses of what was erased
    assert (third.outcome, third.accepted, third.quarantined) == ("sealed", 0, 10)
    assert third.reasons == {"duplicate-key": 10}
    assert findings(root) == []


def test_a_file_goes_on_with_the_protected_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped half-way, a file goes on from staging; till then nothing of it is erased; its loss is said."""
    rows = persons(300)
    path = csv(tmp_path / "a.csv", rows)
    original, calls = BatchWriter.seal, []

    def stops(self: BatchWriter, *args: object, **more: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(BatchWriter, "seal", stops)
    with pytest.raises(KeyboardInterrupt):
        take(root, path, records_per_part=128)
    monkeypatch.undo()
    with pytest.raises(DeliveryInterrupted, match="all parts"):
        erase_one(root, "phone", rows[0]["phone"])
    copy = shutil.copytree(root, tmp_path / "copy")
    (staged,) = (copy / "staging").iterdir()
    staged.unlink()
    with pytest.raises(StateBehind, match="staging/protected-"):
        take(copy, path, records_per_part=128)
    (report,) = take(root, path, records_per_part=128)
    assert report.batches == [1, 2]
    assert findings(root) == []
    assert list((root / "staging").iterdir()) == []


def test_protection_cut_short_is_forgotten(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crash left of protecting a file goes, keys and all, with the next file."""
    monkeypatch.setattr(protection, "RECORDS_AT_ONCE", 64)
    monkeypatch.setattr(protection, "sync_directory", _crash)
    with pytest.raises(KeyboardInterrupt):
        take(root, csv(tmp_path / "a.csv", persons(200, seed=1)))
    monkeypatch.undo()
    assert _count(root, "keys") == 201
    take(root, csv(tmp_path / "b.csv", persons(10, seed=2)))
    assert _count(root, "keys") == 11
    assert list((root / "staging").iterdir()) == []
    assert findings(root) == []


def _crash(_: Path) -> None:
    raise KeyboardInterrupt


def _count(root: Path, table: str) -> int:
    database = sqlite3.connect(root / "vault.db")
    try:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    finally:
        database.close()


def test_what_cannot_be_taken_in_leaves_nothing(root: Path, tmp_path: Path) -> None:
    """A wrong file, a Parquet file, one signed in clear: an error, and no key, no file is left of it."""
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n", encoding="utf-8")
    columns = tmp_path / "a.parquet"
    pl.DataFrame(persons(3)).write_parquet(columns)
    signed = csv(tmp_path / "signed.csv", persons(3))
    (tmp_path / "signed.csv.dsse.json").write_text("{}", encoding="utf-8")
    cases: list[tuple[Path, type[VeracityError]]] = [
        (wrong, WrongFile),
        (columns, UnknownFileKind),
        (signed, SignedInClear),
    ]
    for path, error in cases:
        with pytest.raises(error):
            take(root, path)
    assert (_count(root, "keys"), _count(root, "files")) == (0, 0)
    assert list((root / "staging").iterdir()) == []
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    (report,) = take(root, empty)
    assert report.received == 0
    assert findings(root) == []


def test_signing_at_this_machine_signs_the_protected_file(root: Path, tmp_path: Path) -> None:
    """With ``sign`` the delivery names the protected file; a wrong key refuses it and leaves no keys."""
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        good, bad = csv(tmp_path / "a.csv", persons(5, seed=1)), csv(tmp_path / "b.csv", persons(5, seed=2))
        (report,) = ingest(home, FEED, [good], sign=key(AGENCY))
        assert report.outcome == "sealed"
        (refused,) = ingest(home, FEED, [bad], sign=key("forger"))
        assert (refused.outcome, refused.refused) == ("refused", 6)
    assert _count(root, "keys") == 6
    assert findings(root) == []
    assert leaks(root, [hashlib.sha256(p.read_bytes()).hexdigest().encode() for p in (good, bad)]) == []


def test_nothing_in_clear_can_be_sealed(root: Path, tmp_path: Path) -> None:
    """Who gives the writer of batches a personal value in clear is stopped before anything is kept."""
    path = csv(tmp_path / "a.csv", persons(3))
    with open_writer(root, clock) as home:
        feed = home.feed(FEED)
        info = inspect(path)
        (part,) = read_parts(info, feed.contract)
        with pytest.raises(Unprotected, match="record 0: header"):
            BatchWriter(home, feed).seal(info, part, None)
    assert not (root / "store" / "evidence").exists()


def test_a_personal_feed_stays_personal(root: Path, tmp_path: Path) -> None:
    """A new version cannot put in clear what was personal; a longer retention is a version like any other."""
    plain = contract(tmp_path, version="2.0.0")
    text = plain.read_text(encoding="utf-8")
    plain.write_text(
        text.replace("        classification: personal\n", "").replace("value: true", "value: false")
    )
    with open_writer(root, clock) as home:
        with pytest.raises(ContractBreaks):
            add_feed(home, plain)
        assert add_feed(home, contract(tmp_path, version="3.0.0", days=10)).contract.retention_s == 864_000


def test_without_the_vault(root: Path, tmp_path: Path) -> None:
    """A copy without vault and keys audits clean; the city itself without its vault does not."""
    rows = persons(10)
    take(root, csv(tmp_path / "a.csv", rows))
    erase_one(root, "phone", rows[0]["phone"])
    copy = shutil.copytree(root, tmp_path / "copy", ignore=shutil.ignore_patterns("vault*", "keys"))
    assert findings(copy) == []
    with pytest.raises(VaultUnusable):
        shown(copy, 0, 2)
    (root / "vault.db").unlink()
    assert [f.split(": ")[1] for f in findings(root)] == ["vault"]


def test_an_erasure_put_aside_is_said_at_the_next_open(root: Path, tmp_path: Path) -> None:
    """Keys destroyed and the program gone: whoever opens the home next says so in the log."""
    rows = persons(10)
    take(root, csv(tmp_path / "a.csv", rows))
    erase_cut_short(root, rows[0]["phone"])
    assert findings(root) == []  # put aside counts as said
    with open_writer(root, clock) as home:
        ((_, predicate),) = home.index.predicates("erase", FEED)
        assert predicate["records"]["rows"] == 1
    with open_writer(root, clock) as home:
        assert len(home.index.predicates("erase", FEED)) == 1
    assert _count(root, "erasures") == 0
    assert findings(root) == []


def test_a_statement_put_aside_in_time_is_said_when_the_key_has_expired(tmp_path: Path) -> None:
    """Erased, cut short, and the operator's key expires: the home opens, says it, and the key is replaced."""
    root, later = tmp_path / "city", NOW + timedelta(days=3)
    init(root, ORIGIN, clock, CityKeys(key("log").seed, key("operator")), expires=NOW + timedelta(days=1))
    rows = persons(5)
    with open_writer(root, clock) as home:
        add_feed(home, contract(tmp_path))
    take(root, csv(tmp_path / "a.csv", rows))
    erase_cut_short(root, rows[0]["phone"])
    with open_writer(root, lambda: later) as home:
        assert len(home.index.predicates("erase", FEED)) == 1
        rotate_operator(home, expires=later + timedelta(days=400))
    assert findings(root) == []


def test_who_reads_the_vault_holds_up_neither_home_nor_statement(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Old pages that a reader keeps are spoken of: by erase as an error, at opening as a warning."""
    monkeypatch.setattr("veracity.home.vault._WAIT_S", 0.001)
    rows = persons(10)
    take(root, csv(tmp_path / "a.csv", rows))
    reader = sqlite3.connect(root / "vault.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM keys").fetchone()
    with pytest.raises(VaultInUse, match=r"write-ahead log .* until that process ends"):
        erase_one(root, "phone", rows[0]["phone"])
    assert caplog.records == []
    for _ in range(2):
        with open_writer(root, clock) as home:
            assert len(home.index.predicates("erase", FEED)) == 1
        (record,) = caplog.records
        assert "an erasure is in the log, but: vault.db: want its write-ahead log emptied" in record.message
        assert _count(root, "erasures") == 1
        caplog.clear()
    assert findings(root) == []
    reader.close()
    with open_writer(root, clock) as home:
        assert len(home.index.predicates("erase", FEED)) == 1
    assert (caplog.records, _count(root, "erasures")) == ([], 0)
    assert findings(root) == []


def test_no_erasure_while_a_staged_file_waits(root: Path, tmp_path: Path) -> None:
    """Protected, then cut short before it was sealed: its keys are neither called erased nor overlooked."""
    rows = persons(10)
    path = csv(tmp_path / "a.csv", rows)
    with open_writer(root, clock) as home:
        with pytest.raises(Gone), protection.protected(home, home.feed(FEED).contract, inspect(path)):
            raise Gone
        (waiting,) = find(home, FEED, "phone", rows[0]["phone"], BY, WHY).waiting
        assert (waiting.name[:10], waiting.n_parts, waiting.n_records) == ("protected-", 0, 1)
        for erase in (erase_value, try_erase_value):
            with pytest.raises(FileWaiting, match=f"veracity personal forget requests {waiting.name}"):
                erase(home, FEED, "phone", rows[0]["phone"], BY, WHY)
        assert forget_file(home, FEED, waiting.sha256, BY, WHY).name == waiting.name
    assert list((root / "staging").iterdir()) == []
    assert (_count(root, "keys"), _count(root, "pseudonyms"), _count(root, "files")) == (0, 0, 0)
    take(root, path)
    assert len(erase_one(root, "phone", rows[0]["phone"]).records) == 1
    assert found(root, "phone", rows[0]["phone"]) == []


def test_erasing_forgets_a_protection_that_was_cut_short(root: Path, tmp_path: Path) -> None:
    """A file half protected when the program ended leaves no key of the person behind an erasure."""
    rows = persons(10)
    take(root, csv(tmp_path / "a.csv", rows))
    n_keys = _count(root, "keys")
    again = inspect(csv(tmp_path / "b.csv", rows + persons(2, seed=5)))
    with open_writer(root, clock) as home, home.make_vault() as vault:
        file = vault.begin(FEED, again.sha256, "csv")
        with (tmp_path / "half").open("wb") as out:
            write_protected(home.feed(FEED).contract, again, out, lambda some: vault.add(file, some))
        assert _count(root, "keys") > n_keys
    erase_one(root, "phone", rows[0]["phone"])
    assert _count(root, "keys") == n_keys - 1


def test_statement_round_trip(root: Path, tmp_path: Path) -> None:
    """The statement is read back as it was written, and is about the list of the records."""
    rows = persons(3)
    take(root, csv(tmp_path / "a.csv", rows))
    done = erase_one(root, "phone", rows[0]["phone"])
    home = Home.open(root, clock)
    statement = parse_statement(open_envelope(home.reader().entry(done.entries[0])).payload)
    erase = Erase.from_statement(statement)
    home.close()
    assert erase.to_statement() == statement
    assert erase.records.rows == 1
    assert [s.digest for s in statement.subjects] == [erase.records.sha256]


def test_from_python(root: Path, tmp_path: Path) -> None:
    """``veracity.open`` finds, shows and erases too."""
    rows = persons(5)
    take(root, csv(tmp_path / "a.csv", rows))
    city = veracity.open(root, clock)
    (record,) = city.find_personal(FEED, "phone", rows[2]["phone"], by=BY, reason=WHY).records
    place = record.batch, record.record
    assert city.show_personal(FEED, place, by=BY, reason=WHY)[0].value == rows[2]["name"]
    assert city.erase_personal(FEED, [place], by=BY, reason=WHY, ground="mistake").records == (record,)
    assert city.find_personal(FEED, "phone", rows[2]["phone"], by=BY, reason=WHY).records == ()
