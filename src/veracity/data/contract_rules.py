"""The custom rules of a contract, read from its ``quality`` entries."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from open_data_contract_standard.model import DataQuality, SchemaObject

from veracity.data.errors import MalformedContract
from veracity.data.place import fault, shown, within
from veracity.data.plain_yaml import parse_yaml
from veracity.data.rules.catalogue import KINDS, Kind
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule, Severity

RULES = 256
IMPLEMENTATION_BYTES = 65_536
RULE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")

# Elements of ODCS that would be part of a rule; in a custom one all of it stands in `implementation`.
_NOT_CUSTOM = (
    "metric",
    "rule",
    "arguments",
    "query",
    "unit",
    "schedule",
    "scheduler",
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)


def read_rules(schema: SchemaObject, scope: Scope) -> tuple[Rule, ...]:
    """Read the custom rules: the schema object's, then each property's, as written.

    ``scope`` is the schema object's. Paths of faults begin below the schema object.
    """
    rules: dict[str, Rule] = {}
    for n, (path, name, entry) in enumerate(custom_entries(schema)):
        with within(*path):
            if n == RULES:
                raise fault(f"quality: want at most {RULES} custom rules, got more")
            rule = read_rule(entry, replace(scope, property=name))
            if rule.reason in rules:
                raise fault(
                    f"quality: want each rule once, got {rule.reason!r} twice: give it a name", "name"
                )
            rules[rule.reason] = rule
    return tuple(rules.values())


def custom_entries(schema: SchemaObject) -> Iterator[tuple[Sequence[str | int], str | None, DataQuality]]:
    """Yield each custom rule in order: its path below the schema object, its property, the entry."""
    for i, entry in enumerate(schema.quality or []):
        if is_custom(entry):
            yield ("quality", i), None, entry
    for j, p in enumerate(schema.properties or []):
        for i, entry in enumerate(p.quality or []):
            if is_custom(entry):
                yield ("properties", j, "quality", i), p.name, entry


def is_custom(entry: DataQuality) -> bool:
    """Tell a custom rule from one of the standard's library."""
    return entry.type == "custom"


def read_rule(entry: DataQuality, scope: Scope) -> Rule:
    """Read one custom rule; ``scope.property`` is the column it stands under."""
    place = scope.property or "schema"
    where = f"{place}.quality"
    if entry.engine != "veracity":
        raise fault(f"{where}.engine: want veracity for a custom rule, got {shown(entry.engine)}", "engine")
    for element in _NOT_CUSTOM:
        if getattr(entry, element) is not None:
            raise fault(f"{where}: want a custom rule's settings in implementation, got {element}", element)
    severity = entry.severity or "error"
    if severity not in get_args(Severity):
        raise fault(f"{where}.severity: want error, warning or info, got {shown(severity)}", "severity")
    if entry.name is not None and not RULE_NAME.fullmatch(entry.name):
        raise fault(f"{where}.name: want letters, digits, _ and -, got {shown(entry.name)}", "name")
    with within("implementation"):
        settings = _settings(entry, where)
        kind_name = settings.pop("rule", None)
        kind = KINDS.get(kind_name) if isinstance(kind_name, str) else None
        if kind is None:
            known = ", ".join(sorted(KINDS))
            raise fault(f"{where}.rule: want one of {known}, got {shown(kind_name)}", "rule")
        where = f"{where}.{kind_name}"
        _check_place(kind, cast(str, kind_name), scope, entry.name)
        action = settings.pop("action", kind.actions[0])
        if action not in kind.actions:
            raise fault(f"{where}.action: want {' or '.join(kind.actions)}, got {shown(action)}", "action")
        parameters = Parameters(where, settings, action, cast(Severity, severity))
        rule = kind.read(scope, parameters)
        parameters.done()
    return rule if entry.name is None else replace(rule, reason=f"{kind_name}:{entry.name}")


def _settings(entry: DataQuality, where: str) -> dict[str, Any]:
    given = entry.implementation
    if isinstance(given, str):
        settings = parse_yaml(given.encode(), "implementation", IMPLEMENTATION_BYTES, MalformedContract)
    elif isinstance(given, dict):
        settings = dict(given)
    else:
        raise fault(f"{where}.implementation: want a rule and its settings, got none")
    wrong = [name for name in settings if not isinstance(name, str)]
    if wrong:
        raise fault(f"{where}.implementation: want names of settings, got {shown(wrong[0])}")
    return settings


def _check_place(kind: Kind, name: str, scope: Scope, given_name: str | None) -> None:
    """Refuse a rule where it has no meaning."""
    if scope.property is None:
        if not kind.on_schema:
            raise fault(
                f"schema.quality: want {name} under a property, got it under the schema object", "rule"
            )
        if kind.is_named and given_name is None:
            raise fault(f"schema.quality: want a name for a {name} rule, got none", "rule")
    elif scope.columns[scope.property] not in kind.property_types:
        types = " or ".join(kind.property_types)
        wanted = f"under a property of type {types}" if types else "under the schema object"
        raise fault(
            f"{scope.property}.quality: want {name} {wanted},"
            f" got it under one of type {scope.columns[scope.property]}",
            "rule",
        )
    if kind.needs_time and scope.time is None:
        raise fault(f"quality: want a key with an event time for {name}, got none", "rule")
