"""Reasons in plain words: one sentence a reason, with the rule's numbers and units, in three languages.

>>> explain(contract, "rate:stage")  # doctest: +SKIP
'stage rose faster than 0.5 m per 10 min'
>>> explain(contract, "rate:stage", "vi")  # doctest: +SKIP
'mực nước tăng nhanh hơn 0,5 m mỗi 10 phút'
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.row_rules import CLOCK_TOLERANCE_S
from veracity.data.rules.area import Box, Circle
from veracity.data.rules.declared_unit import DeclaredUnit
from veracity.data.rules.drift import Drift, DriftApart
from veracity.data.rules.freshness import Freshness
from veracity.data.rules.gap import Gap
from veracity.data.rules.inside import Inside
from veracity.data.rules.language import (
    LANGUAGES,
    Language,
    both,
    column_word,
    duration,
    either,
    measure,
    number,
    per,
    unit_symbol,
)
from veracity.data.rules.network import NetworkRule
from veracity.data.rules.noise import Noise
from veracity.data.rules.order import Order
from veracity.data.rules.rate import Rate
from veracity.data.rules.reference import Reference, ReferenceSeries
from veracity.data.rules.registry import Registry
from veracity.data.rules.relation import Relation
from veracity.data.rules.rule import Action, Rule
from veracity.data.rules.sentences import ACTIONS, OLD, REFUSALS, SENTENCES, Sentence
from veracity.data.rules.shift import Shift
from veracity.data.rules.spike import Spike
from veracity.data.rules.stuck import Stuck
from veracity.data.rules.unit_change import UnitApart, UnitChange
from veracity.data.text import RECORD_BYTES

Told = tuple[Sentence, Mapping[str, str]]

_BELOW: Sentence = ("below {v}", "thấp hơn {v}", "di bawah {v}")
_ABOVE: Sentence = ("above {v}", "cao hơn {v}", "di atas {v}")
_AT_OR_BELOW: Sentence = ("at or below {v}", "bằng hoặc thấp hơn {v}", "sama dengan atau di bawah {v}")
_AT_OR_ABOVE: Sentence = ("at or above {v}", "bằng hoặc cao hơn {v}", "sama dengan atau di atas {v}")
_FEWER: Sentence = ("fewer than {v}", "ít hơn {v}", "kurang dari {v}")
_MORE: Sentence = ("more than {v}", "nhiều hơn {v}", "lebih dari {v}")
_FORMULA: Mapping[str, Sentence] = {
    "and": ("and", "và", "dan"),
    "or": ("or", "hoặc", "atau"),
    "not": ("not", "không phải", "bukan"),
    "<=": ("≤", "≤", "≤"),
    ">=": ("≥", "≥", "≥"),
    "!=": ("≠", "≠", "≠"),
    "==": ("=", "=", "="),
    "*": ("×", "×", "×"),
}
_WORD = re.compile(
    r"<=|>=|==|!=|\*|,|\b(?:and|or|not)\b|(?<![A-Za-z0-9_])[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?"
)


def explain(contract: Contract, reason: str, language: Language = "en") -> str:
    """Say in one sentence why a row is not as it should be.

    Parameters
    ----------
    contract
        The contract that the row was held to.
    reason
        As a row has it (``range:pm25``), or the code of a refusal (``fields``, also ``refused:fields``).
    language
        ``en``, ``vi`` or ``id``.

    Returns
    -------
    str
        Without a capital at its beginning and without a stop. What the contract does not know is
        called a rule of an earlier one.
    """
    reason = reason.removeprefix("refused:")
    sentence, values = _told(contract, reason, language)
    return sentence[LANGUAGES.index(language)].format_map(values)


def explain_action(action: Action, language: Language = "en") -> str:
    """Say in a few words what becomes of a row that breaks a rule with an action."""
    return ACTIONS[action][LANGUAGES.index(language)]


def _told(contract: Contract, reason: str, language: Language) -> Told:
    rule = next((r for r in contract.rules if r.reason == reason), None)
    if rule is not None:
        return _rule(contract, rule, language)
    if reason in REFUSALS:
        return REFUSALS[reason], {"longest": number(RECORD_BYTES, language)}
    if reason == "duplicate-key" and contract.key:
        named = both((column_word(contract, n, language) for n in contract.key), language)
        return SENTENCES[reason], {"key": named}
    kind, _, name = reason.partition(":")
    if kind == "future" and name == contract.time:
        told = {"x": column_word(contract, name, language)}
        return SENTENCES[kind], told | {"tolerance": duration(CLOCK_TOLERANCE_S, language)}
    field = next((f for f in contract.fields if f.name == name), None)
    if field is None or kind not in field.rules:
        return OLD, {"reason": reason}
    return _column(field, kind, column_word(contract, name, language), language)


def _column(f: Field, kind: str, x: str, language: Language) -> Told:
    """Tell of a column's own rule."""
    if kind == "type":
        return SENTENCES[f"type.{f.type}"], {"x": x}
    values = {"x": x}
    if kind == "range":
        bounds = (
            (_BELOW, f.minimum),
            (_AT_OR_BELOW, f.exclusive_minimum),
            (_ABOVE, f.maximum),
            (_AT_OR_ABOVE, f.exclusive_maximum),
        )
        values["bounds"] = _bounds(bounds, f.unit, language)
    elif kind == "length":
        values["bounds"] = _bounds(((_FEWER, f.min_length), (_MORE, f.max_length)), None, language)
    elif kind == "enum":
        values["values"] = either((_value(v, f, language) for v in f.values or ()), language)
    return SENTENCES[kind], values


def _value(text: str, f: Field, language: Language) -> str:
    return number(float(text), language) if f.type in ("number", "integer") else text


def _bounds(bounds: tuple[tuple[Sentence, float | None], ...], unit: str | None, language: Language) -> str:
    at = LANGUAGES.index(language)
    told = [word[at].format(v=measure(value, unit, language)) for word, value in bounds if value is not None]
    return either(told, language)


def _rule(contract: Contract, rule: Rule, language: Language) -> Told:
    """Tell of a rule of ``quality``."""
    for kind, tell in _TELLERS.items():
        if isinstance(rule, kind):
            name, values = tell(contract, rule, language)
            return SENTENCES[name], values
    if isinstance(rule, NetworkRule):
        return SENTENCES[rule.kind], _network(contract, rule, language)
    return SENTENCES.get(rule.kind, OLD), {"reason": rule.reason}


def _unit(contract: Contract, name: str) -> str | None:
    return contract.field(name).unit


def _network(contract: Contract, rule: NetworkRule, language: Language) -> dict[str, str]:
    network = rule.network
    return {
        "x": column_word(contract, network.source, language),
        "n": number(network.at_least, language),
        "km": number(network.within_km, language),
    }


def _rate(contract: Contract, rule: Rate, language: Language) -> tuple[str, dict[str, str]]:
    unit = _unit(contract, rule.series)
    limits = {"rise": rule.rise, "fall": rule.fall}
    told = {name: measure(v, unit, language) for name, v in limits.items() if v is not None}
    name = "rate.both" if rule.rise == rule.fall else "rate.each" if len(told) == 2 else f"rate.{min(told)}"
    x = column_word(contract, rule.series, language)
    return name, {"x": x, "per": per(rule.per_s, language)} | told


def _gap(contract: Contract, rule: Gap, language: Language) -> tuple[str, dict[str, str]]:
    return "gap", {
        "x": column_word(contract, rule.series, language),
        "longest": duration(rule.tolerance * rule.every_s, language),
        "every": per(rule.every_s, language),
    }


def _stuck(contract: Contract, rule: Stuck, language: Language) -> tuple[str, dict[str, str]]:
    x = column_word(contract, rule.series, language)
    if rule.longest_s is None:
        return "stuck", {"x": x}
    return "stuck.longest", {"x": x, "longest": duration(rule.longest_s, language)}


def _spike(contract: Contract, rule: Spike, language: Language) -> tuple[str, dict[str, str]]:
    x = column_word(contract, rule.series, language)
    return "spike", {"x": x, "n": number(rule.readings, language)}


def _shift(contract: Contract, rule: Shift, language: Language) -> tuple[str, dict[str, str]]:
    values = {"x": column_word(contract, rule.series, language), "n": number(rule.settle, language)}
    if rule.at_least == 0:
        return "shift", values
    least = measure(rule.at_least, _unit(contract, rule.series), language)
    return "shift.least", values | {"least": least}


def _drift(contract: Contract, rule: Drift, language: Language) -> tuple[str, dict[str, str]]:
    x = column_word(contract, rule.series.partition("~")[0], language)
    values = {"x": x, "n": number(rule.window + 1, language)}
    if not isinstance(rule, DriftApart):
        return "drift", values
    if isinstance(rule.network, ReferenceSeries):
        return "drift.reference", values | {"sensor": rule.network.sensor}
    return "drift.neighbours", values | {"km": number(rule.network.within_km, language)}


def _noise(contract: Contract, rule: Noise, language: Language) -> tuple[str, dict[str, str]]:
    x = column_word(contract, rule.series, language)
    values = {"x": x, "n": number(rule.recent, language), "times": number(rule.times, language)}
    return "noise.both" if rule.fall else "noise", values


def _reference(contract: Contract, rule: Reference, language: Language) -> tuple[str, dict[str, str]]:
    name = rule.network.source
    limits = ((_BELOW, rule.minimum), (_ABOVE, rule.maximum))
    bounds = _bounds(limits, _unit(contract, name), language)
    x = column_word(contract, name, language)
    return "reference", {"x": x, "sensor": rule.network.sensor, "bounds": bounds}


def _change(
    contract: Contract, rule: UnitChange | UnitApart, language: Language
) -> tuple[str, dict[str, str]]:
    name = rule.network.source if isinstance(rule, UnitApart) else rule.series
    others = either((unit_symbol(u.unit) for u in rule.units), language, most=3)
    unit = unit_symbol(_unit(contract, name))
    return "unit", {"x": column_word(contract, name, language), "others": others, "unit": unit}


def _declared(contract: Contract, rule: DeclaredUnit, language: Language) -> tuple[str, dict[str, str]]:
    unit = unit_symbol(_unit(contract, rule.number))
    return "unit-column", {"x": column_word(contract, rule.number, language), "unit": unit or "1"}


def _order(contract: Contract, rule: Order, language: Language) -> tuple[str, dict[str, str]]:  # noqa: ARG001
    if rule.tolerance_s == 0:
        return "order", {}
    return "order.tolerance", {"tolerance": duration(rule.tolerance_s, language)}


def _freshness(
    contract: Contract,  # noqa: ARG001
    rule: Freshness,
    language: Language,
) -> tuple[str, dict[str, str]]:
    return "freshness", {"longest": duration(rule.within_s, language)}


def _inside(contract: Contract, rule: Inside, language: Language) -> tuple[str, dict[str, str]]:  # noqa: ARG001
    area = rule.area
    if isinstance(area, Box):
        ends = ("west", "east", "south", "north")
        return "inside.box", {end: number(getattr(area, end), language) for end in ends}
    if isinstance(area, Circle):
        told = {"longitude": area.longitude, "latitude": area.latitude, "km": area.radius_km}
        return "inside.circle", {name: number(value, language) for name, value in told.items()}
    return "inside.polygon", {}


def _registry(contract: Contract, rule: Registry, language: Language) -> tuple[str, dict[str, str]]:
    key = both((column_word(contract, own, language) for own, _ in rule.match), language)
    compared = [own for own, _ in rule.equal] + [own for own, _, _ in rule.near]
    if not compared:
        return "registry", {"feed": rule.feed, "key": key}
    said = either((column_word(contract, own, language) for own in compared), language)
    return "registry.said", {"feed": rule.feed, "key": key, "said": said}


def _relation(contract: Contract, rule: Relation, language: Language) -> tuple[str, dict[str, str]]:  # noqa: ARG001
    return "relation", {"formula": _formula(rule.expect, language)}


def _formula(text: str, language: Language) -> str:
    """Write a formula with the signs, the words and the numbers of a language."""

    def told(match: re.Match[str]) -> str:
        word = match.group()
        if word in _FORMULA:
            return _FORMULA[word][LANGUAGES.index(language)]
        if word == ",":  # between values, where a comma may stand in a number
            return "," if language == "en" else ";"
        return number(float(word), language)

    return _WORD.sub(told, text)


_Tell = Callable[[Contract, Any, Language], tuple[str, dict[str, str]]]
_TELLERS: Mapping[type[Rule], _Tell] = cast(
    Mapping[type[Rule], _Tell],
    {
        Rate: _rate,
        Gap: _gap,
        Stuck: _stuck,
        Spike: _spike,
        Shift: _shift,
        Drift: _drift,
        Noise: _noise,
        Reference: _reference,
        UnitChange: _change,
        UnitApart: _change,
        DeclaredUnit: _declared,
        Order: _order,
        Freshness: _freshness,
        Inside: _inside,
        Registry: _registry,
        Relation: _relation,
    },
)
