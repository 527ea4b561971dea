"""Erasing a person: the values are gone for good, those of others stay, and every proof still verifies."""

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

import veracity
from personal_city import (
    BY,
    WHY,
    Gone,
    count_in_vault,
    erase_cut_short,
    erase_one,
    findings,
    found,
    root,
    shown,
    take,
    verified,
)
from persons import FEED, contract, csv, leaks, persons, secrets_of
from small_city import NOW, ORIGIN, clock, key
from veracity.data.personal.pseudonym import pseudonym
from veracity.feeds.file_info import inspect
from veracity.home import protection
from veracity.home.contracts import add_feed
from veracity.home.enrolments import rotate_operator
from veracity.home.erasures import (
    erase_records,
    erase_value,
    erased_at,
    retain,
    try_erase_records,
    try_erase_value,
    try_retain,
)
from veracity.home.errors import FileWaiting, NothingPersonal, VaultInUse, VaultUnusable
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.persons import find
from veracity.home.protection import write_protected
from veracity.home.receipts import find_record, make_receipt
from veracity.home.releases import release
from veracity.home.selection import Selection
from veracity.home.taking import forget_file
from veracity.provenance.dsse import open_envelope
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import Erase, parse_statement
from veracity.verifying import verify

__all__ = ["root"]


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
    assert count_in_vault(root, "erasures") == 0
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
        assert count_in_vault(root, "erasures") == 1
        caplog.clear()
    assert findings(root) == []
    reader.close()
    with open_writer(root, clock) as home:
        assert len(home.index.predicates("erase", FEED)) == 1
    assert (caplog.records, count_in_vault(root, "erasures")) == ([], 0)
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
    assert (
        count_in_vault(root, "keys"),
        count_in_vault(root, "pseudonyms"),
        count_in_vault(root, "files"),
    ) == (0, 0, 0)
    take(root, path)
    assert len(erase_one(root, "phone", rows[0]["phone"]).records) == 1
    assert found(root, "phone", rows[0]["phone"]) == []


def test_erasing_forgets_a_protection_that_was_cut_short(root: Path, tmp_path: Path) -> None:
    """A file half protected when the program ended leaves no key of the person behind an erasure."""
    rows = persons(10)
    take(root, csv(tmp_path / "a.csv", rows))
    n_keys = count_in_vault(root, "keys")
    again = inspect(csv(tmp_path / "b.csv", rows + persons(2, seed=5)))
    with open_writer(root, clock) as home, home.make_vault() as vault:
        file = vault.begin(FEED, again.sha256, "csv")
        with (tmp_path / "half").open("wb") as out:
            write_protected(home.feed(FEED).contract, again, out, lambda some: vault.add(file, some))
        assert count_in_vault(root, "keys") > n_keys
    erase_one(root, "phone", rows[0]["phone"])
    assert count_in_vault(root, "keys") == n_keys - 1


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
