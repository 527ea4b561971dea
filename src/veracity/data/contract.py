"""A contract: what a feed must look like, read from Open Data Contract Standard 3.1 YAML.

``parse_contract`` is the border: past it there are no loose dictionaries, only the frozen
``Contract`` and its ``Field``s. The text is read by the standard's own models; what those
leave open (units, missing tokens, other header names, who signs) are ``customProperties``,
listed in ``docs/contracts.md``.
"""

import hashlib
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, cast, get_args

import pydantic
from open_data_contract_standard.model import (
    OpenDataContractStandard,
    SchemaObject,
)

from veracity.data.contract_field import (
    FIELDS,
    Field,
    custom_properties,
    missing_tokens,
    read_field,
    texts,
    zero_rule,
)
from veracity.data.errors import MalformedContract
from veracity.data.plain_yaml import parse_yaml
from veracity.data.text import TextFormat, UnsupportedText
from veracity.units import UnknownUnit, check_unit

CONTRACT_BYTES = 262_144
CENTURY_S = 36_525 * 86_400  # the longest latency: what is older has no lateness
FEED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

FileKind = Literal["csv", "ndjson", "parquet"]


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
        for f in self.fields:
            if f.name == name:
                return f
        raise KeyError(name)


@lru_cache(maxsize=64)
def parse_contract(text: bytes) -> Contract:
    """Read a contract from ODCS YAML bytes.

    Raises
    ------
    MalformedContract
        With the line and property at fault, wherever the text is not YAML, not ODCS, or asks
        for something this engine does not check. A rule is never silently ignored.
    """
    document = parse_yaml(text, "contract", CONTRACT_BYTES, MalformedContract)
    try:
        odcs = OpenDataContractStandard.model_validate(document, extra="forbid")
    except pydantic.ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MalformedContract(
            f"contract: {where}: {first['msg']}, got {str(first['input'])[:60]!r}"
        ) from exc
    return _contract(odcs, text)


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
    custom = custom_properties("contract", odcs.customProperties, {"agency", "signature"})
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
    server_custom = custom_properties(
        "servers", server.customProperties if server else None, {"fallbackEncoding"}
    )
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
    shared = custom_properties("schema", schema.customProperties, {"missing"})
    missing = missing_tokens("schema", shared.get("missing", ["", "NA"]))
    fields = tuple(read_field(p, missing) for p in properties)
    names = [f.name.lower() for f in fields]  # tables do not tell names by their case
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise MalformedContract(f"schema.properties: want each name once, got {twice} twice")
    if "reasons" in names:
        raise MalformedContract("schema.properties: want another name, got 'reasons' (quarantine's own)")
    ours = sorted(n for f in fields for n in (*f.sources, *f.joined) if n in ("_record", "_batch"))
    if ours:
        raise MalformedContract(f"physicalName: want a column of the source, got {ours[0]!r}, which is ours")
    return fields


def _key(schema: SchemaObject, fields: tuple[Field, ...]) -> tuple[str, ...]:
    names = {f.name for f in fields}
    keyed = sorted((f for f in fields if f.key_position is not None), key=lambda f: cast(int, f.key_position))
    key = tuple(f.name for f in keyed)
    for p in schema.properties or []:
        if p.unique:
            key = _one_key(key, (cast(str, p.name),))
    for rule in schema.quality or []:
        metric = zero_rule("schema", rule)
        columns = texts("schema", "properties", (rule.arguments or {}).get("properties", []))
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


def _carried(fields: tuple[Field, ...]) -> str | None:
    names = {f.template[f.template.index("{") + 1 : f.template.index("}")] for f in fields if f.template}
    if len(names) > 1:
        raise MalformedContract(f"physicalName: want one field carried by column names, got {sorted(names)}")
    carried = next(iter(names), None)
    if carried is not None and not any(f.name == carried and f.type == "string" for f in fields):
        raise MalformedContract(f"physicalName: {{{carried}}} must be a string property of the contract")
    return carried


def check_units(contract: Contract) -> None:
    """Raise ``MalformedContract`` unless every declared unit is a UCUM code (loads the unit library)."""
    for f in contract.fields:
        if f.unit is not None:
            try:
                check_unit(f.unit)
            except UnknownUnit as exc:
                raise MalformedContract(f"{f.name}.unit: {exc}") from exc


def _codec(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError) as exc:
        raise MalformedContract(f"encoding: want one Python knows, got {name[:40]!r}") from exc
    return name


_SECONDS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}


def _seconds(name: str, value: Any, unit: str | None) -> float | None:
    if value is None:
        return None
    scale = _SECONDS.get(unit or "")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if scale is None or not is_number or not 0 < value <= CENTURY_S / scale:  # as it stands: no NaN passes
        raise MalformedContract(
            f"slaProperties.{name}: want a positive number of s, min, h or d, at most 100 years,"
            f" got {str(value)[:40]!r} {unit!r}"
        )
    return float(value) * scale
