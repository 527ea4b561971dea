"""The release gate: what comes to serve, what stops, what is rolled back to; and the only door to a model.

A model serves when the feeds have contracts in force, the log says how it was made, its files are those that
were signed, a report on this very model passed what the stage requires, its card says what the evidence says,
and a person with the duty signed just this. ``load_for_service`` makes every check again each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veracity.home.clock import format_time
from veracity.home.home import Home, Writer
from veracity.home.models.gate_checks import (
    CheckCard,
    check_app,
    check_approval,
    check_approves,
    check_card_kept,
    check_card_true,
    check_fresh,
    check_model,
    check_panel_kept,
    check_reports,
    check_stage_order,
)
from veracity.home.models.gate_errors import MalformedRequest, NothingToRollBack, NotReleased, StaleRequest
from veracity.home.models.registry import find_model
from veracity.home.models.request import ReleaseRequest
from veracity.home.models.said import read_said
from veracity.home.models.stages import InForce, changes, in_force, served_before
from veracity.models.app import App, StopRule
from veracity.models.files import ModelFiles
from veracity.provenance.dsse import Envelope
from veracity.provenance.statements import Release, Stage
from veracity.provenance.statements.words import Action

__all__ = [
    "Changed",
    "InForce",
    "ReleaseRequest",
    "ask_release",
    "ask_roll_back",
    "ask_stop",
    "in_force",
    "load_for_service",
    "release",
    "roll_back",
    "stop",
    "stop_by_rule",
]


@dataclass(frozen=True)
class Changed:
    """A change of what serves, and where the log has it."""

    release: Release
    idx: int


def ask_release(
    home: Home, app: App, model: str, stage: Stage, card_sha256: str, reports: tuple[str, ...] | None = None
) -> ReleaseRequest:
    """Return the request that an officer is to approve for a model, by name or digest, to come to a stage.

    ``reports``: by default the last one on this model by each policy.

    Raises
    ------
    UnknownModel
        If there is no such model.
    """
    row = find_model(home, model)
    said = [p for _, p in home.index.predicates("assure") if p["model"] == row.sha256]
    latest = {str(p["policy"]): str(p["report"]) for p in said}
    chosen = tuple(latest.values()) if reports is None else reports
    return ReleaseRequest(
        system=app.name,
        action="release",
        model_sha256=row.sha256,
        stage=stage,
        card_sha256=card_sha256,
        reports=tuple(sorted(set(chosen))),
        replaces=_last(home, app.name),
        simulated=row.train.simulated,
    )


def ask_stop(home: Home, system: str) -> ReleaseRequest:
    """Return the request to stop what serves a system; NotReleased if nothing does."""
    return ReleaseRequest.of_release(_serving(home, system).release, "stop", _last(home, system))


def ask_roll_back(home: Home, system: str) -> ReleaseRequest:
    """Return the request to go back to the model that served before; NothingToRollBack if none did."""
    said = changes(home, system)
    before = served_before(said)
    if before is None:
        raise NothingToRollBack(f"{system}: want a model that served before, got none")
    return ReleaseRequest.of_release(read_said(home, before[0], Release), "roll-back", said[-1][0])


def release(
    home: Writer, asked: Mapping[str, Any], approval: Envelope, *, app: App, check_card: CheckCard
) -> Changed:
    """Bring a model to serve, if everything holds, and say so in the log.

    Parameters
    ----------
    asked
        What was asked, as ``ReleaseRequest.asked`` gives it.
    approval
        The officer's signature on it.
    check_card
        Compares the card with the evidence.

    Raises
    ------
    ReleaseRefused
        One of its kinds, for each check of the gate.
    ModelAltered
        If a file of the model is not as it was signed.
    NotAnOfficer, DutyMissing, RevokedKey, ExpiredKey …
        If the approval does not count.
    MalformedRequest
        If it asks for another change than a release of this app.
    """
    request = _wanted(asked, "release")
    if request.system != app.name:
        raise MalformedRequest(f"request: want one for {app.name}, got one for {request.system}")
    check_fresh(home, request)
    made = _release(home, request, approval)
    train, _ = check_model(home, request.system, request.model_sha256, home.log.size)
    check_app(home, app, train, request.stage)
    if request.simulated != train.simulated:
        raise MalformedRequest(f"request.simulated: want {train.simulated} as the model's data are")
    reports = check_reports(home, request.model_sha256, request.reports, request.stage, home.log.size)
    check_card_true(home, check_card_kept(home, request.card_sha256), check_card)
    check_stage_order(home, request, reports, home.clock(), home.log.size)
    return _say(home, made)


def stop(home: Writer, asked: Mapping[str, Any], approval: Envelope) -> Changed:
    """Stop what serves a system, as an officer approved. The model itself need not be whole.

    Raises
    ------
    NotReleased, StaleRequest, WrongApproval, MalformedRequest …
    """
    request = _wanted(asked, "stop")
    _serving(home, request.system)
    check_fresh(home, request)
    _check_same(request, ask_stop(home, request.system))
    return _say(home, _release(home, request, approval))


def stop_by_rule(home: Writer, system: str, rule: StopRule | str) -> Changed:
    """Stop what serves a system because a rule says so. No person is asked.

    Raises
    ------
    NotReleased
        If nothing serves.
    """
    request = ask_stop(home, system)
    name = rule if isinstance(rule, str) else rule.name
    return _say(home, _release(home, request, None, rule=name))


def roll_back(
    home: Writer, asked: Mapping[str, Any], approval: Envelope, *, app: App | None = None
) -> Changed:
    """Go back to the model that served before, as an officer approved.

    Its files, its reports and its card must be in the store as they were; what the card says is of then.

    Raises
    ------
    NothingToRollBack, StaleRequest, ReleaseRefused, ModelAltered …
    """
    request = _wanted(asked, "roll-back")
    check_fresh(home, request)
    _check_same(request, ask_roll_back(home, request.system))
    made = _release(home, request, approval)
    train, _ = check_model(home, request.system, request.model_sha256, home.log.size)
    if app is not None:
        check_app(home, app, train, request.stage)
    check_reports(home, request.model_sha256, request.reports, request.stage, home.log.size)
    check_card_kept(home, request.card_sha256)
    return _say(home, made)


def load_for_service(home: Home, system: str) -> tuple[ModelFiles, Release, int]:
    """Return the model that serves a system, its release and where the log has that. The only door.

    Everything is checked again: the log's entry and its signature, the officer's approval, how the model was
    made, the contracts of its feeds, its files, reports and card.

    Raises
    ------
    NotReleased
        If nothing is released, or it was stopped.
    ReleaseRefused, ModelAltered, NotAnOfficer …
        If anything no longer holds.
    """
    serving = _serving(home, system)
    said = serving.release
    check_approval(home, said, serving.idx, is_new=False)
    train, model = check_model(home, system, said.model_sha256, serving.idx)
    check_panel_kept(home, train)
    check_reports(home, said.model_sha256, said.reports, said.stage, serving.idx)
    check_card_kept(home, said.card_sha256)
    return model, said, serving.idx


def _serving(home: Home, system: str) -> InForce:
    serving = in_force(home, system)
    if serving is None:
        said = changes(home, system)
        why = f"stopped at entry {said[-1][0]}" if said else "never released"
        raise NotReleased(f"{system}: want a model that is released, got none ({why})")
    if serving.release.system != system:
        raise StaleRequest(f"{system}: want its own release, got one of {serving.release.system}")
    return serving


def _wanted(asked: Mapping[str, Any], action: Action) -> ReleaseRequest:
    request = ReleaseRequest.of(asked)
    if request.action != action:
        raise MalformedRequest(f"request.action: want {action}, got {request.action}")
    return request


def _check_same(request: ReleaseRequest, want: ReleaseRequest) -> None:
    if request != want:
        raise MalformedRequest(
            f"request: want {want.action} of {want.model_sha256[:16]} at {want.stage}, as the log has it,"
            f" got {request.model_sha256[:16]} at {request.stage}"
        )


def _release(
    home: Writer, request: ReleaseRequest, approval: Envelope | None, rule: str | None = None
) -> Release:
    """Return the statement of a change, its approval checked; nothing is said yet."""
    if approval is not None:
        check_approves(approval, request.system, request.sha256)
    made = Release(
        system=request.system,
        action=request.action,
        model_sha256=request.model_sha256,
        stage=request.stage,
        card_sha256=request.card_sha256,
        reports=request.reports,
        released_at=format_time(home.clock()),
        simulated=request.simulated,
        replaces=request.replaces,
        rule=rule,
        approval=approval,
    )
    check_approval(home, made, home.log.size, is_new=True)
    return made


def _say(home: Writer, made: Release) -> Changed:
    return Changed(made, home.say(made.to_statement()))


def _last(home: Home, system: str) -> int | None:
    said = changes(home, system)
    return said[-1][0] if said else None
