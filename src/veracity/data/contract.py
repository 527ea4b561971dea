"""A contract: what a feed must look like, read from Open Data Contract Standard 3.1 YAML.

``parse_contract`` is the border: past it there are no loose dictionaries, only the frozen
``Contract`` and its ``Field``s. The text is read by the standard's own models; what those
leave open (units, missing tokens, other header names, who signs) are ``customProperties``,
listed in ``docs/contracts.md``.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, cast, get_args

import polars as pl
import pydantic
import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)

from veracity.data.errors import MalformedContract
from veracity.data.text import TextFormat, UnsupportedText
from veracity.data.timeformat import strptime_format
from veracity.units import UnknownUnit, check_unit, conversion

CONTRACT_BYTES = 262_144
FIELDS = 1_000
FEED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")

LogicalType = Literal["string", "integer", "number", "boolean", "timestamp", "date"]
FileKind = Literal["csv", "ndjson", "parquet"]


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


@dataclass(frozen=True)
class Contract:
    """A feed's contract. ``sha256`` is of the exact YAML bytes: change a comment and it is another."""

    feed: str
    version: str
    title: str
    text: bytes = field(repr=False)
    sha256: str
    agency: str | None
    signature: Literal["required", "optional"]
    simulated: bool
    tags: tuple[str, ...]
    kind: FileKind | None
    separator: str
    encoding: str
    fallback_encoding: str | None
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    carried: str | None  # the field that a wide file's column names carry
    latency_s: float | None  # freshness: a reading should arrive within this many seconds
    frequency_s: float | None  # how often a sensor is expected to report

    @property
    def time(self) -> str | None:
        """Name of the event-time field: the key's timestamp, else the first timestamp, else None."""
        stamps = [f.name for f in self.fields if f.type == "timestamp"]
        return next((n for n in self.key if n in stamps), stamps[0] if stamps else None)

    @property
    def source_names(self) -> frozenset[str]:
        """Every header name the contract reads (wide templates apart)."""
        return frozenset(n for f in self.fields for n in (*f.sources, *f.joined))

    def field(self, name: str) -> Field:
        """Return the field called ``name``; ``KeyError`` if there is none."""
        return next(f for f in self.fields if f.name == name)


@lru_cache(maxsize=64)
def parse_contract(text: bytes) -> Contract:
    """Read a contract from ODCS YAML bytes.

    Raises
    ------
    MalformedContract
        With the line and property at fault, wherever the text is not YAML, not ODCS, or asks
        for something this engine does not check. A rule is never silently ignored.
    """
    document = _load(text)
    try:
        odcs = OpenDataContractStandard.model_validate(document, extra="forbid")
    except pydantic.ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MalformedContract(
            f"contract: {where}: {first['msg']}, got {str(first['input'])[:60]!r}"
        ) from exc
    return _contract(odcs, text)


class _OnceLoader(yaml.SafeLoader):
    """Safe YAML in which a name given twice in one mapping is an error, not the last one's."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for name, _ in node.value:
            if name.value in seen:
                mark = name.start_mark
                raise yaml.constructor.ConstructorError(None, None, f"{name.value!r} given twice", mark)
            seen.add(name.value)
        return super().construct_mapping(node, deep)


def _load(text: bytes) -> dict[str, Any]:
    if len(text) > CONTRACT_BYTES:
        raise MalformedContract(f"contract: want at most {CONTRACT_BYTES} bytes, got {len(text)}")
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise MalformedContract(f"contract: want plain YAML, got an alias (*{event.anchor})")
        document = yaml.load(text, Loader=_OnceLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as exc:
        if isinstance(exc, MalformedContract):
            raise
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(exc, "problem", None) or str(exc).splitlines()[0]
        raise MalformedContract(f"contract: {where}want YAML, got: {problem}") from exc
    if not isinstance(document, dict):
        raise MalformedContract(f"contract: want a mapping at the top, got {type(document).__name__}")
    return document


def _contract(odcs: OpenDataContractStandard, text: bytes) -> Contract:
    version = str(odcs.apiVersion or "")
    if odcs.kind != "DataContract" or not version.startswith("v3."):
        raise MalformedContract(
            f"contract: want kind DataContract and apiVersion v3.x, got {odcs.kind!r} and {version!r}"
        )
    feed = odcs.id or ""
    if not FEED_NAME.fullmatch(feed):
        raise MalformedContract(
            f"id: want a feed name such as 'air-quality' ([a-z0-9-], at most 64), got {feed!r}"
        )
    if not odcs.version or not odcs.status:
        raise MalformedContract("contract: want version and status, as ODCS requires, got none")
    if not odcs.schema_ or len(odcs.schema_) != 1:
        raise MalformedContract(
            f"schema: want exactly one object (a feed is one table), got {len(odcs.schema_ or [])}"
        )
    schema = odcs.schema_[0]
    custom = _custom("contract", odcs.customProperties, {"agency", "signature"})
    signature = custom.get("signature", "optional")
    if signature not in ("required", "optional"):
        raise MalformedContract(f"signature: want required or optional, got {signature!r}")
    agency = custom.get("agency")
    if agency is not None and not FEED_NAME.fullmatch(str(agency)):
        raise MalformedContract(f"agency: want a name such as 'danang-environment', got {agency!r}")
    if signature == "required" and agency is None:
        raise MalformedContract("signature: required needs an agency whose keys may sign, got none")
    fields = _fields(schema)
    key = _key(schema, fields)
    fields = tuple(replace(f, required=True) if f.name in key else f for f in fields)
    server = odcs.servers[0] if odcs.servers else None
    kind = server.format.lower() if server and server.format else None
    if kind is not None and kind not in get_args(FileKind):
        raise MalformedContract(f"servers.format: want csv, ndjson or parquet, got {kind!r}")
    server_custom = _custom("servers", server.customProperties if server else None, {"fallbackEncoding"})
    separator = (server.delimiter if server else None) or ","
    if len(separator) != 1 or separator in '"\n\r' or not separator.isascii():
        raise MalformedContract(f"servers.delimiter: want one ASCII character, got {separator!r}")
    encoding = _codec((server.encoding if server else None) or "utf-8")
    fallback = server_custom.get("fallbackEncoding", "windows-1252")
    fallback = None if fallback is None else _codec(str(fallback))
    try:
        TextFormat("csv", separator, encoding, fallback)
    except UnsupportedText as exc:
        raise MalformedContract(f"servers: {exc}") from exc
    sla = {p.property: (p.value, p.unit) for p in odcs.slaProperties or []}
    tags = tuple(odcs.tags or ())
    return Contract(
        feed=feed,
        version=str(odcs.version),
        title=odcs.name or feed,
        text=text,
        sha256=hashlib.sha256(text).hexdigest(),
        agency=agency,
        signature=cast(Literal["required", "optional"], signature),
        simulated="simulated" in tags,
        tags=tags,
        kind=cast(FileKind | None, kind),
        separator=separator,
        encoding=encoding,
        fallback_encoding=fallback,
        fields=fields,
        key=key,
        carried=_carried(fields),
        latency_s=_seconds("latency", *sla.get("latency", (None, None))),
        frequency_s=_seconds("frequency", *sla.get("frequency", (None, None))),
    )


def _fields(schema: SchemaObject) -> tuple[Field, ...]:
    properties = schema.properties or []
    if not 0 < len(properties) <= FIELDS:
        raise MalformedContract(f"schema.properties: want 1 to {FIELDS}, got {len(properties)}")
    shared = _custom("schema", schema.customProperties, {"missing"})
    missing = _tokens("schema", shared.get("missing", ["", "NA"]))
    fields = tuple(_field(p, missing) for p in properties)
    names = [f.name for f in fields]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise MalformedContract(f"schema.properties: want each name once, got {twice} twice")
    return fields


def _field(p: SchemaProperty, missing: frozenset[str]) -> Field:
    name = p.name or ""
    if not FIELD_NAME.fullmatch(name):
        raise MalformedContract(f"property name: want a letter, then letters, digits or _, got {name!r}")
    kind = p.logicalType or "string"
    if kind not in get_args(LogicalType):
        raise MalformedContract(
            f"{name}.logicalType: want one of {', '.join(get_args(LogicalType))}, got {kind!r}"
        )
    custom = _custom(
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
    sources = () if joined or template else (physical, *_texts(name, "aliases", custom.get("aliases", [])))
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
    pattern = _take(name, options, "pattern", str, text)
    if pattern is not None:
        _check_pattern(name, pattern)
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
        minimum=_take(name, options, "minimum", float, numeric),
        maximum=_take(name, options, "maximum", float, numeric),
        exclusive_minimum=_take(name, options, "exclusiveMinimum", float, numeric),
        exclusive_maximum=_take(name, options, "exclusiveMaximum", float, numeric),
        pattern=pattern,
        min_length=_take(name, options, "minLength", int, text),
        max_length=_take(name, options, "maxLength", int, text),
        values=None if values is None else tuple(_allowed(name, kind, v) for v in values),
        formats=_formats(name, options, custom) if time else (),
        zone=_zone(name, options) if kind == "timestamp" else "UTC",
        decimal=decimal,
        missing=(_tokens(name, custom["missing"]) if "missing" in custom else missing) | quality_missing,
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
            return str(pl.Series([float(value)]).cast(pl.String)[0])
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
        metric = _zero_rule(name, rule)
        arguments = rule.arguments or {}
        if metric == "nullValues":
            required = True
        elif metric == "missingValues":
            missing |= _tokens(name, arguments.get("missingValues", []))
            required = True
        elif metric == "invalidValues" and set(arguments) == {"validValues"}:
            values = _texts(name, "validValues", arguments["validValues"])
        else:
            raise MalformedContract(
                f"{name}.quality: want nullValues, missingValues or invalidValues with validValues,"
                f" got {metric!r} with {sorted(arguments)}"
            )
    return values, required, missing


def _key(schema: SchemaObject, fields: tuple[Field, ...]) -> tuple[str, ...]:
    names = {f.name for f in fields}
    keyed = sorted((f for f in fields if f.key_position is not None), key=lambda f: cast(int, f.key_position))
    key = tuple(f.name for f in keyed)
    for p in schema.properties or []:
        if p.unique:
            key = _one_key(key, (cast(str, p.name),))
    for rule in schema.quality or []:
        metric = _zero_rule("schema", rule)
        columns = _texts("schema", "properties", (rule.arguments or {}).get("properties", []))
        if metric != "duplicateValues" or not columns or not set(columns) <= names:
            raise MalformedContract(
                f"schema.quality: want duplicateValues over known properties,"
                f" got {metric!r} over {list(columns)}"
            )
        key = _one_key(key, columns)
    return key


def _one_key(key: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if key and set(key) != set(other):
        raise MalformedContract(f"key: want one unique key a feed, got {list(key)} and {list(other)}")
    return key or other


_OTHER_BOUNDS = (
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)


def _zero_rule(where: str, rule: DataQuality) -> str:
    if (rule.type or "library") != "library":
        raise MalformedContract(f"{where}.quality: want type library, got {rule.type!r}")
    metric = rule.metric or rule.rule or ""
    if rule.mustBe not in (0, 0.0) or any(getattr(rule, bound) is not None for bound in _OTHER_BOUNDS):
        raise MalformedContract(
            f"{where}.quality.{metric}: want mustBe: 0 (rules hold for every row), got another bound"
        )
    return metric


def _carried(fields: tuple[Field, ...]) -> str | None:
    names = {f.template[f.template.index("{") + 1 : f.template.index("}")] for f in fields if f.template}
    if len(names) > 1:
        raise MalformedContract(f"physicalName: want one field carried by column names, got {sorted(names)}")
    carried = next(iter(names), None)
    if carried is not None and not any(f.name == carried and f.type == "string" for f in fields):
        raise MalformedContract(f"physicalName: {{{carried}}} must be a string property of the contract")
    return carried


def _custom(where: str, properties: list[CustomProperty] | None, known: set[str]) -> dict[str, Any]:
    found = {p.property or "": p.value for p in properties or []}
    unknown = sorted(set(found) - known)
    if unknown:
        raise MalformedContract(
            f"{where}.customProperties: want {', '.join(sorted(known))}, got {unknown[0]!r}"
        )
    return found


def _take(name: str, options: dict[str, Any], option: str, kind: type, allowed: bool) -> Any:
    value = options.pop(option, None)
    if value is None:
        return None
    if not allowed:
        raise MalformedContract(f"{name}.logicalTypeOptions: {option} does not fit this logicalType")
    good = (
        isinstance(value, (int, float)) and not isinstance(value, bool)
        if kind is float
        else isinstance(value, kind)
    )
    if not good:
        raise MalformedContract(f"{name}.{option}: want a {kind.__name__}, got {value!r}")
    return kind(value)


def _check_bounds(f: Field) -> None:
    low = max((b for b in (f.minimum, f.exclusive_minimum) if b is not None), default=None)
    high = min((b for b in (f.maximum, f.exclusive_maximum) if b is not None), default=None)
    if low is not None and high is not None and low > high:
        raise MalformedContract(f"{f.name}: want minimum <= maximum, got {low} > {high}")
    if f.min_length is not None and f.max_length is not None and f.min_length > f.max_length:
        raise MalformedContract(f"{f.name}: want minLength <= maxLength, got {f.min_length} > {f.max_length}")


def _check_pattern(name: str, pattern: str) -> None:
    """Compile once with the engine that will run it (Rust's, linear in the input)."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as exc:
        raise MalformedContract(f"{name}.pattern: want a regular expression, got {pattern[:60]!r}") from exc


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


def check_units(contract: Contract) -> None:
    """Raise ``MalformedContract`` unless every declared unit is a UCUM code (loads the unit library)."""
    for f in contract.fields:
        if f.unit is not None:
            try:
                check_unit(f.unit)
            except UnknownUnit as exc:
                raise MalformedContract(f"{f.name}.unit: {exc}") from exc


def _formats(name: str, options: dict[str, Any], custom: Mapping[str, Any]) -> tuple[str, ...]:
    shapes = [options.pop("format", None), *_texts(name, "formats", custom.get("formats", []))]
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


def _texts(where: str, what: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > FIELDS:
        raise MalformedContract(f"{where}.{what}: want a list of at most {FIELDS}, got {str(value)[:40]!r}")
    return tuple(str(v) for v in value)


def _tokens(where: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or len(value) > 64:
        raise MalformedContract(f"{where}.missing: want a list of at most 64 tokens, got {str(value)[:40]!r}")
    return frozenset(str(v).strip() for v in value)


def _codec(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as exc:
        raise MalformedContract(f"encoding: want one Python knows, got {name!r}") from exc
    return name


_SECONDS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}


def _seconds(name: str, value: Any, unit: str | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0 or unit not in _SECONDS:
        raise MalformedContract(
            f"slaProperties.{name}: want a positive number of s, min, h or d, got {value!r} {unit!r}"
        )
    return float(value) * _SECONDS[unit]
