"""Answers about service: who let it run, what stops it, what it logged, how it scored, what went wrong."""

from collections.abc import Mapping

from veracity.data.rules.language import duration, number
from veracity.models.app import Words
from veracity.models.card_facts import latest_steps
from veracity.models.dossier.answer import Answer, Point, each, say, say_lack
from veracity.models.facts import Evidence, Known, Said, ScoreKnown, significant
from veracity.provenance.statements import Approve, Release

_RELEASE = "veracity model release"
_OFFICER = "veracity officer add"
_RUN = "veracity app run"
_SCORE = "veracity app score"
_OVERRIDE = "veracity app override"
_MOST = 8


def releases(k: Known) -> list[Point]:
    """Every change of what serves, and who approved it."""
    return [_release(r) for r in k.releases[-_MOST:]]


def release_gate(k: Known) -> list[Point]:
    """What the release in force rests on."""
    now = k.in_force
    if now is None:
        return []
    it = now.it
    at = now.at("release.card", it.card_sha256)
    return [_release(now), say("release-rests-on", at, card=it.card_sha256, n=len(it.reports))]


def officers(k: Known) -> list[Point]:
    """Who may approve what."""
    return [
        say("officers", Evidence(o.idx, "enrol.duties"), person=o.person, duties=", ".join(o.duties))
        for o in k.officers
    ]


def stop_rules(k: Known) -> list[Point]:
    """What stops it by itself."""
    if not k.app.stop_rules:
        return [say_lack("stop-rules-none", k.declared("stop_rules"))]
    rules = ", ".join(r.name for r in k.app.stop_rules)
    return [say("stop-rules", k.declared("stop_rules"), n=len(k.app.stop_rules), rules=rules)]


def fallbacks(k: Known) -> list[Point]:
    """The ladder, and how often each rung served."""
    if not k.app.ladder:
        return []
    points = [say("fallbacks", k.declared("ladder"), rungs=" → ".join(r.name for r in k.app.ladder))]
    if k.runs.rungs:
        rungs = sorted(k.runs.rungs.items())
        used = each(lambda lang: ", ".join(f"{rung}: {number(n, lang)}" for rung, n in rungs))
        points.append(say("rungs-used", Evidence(k.runs.last, "decide.rungs"), used=used))
    return points


def logs(k: Known) -> list[Point]:
    """What is recorded of each run, and where."""
    if k.runs.n == 0:
        return [say_lack("logs-ready", Evidence(k.size - 1, "log"), origin=k.origin, size=k.size)]
    told = say(
        "logs",
        Evidence(k.runs.first, "decide"),
        Evidence(k.runs.last, "decide"),
        runs=k.runs.n,
        decisions=k.runs.decisions,
        origin=k.origin,
    )
    return [told, say("logs-append-only", Evidence(k.size - 1, "log"), size=k.size)]


def monitoring(k: Known) -> list[Point]:
    """How decisions were scored once their outcomes were known, baselines beside."""
    if not k.outcomes:
        return []
    last = k.outcomes[-1]
    counts = {n: sum(getattr(o.it.counts, n) for o in k.outcomes) for n in ("due", "matched", "missing")}
    scored = say(
        "scoring",
        last.at("outcome.counts"),
        n=len(k.outcomes),
        until=last.it.until,
        **counts,
        contradicted=sum(o.it.counts.contradicted for o in k.outcomes),
    )
    at = last.at("outcome.scores", last.it.scores.sha256)
    return [scored, *(_score(at, s) for s in k.scores[:_MOST])]


def overrides(k: Known) -> list[Point]:
    """Decisions that persons replaced."""
    if not k.overrides and not k.runs.n:
        return []
    last = Evidence(k.overrides[-1].idx if k.overrides else k.runs.last, "override")
    points = [say("overrides", last, n=len(k.overrides))]
    for o in k.overrides[-_MOST:]:
        by, why = o.it.approved.by, o.it.approved.why
        points.append(say("override", o.at("override"), run=o.it.run, record=o.it.record, by=by, why=why))
    return points


def incidents(k: Known) -> list[Point]:
    """What went wrong, and what is still open."""
    latest = latest_steps(k)
    if not latest:
        return [say("incidents-none", Evidence(k.size - 1, "log"), size=k.size)]
    still = sum(s.it.step != "closed" for s in latest)
    points = [say("incidents", latest[-1].at("incident"), n=len(latest), open=still)]
    for s in latest[-_MOST:]:
        it = s.it
        told = say(
            "incident",
            s.at("incident"),
            incident=it.incident,
            severity=it.severity,
            step=it.step,
            due=it.due,
            what=it.what,
        )
        points.append(told)
    return points


def changes(k: Known) -> list[Point]:
    """How changes are recorded."""
    at = k.releases[-1].at("release") if k.releases else k.train.at("train")
    return [say("change", at, trains=1, releases=len(k.releases)), *releases(k)]


def integrity(k: Known) -> list[Point]:
    """What protects the model, its inputs and its record."""
    sha256 = k.train.it.model_sha256
    files = say("integrity", k.train.at("train.model", sha256), sha256=sha256)
    return [files, say("integrity-log", Evidence(k.size - 1, "log"), origin=k.origin)]


def _release(r: Said[Release]) -> Point:
    it = r.it
    if it.approval is None:
        return say(
            "release-by-rule",
            r.at("release"),
            at=it.released_at,
            action=ACTION[it.action],
            model=it.model_sha256[:16],
            stage=it.stage,
            rule=it.rule,
        )
    approved = Approve.of(it.approval)
    return say(
        "release",
        r.at("release.approval"),
        at=it.released_at,
        action=ACTION[it.action],
        model=it.model_sha256[:16],
        stage=it.stage,
        by=approved.by,
        why=approved.why,
    )


def _score(at: Evidence, s: ScoreKnown) -> Point:
    known = [(name, v) for name, value in s.scores.items() if (v := significant(value, 4)) is not None]
    horizon = each(lambda lang: duration(s.horizon_s, lang))
    scores = each(lambda lang: ", ".join(f"{name} {number(v, lang)}" for name, v in known))
    return say("score", at, target=s.target, horizon=horizon, model=s.model, scores=scores, n=s.n)


ACTION: Mapping[str, Words] = {
    "release": {"en": "release", "vi": "phát hành"},
    "roll-back": {"en": "roll-back", "vi": "quay lui"},
    "stop": {"en": "stop", "vi": "dừng"},
}
ANSWERS: Mapping[str, tuple[Answer, str]] = {
    "releases": (releases, _RELEASE),
    "release_gate": (release_gate, _RELEASE),
    "officers": (officers, _OFFICER),
    "stop_rules": (stop_rules, _RELEASE),
    "fallbacks": (fallbacks, _RUN),
    "logs": (logs, _RUN),
    "monitoring": (monitoring, _SCORE),
    "overrides": (overrides, _OVERRIDE),
    "incidents": (incidents, _RUN),
    "changes": (changes, _RELEASE),
    "integrity": (integrity, "veracity model train"),
}
