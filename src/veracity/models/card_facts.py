"""The facts of a card, section by section: computed from what is known, each with its evidence."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veracity.data.panel_definition import parse_panel
from veracity.models import card_service, card_tests
from veracity.models.facts import Evidence, Fact, Known, Value


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


def _estimators(k: Known) -> Mapping[str, Any]:
    described = k.description.get("estimators")
    return described if isinstance(described, Mapping) else {}


def _bound(above: float | None, below: float | None) -> str:
    return f"{above if above is not None else below:g}"


SECTIONS: Mapping[str, Callable[[Known], Iterator[Fact]]] = {
    "model": _model,
    "data": _data,
    "training": _training,
    "use": _use,
    "metrics": card_tests.metrics,
    "fairness": card_tests.fairness,
    "robustness": card_tests.robustness,
    "limits": card_tests.limits,
    "service": card_service.service,
    "scoreboard": card_service.scoreboard,
    "overrides": card_service.overrides,
    "incidents": card_service.incidents,
}
