"""Two servers that share a database write in one journal: a number for each line, a line for each write."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from accounts_city import granting
from small_city import ndjson, new_city
from veracity.home.accounts import intents as under_way
from veracity.home.accounts.account import Account
from veracity.home.accounts.intents import Writing, expected_file, intend, settle_intents
from veracity.home.accounts.journal import note_write
from veracity.home.accounts.lines import add_line
from veracity.home.accounts.tables import ACCOUNTS_METADATA, intents, writes
from veracity.home.accounts.write import Write
from veracity.home.ingest import ingest
from veracity.stores.postgres import PostgresDatabase

DEADLINE_S = 60
AT = "2026-09-03T12:00:00.000000Z"
WHAT = "token", "abc", "POST", "/v1.1/Observations", 201, "cd" * 32
LAN, MINH = Write(AT, "lan", *WHAT), Write(AT, "minh", *WHAT)


@pytest.fixture
def one(postgres: str) -> Iterator[PostgresDatabase]:
    """The database, as one server has it."""
    with closing(PostgresDatabase(postgres, metadata=ACCOUNTS_METADATA)) as database:
        yield database


@pytest.fixture
def other(one: PostgresDatabase, postgres: str) -> Iterator[PostgresDatabase]:
    """The same, as another server has it."""
    with closing(PostgresDatabase(postgres, metadata=ACCOUNTS_METADATA)) as database:
        yield database


def wait_until_it_waits(database: PostgresDatabase, work: Future[Any]) -> None:
    """Wait until somebody waits for a lock in the database, or the work is done."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    end = time.monotonic() + DEADLINE_S
    while not work.done():
        with database.reading() as db:
            if db.execute(query).scalar_one():
                return
        assert time.monotonic() < end, "it neither waits nor ends"
        time.sleep(0.01)


def lines(database: PostgresDatabase) -> list[tuple[int, str, int]]:
    """Return the number, the account and the status of each line."""
    with database.reading() as db:
        kept = db.execute(
            sa.select(writes.c.number, writes.c.account, writes.c.status).order_by(writes.c.number)
        )
        return [(number, account, status) for number, account, status in kept]


def test_both_begin_the_journal(one: PostgresDatabase, other: PostgresDatabase) -> None:
    """The first line of each comes at the same moment: both are taken, one after the other."""
    with ThreadPoolExecutor(1) as beside:
        with one.writing() as db:
            assert add_line(db, LAN) == 0
            second = beside.submit(note_write, other, MINH)
            wait_until_it_waits(one, second)
        assert second.result(DEADLINE_S) == 1
    assert lines(one) == [(0, "lan", 201), (1, "minh", 201)]


def test_a_line_that_comes_while_it_is_made_up_for(
    one: PostgresDatabase, other: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that seems gone writes its line while another makes up for it: there is one."""
    root = new_city(tmp_path / "city")
    path = ndjson(tmp_path / "a.ndjson", 0, 50)
    account = Account("lan", frozenset({"publisher"}), credential="abc")
    wrote = Writing(AT, account, "POST", "/v1.1/Observations", lambda: "cd" * 32)
    with granting(root) as (home, _), ThreadPoolExecutor(1) as beside:
        monkeypatch.setattr(home, "database", one)
        intend(home, expected_file("rain", path), [wrote])
        monkeypatch.undo()
        ingest(home, "rain", [path])
        with one.writing() as db:
            db.execute(sa.update(intents).values(process="1 elsewhere"))
        answered: list[Future[int]] = []

        def meanwhile(*line: Any) -> int:
            answered.append(beside.submit(note_write, other, LAN, intent=wrote.identifier))
            wait_until_it_waits(one, answered[0])
            return add_line(*line)

        monkeypatch.setattr(under_way, "add_line", meanwhile)
        assert settle_intents(home, one) == 1
        assert answered[0].result(DEADLINE_S) == 0
    assert lines(one) == [(0, "lan", under_way.UNANSWERED)]
    with one.reading() as db:
        assert db.execute(sa.select(intents)).all() == []
