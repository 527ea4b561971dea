"""The facts of a card, section by section: computed from what is known, each with its evidence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veracity.data.panel_definition import parse_panel
from veracity.models.decisions import OWN
from veracity.models.facts import Evidence, Fact, Known, ReportKnown, Said, TestKnown, Value
from veracity.provenance.statements import Approve, Incident, Release

_ACCURACY = ("skill", "accuracy", "calibration")
MOST_NUMBERS = 60  #: of one test in a card; of more the judged ones, and how many were left out
_HARDENING = ("robustness", "drift", "explanation", "explanations", "privacy", "resources")


@dataclass(frozen=True)
class Section:
    """A section of a card: its name, and the facts in it, in order."""

    name: str
    facts: tuple[Fact, ...]


def sections(known: Known) -> tuple[Section, ...]:
    """Return all sections of a model's card; one without facts says by that that nothing is known."""
    return tuple(Section(name, tuple(write(known))) for name, write in SECTIONS.items())


def by_name(known: Known) -> dict[str, Fact]:
    """Return all facts by their names."""
    return {fact.name: fact for section in sections(known) for fact in section.facts}


def _model(k: Known) -> Iterator[Fact]:
    train, said = k.train.it, k.train
    yield Fact("model.name", "name", train.name, said.at("train.name"))
    yield Fact("model.sha256", "sha256", train.model_sha256, said.at("train.model"))
    yield Fact("model.system", "system", k.system, k.declared("name"))
    if k.files:
        files = said.at("model files", train.model_sha256)
        yield Fact("model.files", "files", len(k.files), files)
        yield Fact("model.bytes", "bytes", sum(k.files.values()), files)
    for target, one in sorted(_estimators(k).items()):
        at = said.at(f"model.json.estimators.{target}", train.model_sha256)
        yield Fact(f"model.target.{target}.estimator", "estimator", str(one.get("name")), at, of=(target,))
    for target, unit in sorted(k.app.targets.items()):
        at = k.declared(f"targets.{target}")
        yield Fact(f"model.target.{target}.unit", "unit", unit, at, of=(target,))
    yield Fact("model.personal", "personal", train.personal, said.at("train.personal"))
    yield Fact("model.simulated", "simulated", k.simulated, said.at("train.simulated"))


def _data(k: Known) -> Iterator[Fact]:
    for f in k.feeds:
        contract = Evidence(f.contract_idx, "contract", f.contract_sha256)
        batch = Evidence(f.last_idx, "ingest.counts")
        values: tuple[tuple[str, Value, Evidence], ...] = (
            ("version", f.version, contract),
            ("agency", f.agency, contract),
            ("licence", f.licence or "not stated", contract),
            ("rules", f.n_rules, contract),
            ("batches", f.batches, batch),
            ("received", f.received, batch),
            ("accepted", f.accepted, batch),
            ("quarantined", f.quarantined, batch),
            ("refused", f.refused, batch),
            ("snapshot", f.snapshot_sha256, k.train.at("train.inputs", f.snapshot_sha256)),
        )
        for label, value, at in values:
            yield Fact(f"data.feed.{f.feed}.{label}", label, value, at, of=(f.feed,))


def _training(k: Known) -> Iterator[Fact]:
    t, at = k.train.it, k.train.at
    yield Fact("training.definition", "definition", t.definition_sha256, at("train.definition"))
    every = parse_panel(k.app.panel).every_us // 1_000_000
    yield Fact("training.every", "grid", every, k.declared("panel"), "s")
    yield Fact("training.rows", "rows", t.rows.rows, at("train.rows.rows"))
    yield Fact("training.rows-sha256", "rows_sha256", t.rows.sha256, at("train.rows.sha256"))
    yield Fact("training.as-of", "as_of", t.as_of or "all that was known", at("train.as_of"))
    yield Fact("training.seed", "seed", t.seed, at("train.seed"))
    yield Fact("training.code", "code", t.code_sha256, at("train.code"))
    yield Fact("training.engine", "engine", t.engine, at("train.engine"))
    yield Fact("training.trained-at", "trained_at", t.trained_at, at("train.trained_at"))


def _use(k: Known) -> Iterator[Fact]:
    a = k.app
    for label in ("title", "purpose", "affected", "appeal"):
        words: Mapping[str, str] = getattr(a, label)
        for lang, text in sorted(words.items()):
            yield Fact(f"use.{label}.{lang}", f"{label}_{lang}", text, k.declared(f"{label}.{lang}"))
    yield Fact("use.owner", "owner", a.owner, k.declared("owner"))
    yield Fact("use.risk", "risk", a.risk[0], k.declared("risk"))
    yield Fact("use.risk-why", "risk_why", a.risk[1] or "no reason given", k.declared("risk"))
    yield Fact("use.stage", "furthest_stage", a.stage, k.declared("stage"))
    yield Fact("use.every", "every", a.every_s, k.declared("every_s"), "s")
    yield Fact("use.horizons", "horizons", len(a.horizons), k.declared("horizons"))
    for rung in a.ladder:
        at = k.declared(f"ladder.{rung.name}")
        needs = ", ".join(rung.needs) or "nothing"
        yield Fact(f"use.ladder.{rung.name}.needs", "needs", needs, at, of=(rung.name,))
        yield Fact(f"use.ladder.{rung.name}.oldest", "oldest", rung.longest_age_s, at, "s", (rung.name,))
    for rule in a.stop_rules:
        at = k.declared(f"stop_rules.{rule.name}")
        bound = (
            f"{rule.score} {'above' if rule.above is not None else 'below'} {_bound(rule.above, rule.below)}"
        )
        against = f" of {rule.baseline}" if rule.baseline else ""
        told = f"{bound}{against} over {rule.days} d of at least {rule.n_least} decisions"
        yield Fact(f"use.stop.{rule.name}", "stop_rule", told, at, of=(rule.name,))


def _metrics(k: Known) -> Iterator[Fact]:
    """Yield how the model and the baselines did on what training held out, then what the report measured."""
    for target, by_name in sorted(_mapping(k.description.get("metrics")).items()):
        at = k.train.at(f"model.json.metrics.{target}", k.train.it.model_sha256)
        rows = [(row.get("horizon"), name, row) for name, row in _metric_rows(by_name)]
        for horizon, name, row in sorted(rows, key=lambda r: (r[0] or 0, r[1] != OWN, r[1])):
            yield from _metric_row(target, name, horizon, row, at)
    yield from _numbers(k, "metrics", _ACCURACY)


def _metric_rows(by_name: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, rows in _mapping(by_name).items():
        yield from ((str(name), row) for row in rows if isinstance(row, Mapping))


def _metric_row(
    target: str, name: str, horizon: object, row: Mapping[str, Any], at: Evidence
) -> Iterator[Fact]:
    order = {score: i for i, score in enumerate(("n", "mae", "rmse", "crps", "coverage80", "coverage95"))}
    for score in sorted(row, key=lambda s: (order.get(s, len(order)), s)):
        if score != "horizon" and isinstance(row[score], (int, float, type(None))):
            fact = f"metrics.held-out.{target}.{horizon}.{name}.{score}"
            yield Fact(fact, score, row[score], at, of=(target, f"+{horizon}", name))


def _fairness(k: Known) -> Iterator[Fact]:
    yield from _numbers(k, "fairness", ("fairness",))


def _robustness(k: Known) -> Iterator[Fact]:
    yield from _numbers(k, "robustness", _HARDENING)


def _numbers(k: Known, section: str, families: tuple[str, ...]) -> Iterator[Fact]:
    """Yield every number of the last report's tests of some families: what it is of makes it one of many."""
    report = k.report
    for test in tests_of(report, families):
        assert report is not None
        told = (
            test.numbers
            if len(test.numbers) <= MOST_NUMBERS
            else [n for n in test.numbers if n.get("judged")]
        )
        for number in told[:MOST_NUMBERS]:
            of = tuple(f"{key} {value}" for key, value in sorted(dict(number.get("of") or {}).items()))
            name = ".".join((section, test.name, str(number["name"]), *of)).replace(" ", "-")
            row = (" · ".join(of) or "all",)
            for part, value in _parts(number):
                end = f"{name}.{part}" if part else name
                label = f"{number['name']}, {part}" if part else str(number["name"])
                yield Fact(end, label, value, report.evidence(test.name), of=row)
        if left_out := len(test.numbers) - min(len(told), MOST_NUMBERS):
            at = report.evidence(test.name)
            yield Fact(f"{section}.{test.name}.left-out", "left_out", left_out, at, of=("all",))


def _parts(number: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """Yield a number of a test: the estimate, the ends of its interval, and how many cases are behind it."""
    yield "", _float(number.get("value"))
    for end in ("low", "high"):
        if number.get(end) is not None:
            yield end, _float(number[end])
    if number.get("n") is not None:
        yield "n", int(number["n"])


def _limits(k: Known) -> Iterator[Fact]:
    """What the model was shown not to do, or was not asked: every test that failed or is untested."""
    report = k.report
    if report is None:
        yield Fact("limits.report", "report", "no report on this model", k.train.at("train.model"))
        return
    a = report.said.it
    for label in ("passed", "failed", "untested"):
        yield Fact(
            f"limits.{label}", f"tests_{label}", getattr(a, label), report.said.at(f"assure.tests.{label}")
        )
    yield Fact("limits.verdict", "verdict", a.verdict, report.said.at("assure.verdict"))
    yield Fact("limits.report", "report", a.report_sha256, report.said.at("assure.report", a.report_sha256))
    yield Fact("limits.policy", "policy", a.policy_sha256, report.said.at("assure.policy", a.policy_sha256))
    for test in report.tests:
        if test.verdict != "passed":
            told = f"{test.verdict}: {test.reason}"
            yield Fact(f"limits.test.{test.name}", "limit", told, report.evidence(test.name), of=(test.name,))


def _service(k: Known) -> Iterator[Fact]:
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


def _scoreboard(k: Known) -> Iterator[Fact]:
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


def _overrides(k: Known) -> Iterator[Fact]:
    last = Evidence(k.overrides[-1].idx if k.overrides else None, "override")
    yield Fact("overrides.n", "overrides", len(k.overrides), last)
    for o in k.overrides:
        row = (f"run {o.it.run} record {o.it.record}",)
        yield Fact(f"overrides.one.{o.idx}.by", "by", o.it.approved.by, o.at("override.approval"), of=row)
        yield Fact(f"overrides.one.{o.idx}.why", "why", o.it.approved.why, o.at("override.approval"), of=row)


def _incidents(k: Known) -> Iterator[Fact]:
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


def tests_of(report: ReportKnown | None, families: Iterable[str]) -> list[TestKnown]:
    """Return a report's tests of some families; none without a report."""
    wanted = set(families)
    return [] if report is None else [t for t in report.tests if t.family in wanted]


def _estimators(k: Known) -> Mapping[str, Any]:
    return _mapping(k.description.get("estimators"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _bound(above: float | None, below: float | None) -> str:
    return f"{above if above is not None else below:g}"


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


SECTIONS: Mapping[str, Callable[[Known], Iterator[Fact]]] = {
    "model": _model,
    "data": _data,
    "training": _training,
    "use": _use,
    "metrics": _metrics,
    "fairness": _fairness,
    "robustness": _robustness,
    "limits": _limits,
    "service": _service,
    "scoreboard": _scoreboard,
    "overrides": _overrides,
    "incidents": _incidents,
}
