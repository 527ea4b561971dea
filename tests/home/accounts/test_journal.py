"""Every write over the network stands in a list that the log has; one taken out leaves a hole."""

import sqlite3
from dataclasses import asdict
from pathlib import Path

import pytest

from accounts_city import granting
from small_city import new_city
from veracity.home.accounts import journal
from veracity.home.accounts.errors import MalformedJournal
from veracity.home.accounts.journal import list_path, n_waiting, note_write, read_list, seal_writes
from veracity.home.accounts.store import AccountStore
from veracity.home.accounts.tables import writes
from veracity.home.audit import AuditFinding, audit
from veracity.home.home import Home


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


def note(store: AccountStore, n: int) -> None:
    for i in range(n):
        note_write(
            store.database, store.now(), "lan", "token", "abc", "POST", f"/v1.1/Things({i})", 201, "ab" * 32
        )


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
        rows = read_list(home.objects.get(list_path(_last(home))))
        with store.database.writing() as db:  # as if the crash came before they were taken out
            db.execute(writes.insert(), [asdict(w) for w in rows])
        note(store, 2)
        assert seal_writes(home, store.database) == 2
        assert audit(home).is_clean


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


def test_lists_are_read_strictly() -> None:
    """What is no list is refused as our own error."""
    good = journal.Write(
        0, "2026-09-03T12:00:00Z", "lan", "token", "a", "PUT", "/x", 200, "ab" * 32
    ).to_line()
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
