"""The statements of a calibration read back strictly, and a ``transform`` is what it always was."""

from dataclasses import replace
from typing import Any

import pytest

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import (
    Calibrate,
    Input,
    RowsDigest,
    Statement,
    Transform,
    Withdraw,
    format_statement,
    parse_statement,
    typed,
)

STAMP = "2026-09-01T00:00:00.000000Z"
CALIBRATE = Calibrate(
    name="co-post",
    definition_sha256="11" * 32,
    inputs=(Input("post", 3, "22" * 32), Input("analyser", 0, "33" * 32)),
    pairs=RowsDigest(1_000, "44" * 32),
    document_sha256="55" * 32,
    simulated=True,
    engine="veracity-calibration/1",
    as_of=STAMP,
)
WITHDRAW = Withdraw("co-post", "55" * 32, STAMP, "Trần Thị Mai", "the inlet was blocked", STAMP)
STATEMENTS = {"calibrate": CALIBRATE.to_statement(), "withdraw": WITHDRAW.to_statement()}


@pytest.mark.parametrize("name", STATEMENTS)
def test_round_trip(name: str) -> None:
    """A statement reads back equal, typed and untyped, and is written the same again."""
    payload = format_statement(STATEMENTS[name])
    assert parse_statement(payload) == STATEMENTS[name]
    form = typed(STATEMENTS[name])
    assert isinstance(form, Calibrate | Withdraw)
    assert format_statement(form.to_statement()) == payload


def changed(value: Any) -> list[Any]:
    """Return ``value`` with one name left out or added, or one value of no allowed form, anywhere in it."""
    if isinstance(value, dict):
        less = [{k: v for k, v in value.items() if k != key} for key in value]
        inner = [value | {key: new} for key in value for new in changed(value[key])]
        return [*less, *inner, value | {"unexpected": "x"}]
    if isinstance(value, list):
        return [[*value[:i], new, *value[i + 1 :]] for i, item in enumerate(value) for new in changed(item)]
    return [[], {"a": 1.5}, -1, 2.5, ""]


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_field_counts(name: str) -> None:
    """A field left out, added or of another type anywhere in a predicate makes it malformed."""
    for predicate in changed(dict(STATEMENTS[name].predicate)):
        with pytest.raises(MalformedStatement):
            typed(replace(STATEMENTS[name], predicate=predicate))


def test_who_and_why_are_on_one_line() -> None:
    """A person or a reason of nothing but blanks, of two lines, or too long, is malformed."""
    for name, longest in (("person", 200), ("reason", 1_000)):
        for text in (" ", "two\nlines", "\x1b[2J", "x" * (longest + 1)):
            with pytest.raises(MalformedStatement, match=name):
                typed(replace(WITHDRAW, **{name: text}).to_statement())


def test_the_subject_is_the_document() -> None:
    """Both name the document by its digest; a statement with another subject is malformed."""
    for statement in STATEMENTS.values():
        assert [(s.algorithm, s.digest) for s in statement.subjects] == [("sha256", "55" * 32)]
        other = replace(statement, subjects=(replace(statement.subjects[0], digest="66" * 32),))
        with pytest.raises(MalformedStatement, match="subject"):
            typed(other)


def test_a_transform_is_written_as_before() -> None:
    """The bytes of a ``transform`` are those that were signed before calibrations were thought of."""
    stated = Transform("p", "11" * 32, (Input("a", 3, "22" * 32),), RowsDigest(7, "33" * 32), simulated=False)
    predicate = (
        f'{{"as_of":null,"definition":"{"11" * 32}","inputs":[{{"feed":"a","sha256":"{"22" * 32}",'
        f'"up_to_batch":3}}],"name":"p","output":{{"rows":7,"sha256":"{"33" * 32}"}},"simulated":false}}'
    )
    want = (
        f'{{"_type":"https://in-toto.io/Statement/v1","predicate":{predicate},'
        '"predicateType":"urn:veracity:transform:v1",'
        f'"subject":[{{"digest":{{"veracity-rows-sha256":"{"33" * 32}"}},"name":"p"}}]}}'
    )
    statement: Statement = stated.to_statement()
    assert format_statement(statement).decode() == want
