"""What it means that a row broke a rule, in plain words."""

from collections.abc import Callable
from typing import Any

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.rules.declared_unit import DeclaredUnit
from veracity.data.rules.drift import Drift
from veracity.data.rules.gap import Gap
from veracity.data.rules.order import Order
from veracity.data.rules.rate import Rate
from veracity.data.rules.registry import Registry
from veracity.data.rules.relation import Relation
from veracity.data.rules.repeated_row import RepeatedRow
from veracity.data.rules.rule import Rule
from veracity.data.rules.shift import Shift
from veracity.data.rules.spike import Spike
from veracity.data.rules.stuck import Stuck
from veracity.pages.scale import number, span

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "timestamp": "a time",
    "date": "a date",
    "string": "text",
}
_REFUSALS = {
    "fields": "The line has fewer or more fields than the header.",
    "quotes": "A quote in the line is never closed.",
    "json": "The line is not one JSON object.",
    "encoding": "The line is not text in the contract's encoding.",
    "too-long": "The line is longer than 65,536 bytes.",
    "truncated": "The file ends in the middle of the line.",
}
_ACTIONS = {
    "flag": "flag: accepted, and marked",
    "quarantine": "quarantine: set aside",
    "refuse": "refuse: gives no row",
    "ask": "ask: set aside until a person decides",
}


def axis_words(f: Field) -> str:
    """Write a column's name with its unit."""
    unit = unit_words(f.unit).strip()
    return f"{f.name}, {unit}" if unit else f.name


def unit_words(unit: str | None) -> str:
    """Write a UCUM unit for people, with a blank before it; nothing for none."""
    known = {"Cel": "°C", "ug/m3": "µg/m³", "mg/m3": "mg/m³", "[ppb]": "ppb", "[ppm]": "ppm"}
    if unit == "deg":
        return "°"
    return "" if unit is None else " " + known.get(unit, unit.replace("{", "").replace("}", ""))


def action_words(action: str) -> str:
    """Say what becomes of a row that breaks a rule."""
    return _ACTIONS[action]


def refusal_words(code: str) -> str:
    """Say why a record gave no row."""
    return _REFUSALS.get(code, "The record could not be read.")


def reason_words(reason: str, contract: Contract) -> str:
    """Say what is wrong with a row that has a reason."""
    kind, _, name = reason.partition(":")
    rule = next((r for r in contract.rules if r.reason == reason), None)
    if rule is not None:
        return _of_rule(rule, contract)
    if kind == "duplicate-key":
        return f"An earlier row of the file has the same {' and '.join(contract.key)}."
    if kind == "future":
        return "The time is later than when the file was checked."
    return _of_column(kind, contract.field(name))


def _of_column(kind: str, f: Field) -> str:
    if kind == "type":
        return f"{f.name} is there, but cannot be read as {_TYPES[f.type]}."
    if kind == "required":
        return f"{f.name} is missing, and must be there."
    if kind == "range":
        return f"{f.name} is outside its range: {range_words(f)}."
    if kind == "pattern":
        return f"{f.name} is not of the form {f.pattern}"
    if kind == "length":
        bounds = [f"at least {f.min_length}"] * (f.min_length is not None)
        bounds += [f"at most {f.max_length}"] * (f.max_length is not None)
        return f"{f.name} should have {' and '.join(bounds)} characters."
    values = f.values or ()
    more = f" or {len(values) - 6} more" if len(values) > 6 else ""
    return f"{f.name} is none of: {', '.join(values[:6])}{more}."


def range_words(f: Field) -> str:
    """Write a column's range."""
    if f.minimum is not None and f.maximum is not None:
        return f"{number(f.minimum)} to {number(f.maximum)}{unit_words(f.unit)}"
    bounds = (
        (f.minimum, "at least"),
        (f.exclusive_minimum, "above"),
        (f.maximum, "at most"),
        (f.exclusive_maximum, "below"),
    )
    told = [f"{words} {number(bound)}" for bound, words in bounds if bound is not None]
    return " and ".join(told) + unit_words(f.unit)


def _of_rule(rule: Rule, contract: Contract) -> str:
    words: Callable[[Any, str], str] | None = _RULES.get(type(rule))
    if words is None:
        first = (type(rule).__doc__ or "").strip().partition("\n")[0]
        return f"Does not hold: {first}"
    unit = ""
    if hasattr(rule, "series"):
        unit = unit_words(contract.field(str(rule.series).partition("~")[0]).unit)
    return words(rule, unit)


def _rate(r: Rate, unit: str) -> str:
    per = f"in {span(r.per_s)}"
    if r.rise == r.fall and r.rise is not None:
        return f"{r.series} changed by more than {number(r.rise)}{unit} {per}."
    limits = [f"rose by more than {number(r.rise)}{unit}"] if r.rise is not None else []
    limits += [f"fell by more than {number(r.fall)}{unit}"] if r.fall is not None else []
    return f"{r.series} {' or '.join(limits)} {per}."


def _stuck(r: Stuck, _: str) -> str:
    lasts = "longer than is plausible for this sensor" if r.longest_s is None else f"over {span(r.longest_s)}"
    return f"{r.series} gave exactly the same value for {lasts}."


def _order(r: Order, _: str) -> str:
    by = f" by more than {span(r.tolerance_s)}" if r.tolerance_s else ""
    return f"The reading is older{by} than one of its sensor that came before it."


_RULES: dict[type[Rule], Callable[[Any, str], str]] = {
    Rate: _rate,
    Gap: lambda r, _: (
        f"The first {r.series} after a silence of more than {span(r.tolerance * r.every_s)};"
        f" one is expected every {span(r.every_s)}."
    ),
    Stuck: _stuck,
    Spike: lambda r, _: f"{r.series} leaps far out of what its sensor gave just before.",
    Shift: lambda r, _: f"{r.series} went to another level in one step and stayed there.",
    Drift: lambda r, _: f"{r.series} crept in one direction, far more than it usually moves.",
    Order: _order,
    Relation: lambda r, _: f"This does not hold: {r.expect}",
    Registry: lambda r, _: f"The feed {r.feed} does not know the row as it was at that time.",
    DeclaredUnit: lambda r, _: f"The unit in {r.column} is not that of {r.number}.",
    RepeatedRow: lambda _, __: "The row equals an earlier one in every column.",
}
