"""Statements about models read back strictly, and none of them contradicts itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from model_world import (
    ASSURE,
    MODEL_STATEMENTS,
    OFFICER,
    RELEASE_AT,
    SYSTEM,
    TRAIN,
    approved,
    decided,
    digest,
    incident,
    overridden,
    released,
    scored,
)
from test_statements import changed

from veracity.provenance.dsse import seal
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import (
    Evidence,
    Matched,
    Release,
    Statement,
    Subject,
    format_statement,
    parse_statement,
    said_at,
    typed,
)


@pytest.mark.parametrize("name", MODEL_STATEMENTS)
def test_round_trip(name: str) -> None:
    """A statement reads back equal, typed and untyped, and is written the same again."""
    form = MODEL_STATEMENTS[name]
    statement = form.to_statement()
    payload = format_statement(statement)
    assert parse_statement(payload) == statement
    assert typed(parse_statement(payload)) == form


@pytest.mark.parametrize("name", MODEL_STATEMENTS)
def test_every_field_counts(name: str) -> None:
    """A field left out, added or of another type anywhere in a predicate makes it malformed."""
    statement = MODEL_STATEMENTS[name].to_statement()
    for predicate in changed(dict(statement.predicate)):
        if predicate.get("approval", {}) == statement.predicate.get("approval", {}):  # of those, below
            with pytest.raises(MalformedStatement) as caught:
                typed(replace(statement, predicate=predicate))
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["release", "override", "incident-closed"])
def test_every_field_of_an_approval_counts(name: str) -> None:
    """What lies in a statement as an approval is one envelope, whole."""
    statement = MODEL_STATEMENTS[name].to_statement()
    good = dict(statement.predicate["approval"])
    unnamed = {**good, "signatures": [{"sig": good["signatures"][0]["sig"]}]}  # a key ID is but a hint
    for approval in (a for a in changed(good) if a != unnamed):
        with pytest.raises(MalformedStatement):
            typed(replace(statement, predicate={**statement.predicate, "approval": approval}))


@pytest.mark.parametrize("name", MODEL_STATEMENTS)
def test_subjects_are_those_of_the_predicate(name: str) -> None:
    """A statement cannot name one digest to people and another to the graph."""
    statement = MODEL_STATEMENTS[name].to_statement()
    first = replace(statement.subjects[0], digest="00" * 32)
    for subjects in (
        (first, *statement.subjects[1:]),
        (*statement.subjects, first),
        (Subject("x", "00" * 32),),
    ):
        with pytest.raises(MalformedStatement, match="subject: want"):
            typed(replace(statement, subjects=subjects))


@pytest.mark.parametrize("name", MODEL_STATEMENTS)
def test_when_it_was_said(name: str) -> None:
    """Each kind that goes in the log tells its time; an approval and an enrolment are asked elsewhere."""
    statement = MODEL_STATEMENTS[name].to_statement()
    said = said_at(statement)
    assert (said is None) == (statement.kind in ("approve", "enrol"))
    assert said is None or isinstance(said, datetime)


PAGES = decided(RELEASE_AT).evidence
BROKEN: dict[str, Callable[[], Any]] = {
    "failed though none did": lambda: replace(ASSURE, verdict="failed"),
    "passed though one failed": lambda: replace(ASSURE, failed=1),
    "no person and no rule": lambda: replace(released(), approval=None),
    "a person and a rule": lambda: replace(released("stop", replaces=8), rule="skill"),
    "a rule that releases": lambda: released(rule="skill"),
    "a rule of two lines": lambda: released("stop", replaces=8, rule="two\nlines"),
    "a stop of nothing": lambda: released("stop"),
    "a roll-back from nothing": lambda: released("roll-back"),
    "approved for another model": lambda: replace(released(), model_sha256=digest("other")),
    "approved for another stage": lambda: replace(released(), stage="act"),
    "approved for another place in the log": lambda: replace(released(), replaces=3),
    "approved as real": lambda: replace(released(), simulated=False),
    "approved as another kind": lambda: replace(
        released(), approval=approved("incident", released().approved_sha256, "2026-09-02T06:00:00Z")
    ),
    "approved for another system": lambda: replace(
        released(),
        approval=approved("release", released().approved_sha256, "2026-09-02T06:00:00Z", system="rain"),
    ),
    "approved by no approval": lambda: replace(released(), approval=seal(b"{}", [OFFICER])),
    "a page too few": lambda: decided(8, evidence=replace(PAGES, n_pages=1)),
    "pages as received": lambda: decided(8, evidence=Evidence(PAGES.root, 2, 64, "received")),
    "a model without a release": lambda: decided(None, model_sha256=digest("model")),
    "a release without a model": lambda: decided(8, model_sha256=None),
    "advice without a model": lambda: decided(None, stage="advise"),
    "rungs that do not sum": lambda: decided(8, rungs={"full": 69}),
    "an override of another value": lambda: replace(overridden(), value="{}"),
    "an override of another decision": lambda: replace(overridden(), record=5),
    "an override of another run": lambda: replace(overridden(), run=1),
    "due that went nowhere": lambda: scored(counts=Matched(70, 68, 1)),
    "a second scoring on nothing": lambda: scored(1),
    "a first scoring on another": lambda: scored(0, digest("scores")),
    "closed by nobody": lambda: replace(incident("closed"), approval=None),
    "opened by an officer": lambda: replace(incident("closed"), step="opened"),
    "closed for another reason": lambda: replace(incident("closed"), what="solved"),
    "an incident said by nobody": lambda: replace(incident(), by=" "),
}


@pytest.mark.parametrize("name", BROKEN)
def test_nothing_contradicts_itself(name: str) -> None:
    """A statement that cannot be true by itself is none, whether it is written or read."""
    with pytest.raises(MalformedStatement) as caught:
        BROKEN[name]()
    assert "\n" not in str(caught.value)


def test_runs_of_an_outcome_ascend() -> None:
    """The first run scored is not after the last."""
    statement = scored(runs=(3, 2)).to_statement()
    with pytest.raises(MalformedStatement, match="runs"):
        typed(statement)


def test_reports_are_in_order() -> None:
    """Reports stand in order, each once, so that a release is signed as one text."""
    good = released(reports=("11" * 32, "22" * 32))
    assert Release.from_statement(good.to_statement()) == good
    for reports in (("22" * 32, "11" * 32), ("11" * 32, "11" * 32), ("11",), ("AA" * 32,)):
        with pytest.raises(MalformedStatement, match="reports"):
            typed(released(reports=reports).to_statement())


def test_duties() -> None:
    """To let a model act takes the duty to act; to stop one does not."""
    assert [released(stage=s).duty for s in ("shadow", "advise", "act")] == ["release", "release", "act"]
    assert released("roll-back", "act", 8).duty == "act"
    assert released("stop", "act", 8).duty == "release"


@pytest.mark.parametrize("system", ["", "Air", "air/quality", "a" * 65, "-a", "a b"])
def test_systems_have_plain_names(system: str) -> None:
    """A system's name is [a-z0-9-], at most 64."""
    statement: Statement = TRAIN.to_statement()
    with pytest.raises(MalformedStatement, match="name"):
        typed(replace(statement, predicate={**statement.predicate, "name": system}))
    run = decided(RELEASE_AT).to_statement()
    with pytest.raises(MalformedStatement, match="system"):
        typed(replace(run, predicate={**run.predicate, "system": system}))
    assert SYSTEM == "air"
