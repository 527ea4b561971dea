"""One column of a contract: what a value must be, read from one ODCS property."""

import contextlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import polars as pl
from open_data_contract_standard.model import CustomProperty, DataQuality, SchemaProperty

from veracity.data.errors import MalformedContract
from veracity.data.timeformat import strptime_format
from veracity.units import UnknownUnit, conversion

FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")

FIELDS = 1_000
LENGTH = 2**31 - 1
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


def read_field(p: SchemaProperty, missing: frozenset[str]) -> Field:
    """Read one property; ``missing`` are the tokens that all fields of the contract share."""
    name = p.name or ""
    if not FIELD_NAME.fullmatch(name):
        raise MalformedContract(f"property name: want a letter, then letters, digits or _, got {name!r}")
    kind = p.logicalType or "string"
    if kind not in get_args(LogicalType):
        raise MalformedContract(
            f"{name}.logicalType: want one of {', '.join(get_args(LogicalType))}, got {kind!r}"
        )
    custom = custom_properties(
        name, p.customProperties, {"unit", "sourceUnit", "decimal", "formats", "aliases", "missing"}
    )
    _check_flat(name, p)
    options = dict(p.logicalTypeOptions or {})
    numeric, text, time = kind in ("integer", "number"), kind == "string", kind in ("timestamp", "date")
    physical = p.physicalName or name
    template = physical if "{" in physical else None
    if template and not re.fullmatch(r"[^{}]*\{[A-Za-z][A-Za-z0-9_]*\}[^{}]*", template):
        raise MalformedContract(f"{name}.physicalName: want one {{field}} in it, got {template!r}")
    joined = tuple(p.transformSourceObjects or ())
    sources = () if joined or template else (physical, *texts(name, "aliases", custom.get("aliases", [])))
    for given, fits in (("decimal", numeric), ("formats", time), ("aliases", bool(sources))):
        if given in custom and not fits:
            raise MalformedContract(
                f"{name}.{given}: does not fit a {kind} read from {p.physicalName or name}"
            )
    unit, scale, offset = _unit(name, custom, numeric)
    decimal = custom.get("decimal", ".")
    if decimal not in (".", ","):
        raise MalformedContract(f"{name}.decimal: want '.' or ',', got {decimal!r}")
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
        values=None if values is None else tuple(_allowed(name, kind, v) for v in values),
        formats=_formats(name, options, custom) if time else (),
        zone=_zone(name, options) if kind == "timestamp" else "UTC",
        decimal=decimal,
        missing=(own if own is not None else missing) | quality_missing,
        description=p.description or "",
    )
    if kind == "timestamp":
        options.pop("timezone", None)
    if options:
        raise MalformedContract(
            f"{name}.logicalTypeOptions: {sorted(options)[0]!r} is not checked for a {kind}"
        )
    _check_bounds(result)
    return result


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
        raise MalformedContract(f"{name}: want allowed values of logicalType {kind}, got {value!r}") from exc


def _check_flat(name: str, p: SchemaProperty) -> None:
    """Refuse the standard's elements that would be rules, or columns within columns."""
    for element in ("relationships", "properties", "items", "map"):
        if getattr(p, element, None):
            raise MalformedContract(f"{name}.{element}: want a flat column without references, got one")


def _quality(name: str, p: SchemaProperty) -> tuple[tuple[str, ...] | None, bool, frozenset[str]]:
    """Read the library rules of one property: allowed values, required, missing tokens."""
    values: tuple[str, ...] | None = None
    if p.enum:
        values = tuple(str(e.value) for e in p.enum)
    required = False
    missing: frozenset[str] = frozenset()
    for rule in p.quality or []:
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
            raise MalformedContract(
                f"{name}.quality: want nullValues, missingValues or invalidValues with validValues,"
                f" got {metric!r} with {sorted(arguments)}"
            )
    return values, required, missing


def zero_rule(where: str, rule: DataQuality) -> str:
    """Return the metric of a library rule that must hold for every row; refuse any other rule."""
    if (rule.type or "library") != "library":
        raise MalformedContract(f"{where}.quality: want type library, got {rule.type!r}")
    metric = rule.metric or rule.rule or ""
    if rule.mustBe not in (0, 0.0) or any(getattr(rule, bound) is not None for bound in _OTHER_BOUNDS):
        raise MalformedContract(
            f"{where}.quality.{metric}: want mustBe: 0 (rules hold for every row), got another bound"
        )
    return metric


def custom_properties(where: str, properties: list[CustomProperty] | None, known: set[str]) -> dict[str, Any]:
    """Return custom properties by name; one that is not ``known`` is refused, never ignored."""
    found = {p.property or "": p.value for p in properties or []}
    unknown = sorted(set(found) - known)
    if unknown:
        raise MalformedContract(
            f"{where}.customProperties: want {', '.join(sorted(known))}, got {unknown[0]!r}"
        )
    return found


def _take(name: str, options: dict[str, Any], option: str, allowed: bool) -> Any:
    value = options.pop(option, None)
    if value is not None and not allowed:
        raise MalformedContract(f"{name}.logicalTypeOptions: {option} does not fit this logicalType")
    return value


def _number(name: str, options: dict[str, Any], option: str, allowed: bool) -> float | None:
    value = _take(name, options, option, allowed)
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            if math.isfinite(number := float(value)):
                return number
    raise MalformedContract(f"{name}.{option}: want a finite number, got {_shown(value)}")


def _length(name: str, options: dict[str, Any], option: str, allowed: bool) -> int | None:
    value = _take(name, options, option, allowed)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LENGTH:
        return value
    raise MalformedContract(f"{name}.{option}: want a whole number from 0 to {LENGTH}, got {_shown(value)}")


def _pattern(name: str, options: dict[str, Any], allowed: bool) -> str | None:
    """Compile once with the engine that will run it (Rust's, linear in the input)."""
    pattern = _take(name, options, "pattern", allowed)
    if pattern is None:
        return None
    if not isinstance(pattern, str):
        raise MalformedContract(f"{name}.pattern: want text, got {_shown(pattern)}")
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as exc:
        raise MalformedContract(f"{name}.pattern: want a regular expression, got {pattern[:60]!r}") from exc
    return pattern


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**40 else "a longer one"
    return text[:60]


def _check_bounds(f: Field) -> None:
    low = max((b for b in (f.minimum, f.exclusive_minimum) if b is not None), default=None)
    high = min((b for b in (f.maximum, f.exclusive_maximum) if b is not None), default=None)
    if low is not None and high is not None and low > high:
        raise MalformedContract(f"{f.name}: want minimum <= maximum, got {low} > {high}")
    if f.min_length is not None and f.max_length is not None and f.min_length > f.max_length:
        raise MalformedContract(f"{f.name}: want minLength <= maxLength, got {f.min_length} > {f.max_length}")


def _unit(name: str, custom: Mapping[str, Any], numeric: bool) -> tuple[str | None, float, float]:
    unit, source = custom.get("unit"), custom.get("sourceUnit")
    if unit is None and source is None:
        return None, 1.0, 0.0
    if not numeric or not isinstance(unit, str):
        raise MalformedContract(f"{name}.unit: want a UCUM code on a number, got {unit!r}")
    if source is None:
        return unit, 1.0, 0.0
    try:
        return unit, *conversion(str(source), unit)
    except UnknownUnit as exc:
        raise MalformedContract(f"{name}.sourceUnit: {exc}") from exc


def _formats(name: str, options: dict[str, Any], custom: Mapping[str, Any]) -> tuple[str, ...]:
    shapes = [options.pop("format", None), *texts(name, "formats", custom.get("formats", []))]
    return tuple(strptime_format(name, str(s)) for s in shapes if s is not None)


def _zone(name: str, options: dict[str, Any]) -> str:
    zone = str(options.pop("defaultTimezone", "UTC"))
    try:
        pl.Series([None], dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
    except pl.exceptions.PolarsError as exc:
        raise MalformedContract(
            f"{name}.defaultTimezone: want a zone such as Asia/Ho_Chi_Minh, got {zone!r}"
        ) from exc
    return zone


def texts(where: str, what: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts of at most ``FIELDS`` items."""
    if not isinstance(value, list) or len(value) > FIELDS:
        raise MalformedContract(f"{where}.{what}: want a list of at most {FIELDS}, got {str(value)[:40]!r}")
    return tuple(str(v) for v in value)


def missing_tokens(where: str, value: Any) -> frozenset[str]:
    """Return a list of at most 64 texts that stand for a missing value."""
    if not isinstance(value, list) or len(value) > 64:
        raise MalformedContract(f"{where}.missing: want a list of at most 64 tokens, got {str(value)[:40]!r}")
    return frozenset(str(v).strip() for v in value)
