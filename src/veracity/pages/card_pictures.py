"""The pictures of a model card: errors by horizon of the model and its baselines, drawn from its facts."""

from collections.abc import Mapping

import numpy as np

from veracity.data.rules.language import unit_symbol
from veracity.models.card import Card
from veracity.models.decisions import OWN
from veracity.models.dossier.answer import Lang
from veracity.models.facts import Fact
from veracity.pages.errors_by_horizon import Curve, errors_plot
from veracity.pages.html import Html, tag
from veracity.pages.sheet_words import word

_MOST_BASELINES = 3


def card_pictures(card: Card, lang: Lang) -> Mapping[str, Html]:
    """Return the pictures by section; none where nothing was measured."""
    facts = card.facts
    held_out = [f for f in facts.values() if f.name.startswith("metrics.held-out.") and f.label == "mae"]
    targets = dict.fromkeys(f.of[0] for f in held_out)
    if not held_out or "training.every" not in facts:
        return {}
    hours = float(facts["training.every"].value or 0) / 3_600
    drawn = [_figure(t, [f for f in held_out if f.of[0] == t], facts, hours, lang) for t in targets]
    return {"metrics": tag("div", *drawn, class_="grid")}


def _figure(target: str, maes: list[Fact], facts: Mapping[str, Fact], hours: float, lang: Lang) -> Html:
    by_name: dict[str, list[tuple[float, float]]] = {}
    for f in maes:
        if isinstance(f.value, (int, float)):
            by_name.setdefault(f.of[2], []).append((float(f.of[1].lstrip("+")) * hours, float(f.value)))
    names = sorted(by_name, key=lambda n: (n != OWN, n))[: 1 + _MOST_BASELINES]
    curves = [_curve(name, sorted(by_name[name])) for name in names]
    unit = facts.get(f"model.target.{target}.unit")
    title = word(lang, "says", "errors", target=target)
    symbol = unit_symbol(str(unit.value)) if unit else ""
    plot = errors_plot(curves, title, symbol, word(lang, "says", "hours_ahead"))
    return tag("figure", tag("figcaption", title), plot)


def _curve(name: str, points: list[tuple[float, float]]) -> Curve:
    ahead, errors = np.array(points).T
    return Curve(name, ahead, errors, is_own=name == OWN)
