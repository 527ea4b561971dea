"""What the server may say has words in the portal's catalogues: a new kind, state or test has to get some.

All languages have the same keys, which the portal's own tests see to: English stands for all.
"""

import re
from collections.abc import Iterable
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from built_portal import ROOT, SOURCES
from veracity.data.contract_field import LogicalType
from veracity.data.panel_definition import Aggregate
from veracity.data.rules.catalogue import KINDS as RULES
from veracity.home.accounts.account import Role
from veracity.models.assurance import baselines
from veracity.models.assurance.battery import KNOWN
from veracity.models.assurance.result import Verdict as OfTest
from veracity.models.card_facts import SECTIONS
from veracity.models.scoreboard import NOT_BASELINES
from veracity.provenance.statements import KINDS as STATEMENTS
from veracity.provenance.statements.words import Action, Severity, Stage
from veracity.provenance.statements.words import Verdict as OfReport
from veracity.server.api import ledger, model_shapes
from veracity.server.api.apps import AppShape, ScoreLine
from veracity.server.api.deciding import DecisionBody
from veracity.server.api.feed_shapes import Freshness
from veracity.server.api.quarantine import QuarantinedRow

ENGLISH = dict(
    re.findall(r'^  "([\w.-]+)": "(.*)",$', (SOURCES / "src/language/en.ts").read_text(), re.MULTILINE)
)
#: What the page of a model shows elsewhere, or not at all.
APART = {"tests", "assurance", "assurances", "approvals", "overrides", "incident_list", "facts", "card"}


def of(prefix: str, words: Iterable[str]) -> set[str]:
    """Return the keys of words."""
    return {f"{prefix}.{word}" for word in words}


def of_member(shape: type[BaseModel], name: str) -> tuple[Any, ...]:
    """Return the words that a member of an answer may have."""
    annotation = shape.model_fields[name].annotation
    flat = [a for part in (annotation, *get_args(annotation)) for a in get_args(part)]
    return tuple(word for word in flat if isinstance(word, str))


ENUMERATIONS = {
    "statements": of("kind", STATEMENTS),
    "what statements are about": of("about", ledger._NUMBERED),
    "rules": of("rule", RULES),
    "stages": of("stage", get_args(Stage)),
    "furthest stages": of("stage", of_member(AppShape, "furthest")),
    "acts": of("action", get_args(Action)),
    "verdicts": of("verdict", {*get_args(OfTest), *get_args(OfReport)}),
    "severities": of("severity", get_args(Severity)),
    "incidents": of("incident", of_member(model_shapes.IncidentShape, "state")),
    "baselines": of("baseline", {*baselines.NAMES, *NOT_BASELINES}),
    "scores": of("score", set(ScoreLine.model_fields) - {"cost"}),
    "aggregates": of("aggregate", get_args(Aggregate)),
    "types": of("type", get_args(LogicalType)),
    "roles": of("role", get_args(Role)) | of("role-name", get_args(Role)),
    "freshness": of("fresh", of_member(Freshness, "state")),
    "rows set aside": of("quarantine", of_member(QuarantinedRow, "status")),
    "decisions": of("decide", of_member(DecisionBody, "decision")),
    "sections of a card": of("part", SECTIONS),
    "tests of models": of("asks", KNOWN),
}


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_each_word_of_the_server_has_its_words(name: str) -> None:
    """Kinds, states, verdicts, acts, roles, types, scores: none is shown as the code writes it."""
    wanted = ENUMERATIONS[name]
    assert wanted
    assert wanted - set(ENGLISH) == set()


def test_reasons_of_the_documentation_have_words() -> None:
    """Every reason for which a row is set aside or flagged."""
    reasons = (ROOT / "docs/contracts.md").read_text().partition("| reason |")[2].partition("\n\n")[0]
    codes = set(re.findall(r"^\| `([a-z-]+)", reasons, re.MULTILINE))
    assert {"range", "enum", "duplicate-key"} < codes
    assert of("rule", codes) - set(ENGLISH) == set()


def test_the_parts_of_the_register_have_words() -> None:
    """Each member of what the API says of a model, and each fact of a card that stands alone."""
    shapes = (
        model_shapes.ModelShape,
        model_shapes.FullAssurance,
        model_shapes.Approval,
        model_shapes.OverrideShape,
        model_shapes.IncidentShape,
        model_shapes.Input,
    )
    members = {name.replace("_", "-") for shape in shapes for name in shape.model_fields if name not in APART}
    cards = "".join(
        (ROOT / f"src/veracity/models/card_{name}.py").read_text() for name in ("facts", "tests", "service")
    )
    facts = {label for _, label in re.findall(r'Fact\(\s*f?"(\w+)\.([\w-]+)",', cards)}
    assert {"rows-sha256", "risk-why", "horizons", "scorings"} < facts
    assert of("part", members | facts) - set(ENGLISH) == set()


def test_questions_are_those_that_tests_ask() -> None:
    """A question that changes here would be shown in English until it is translated anew."""
    assert {name: ENGLISH[f"asks.{name}"] for name in KNOWN} == {
        name: test.asks for name, test in KNOWN.items()
    }
