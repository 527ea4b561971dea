"""Statements of who may do what over the network read back strictly, and carry no secret."""

from dataclasses import replace

import pytest
from test_statements import changed

from veracity.provenance.contradictions.contradictions import Contradictions
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import (
    Access,
    Rights,
    Writes,
    format_statement,
    parse_statement,
    said_at,
    typed,
)

AT = "2026-09-03T12:00:00.000000Z"
GRANT = Access(0, "grant", "operator", "command", AT, "lan", None, Rights(("admin", "viewer"), "rain-office"))
TOKEN = Access(
    1, "grant", "lan", "session", AT, "lan", "abcdefgh12", Rights(("viewer",), None, ("rain",), AT)
)
ACCESS = {
    "grant": GRANT,
    "token": TOKEN,
    "revoke": Access(2, "revoke", "lan", "token", AT, "minh"),
    "revoke-token": Access(3, "revoke", "lan", "sign-in", AT, "minh", "abcdefgh12"),
    "writes": Access(4, "writes", "operator", "command", AT, writes=Writes("ab" * 32, 3, 17)),
}


@pytest.mark.parametrize("name", ACCESS)
def test_round_trip(name: str) -> None:
    """A statement reads back equal and says when it was made."""
    statement = ACCESS[name].to_statement()
    again = parse_statement(format_statement(statement))
    assert again == statement
    assert typed(again) == ACCESS[name]
    assert said_at(again) is not None


@pytest.mark.parametrize("name", ACCESS)
def test_every_field_counts(name: str) -> None:
    """A field left out, added or of another type anywhere makes it malformed."""
    statement = ACCESS[name].to_statement()
    for predicate in changed(dict(statement.predicate)):
        with pytest.raises(MalformedStatement):
            typed(replace(statement, predicate=predicate))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("grant", {"account": "minh"}),  # the subject is another's
        ("grant", {"act": "revoke"}),
        ("grant", {"token": "abcdefgh12"}),  # no expiry
        ("grant", {"rights": {"roles": ["viewer", "admin"], "agency": None, "feeds": None, "expires": None}}),
        ("grant", {"rights": {"roles": [], "agency": None, "feeds": None, "expires": None}}),
        ("grant", {"rights": {"roles": ["root"], "agency": None, "feeds": None, "expires": None}}),
        ("grant", {"rights": {"roles": ["viewer"], "agency": None, "feeds": ["rain"], "expires": None}}),
        ("token", {"rights": {"roles": ["viewer"], "agency": None, "feeds": ["rain"], "expires": None}}),
        ("token", {"rights": {"roles": ["viewer"], "agency": None, "feeds": [], "expires": AT}}),
        ("token", {"by": "Nguyễn Lan"}),
        ("writes", {"account": "lan"}),
        ("writes", {"writes": {"sha256": "ab" * 32, "numbers": {"first": 4, "last": 3}}}),
        ("revoke", {"account": None}),
    ],
)
def test_what_contradicts_itself(name: str, change: dict[str, object]) -> None:
    """What does not belong together is refused."""
    statement = ACCESS[name].to_statement()
    with pytest.raises(MalformedStatement):
        typed(replace(statement, predicate={**statement.predicate, **change}))


def test_numbers_follow_one_another() -> None:
    """A statement left out, said twice, or a list of writes that begins too late contradicts the log."""
    found = Contradictions()
    said = [replace(it, number=i) for i, it in enumerate(ACCESS.values())]
    first = replace(said[-1], writes=Writes("ab" * 32, 0, 17))
    for it in (*said[:-1], first):
        assert found.add(0, it) == []
    again = Contradictions.from_object(found.to_object())
    late = replace(first, number=7, writes=Writes("cd" * 32, 20, 21))
    assert [c.what for c in again.add(0, late)] == ["access-number", "writes-left-out"]
    assert [c.what for c in again.add(0, replace(GRANT, number=8))] == []
    assert [c.what for c in again.add(0, replace(GRANT, number=8))] == ["access-number"]
    with pytest.raises((TypeError, ValueError)):
        Contradictions.from_object(found.to_object() | {"accesses": {"number": "1"}})
