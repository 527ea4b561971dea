"""Every write over the network stands in a list that the log has; one taken out leaves a hole."""

import os
import socket
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from accounts_city import Time, granting, listed_writes, with_accounts
from small_city import ndjson, new_city
from veracity.home import index
from veracity.home.accounts import intents as under_way
from veracity.home.accounts import journal
from veracity.home.accounts.account import Account
from veracity.home.accounts.errors import MalformedJournal
from veracity.home.accounts.granting import add_account
from veracity.home.accounts.intents import Writing, expected_file, intend, n_open, settle_intents
from veracity.home.accounts.journal import (
    last_listed,
    list_path,
    n_waiting,
    next_number,
    note_write,
    read_list,
    seal_writes,
)
from veracity.home.accounts.lines import Line
from veracity.home.accounts.store import AccountStore
from veracity.home.accounts.tables import intents, writes
from veracity.home.accounts.write import Write
from veracity.home.audit import AuditFinding, audit
from veracity.home.home import Home
from veracity.home.ingest import ingest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


def wrote_by(store: AccountStore, name: str, path: str = "/v1.1/Observations") -> Write:
    return Write(store.now(), name, "token", "abc", "POST", path, 201, "cd" * 32)


def note(store: AccountStore, n: int) -> None:
    for i in range(n):
        note_write(store.database, wrote_by(store, "lan", f"/v1.1/Things({i})"))


def test_writes_come_into_lists(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes wait in the database, then stand in lists of bounded length, numbered without a hole."""
    monkeypatch.setattr(journal, "MAX_LIST", 4)
    with granting(root) as (home, store):
        note(store, 6)
        assert n_waiting(store.database) == 6
        assert seal_writes(home, store.database) == 6
        assert (n_waiting(store.database), seal_writes(home, store.database)) == (0, 0)
        note(store, 1)
        assert seal_writes(home, store.database) == 1
        said = [p["writes"]["numbers"] for _, p in home.index.predicates("access")]
        assert said == [{"first": 0, "last": 3}, {"first": 4, "last": 5}, {"first": 6, "last": 6}]
        assert audit(home).is_clean


def test_a_list_is_not_made_twice(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off after the log has a list, sealing goes on behind it."""
    with granting(root) as (home, store):
        note(store, 3)
        seal_writes(home, store.database)
        rows = listed_writes(home)
        with store.database.writing() as db:  # as if the crash came before they were taken out
            names = set(writes.columns.keys())
            kept = [{k: v for k, v in vars(w).items() if k in names} for w in rows]
            db.execute(writes.insert(), kept)
        note(store, 2)
        assert seal_writes(home, store.database) == 2
        assert audit(home).is_clean


def test_a_long_history_costs_no_more(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lists end is read from the log's end, and what is looked through is read in parts."""
    monkeypatch.setattr(index, "_AT_ONCE", 2)
    with_accounts(root)
    with granting(root) as (home, store):
        for _ in range(3):
            note(store, 2)
            seal_writes(home, store.database)
        add_account(home, store, "last", ["viewer"])
        everything = home.index.predicates("access")
        assert len(everything) > 10
        assert list(home.index.walk("access")) == everything
        assert list(home.index.walk("access", newest_first=True)) == everything[::-1]
        whole = home.index.walk
        n_read = 0

        def counted(*of: Any, **how: Any) -> Iterator[tuple[int, dict[str, Any]]]:
            nonlocal n_read
            for one in whole(*of, **how):
                n_read += 1
                yield one

        monkeypatch.setattr(home.index, "walk", counted)
        monkeypatch.setattr(home.index, "predicates", lambda *_: pytest.fail("all of them were read"))
        monkeypatch.setattr(home.index, "after", lambda *_: pytest.fail("all of them were read"))
        assert (last_listed(home), n_read) == (5, 2)
        assert next_number(home) == len(everything)


@pytest.mark.parametrize("trick", ["waiting", "list", "gone"])
def test_a_hole_is_seen(root: Path, trick: str) -> None:
    """A write deleted before it was listed, a list changed or gone: the audit says so."""
    with granting(root) as (home, store):
        note(store, 5)
        if trick != "waiting":
            seal_writes(home, store.database)
            path = root / "store" / list_path(_last(home))
    if trick == "waiting":
        database = sqlite3.connect(next(root.glob("*.db")))
        database.execute("DELETE FROM access_writes WHERE number = 2")
        database.commit()
        database.close()
    elif trick == "list":
        path.write_bytes(path.read_bytes().replace(b'"lan"', b'"min"', 1))
    else:
        path.unlink()
    findings = audited(root)
    assert [f.what for f in findings] == ["writes"], findings
    with granting(root) as (writer, store):
        seal_writes(writer, store.database)
        assert not audit(writer).is_clean


def writing(store: AccountStore, name: str) -> Writing:
    account = Account(name, frozenset({"publisher"}), credential="abc")
    return Writing(store.now(), account, "POST", "/v1.1/Observations", lambda: "cd" * 32)


def test_one_batch_of_several_writers(root: Path, tmp_path: Path) -> None:
    """A batch with the records of several requests, killed before their lines: each gets one; once."""
    path = ndjson(tmp_path / "a.ndjson", 0, 50)
    with granting(root) as (home, store):
        wrote = [writing(store, name) for name in ("lan", "minh", "an")]
        wrote[2].end()  # it took too long: its line says so already
        intend(home, expected_file("rain", path), wrote)
        ingest(home, "rain", [path])
        entry = home.log.size - 1
        assert seal_writes(home, store.database) == 0  # this process lives, and will write the lines
        note_write(store.database, wrote_by(store, "lan"), wrote[0].identifier)
        wrote[0].forget()
        wrote[1].forget()
        assert seal_writes(home, store.database) == 2
        lines = listed_writes(home)
        assert [(w.account, w.status, w.found_entry) for w in lines] == [
            ("lan", 201, None),
            ("minh", 500, entry),
        ]
        assert note_write(store.database, wrote_by(store, "minh"), wrote[1].identifier) == 1
        assert (n_waiting(store.database), n_open(store.database)) == (0, 0)
        assert audit(home).is_clean


def test_what_came_before_is_not_found(root: Path, tmp_path: Path) -> None:
    """The same file, taken in before by another, is not what a killed request wrote."""
    path = ndjson(tmp_path / "a.ndjson", 0, 50)
    with granting(root) as (home, store):
        ingest(home, "rain", [path])
        wrote = writing(store, "lan")
        intend(home, expected_file("rain", path), [wrote])
        wrote.forget()
        assert (seal_writes(home, store.database), n_open(store.database)) == (0, 0)


def test_another_machines_server_is_waited_for(root: Path, tmp_path: Path) -> None:
    """Whether it lives cannot be seen from here: its line is left to it for a while, then made up for."""
    path = ndjson(tmp_path / "a.ndjson", 0, 50)
    with granting(root, Time(datetime.now(UTC))) as (home, store):
        intend(home, expected_file("rain", path), [writing(store, "lan")])
        ingest(home, "rain", [path])
        with store.database.writing() as db:
            db.execute(intents.update().values(process=f"{os.getpid()} elsewhere"))
        assert seal_writes(home, store.database) == 0
        with store.database.writing() as db:
            db.execute(intents.update().values(at="2026-09-03T12:00:00Z"))
        assert seal_writes(home, store.database) == 1


@pytest.mark.parametrize(
    "process", ["1 elsewhere", f"{os.getppid()} {socket.gethostname()}"], ids=["elsewhere", "reused"]
)
def test_what_another_sent_again_is_not_found(root: Path, tmp_path: Path, process: str) -> None:
    """A server is killed before it wrote, and another takes the same from another account: it is not both's.

    The server may seem to live: it is another machine's, or its process id is another's by now.
    """
    path = ndjson(tmp_path / "a.ndjson", 0, 50)
    with granting(root, Time(datetime.now(UTC))) as (home, store):
        wrote = [writing(store, name) for name in ("lan", "minh")]
        intend(home, expected_file("rain", path), wrote[:1])
        with store.database.writing() as db:
            db.execute(intents.update().values(process=process))
        intend(home, expected_file("rain", path), wrote[1:])
        ingest(home, "rain", [path])
        note_write(store.database, wrote_by(store, "minh"), wrote[1].identifier)
        with store.database.writing() as db:
            db.execute(intents.update().values(at="2026-09-03T12:00:00Z"))
        assert seal_writes(home, store.database) == 1
        lines = listed_writes(home)
        assert [w.account for w in lines] == ["minh"]
        assert n_open(store.database) == 0


def test_a_line_written_while_we_look_is_not_made_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request is answered after what is under way was read, and before it is judged: it has one line."""
    path = ndjson(tmp_path / "a.ndjson", 0, 50)
    with granting(root) as (home, store):
        wrote = writing(store, "lan")
        intend(home, expected_file("rain", path), [wrote])
        ingest(home, "rain", [path])

        def answered_meanwhile(*_: object) -> bool:
            note_write(store.database, wrote_by(store, "lan"), wrote.identifier)
            wrote.forget()
            return False

        monkeypatch.setattr(under_way, "_is_awaited", answered_meanwhile)
        assert seal_writes(home, store.database) == 1
        assert [w.status for w in listed_writes(home)] == [201]


def test_many_that_a_killed_server_left_cost_little(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All get their lines in one transaction, and are not looked at again; after a day they are forgotten."""
    path = ndjson(tmp_path / "a.ndjson", 0, 50)
    with granting(root, Time(datetime.now(UTC))) as (home, store):
        wrote = [writing(store, f"client-{n}") for n in range(40)]
        intend(home, expected_file("rain", path), wrote)
        ingest(home, "rain", [path])
        for one in wrote:
            one.forget()
        n_written = 0

        def counted(_: object) -> None:
            nonlocal n_written
            n_written += 1

        event.listen(store.database.engine, "commit", counted)
        assert settle_intents(home, store.database) == 40
        assert n_written <= 4, "one that writes, beside those that read"
        monkeypatch.setattr(under_way, "_is_awaited", lambda *_: pytest.fail("looked at again"))
        assert settle_intents(home, store.database) == 0
        with store.database.reading() as db:
            made = {str(account) for account in db.execute(sa.select(writes.c.account)).scalars()}
            assert made == {one.account.name for one in wrote}
            assert len(db.execute(intents.select()).all()) == 40  # who lives after all writes no second line
        with store.database.writing() as db:
            db.execute(intents.update().values(at="2026-09-01T12:00:00Z"))
        assert settle_intents(home, store.database) == 0
        with store.database.reading() as db:
            assert db.execute(intents.select()).all() == []


def test_lists_are_read_strictly() -> None:
    """What is no list is refused as our own error."""
    facts = "2026-09-03T12:00:00Z", "lan", "token", "a", "PUT", "/x", 200, "ab" * 32
    good = Line(*facts, number=0).to_bytes()
    assert len(list(read_list(good * 3))) == 3
    for wrong in (b"", b"\n", good[:-1], good + b"{}\n", b"[" * 100_000 + b"\n", good.replace(b"200", b"-1")):
        with pytest.raises(MalformedJournal):
            list(read_list(wrong))


def audited(root: Path) -> list[AuditFinding]:
    home = Home.open(root)
    findings = audit(home).findings
    home.close()
    return findings


def _last(home: Home) -> str:
    return str(home.index.predicates("access")[-1][1]["writes"]["sha256"])
