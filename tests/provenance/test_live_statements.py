"""What a live batch and an hour's account say: read strictly, refused where it contradicts itself."""

from dataclasses import replace
from typing import Any

import pytest
from live_world import LiveLies, LiveWorld, account
from receipt_world import ENVIRONMENT
from test_statements import changed

from veracity.provenance.dsse import seal
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import (
    Ingest,
    RowsDigest,
    Statement,
    Sums,
    format_statement,
    parse_statement,
    typed,
)

LIVE, NOTHING, ACCOUNT = LiveWorld().ingest(), LiveWorld(LiveLies(sent=())).ingest(), account(76)
STATEMENTS: dict[str, Statement] = {
    "live-batch": LIVE.to_statement(),
    "live-batch-of-nothing": NOTHING.to_statement(),
    "account": ACCOUNT.to_statement(),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_round_trip(name: str) -> None:
    """A statement reads back equal, typed and untyped, and is written the same again."""
    payload = format_statement(STATEMENTS[name])
    assert parse_statement(payload) == STATEMENTS[name]
    form = typed(STATEMENTS[name])
    assert form is not None
    assert format_statement(form.to_statement()) == payload


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_field_counts(name: str) -> None:
    """A field left out, added or of another type anywhere in a predicate makes it malformed."""
    free = {"account": replace(ACCOUNT, reasons={}).to_statement()}  # names of reasons are free
    statement = free.get(name, STATEMENTS[name])
    predicate = dict(statement.predicate)
    if name != "account":
        predicate["messages"] = predicate["messages"] | {"refused": {}}
    for other in changed(predicate):
        if set(predicate) - set(other) == {"messages"}:
            continue  # then it is the batch of a file
        with pytest.raises(MalformedStatement):
            typed(replace(statement, predicate=other))


def said(**change: Any) -> dict[str, Any]:
    assert LIVE.messages is not None
    return {"messages": replace(LIVE.messages, **change)}


@pytest.mark.parametrize(
    "change",
    [
        {"file": replace(LIVE.file, compression="gzip")},
        {"file": replace(LIVE.file, kind="parquet")},
        {"part": replace(LIVE.part, last=False)},
        {"part": replace(LIVE.part, index=1)},
        {"evidence": replace(LIVE.evidence, form="rendered")},
        {"delivery": seal(b"{}", [ENVIRONMENT])},
        said(taken=77),
        said(taken=0),
    ],
)
def test_a_live_batch_is_one_file_of_lines(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedStatement, match="messages"):
        replace(LIVE, **change)


def test_a_batch_of_nothing_says_why() -> None:
    """Without records there are repetitions, or messages turned away, and none that was taken."""
    assert NOTHING.messages is not None
    for messages in (replace(NOTHING.messages, duplicate=0, refused={}), replace(NOTHING.messages, taken=1)):
        with pytest.raises(MalformedStatement, match="messages"):
            replace(NOTHING, messages=messages)


def test_who_signed_all_of_it() -> None:
    """A live batch is signed where each of its messages was."""
    unsigned = replace(LIVE, **said(signed=False))
    assert (LIVE.is_signed, unsigned.is_signed) == (True, False)
    assert isinstance(typed(unsigned.to_statement()), Ingest)


@pytest.mark.parametrize(
    "change",
    [
        {"hour": "2026-09-01T03:30:00Z"},
        {"hour": "2026-09-01T03:00:00.000Z"},
        {"sums": Sums(13, 87, 76, 0, 7, 3)},
        {"reasons": {"rate": 5, "signature": 3}},
        {"devices": RowsDigest(0, "ab" * 32)},
    ],
)
def test_an_account_adds_up(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedStatement, match="account"):
        replace(ACCOUNT, **change)


def test_an_hour_is_one_of_the_calendar() -> None:
    for hour in ("2026-09-31T03:00:00Z", "2026-09-01T24:00:00Z", "2026-13-01T03:00:00Z"):
        other = dict(STATEMENTS["account"].predicate) | {"hour": hour}
        with pytest.raises(MalformedStatement, match="hour"):
            typed(replace(STATEMENTS["account"], predicate=other))
