"""Approvals forged with the keys of the city: a monitor tells who had no right to them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_world import NAME, OFFICER_COMES, PERSON, at, decided, incident, overridden, released

from small_city import AGENCY, key, log_entries, new_city
from veracity.provenance.statements import Enrol
from watched import forge, kinds, say, watch

LAN = key(NAME)
COMES = replace(OFFICER_COMES, key=LAN.public)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Operator, agency, contract."""
    return log_entries(new_city(tmp_path_factory.mktemp("city") / "city"))


def found(tmp_path: Path, entries: list[bytes]) -> dict[str, int]:
    """What is told of a log of these entries, by kind; models that nobody stated left out."""
    made = watch(forge(tmp_path / "log", entries), tmp_path).round()
    return {
        k: n for k, n in kinds(made).items() if k not in ("model-unsaid", "report-unsaid", "input-unsaid")
    }


def life(entries: list[bytes], officer: Enrol = COMES, release: Any = None, *more: Any) -> list[bytes]:
    """An officer, a release, a run, an override and an incident that an officer closes, and ``more``."""
    first = len(entries) + 1
    said = (
        release or released(signer=LAN),
        decided(first),
        overridden(signer=LAN),
        incident(),
        incident("closed", signer=LAN),
        *more,
    )
    return [*entries, say(officer.to_statement()), *(say(s.to_statement()) for s in said)]


def test_an_honest_life_has_nothing(entries: list[bytes], tmp_path: Path) -> None:
    """Each approved by the officer, in time, within the duties; a rule stops without one."""
    stopped = released("stop", replaces=len(entries) + 1, time=at(14), rule="skill below 0")
    assert found(tmp_path, life(entries, COMES, None, stopped)) == {}


@pytest.mark.parametrize(
    ("officer", "release", "want"),
    [
        (COMES, released(signer=key("stranger")), {"unknown-key": 1}),
        (COMES, released(signer=key(AGENCY)), {"not-an-officer": 1}),
        (COMES, released(signer=key("operator")), {"not-an-officer": 1}),
        (COMES, released(signer=LAN, by="Somebody Else"), {"approver-differs": 1}),
        (replace(COMES, duties=("incident", "override")), None, {"duty-missing": 1}),
        (replace(COMES, duties=("act", "release")), None, {"duty-missing": 2}),
        (replace(COMES, expires=at(6)), None, {"expired-key": 3}),
        (replace(COMES, expires=at(8)), None, {"expired-key": 2}),
        (replace(COMES, person="Somebody Else"), None, {"approver-differs": 3}),
        (Enrol("enrol", "rain-office", "agency", LAN.public), None, {"not-an-officer": 3}),
    ],
)
def test_who_may_not_approve(
    entries: list[bytes], tmp_path: Path, officer: Enrol, release: Any, want: dict[str, int]
) -> None:
    """A stranger, an agency, the operator, another person, no duty, too late: told at each entry."""
    assert found(tmp_path, life(entries, officer, release)) == want


def test_act_takes_its_duty(entries: list[bytes], tmp_path: Path) -> None:
    """Who may release to advise may not release to act."""
    officer = replace(COMES, duties=("incident", "override", "release"))
    acts = released(stage="act", signer=LAN)
    told = found(tmp_path, life(entries, officer, acts))
    assert told == {"duty-missing": 1, "release-differs": 1}
    assert PERSON in OFFICER_COMES.to_statement().predicate["person"]


def test_a_revoked_officer_approves_nothing_more(entries: list[bytes], tmp_path: Path) -> None:
    """After the revocation an approval does not count, whenever it says it was given."""
    gone = replace(COMES, action="revoke", reason="left")
    again = released(replaces=len(entries) + 1, time=at(20), signer=LAN)
    assert found(tmp_path, life(entries, COMES, None, gone, again)) == {"revoked-key": 1}


def test_an_approval_is_no_entry(entries: list[bytes], tmp_path: Path) -> None:
    """An approval lies in what it approves; alone in the log it is told."""
    approval = released(signer=LAN).approval
    assert approval is not None
    told = found(tmp_path, [*life(entries), approval.format()])
    assert told == {"wrong-signer": 1, "approval-alone": 1}
