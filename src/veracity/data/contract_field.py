"""One column of a contract: what a value must be, read from one ODCS property."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, cast, get_args

import polars as pl
from open_data_contract_standard.model import CustomProperty, DataQuality, SchemaProperty

from veracity.data.pattern import ATOMS, count_atoms, is_pattern
from veracity.data.place import fault, shown, within
from veracity.data.rules.parameters import finite
from veracity.data.timeformat import strptime_format
from veracity.units import UnknownUnit, conversion

FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")

FIELDS = 1_000
LENGTH = 2**31 - 1
PATTERN_CHARS = 10_000
_OTHER_BOUNDS = (
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)

LogicalType = Literal["string", "integer", "number", "boolean", "timestamp", "date"]


@dataclass(frozen=True)
class Field:
    """One column of the clean table and the rules a value must keep.

    ``minimum`` and ``maximum`` are in ``unit`` (the table's), not in the source's.
    ``formats`` are strptime patterns, tried in order, then ISO 8601.
    """

    name: str
    type: LogicalType
    sources: tuple[str, ...]  # header names, the first present counts; () when `joined` or carried
    joined: tuple[str, ...] = ()  # source columns joined by one space, e.g. Date and Time
    template: str | None = None  # "wl_{station}": a wide file's column that carries another field
    required: bool = False
    key_position: int | None = None
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    values: tuple[str, ...] | None = None
    formats: tuple[str, ...] = ()
    zone: str = "UTC"
    decimal: str = "."
    missing: frozenset[str] = frozenset()
    description: str = ""
    personal: bool = False  # about a person: kept encrypted, each record under a key of its own

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules a value of this column can break: the kinds before the colon of its reasons."""
        ranged = (self.minimum, self.maximum, self.exclusive_minimum, self.exclusive_maximum)
        held = {
            "type": True,
            "required": self.required,
            "range": any(bound is not None for bound in ranged),
            "pattern": self.pattern is not None,
            "length": self.min_length is not None or self.max_length is not None,
            "enum": self.values is not None,
        }
        return tuple(rule for rule, is_held in held.items() if is_held)

    def to_object(self) -> dict[str, Any]:
        """Return as JSON what decides a value's verdict: not where it is read from, nor what it means."""
        names = [f.name for f in fields(self) if f.name not in _NO_RULE]
        return {name: _plain(getattr(self, name)) for name in names}


_NO_RULE = {"sources", "joined", "template", "key_position", "description", "personal"}


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def read_field(p: SchemaProperty, missing: frozenset[str]) -> Field:
    """Read one property; ``missing`` are the tokens that all fields of the contract share."""
    name = p.name or ""
    if not FIELD_NAME.fullmatch(name):
        raise fault(f"property name: want a letter, then letters, digits or _, got {shown(name)}", "name")
    kind = p.logicalType or "string"
    if kind not in get_args(LogicalType):
        raise fault(
            f"{name}.logicalType: want one of {', '.join(get_args(LogicalType))}, got {shown(kind)}",
            "logicalType",
        )
    custom = custom_properties(
        name,
        p.customProperties,
        {"unit", "sourceUnit", "decimal", "formats", "aliases", "missing", "actions", "personal"},
    )
    _check_flat(name, p)
    options = dict(p.logicalTypeOptions or {})
    numeric, text, time = kind in ("integer", "number"), kind == "string", kind in ("timestamp", "date")
    physical = p.physicalName or name
    template = physical if "{" in physical else None
    if template and not re.fullmatch(r"[^{}]*\{[A-Za-z][A-Za-z0-9_]*\}[^{}]*", template):
        raise fault(f"{name}.physicalName: want one {{field}} in it, got {shown(template)}", "physicalName")
    joined = tuple(p.transformSourceObjects or ())
    sources = () if joined or template else (physical, *texts(name, "aliases", custom.get("aliases", [])))
    for given, fits in (("decimal", numeric), ("formats", time), ("aliases", bool(sources))):
        if given in custom and not fits:
            raise fault(
                f"{name}.{given}: does not fit a {kind} read from {p.physicalName or name}"[:300],
                "customProperties",
                given,
            )
    unit, scale, offset = _unit(name, custom, numeric)
    decimal = custom.get("decimal", ".")
    if decimal not in (".", ","):
        raise fault(f"{name}.decimal: want '.' or ',', got {shown(decimal)}", "customProperties", "decimal")
    values, required, quality_missing = _quality(name, p)
    own = missing_tokens(name, custom["missing"]) if "missing" in custom else None
    result = Field(
        name=name,
        type=cast(LogicalType, kind),
        sources=sources,
        joined=joined,
        template=template,
        required=bool(p.required) or bool(p.primaryKey) or required,
        key_position=(p.primaryKeyPosition or 1) if p.primaryKey else None,
        unit=unit,
        scale=scale,
        offset=offset,
        minimum=_number(name, options, "minimum", numeric),
        maximum=_number(name, options, "maximum", numeric),
        exclusive_minimum=_number(name, options, "exclusiveMinimum", numeric),
        exclusive_maximum=_number(name, options, "exclusiveMaximum", numeric),
        pattern=_pattern(name, options, text),
        min_length=_length(name, options, "minLength", text),
        max_length=_length(name, options, "maxLength", text),
        values=None if values is None else _all_allowed(name, kind, values),
        formats=_formats(name, options, custom) if time else (),
        zone=_zone(name, options) if kind == "timestamp" else "UTC",
        decimal=decimal,
        missing=(own if own is not None else missing) | quality_missing,
        description=p.description or "",
        personal=read_personal(name, p, custom.get("personal", False)),
    )
    if kind == "timestamp":
        options.pop("timezone", None)
    if options:
        first = sorted(options)[0]
        raise fault(
            f"{name}.logicalTypeOptions: {shown(first)} is not checked for a {kind}",
            "logicalTypeOptions",
            first,
        )
    with within("logicalTypeOptions"):
        _check_bounds(result)
    if result.personal:
        _check_personal(result)
    return result


_CALLED_PERSONAL = ("personal", "pii")  # of ODCS's free `classification`: said, but not asked for


def read_personal(name: str, p: SchemaProperty, value: Any) -> bool:
    """Read whether a property is about a person; one that is only classified so is refused."""
    if not isinstance(value, bool):
        raise fault(
            f"{name}.personal: want true or false, got {shown(value)}", "customProperties", "personal"
        )
    called = (p.classification or "").strip().lower()
    if called in _CALLED_PERSONAL and not value:
        raise fault(
            f"{name}.classification: want the custom property personal: true for what is {called}, got none",
            "classification",
        )
    return value


def _check_personal(f: Field) -> None:
    """Refuse what nobody could do with a value that is encrypted."""
    if f.type != "string" or not f.sources:
        got = f"a {f.type}" if f.sources else "columns joined, or a wide file's"
        raise fault(
            f"{f.name}.personal: want a string read from one column, got {got}",
            *(("logicalType",) if f.sources else ("customProperties", "personal")),
        )
    for rule, element in (
        ("pattern", "logicalTypeOptions"),
        ("length", "logicalTypeOptions"),
        ("enum", "quality"),
    ):
        if rule in f.rules:
            raise fault(
                f"{f.name}.{rule}: want no rule on a personal property but required (nobody else could"
                " judge what is encrypted), got one",
                element,
            )


def _all_allowed(name: str, kind: str, values: Sequence[str]) -> tuple[str, ...]:
    with within("quality"):
        return tuple(_allowed(name, kind, value) for value in values)


def _allowed(name: str, kind: str, value: str) -> str:
    """Return an allowed value as the text that a clean value of the type is compared as."""
    try:
        if kind == "number":
            number = float(value)
            if not math.isfinite(number):
                raise ValueError(value)
            return str(pl.Series([number]).cast(pl.String)[0])
        if kind == "integer":
            return str(int(value))
        if kind == "boolean":
            return {"true": "true", "false": "false"}[value.lower()]
        if kind in ("string", "date"):
            return value
        raise ValueError(kind)
    except (ValueError, KeyError) as exc:
        raise fault(f"{name}: want allowed values of logicalType {kind}, got {shown(value)}") from exc


def _check_flat(name: str, p: SchemaProperty) -> None:
    """Refuse the standard's elements that would be rules, or columns within columns."""
    for element in ("relationships", "properties", "items", "map"):
        if getattr(p, element, None):
            raise fault(f"{name}.{element}: want a flat column without references, got one", element)


def _quality(name: str, p: SchemaProperty) -> tuple[tuple[str, ...] | None, bool, frozenset[str]]:
    """Read the library rules of one property: allowed values, required, missing tokens."""
    values: tuple[str, ...] | None = None
    if p.enum:
        values = tuple(str(e.value) for e in p.enum)
    required = False
    missing: frozenset[str] = frozenset()
    for i, rule in enumerate(p.quality or []):
        if rule.type == "custom":
            continue
        with within("quality", i):
            metric = zero_rule(name, rule)
            arguments = rule.arguments or {}
            if metric == "nullValues":
                required = True
            elif metric == "missingValues":
                missing |= missing_tokens(name, arguments.get("missingValues", []))
                required = True
            elif metric == "invalidValues" and set(arguments) == {"validValues"}:
                values = texts(name, "validValues", arguments["validValues"])
            else:
                raise fault(
                    f"{name}.quality: want nullValues, missingValues or invalidValues with validValues,"
                    f" got {shown(metric)} with {shown(sorted(arguments))}",
                    "metric",
                )
    return values, required, missing


def zero_rule(where: str, rule: DataQuality) -> str:
    """Return the metric of a library rule that must hold for every row; refuse any other rule."""
    if (rule.type or "library") != "library":
        raise fault(f"{where}.quality: want type library or custom, got {shown(rule.type)}", "type")
    for element in ("engine", "implementation", "query"):
        if getattr(rule, element) is not None:
            raise fault(f"{where}.quality: want no {element} in a rule of type library, got one", element)
    metric = rule.metric or rule.rule or ""
    if rule.mustBe not in (0, 0.0) or any(getattr(rule, bound) is not None for bound in _OTHER_BOUNDS):
        raise fault(
            f"{where}.quality.{metric}: want mustBe: 0 (rules hold for every row), got another bound",
            "mustBe",
        )
    return metric


def custom_properties(where: str, properties: list[CustomProperty] | None, known: set[str]) -> dict[str, Any]:
    """Return custom properties by name; one that is not ``known`` is refused, never ignored."""
    found: dict[str, Any] = {}
    for i, p in enumerate(properties or []):
        name = p.property or ""
        if name not in known or name in found:
            again = " twice" if name in found else ""
            raise fault(
                f"{where}.customProperties: want {', '.join(sorted(known))}, got {shown(name)}{again}",
                "customProperties",
                i,
            )
        found[name] = p.value
    return found


def _take(name: str, options: dict[str, Any], option: str, allowed: bool) -> Any:
    value = options.pop(option, None)
    if value is not None and not allowed:
        raise fault(
            f"{name}.logicalTypeOptions: {option} does not fit this logicalType", "logicalTypeOptions", option
        )
    return value


def _number(name: str, options: dict[str, Any], option: str, allowed: bool) -> float | None:
    value = _take(name, options, option, allowed)
    if value is None:
        return None
    number = finite(value)
    if number is None:
        raise fault(
            f"{name}.{option}: want a finite number, got {shown(value)}", "logicalTypeOptions", option
        )
    return number


def _length(name: str, options: dict[str, Any], option: str, allowed: bool) -> int | None:
    value = _take(name, options, option, allowed)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LENGTH:
        return value
    raise fault(
        f"{name}.{option}: want a whole number from 0 to {LENGTH}, got {shown(value)}",
        "logicalTypeOptions",
        option,
    )


def _pattern(name: str, options: dict[str, Any], allowed: bool) -> str | None:
    """Compile once with the engine that will run it, and bound how long it can take."""
    pattern = _take(name, options, "pattern", allowed)
    if pattern is None:
        return None
    if not isinstance(pattern, str):
        raise fault(f"{name}.pattern: want text, got {shown(pattern)}", "logicalTypeOptions", "pattern")
    if len(pattern) > PATTERN_CHARS or not is_pattern(pattern) or count_atoms(pattern) > ATOMS:
        raise fault(
            f"{name}.pattern: want a regular expression of at most {ATOMS} parts, repetitions written out,"
            f" got {shown(pattern)}",
            "logicalTypeOptions",
            "pattern",
        )
    return pattern


def _check_bounds(f: Field) -> None:
    low = max((b for b in (f.minimum, f.exclusive_minimum) if b is not None), default=None)
    high = min((b for b in (f.maximum, f.exclusive_maximum) if b is not None), default=None)
    if low is not None and high is not None and low > high:
        raise fault(f"{f.name}: want minimum <= maximum, got {low} > {high}", "minimum")
    if low is not None and low == high and (f.exclusive_minimum == low or f.exclusive_maximum == high):
        raise fault(f"{f.name}: want bounds with a value between them, got {low} excluded", "minimum")
    if f.min_length is not None and f.max_length is not None and f.min_length > f.max_length:
        raise fault(
            f"{f.name}: want minLength <= maxLength, got {f.min_length} > {f.max_length}", "minLength"
        )


def _unit(name: str, custom: Mapping[str, Any], numeric: bool) -> tuple[str | None, float, float]:
    unit, source = custom.get("unit"), custom.get("sourceUnit")
    if unit is None and source is None:
        return None, 1.0, 0.0
    if not numeric or not isinstance(unit, str):
        raise fault(
            f"{name}.unit: want a UCUM code on a number, got {shown(unit)}", "customProperties", "unit"
        )
    if source is None:
        return unit, 1.0, 0.0
    try:
        return unit, *conversion(str(source), unit)
    except UnknownUnit as exc:
        raise fault(f"{name}.sourceUnit: {exc}", "customProperties", "sourceUnit") from exc


def _formats(name: str, options: dict[str, Any], custom: Mapping[str, Any]) -> tuple[str, ...]:
    shapes = [options.pop("format", None), *texts(name, "formats", custom.get("formats", []))]
    return tuple(strptime_format(name, str(s)) for s in shapes if s is not None)


def _zone(name: str, options: dict[str, Any]) -> str:
    zone = str(options.pop("defaultTimezone", "UTC"))
    try:
        pl.Series([None], dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
    except pl.exceptions.PolarsError as exc:
        raise fault(
            f"{name}.defaultTimezone: want a zone such as Asia/Ho_Chi_Minh, got {shown(zone)}",
            "logicalTypeOptions",
            "defaultTimezone",
        ) from exc
    return zone


def texts(where: str, what: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts of at most ``FIELDS`` items."""
    if not isinstance(value, list) or len(value) > FIELDS:
        raise fault(f"{where}.{what}: want a list of at most {FIELDS}, got {shown(value)}")
    return tuple(str(v) for v in value)


def missing_tokens(where: str, value: Any) -> frozenset[str]:
    """Return a list of at most 64 texts that stand for a missing value."""
    if not isinstance(value, list) or len(value) > 64:
        raise fault(f"{where}.missing: want a list of at most 64 tokens, got {shown(value)}")
    return frozenset(str(v).strip() for v in value)
