"""Answers about the system: what it is, for whom, of which version, and how it is built."""

from collections.abc import Mapping
from typing import Any

from veracity.data.rules.language import duration, unit_symbol
from veracity.models.dossier.answer import Answer, Point, each, say
from veracity.models.dossier.answers.conditions import RISK
from veracity.models.facts import Known

_TRAIN = "veracity model train"
_DECLARE = "the app declares it"
_RELEASE = "veracity model release"


def identity(k: Known) -> list[Point]:
    """Name, system and owner, and whether it is of simulated data."""
    named = say("identity", k.declared("title"), title=k.app.title, system=k.system, owner=k.app.owner)
    return [named, *_simulated(k)]


def version(k: Known) -> list[Point]:
    """The model by its digest, and what it replaced."""
    t = k.train.it
    files = list(k.files.values())
    if files:
        first = say(
            "model-version",
            k.train.at("train.model", t.model_sha256),
            name=t.name,
            sha256=t.model_sha256,
            files=len(files),
            bytes=sum(files),
        )
    else:
        first = say(
            "model-version-bare",
            k.train.at("train.model", t.model_sha256),
            name=t.name,
            sha256=t.model_sha256,
        )
    return [first, *_replaced(k)]


def unique_id(k: Known) -> list[Point]:
    """By what the city tells it apart."""
    sha256 = k.train.it.model_sha256
    return [say("unique-id", k.train.at("train.model", sha256), system=k.system, digest=f"sha256:{sha256}")]


def purpose(k: Known) -> list[Point]:
    """What it is for, as its declaration says."""
    return [say("purpose", k.declared("purpose"), purpose=k.app.purpose)]


def affected(k: Known) -> list[Point]:
    """Whom it concerns."""
    return [say("affected", k.declared("affected"), affected=k.app.affected)]


def appeal(k: Known) -> list[Point]:
    """How a person can object."""
    return [say("appeal", k.declared("appeal"), appeal=k.app.appeal)]


def risk_class(k: Known) -> list[Point]:
    """The owner's classification and its reason."""
    level, why = k.app.risk
    return [say("risk-class", k.declared("risk"), level=RISK[level], why=why or None)]


def outputs(k: Known) -> list[Point]:
    """What it puts out, how often, for how far ahead."""
    units = {t: unit_symbol(u) for t, u in k.app.targets.items()}
    targets = ", ".join(f"{t} ({u})" if u else t for t, u in units.items())
    every = each(lambda lang: duration(k.app.every_s, lang))
    return [say("outputs", k.declared("targets"), targets=targets, n=len(k.app.horizons), every=every)]


def stage(k: Known) -> list[Point]:
    """How far it may go, and how far it goes now."""
    may = say("stage", k.declared("stage"), stage=k.app.stage)
    now = k.in_force
    if now is None or not k.serves:
        return [may, say("not-serving", k.train.at("train.model"))]
    return [may, say("stage-now", now.at("release.stage"), stage=now.it.stage, idx=now.idx)]


def interacts(k: Known) -> list[Point]:
    """What it reads and writes."""
    feeds = ", ".join(sorted(k.app.contracts)) or ", ".join(f.feed for f in k.feeds)
    return [say("interacts", k.declared("contracts"), feeds=feeds)]


def software(k: Known) -> list[Point]:
    """Libraries and source."""
    t = k.train.it
    return [say("software", k.train.at("train.engine"), engine=t.engine, code=t.code_sha256)]


def forms(k: Known) -> list[Point]:
    """In which form it is handed on."""
    kinds = sorted({name.rpartition(".")[2] for name in k.files})
    at = k.train.at("model files", k.train.it.model_sha256)
    return [say("forms", at, kinds=", ".join(kinds))] if kinds else []


def design(k: Known) -> list[Point]:
    """Each target's estimator with its parameters."""
    described = k.description.get("estimators")
    points = []
    for target, one in sorted(described.items()) if isinstance(described, Mapping) else []:
        at = k.train.at(f"model.json.estimators.{target}", k.train.it.model_sha256)
        points.append(say("design", at, target=target, estimator=_built(one), parameters=_plain(one)))
    return points


def _built(one: Mapping[str, Any]) -> str:
    """Return an estimator with those that it is made of: ``conformal(ensemble(ridge, climatology))``."""
    own = one.get("parameters", {})
    inner = [{"name": own["base"], "parameters": own.get("base_parameters", {})}] if "base" in own else []
    parts = ", ".join(_built(part) for part in (*inner, *own.get("members", ())))
    return f"{one.get('name')}({parts})" if parts else str(one.get("name"))


def _plain(one: Mapping[str, Any]) -> str:
    """Return its parameters that are single values; lists, and those of its parts, are in ``model.json``."""
    own = sorted(one.get("parameters", {}).items())
    told = [f"{name} = {value}" for name, value in own if isinstance(value, (bool, int, float, str))]
    return ", ".join(told) or "–"


def adaptation(k: Known) -> list[Point]:
    """What changes by itself in service, by a rule that was fixed before."""
    return [
        say(
            "adapts",
            k.train.at(f"model.json.estimators.{target}", k.train.it.model_sha256),
            target=target,
            rate=parameters.get("rate"),
        )
        for target, parameters in k.adapting.items()
    ]


def no_pretrained(k: Known) -> list[Point]:
    """That nothing of others was built on; nothing where an ONNX file may have come from elsewhere."""
    if k.may_be_pretrained:
        return []
    return [say("no-pretrained", k.train.at("train.model"), idx=k.train.idx)]


def card(k: Known) -> list[Point]:
    """Where all facts can be read."""
    return [say("card-is", k.train.at("train.name"), name=k.train.it.name)]


def _simulated(k: Known) -> list[Point]:
    return [say("simulated", k.train.at("train.simulated"))] if k.simulated else []


def _replaced(k: Known) -> list[Point]:
    mine, before = k.train.it.model_sha256, None
    for r in k.releases:
        if r.it.model_sha256 == mine and before not in (None, mine):
            return [
                say("replaces", r.at("release.replaces"), idx=r.idx, now=mine[:16], before=str(before)[:16])
            ]
        before = r.it.model_sha256 if r.it.action != "stop" else before
    return [say("no-version-before", k.train.at("train.model"))]


ANSWERS: Mapping[str, tuple[Answer, str]] = {
    "identity": (identity, _DECLARE),
    "version": (version, _TRAIN),
    "unique_id": (unique_id, _TRAIN),
    "purpose": (purpose, _DECLARE),
    "affected": (affected, _DECLARE),
    "appeal": (appeal, _DECLARE),
    "risk_class": (risk_class, _DECLARE),
    "outputs": (outputs, _DECLARE),
    "stage": (stage, _RELEASE),
    "interacts": (interacts, _DECLARE),
    "software": (software, _TRAIN),
    "forms": (forms, _TRAIN),
    "design": (design, _TRAIN),
    "adaptation": (adaptation, _TRAIN),
    "no_pretrained": (no_pretrained, _TRAIN),
    "card": (card, _TRAIN),
}
