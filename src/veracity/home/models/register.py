"""The public register gathered from log, scoreboard and declarations of apps, each fact with its proofs."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from veracity.data.panel_definition import parse_panel
from veracity.home.clock import format_time, parse_time
from veracity.home.home import Home
from veracity.home.models.bounded import MAX_TEXT_BYTES, ObjectTooLarge, get_bounded
from veracity.home.models.gate_checks import card_path
from veracity.home.models.incidents import incidents
from veracity.home.models.matched import past_scorings
from veracity.home.models.of_system import said_of
from veracity.home.models.said import read_said
from veracity.home.models.scoreboard import scoreboards
from veracity.home.models.stages import in_force, systems
from veracity.home.panels import is_any_simulated
from veracity.log.errors import ObjectMissing
from veracity.models.app import App
from veracity.models.incidents import IncidentState
from veracity.models.register import (
    STALE_MODEL_DAYS,
    STALE_RUNS,
    STALE_SCORES_DAYS,
    Declared,
    Entry,
    Fact,
    IncidentLine,
    OverrideLine,
    Register,
)
from veracity.provenance.statements import Assure, Decide, Override, Release, Train

_KINDS = ("release", "decide", "outcome", "override", "incident")


def register(home: Home, apps: Sequence[App], now: datetime) -> Register:
    """Return the register: every app, and every system that the log knows though no app declares it."""
    reader = home.reader()
    declared = {app.name: app for app in apps}
    names = sorted({*declared, *systems(home), *_named(home)})
    return Register(
        origin=home.directory.origin,
        size=reader.size,
        root_sha256=reader.root_at(reader.size).hex(),
        as_of=format_time(now),
        entries=tuple(entry(home, name, declared.get(name), now) for name in names),
    )


def entry(home: Home, system: str, app: App | None, now: datetime) -> Entry:
    """Return what is known of one system.

    Raises
    ------
    TableMismatch, ScoreboardBroken
        If a line of its scoreboard is gone or was changed.
    EnvelopeRejected, MalformedStatement …
        If the log has something of it that the operator did not sign.
    """
    feeds = parse_panel(app.panel).feeds if app else []
    facts = {
        **_serving(home, system, now),
        "data": _data(home, feeds),
        "runs": _runs(home, system, app, now),
        "scored": _scored(home, system, now),
    }
    skill, days = scoreboards(home, system, [["target", "horizon_s"], ["target", "day"]])
    said = [p for kind in _KINDS for _, p in said_of(home, kind, system)]
    return Entry(
        system=system,
        declared=_declared(app) if app else None,
        simulated=any(p["simulated"] for p in said) or is_any_simulated(home, feeds),
        facts=facts,
        skill=skill,
        days=days,
        incidents=tuple(_line(one, now) for one in reversed(incidents(home, system).values())),
        overrides=tuple(_overrides(home, system)),
    )


def _named(home: Home) -> Iterator[str]:
    for kind in _KINDS:
        yield from (str(p["system"]) for _, p in home.index.predicates(kind))


def _declared(app: App) -> Declared:
    return Declared(
        title=app.title,
        purpose=app.purpose,
        affected=app.affected,
        appeal=app.appeal,
        owner=app.owner,
        risk=app.risk[0],
        risk_why=app.risk[1],
        furthest=app.stage,
        every_s=app.every_s,
        targets=app.targets,
        feeds=tuple(parse_panel(app.panel).feeds),
        code_sha256=app.code(),
    )


def _serving(home: Home, system: str, now: datetime) -> Mapping[str, Fact]:
    """Return the stage, and what is known of the model in force; all missing where nothing serves."""
    serving = in_force(home, system)
    if serving is None:
        last = said_of(home, "release", system)
        if not last:
            nothing = Fact.missing("nothing was ever released")
            return dict.fromkeys(("stage", "model", "trained", "assured", "card"), nothing)
        stop = read_said(home, last[-1][0], Release)
        why = f"by rule {stop.rule}" if stop.rule else "by an officer"
        stopped = Fact.missing(f"stopped at {stop.released_at}, {why}")
        return {
            "stage": Fact("stopped", (last[-1][0],), note=f"{stop.released_at}, {why}"),
            **dict.fromkeys(("model", "trained", "assured", "card"), stopped),
        }
    release, idx = serving.release, serving.idx
    return {
        "stage": Fact(release.stage, (idx,), note=f"since {release.released_at}"),
        "model": Fact(release.model_sha256, (idx,)),
        "trained": _trained(home, release.model_sha256, now),
        "assured": _assured(home, release),
        "card": _card(home, release, idx),
    }


def _trained(home: Home, model_sha256: str, now: datetime) -> Fact:
    found = [idx for idx, p in home.index.predicates("train") if p["model"] == model_sha256]
    if not found:
        return Fact.missing("the log has no word of how this model was made")
    said = read_said(home, found[-1], Train)
    value = {
        "name": said.name,
        "at": said.trained_at,
        "rows": said.rows.rows,
        "seed": said.seed,
        "code": said.code_sha256,
        "snapshots": [
            {"feed": i.feed, "up_to_batch": i.up_to_batch, "sha256": i.sha256} for i in said.inputs
        ],
        "personal": said.personal,
    }
    age = now - parse_time("trained_at", said.trained_at)
    if age > timedelta(days=STALE_MODEL_DAYS):
        return Fact(value, (found[-1],), "stale", f"trained more than {STALE_MODEL_DAYS} days ago")
    return Fact(value, (found[-1],))


def _assured(home: Home, release: Release) -> Fact:
    found = [
        (idx, read_said(home, idx, Assure))
        for idx, p in home.index.predicates("assure")
        if p["report"] in release.reports
    ]
    if not found:
        return Fact.missing("the release rests on no report")
    value = [
        {
            "report": said.report_sha256,
            "verdict": said.verdict,
            "passed": said.passed,
            "failed": said.failed,
            "untested": said.untested,
        }
        for _, said in found
    ]
    return Fact(value, tuple(idx for idx, _ in found))


def _card(home: Home, release: Release, idx: int) -> Fact:
    try:
        body = get_bounded(home, card_path(release.card_sha256), MAX_TEXT_BYTES)
    except ObjectMissing:
        return Fact(release.card_sha256, (idx,), "stale", "the card's file is gone; its digest stays")
    except ObjectTooLarge:
        body = b""
    if hashlib.sha256(body).hexdigest() != release.card_sha256:
        return Fact(release.card_sha256, (idx,), "stale", "the card's file was changed since it was approved")
    return Fact(release.card_sha256, (idx,))


def _data(home: Home, feeds: Sequence[str]) -> Fact:
    """Return the feeds read, with their contracts in force and their last batches."""
    value, entries = [], []
    for feed in feeds:
        said = home.index.predicates("contract", feed)
        batches = home.index.predicates("ingest", feed)
        entries += [said[-1][0]] if said else []
        entries += [batches[-1][0]] if batches else []
        value.append(
            {
                "feed": feed,
                "contract": said[-1][1]["sha256"] if said else None,
                "batches": len(batches),
                "simulated": bool(said and said[-1][1]["simulated"]),
            }
        )
    without = [str(one["feed"]) for one in value if one["contract"] is None]
    if not value:
        return Fact.missing("no app declares what it reads")
    if without:
        return Fact(value, tuple(entries), "stale", f"no contract in force for {', '.join(without)}")
    return Fact(value, tuple(entries))


def _runs(home: Home, system: str, app: App | None, now: datetime) -> Fact:
    said = said_of(home, "decide", system)
    if not said:
        return Fact.missing("it never ran")
    last = read_said(home, said[-1][0], Decide)
    rungs: dict[str, int] = {}
    for _, p in said:
        for rung, n in p["rungs"].items():
            rungs[rung] = rungs.get(rung, 0) + int(n)
    value = {
        "runs": len(said),
        "decisions": sum(int(p["output"]["rows"]) for _, p in said),
        "last": last.made_at,
        "rungs": dict(sorted(rungs.items())),
    }
    late = app and now - parse_time("made_at", last.made_at) > timedelta(seconds=STALE_RUNS * app.every_s)
    if late:
        return Fact(value, (said[-1][0],), "stale", f"it has missed {STALE_RUNS} runs or more")
    return Fact(value, (said[-1][0],))


def _scored(home: Home, system: str, now: datetime) -> Fact:
    said = past_scorings(home, system)
    if not said:
        return Fact.missing("no outcome is known yet: nothing is scored")
    idx, last = said[-1]
    counts = [one.counts for _, one in said]
    value = {
        "scorings": len(said),
        "until": last.until,
        "due": sum(c.due for c in counts),
        "matched": sum(c.matched for c in counts),
        "missing": sum(c.missing for c in counts),
        "repeated": sum(c.repeated for c in counts),
        "contradicted": sum(c.contradicted for c in counts),
    }
    if now - parse_time("until", last.until) > timedelta(days=STALE_SCORES_DAYS):
        return Fact(value, (idx,), "stale", f"nothing was scored for {STALE_SCORES_DAYS} days or more")
    return Fact(value, (idx,))


def _overrides(home: Home, system: str) -> Iterator[OverrideLine]:
    for idx, _ in reversed(said_of(home, "override", system)):
        said = read_said(home, idx, Override)
        approve = said.approved
        yield OverrideLine(
            said.run, said.record, said.value, approve.by, approve.why, said.overridden_at, idx
        )


def _line(state: IncidentState, now: datetime) -> IncidentLine:
    first, last = state.steps[0].said, state.last
    return IncidentLine(
        name=state.name,
        severity=last.severity,
        state="closed" if state.is_closed else "open",
        opened_at=first.said_at,
        due=last.due,
        closed_at=last.said_at if state.is_closed else None,
        overdue=state.is_overdue(now),
        what=first.what,
        last=last.what,
        entries=tuple(step.idx for step in state.steps),
    )
