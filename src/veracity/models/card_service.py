"""The facts of a card about service: releases, runs, the scoreboard, overrides, incidents."""

from collections.abc import Iterator

from veracity.models.facts import Evidence, Fact, Known, Said, Value
from veracity.provenance.statements import Approve, Incident, Release


def service(k: Known) -> Iterator[Fact]:
    """Yield what serves and did, run and decided."""
    now = k.in_force
    stage = now.it.stage if now is not None and k.serves else "not in service"
    at = k.releases[-1].at("release.stage") if k.releases else k.train.at("train.model")
    yield Fact("service.now", "stage_now", stage, at)
    yield Fact("service.releases", "releases", len(k.releases), at)
    for r in k.releases:
        yield from _release(r)
    yield Fact("service.runs", "runs", k.runs.n, Evidence(k.runs.last, "decide.run"))
    yield Fact(
        "service.decisions", "decisions", k.runs.decisions, Evidence(k.runs.last, "decide.output.rows")
    )
    for rung, n in sorted(k.runs.rungs.items()):
        yield Fact(
            f"service.rung.{rung}", "decisions_of_rung", n, Evidence(k.runs.last, "decide.rungs"), of=(rung,)
        )


def scoreboard(k: Known) -> Iterator[Fact]:
    """Yield how what was said did, once its outcomes were known."""
    if not k.outcomes:
        return
    last = k.outcomes[-1]
    at = last.at("outcome.scores", last.it.scores.sha256)
    yield Fact("scoreboard.scorings", "scorings", len(k.outcomes), last.at("outcome.number"))
    yield Fact("scoreboard.until", "until", last.it.until, last.at("outcome.until"))
    for label in ("due", "matched", "missing", "repeated", "contradicted"):
        total = sum(getattr(o.it.counts, label) for o in k.outcomes)
        yield Fact(f"scoreboard.{label}", label, total, last.at(f"outcome.counts.{label}"))
    for s in k.scores:
        row = (s.target, f"{s.horizon_s // 3600} h", s.model)
        name = f"scoreboard.{s.target}.{s.horizon_s}.{s.model}"
        yield Fact(f"{name}.n", "n", s.n, at, of=row)
        for score, value in s.scores.items():
            yield Fact(f"{name}.{score}", score, value, at, of=row)


def overrides(k: Known) -> Iterator[Fact]:
    """Yield what officers put in the place of decisions, and why."""
    last = Evidence(k.overrides[-1].idx if k.overrides else None, "override")
    yield Fact("overrides.n", "overrides", len(k.overrides), last)
    for o in k.overrides:
        row = (f"run {o.it.run} record {o.it.record}",)
        yield Fact(f"overrides.one.{o.idx}.by", "by", o.it.approved.by, o.at("override.approval"), of=row)
        yield Fact(f"overrides.one.{o.idx}.why", "why", o.it.approved.why, o.at("override.approval"), of=row)


def incidents(k: Known) -> Iterator[Fact]:
    """Yield what went wrong, each incident as it stands now."""
    latest = latest_steps(k)
    still = [s for s in latest if s.it.step != "closed"]
    at = Evidence(k.incidents[-1].idx if k.incidents else None, "incident")
    yield Fact("incidents.n", "incidents", len(latest), at)
    yield Fact("incidents.open", "open", len(still), at)
    for s in latest:
        it, row = s.it, (s.it.incident,)
        for label, value in (
            ("step", it.step),
            ("severity", it.severity),
            ("due", it.due),
            ("what", it.what),
        ):
            yield Fact(
                f"incidents.one.{it.incident}.{label}", label, value, s.at(f"incident.{label}"), of=row
            )


def latest_steps(k: Known) -> list[Said[Incident]]:
    """Return the last step of each incident, in the order in which they were opened."""
    return list({s.it.incident: s for s in k.incidents}.values())


def _release(r: Said[Release]) -> Iterator[Fact]:
    it, row = r.it, (f"entry {r.idx}",)
    approved = None if it.approval is None else Approve.of(it.approval)
    by = f"rule {it.rule}" if approved is None else approved.by
    values: tuple[tuple[str, Value], ...] = (
        ("action", it.action),
        ("stage", it.stage),
        ("of_model", it.model_sha256[:16]),
        ("by", by),
        ("why", "" if approved is None else approved.why),
        ("released_at", it.released_at),
    )
    for label, value in values:
        yield Fact(f"service.release.{r.idx}.{label}", label, value, r.at(f"release.{label}"), of=row)
