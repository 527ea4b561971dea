"""What must hold for a model to serve: each check on its own, so that the door can make them again."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from veracity.data.panel_definition import parse_panel
from veracity.errors import VeracityError
from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.bounded import MAX_TEXT_BYTES, get_bounded
from veracity.home.models.gate_errors import (
    ApprovalUsed,
    CardRejected,
    FeedNotInForce,
    NotAssured,
    NotTrained,
    StageRefused,
    StaleRequest,
    WrongApproval,
    WrongModel,
)
from veracity.home.models.registry import load_model
from veracity.home.models.request import ReleaseRequest
from veracity.home.models.said import read_said
from veracity.home.models.stages import Change, changes, releases_at, scored_decisions, time_at
from veracity.home.panels import panel_path
from veracity.log.errors import ObjectMissing
from veracity.models.app import App
from veracity.models.assurance.errors import MalformedReport
from veracity.models.assurance.judging import lacking
from veracity.models.assurance.report import parse_report
from veracity.models.description import Description
from veracity.models.files import ModelFiles
from veracity.models.stage_rules import StageRule, before, parse_stage_rules, strictest
from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import MalformedStatement
from veracity.provenance.statements import STAGES, Approve, Assure, Release, Stage, Train

#: Compares a card (its bytes) with the evidence; returns a line for each fact that the evidence denies.
CheckCard = Callable[[Home, bytes], Sequence[str]]


def check_model(home: Home, system: str, model_sha256: str, until: int) -> tuple[Train, ModelFiles]:
    """Return a model and the word of the log on it, if it was made for this system.

    ``until`` is the log entry before which it must have been trained.

    Raises
    ------
    NotTrained, WrongModel, ModelAltered
    """
    said = [i for i, p in home.index.predicates("train") if p["model"] == model_sha256 and i < until]
    if not said:
        raise NotTrained(f"model {model_sha256[:16]}: want one that the log says was trained, got none")
    train, model = read_said(home, said[-1], Train), load_model(home, model_sha256)
    described = Description.of(model)
    if described.system != system:
        raise WrongModel(f"model {model_sha256[:16]}: want one made for {system}, got {described.system}")
    told = (described.name, described.definition_sha256, described.rows, described.simulated)
    if told != (train.name, train.definition_sha256, train.rows, train.simulated):
        raise WrongModel(f"model {model_sha256[:16]}: want model.json to say what log entry {said[-1]} does")
    return train, model


def check_app(home: Home, app: App, train: Train, stage: Stage) -> None:
    """Raise unless an app may have this model at this stage, and its feeds have contracts in force.

    Raises
    ------
    StageRefused, WrongModel, FeedNotInForce
    """
    if STAGES.index(stage) > STAGES.index(app.stage):
        raise StageRefused(f"{app.name}: want a stage up to {app.stage}, which the app declares, got {stage}")
    panel = parse_panel(app.panel)
    if panel.sha256 != train.definition_sha256:
        raise WrongModel(
            f"model {train.model_sha256[:16]}: want one of the panel that {app.name} serves from,"
            f" {panel.sha256[:16]}, got {train.definition_sha256[:16]}"
        )
    _check_feeds(home, panel.feeds)


def check_panel_kept(home: Home, train: Train) -> None:
    """Raise unless the panel that a model learned from is kept, and its feeds have contracts in force.

    Raises
    ------
    WrongModel, FeedNotInForce
    """
    try:
        panel = parse_panel(home.objects.get(panel_path(train.definition_sha256)))
    except VeracityError as exc:
        raise WrongModel(f"panel {train.definition_sha256[:16]}: want it in the store, got: {exc}") from exc
    if panel.sha256 != train.definition_sha256:
        raise WrongModel(f"panel {train.definition_sha256[:16]}: want one of that digest, got another")
    _check_feeds(home, panel.feeds)


def check_reports(
    home: Home, model_sha256: str, reports: Sequence[str], stage: Stage, until: int
) -> list[Assure]:
    """Return the statements of reports that say that this very model passed what the stage requires.

    Raises
    ------
    NotAssured
        If there is none, one is of another model, failed, was followed by one by the same policy that did
        not pass, lacks a test that the stage requires, or is not in the store as it was signed.
    """
    said = [(i, p) for i, p in home.index.predicates("assure") if p["model"] == model_sha256 and i < until]
    if not reports:
        raise NotAssured(f"model {model_sha256[:16]}: want an assurance report, got none")
    return [_check_report(home, said, model_sha256, one, stage) for one in reports]


def check_card_kept(home: Home, sha256: str) -> bytes:
    """Return the card of a digest; CardRejected if the store has none or another."""
    try:
        text = get_bounded(home, card_path(sha256), MAX_TEXT_BYTES)
    except ObjectMissing as exc:
        raise CardRejected(f"card {sha256[:16]}: want it in the store, got none") from exc
    if (digest := hashlib.sha256(text).hexdigest()) != sha256:
        raise CardRejected(f"card {sha256[:16]}: want one of that digest, got {digest[:16]}")
    return text


def check_card_true(home: Home, text: bytes, check_card: CheckCard) -> None:
    """Raise CardRejected if a card says what the evidence denies."""
    try:
        lies = list(check_card(home, text))
    except VeracityError as exc:
        raise CardRejected(f"card: want one that can be checked, got: {exc}") from exc
    if lies:
        more = f" and {len(lies) - 3} more" if len(lies) > 3 else ""
        raise CardRejected(f"card: want what the evidence says, got {'; '.join(lies[:3])}{more}"[:1_000])


def check_fresh(home: Home, request: ReleaseRequest) -> None:
    """Raise StaleRequest if anything changed for the system since it was asked for."""
    said = changes(home, request.system)
    last = said[-1][0] if said else None
    if request.replaces != last:
        raise StaleRequest(
            f"{request.system}: want a request made since entry {last}, the last change, got one that"
            f" replaces {request.replaces}: ask again"
        )


def check_approval(home: Home, release: Release, idx: int, *, is_new: bool) -> None:
    """Raise unless an officer with the duty approved just this, for this once.

    ``idx`` is the place of the statement in the log, or the one it will get.

    Raises
    ------
    WrongApproval, ApprovalUsed
    NotAnOfficer, DutyMissing, ApproverDiffers, ApprovedLater, UnknownKey, RevokedKey, ExpiredKey,
    EnvelopeRejected
        As ``Agencies.check_officer``.
    """
    if release.approval is None:
        return  # a rule stopped it
    check_approves(release.approval, release.system, release.approved_sha256)
    received = parse_time("released_at", release.released_at)
    home.agencies().check_officer(release.approval, release.duty, idx, received)
    payload = release.approval.to_object()["payload"]
    said = changes(home, release.system, idx)
    used = [i for i, p in said if p["approval"] and p["approval"]["payload"] == payload]
    if is_new and used:
        raise ApprovalUsed(f"approval: want one that was not used, got that of log entry {used[0]}")


def check_approves(approval: Envelope, system: str, asked_sha256: str) -> None:
    """Raise WrongApproval unless an approval is of this very request, whoever signed it."""
    try:
        Approve.of(approval).check_is_of("release", system, asked_sha256)
    except MalformedStatement as exc:
        raise WrongApproval(str(exc)) from exc


def check_stage_order(
    home: Home, request: ReleaseRequest, reports: Sequence[Assure], now: datetime, until: int
) -> None:
    """Raise StageRefused unless the model served the stage before for as long as the policies ask.

    A model that served at this stage, or above it, before may come back to it. ``now`` and the log entry
    ``until`` are of the change itself.
    """
    said, stage = _proven(home, changes(home, request.system, until)), request.stage
    previous = before(stage)
    if previous is None or releases_at(said, request.model_sha256, stage):
        return
    served = releases_at(said, request.model_sha256, previous)
    if not served:
        raise StageRefused(f"{request.system}: want {previous} before {stage}, got a model that never was")
    rule = strictest([_stage_rules(home, r.policy_sha256) for r in reports])[stage]
    _check_served(home, request, said, served, previous, rule, now, until)


def card_path(sha256: str) -> str:
    """Return where a model card is kept."""
    return f"cards/{sha256}.json"


def report_path(sha256: str) -> str:
    """Return where an assurance report is kept."""
    return f"assurance/{sha256}.json"


def policy_path(sha256: str) -> str:
    """Return where a policy is kept."""
    return f"policies/{sha256}.yaml"


def _check_feeds(home: Home, feeds: Sequence[str]) -> None:
    for feed in feeds:
        try:
            home.feed(feed)
        except VeracityError as exc:
            raise FeedNotInForce(f"feed {feed}: want a contract in force, got: {exc}") from exc


def _proven(home: Home, said: Sequence[Change]) -> list[Change]:
    """Return changes as the log itself has them: what the index says of their times proves nothing."""
    return [(idx, read_said(home, idx, Release).to_statement().predicate) for idx, _ in said]


def _check_served(
    home: Home,
    request: ReleaseRequest,
    said: list[Change],
    served: set[int],
    previous: Stage,
    rule: StageRule,
    now: datetime,
    until: int,
) -> None:
    days = time_at(said, request.model_sha256, previous, now).total_seconds() / 86_400
    if days < rule.days:
        raise StageRefused(
            f"{request.system}: want {rule.days:g} days at {previous} before {request.stage}, got {days:.2f}"
        )
    n = scored_decisions(home, request.system, request.model_sha256, served, until) if rule.decisions else 0
    if n < rule.decisions:
        raise StageRefused(
            f"{request.system}: want {rule.decisions:,} scored decisions at {previous} before"
            f" {request.stage}, got {n:,}"
        )


def _check_report(
    home: Home, said: Sequence[tuple[int, Mapping[str, Any]]], model_sha256: str, report: str, stage: Stage
) -> Assure:
    found = [(i, p) for i, p in said if p["report"] == report]
    if not found:
        raise NotAssured(f"report {report[:16]}: want one on model {model_sha256[:16]}, got none in the log")
    idx, predicate = found[-1]
    later = [(i, p) for i, p in said if i > idx and p["policy"] == predicate["policy"]]
    if worse := [i for i, p in later if p["verdict"] == "failed"]:
        raise NotAssured(f"report {report[:16]}: want the last word, got one that entry {worse[-1]} denies")
    assure = read_said(home, idx, Assure)
    if assure.verdict == "failed":
        raise NotAssured(f"report {report[:16]}: want one that passed, got {assure.failed} tests failed")
    _check_tests(assure, kept(home, "report", report_path(report), report), stage)
    return assure


def _check_tests(assure: Assure, text: bytes, stage: Stage) -> None:
    """Raise NotAssured unless a report is the one that its statement speaks of, and enough for a stage."""
    what = f"report {assure.report_sha256[:16]}"
    try:
        report = parse_report(text)
    except MalformedReport as exc:
        raise NotAssured(f"{what}: want one that can be read, got: {exc}") from exc
    if (about := report.about.model_sha256) != assure.model_sha256:
        raise NotAssured(f"{what}: want one on model {assure.model_sha256[:16]}, got one on {about[:16]}")
    want = {"passed": assure.passed, "failed": assure.failed, "untested": assure.untested}
    if dict(report.tally) != want or not report.tally["passed"]:
        raise NotAssured(f"{what}: want tests {want} as signed, some passed, got {dict(report.tally)}")
    if missing := lacking(report.results, stage):
        told = ", ".join(missing[:5])
        raise NotAssured(f"{what}: want each test passed that {stage} requires, got {told} without")


def _stage_rules(home: Home, policy_sha256: str) -> dict[Stage, StageRule]:
    return parse_stage_rules(kept(home, "policy", policy_path(policy_sha256), policy_sha256))


def kept(home: Home, what: str, path: str, sha256: str) -> bytes:
    """Return what is kept under a digest; NotAssured if the store has none or another."""
    try:
        text = get_bounded(home, path, MAX_TEXT_BYTES)
    except ObjectMissing as exc:
        raise NotAssured(f"{what} {sha256[:16]}: want it in the store, got none") from exc
    if (digest := hashlib.sha256(text).hexdigest()) != sha256:
        raise NotAssured(f"{what} {sha256[:16]}: want one of that digest, got {digest[:16]}")
    return text
