"""A feed with personal fields in a home: nothing in clear anywhere, and who may find and show it."""

import hashlib
import shutil
import stat
from pathlib import Path

import polars as pl
import pytest

import veracity
from personal_city import BY, WHY, count_in_vault, erase_one, findings, found, root, shown, take
from persons import FEED, contract, csv, leaks, ndjson, new_city, persons, secrets_of
from small_city import AGENCY, clock, key
from veracity.data.errors import WrongFile
from veracity.data.personal.columns import Unprotected
from veracity.data.personal.token import parse_name
from veracity.errors import VeracityError
from veracity.feeds.errors import UnknownFileKind
from veracity.feeds.file_info import inspect
from veracity.home import protection
from veracity.home.batch import BatchWriter
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.errors import (
    ContractBreaks,
    DeliveryInterrupted,
    NothingPersonal,
    RecordNotFound,
    SignedInClear,
    StateBehind,
)
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.persons import accesses, find, opened_vault, show
from veracity.home.sources import read_parts
from veracity.provenance.errors import MalformedStatement

__all__ = ["root"]


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
    assert count_in_vault(root, "keys") == 201
    take(root, csv(tmp_path / "b.csv", persons(10, seed=2)))
    assert count_in_vault(root, "keys") == 11
    assert list((root / "staging").iterdir()) == []
    assert findings(root) == []


def _crash(_: Path) -> None:
    raise KeyboardInterrupt


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
    assert (count_in_vault(root, "keys"), count_in_vault(root, "files")) == (0, 0)
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
    assert count_in_vault(root, "keys") == 6
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
