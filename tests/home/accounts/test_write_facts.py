"""What is known of a write has one form: in the journal's lines, and in both tables that have writes."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from veracity.home.accounts.account import Account
from veracity.home.accounts.intents import Writing
from veracity.home.accounts.journal import read_list
from veracity.home.accounts.lines import Line
from veracity.home.accounts.tables import intents, writes
from veracity.home.accounts.write import MAX_PATH

LINE = (
    b'{"account":"lan","at":"2026-09-03T12:00:00Z","body_sha256":"' + b"ab" * 32 + b'","came_by":"token",'
    b'"credential":"abc","method":"POST","number":7,"path":"/x","status":201}\n'
)
AT = "2026-09-03T12:00:00Z"
WRITING = Writing(AT, Account("lan", frozenset(), credential="abc"), "POST", "/x", lambda: "ab" * 32)


def test_a_line_is_as_it_always_was() -> None:
    """Lines of a city that is years old are read, and new ones are written in the same way."""
    line = Line(**vars(WRITING.answered(201, AT)), number=7)
    assert line.to_bytes() == LINE
    assert list(read_list(LINE)) == [line]
    found = replace(line, found_entry=12)
    assert found.to_bytes() == LINE.replace(b'"method"', b'"found_entry":12,"method"')
    assert list(read_list(found.to_bytes())) == [found]


@pytest.mark.parametrize(
    ("table", "before", "behind"),
    [(writes, "number", ""), (intents, "id part process", "since kind feed said number")],
    ids=["writes", "intents"],
)
def test_tables_are_as_they_always_were(table: sa.Table, before: str, behind: str) -> None:
    """A database of before has these columns; one more would want it changed on every city's disk."""
    facts = ["at", "account", "came_by", "credential", "method", "path", "status", "body_sha256"]
    if table is intents:
        facts.remove("status")  # it has no answer
    assert [column.name for column in table.columns] == [*before.split(), *facts, *behind.split()]
    for fact in facts:
        column = table.c[fact]
        assert (isinstance(column.type, sa.Integer), column.nullable) == (fact == "status", False), fact


def test_a_long_path_is_cut() -> None:
    """A line has a bound, however long the path that was asked for."""
    long = replace(WRITING, path="/" + "x" * 1_000).answered(500, AT)
    assert len(long.path) == MAX_PATH
    assert len(list(read_list(Line(**vars(long), number=0).to_bytes()))) == 1
