"""A contract: what a feed must look like, read from Open Data Contract Standard 3.1 YAML.

``parse_contract`` is the border: past it there are no loose dictionaries, only the frozen
``Contract`` and its ``Field``s. The text is read by the standard's own models; what those
leave open (units, missing tokens, other header names, who signs) are ``customProperties``,
listed in ``docs/contracts.md``.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, cast, get_args

import pydantic
from open_data_contract_standard.model import (
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
)

from veracity.canonical import canonical_json
from veracity.data.contract_field import (
    FIELDS,
    Field,
    custom_properties,
    missing_tokens,
    read_field,
    texts,
    zero_rule,
)
from veracity.data.contract_personal import check_kept, check_personal, read_retention
from veracity.data.contract_rules import custom_entries, is_custom, read_rules
from veracity.data.errors import MalformedContract
from veracity.data.place import fault, lines_of, shown, within
from veracity.data.plain_yaml import parse_yaml
from veracity.data.rules.column_actions import ACTIONS, SETS_ASIDE, read_actions
from veracity.data.rules.parameters import Scope
from veracity.data.rules.rule import Action, RegistryRule, RowRule, Rule, SequenceRule, SilenceRule
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
    retention_s: float | None = None  # personal values are erased so long after their receipt
    rules: tuple[Rule, ...] = ()  # the custom rules, as written: the schema object's first
    actions: tuple[tuple[str, Action], ...] = ()  # of column rules, by reason, where not quarantine

    @property
    def time(self) -> str | None:
        """Name of the event-time field: the key's timestamp, else the first timestamp, else None."""
        stamps = [f.name for f in self.fields if f.type == "timestamp"]
        return next((n for n in self.key if n in stamps), stamps[0] if stamps else None)

    @property
    def sensor(self) -> tuple[str, ...]:
        """The key's columns but the event time: what tells sensors apart. () without such a key."""
        return tuple(n for n in self.key if n != self.time) if self.time in self.key else ()

    @property
    def personal(self) -> tuple[Field, ...]:
        """The fields that are about a person."""
        return tuple(f for f in self.fields if f.personal)

    @property
    def row_rules(self) -> tuple[RowRule, ...]:
        """The rules that one row can break by itself."""
        return tuple(cast(RowRule, r) for r in self.rules if hasattr(r, "columns"))

    @property
    def sequence_rules(self) -> tuple[SequenceRule, ...]:
        """The rules on the readings of one property of one sensor, in order."""
        return tuple(cast(SequenceRule, r) for r in self.rules if hasattr(r, "series"))

    @property
    def registry_rules(self) -> tuple[RegistryRule, ...]:
        """The rules that look rows up in another feed, as of the event time."""
        return tuple(cast(RegistryRule, r) for r in self.rules if hasattr(r, "feed"))

    @property
    def silence_rules(self) -> tuple[SilenceRule, ...]:
        """The rules on which sensors have been silent too long."""
        return tuple(cast(SilenceRule, r) for r in self.rules if hasattr(r, "silent"))

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Every reason a row can have, in the order they are told: columns, future, rules, keys."""
        kinds = ("type", "required", "range", "pattern", "length", "enum")
        columns = [f"{kind}:{f.name}" for f in self.fields for kind in kinds]
        return (*columns, f"future:{self.time}", *(r.reason for r in self.rules), "duplicate-key")

    @cached_property
    def _actions(self) -> dict[str, Action]:
        return dict(self.actions) | {r.reason: r.action for r in self.rules}

    def action(self, reason: str) -> Action:
        """Return what becomes of a row that breaks a rule: ``quarantine`` if the contract does not say."""
        return self._actions.get(reason, "quarantine")

    def about(self, reason: str) -> frozenset[str]:
        """Return the columns that a rule is about."""
        return self._about.get(reason, frozenset([reason.partition(":")[2]]))

    @cached_property
    def _about(self) -> dict[str, frozenset[str]]:
        series = {
            r.reason: frozenset([r.series.partition("~")[0]]) for r in self.rules if hasattr(r, "series")
        }
        return series | {r.reason: frozenset(r.columns) for r in self.rules if hasattr(r, "columns")}

    def sets_aside(self, reason: str) -> bool:
        """Tell whether a row that breaks the rule stays out of the table."""
        return self.action(reason) != "flag"

    @property
    def rules_sha256(self) -> str:
        """SHA-256 of the canonical JSON of everything that decides a verdict.

        A comment or a description more leaves it as it is; a threshold or an action changes it.
        """
        told = {
            "key": list(self.key),
            "columns": [f.to_object() for f in self.fields],
            "actions": dict(self.actions),
            "rules": [r.to_object() for r in self.rules],
        }
        return hashlib.sha256(canonical_json(told)).hexdigest()

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


@lru_cache(maxsize=2_048)  # more than a city has: reading all of them in turn must not forget each
def parse_contract(text: bytes) -> Contract:
    """Read a contract from ODCS YAML bytes.

    Raises
    ------
    MalformedContract
        With the line and property at fault, wherever the text is not YAML, not ODCS, or asks
        for something this engine does not check. A rule is never silently ignored.
    """
    document = parse_yaml(text, "contract", CONTRACT_BYTES, MalformedContract)
    with lines_of(text):
        return _contract(_odcs(document), text)


def _odcs(document: dict[str, Any]) -> OpenDataContractStandard:
    try:
        return OpenDataContractStandard.model_validate(document, extra="forbid")
    except pydantic.ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise fault(
            f"contract: {where[:120]}: {first['msg']}, got {shown(first['input'])}", *first["loc"]
        ) from exc


def _contract(odcs: OpenDataContractStandard, text: bytes) -> Contract:
    version = str(odcs.apiVersion or "")
    if odcs.kind != "DataContract" or not version.startswith("v3."):
        raise fault(
            f"contract: want kind DataContract and apiVersion v3.x, got {odcs.kind!r} and {version!r}",
            "kind" if odcs.kind != "DataContract" else "apiVersion",
        )
    feed = odcs.id or ""
    if not FEED_NAME.fullmatch(feed):
        raise fault(
            f"id: want a feed name such as 'air-quality' ([a-z0-9-], at most 64), got {shown(feed)}", "id"
        )
    if not odcs.version or not odcs.status:
        missing = "status" if odcs.version else "version"
        raise fault("contract: want version and status, as ODCS requires, got none", missing)
    if not odcs.schema_ or len(odcs.schema_) != 1:
        raise fault(
            f"schema: want exactly one object (a feed is one table), got {len(odcs.schema_ or [])}", "schema"
        )
    schema = odcs.schema_[0]
    custom = custom_properties("contract", odcs.customProperties, {"agency", "signature"})
    signature = custom.get("signature", "optional")
    if signature not in ("required", "optional"):
        raise fault(
            f"signature: want required or optional, got {shown(signature)}", "customProperties", "signature"
        )
    agency = custom.get("agency")
    if agency is not None and not FEED_NAME.fullmatch(str(agency)):
        raise fault(
            f"agency: want a name such as 'danang-environment', got {shown(agency)}",
            "customProperties",
            "agency",
        )
    if signature == "required" and agency is None:
        raise fault(
            "signature: required needs an agency whose keys may sign, got none",
            "customProperties",
            "signature",
        )
    with within("schema", 0):
        fields = _fields(schema)
        key = _key(schema, fields)
        fields = tuple(replace(f, required=True) if f.name in key else f for f in fields)
        carried = _carried(fields)
    server = odcs.servers[0] if odcs.servers else None
    kind = server.format.lower() if server and server.format else None
    if kind is not None and kind not in get_args(FileKind):
        raise fault(f"servers.format: want csv, ndjson or parquet, got {shown(kind)}", "servers", 0, "format")
    with within("servers", 0):
        server_custom = custom_properties(
            "servers", server.customProperties if server else None, {"fallbackEncoding"}
        )
    separator = (server.delimiter if server else None) or ","
    if len(separator) != 1 or separator in '"\n\r' or not separator.isascii():
        raise fault(
            f"servers.delimiter: want one ASCII character, got {shown(separator)}", "servers", 0, "delimiter"
        )
    with within("servers", 0, "encoding"):
        encoding = _codec((server.encoding if server else None) or "utf-8")
    with within("servers", 0, "customProperties", "fallbackEncoding"):
        fallback = server_custom.get("fallbackEncoding", "windows-1252")
        fallback = None if fallback is None else _codec(str(fallback))
    try:
        TextFormat("csv", separator, encoding, fallback)
    except UnsupportedText as exc:
        raise fault(f"servers: {exc}", "servers", 0) from exc
    sla = {p.property: (p.value, p.unit) for p in odcs.slaProperties or []}
    latency_s = _seconds("latency", *sla.get("latency", (None, None)))
    frequency_s = _seconds("frequency", *sla.get("frequency", (None, None)))
    scope = _scope(fields, key, frequency_s)
    with within("schema", 0):
        rules = read_rules(schema, scope)
        actions = _actions(schema, fields, key)
        is_personal = check_personal(schema, fields, key, rules)
    if is_personal:
        check_kept(kind)
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
        carried=carried,
        latency_s=latency_s,
        frequency_s=frequency_s,
        retention_s=read_retention(odcs, schema) if is_personal else None,
        rules=rules,
        actions=actions,
    )


def _scope(fields: tuple[Field, ...], key: tuple[str, ...], frequency_s: float | None) -> Scope:
    """Return what the contract's rules may speak of."""
    stamps = [f.name for f in fields if f.type == "timestamp"]
    time = next((name for name in key if name in stamps), None)
    return Scope(
        columns={f.name: f.type for f in fields},
        units={f.name: f.unit for f in fields if f.unit is not None},
        sensor=tuple(name for name in key if name != time) if time else (),
        time=time,
        frequency_s=frequency_s,
    )


def _actions(
    schema: SchemaObject, fields: tuple[Field, ...], key: tuple[str, ...]
) -> tuple[tuple[str, Action], ...]:
    """Read what becomes of rows that break a column's own rule, the future's or the key's."""
    stamps = [f.name for f in fields if f.type == "timestamp"]
    time = next((name for name in key if name in stamps), stamps[0] if stamps else None)
    whole: dict[str, Sequence[Action]] = {"future": ACTIONS} if time else {}
    whole |= {"duplicate-key": SETS_ASIDE} if key else {}
    found = read_actions("schema", schema.customProperties, whole)
    actions = {f"future:{time}" if rule == "future" else rule: a for rule, a in found.items()}
    for i, (p, f) in enumerate(zip(schema.properties or [], fields, strict=True)):
        choices = {rule: SETS_ASIDE if _is_needed(f, rule, key) else ACTIONS for rule in f.rules}
        with within("properties", i):
            read = read_actions(f.name, p.customProperties, choices)
        actions |= {f"{rule}:{f.name}": action for rule, action in read.items()}
    return tuple(sorted(actions.items()))


def _is_needed(f: Field, rule: str, key: tuple[str, ...]) -> bool:
    """Tell whether a row that breaks the rule could not stand in the table: its key has a gap."""
    return f.name in key and rule in ("type", "required")


def _fields(schema: SchemaObject) -> tuple[Field, ...]:
    properties = schema.properties or []
    if not 0 < len(properties) <= FIELDS:
        raise fault(f"schema.properties: want 1 to {FIELDS}, got {len(properties)}", "properties")
    shared = custom_properties("schema", schema.customProperties, {"missing", "actions"})
    with within("customProperties", "missing"):
        missing = missing_tokens("schema", shared.get("missing", ["", "NA"]))
    fields = tuple(_field(i, p, missing) for i, p in enumerate(properties))
    names = [f.name.lower() for f in fields]  # tables do not tell names by their case
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        second = len(names) - 1 - names[::-1].index(twice[0])
        raise fault(f"schema.properties: want each name once, got {twice} twice", "properties", second)
    if "reasons" in names:
        raise fault(
            "schema.properties: want another name, got 'reasons' (quarantine's own)",
            "properties",
            names.index("reasons"),
        )
    for i, f in enumerate(fields):
        ours = sorted(n for n in (*f.sources, *f.joined) if n in ("_record", "_batch"))
        if ours:
            raise fault(
                f"physicalName: want a column of the source, got {ours[0]!r}, which is ours", "properties", i
            )
    return fields


def _field(i: int, p: SchemaProperty, missing: frozenset[str]) -> Field:
    with within("properties", i):
        return read_field(p, missing)


def _key(schema: SchemaObject, fields: tuple[Field, ...]) -> tuple[str, ...]:
    names = {f.name for f in fields}
    keyed = sorted((f for f in fields if f.key_position is not None), key=lambda f: cast(int, f.key_position))
    key = tuple(f.name for f in keyed)
    for i, p in enumerate(schema.properties or []):
        if p.unique:
            with within("properties", i, "unique"):
                key = _one_key(key, (cast(str, p.name),))
    for i, rule in enumerate(schema.quality or []):
        if is_custom(rule):
            continue
        with within("quality", i):
            metric = zero_rule("schema", rule)
            columns = texts("schema", "properties", (rule.arguments or {}).get("properties", []))
            if metric != "duplicateValues" or not columns or not set(columns) <= names:
                raise fault(
                    f"schema.quality: want duplicateValues over known properties,"
                    f" got {shown(metric)} over {shown(list(columns))}"
                )
            key = _one_key(key, columns)
    return key


def _one_key(key: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    if key and set(key) != set(other):
        raise fault(f"key: want one unique key a feed, got {list(key)} and {list(other)}"[:500])
    return key or other


def _carried(fields: tuple[Field, ...]) -> str | None:
    names = {f.template[f.template.index("{") + 1 : f.template.index("}")] for f in fields if f.template}
    if len(names) > 1:
        raise fault(
            f"physicalName: want one field carried by column names, got {sorted(names)}"[:500], "properties"
        )
    carried = next(iter(names), None)
    if carried == "outcome":
        raise fault("physicalName: want another name, got 'outcome' (the verdicts' own)", "properties")
    if carried is not None and not any(f.name == carried and f.type == "string" for f in fields):
        first = next(i for i, f in enumerate(fields) if f.template)
        raise fault(
            f"physicalName: {{{carried}}} must be a string property of the contract",
            "properties",
            first,
            "physicalName",
        )
    return carried


def check_units(contract: Contract) -> None:
    """Raise ``MalformedContract`` unless every declared unit is a UCUM code (loads the unit library)."""
    for i, f in enumerate(contract.fields):
        if f.unit is not None:
            try:
                check_unit(f.unit)
            except UnknownUnit as exc:
                with lines_of(contract.text), within("schema", 0, "properties", i):
                    raise fault(f"{f.name}.unit: {exc}", "customProperties", "unit") from exc


def rule_paths(contract: Contract) -> list[tuple[str | int, ...]]:
    """Return the path of each of a contract's rules in its text, which is read again for that."""
    odcs = _odcs(parse_yaml(contract.text, "contract", CONTRACT_BYTES, MalformedContract))
    schema = cast(list[SchemaObject], odcs.schema_)[0]
    return [("schema", 0, *path) for path, _, _ in custom_entries(schema)]


def _codec(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError) as exc:
        raise fault(f"encoding: want one Python knows, got {name[:40]!r}") from exc
    return name


_SECONDS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}


def _seconds(name: str, value: Any, unit: str | None) -> float | None:
    if value is None:
        return None
    scale = _SECONDS.get(unit or "")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if scale is None or not is_number or not 0 < value <= CENTURY_S / scale:  # as it stands: no NaN passes
        raise fault(
            f"slaProperties.{name}: want a positive number of s, min, h or d, at most 100 years,"
            f" got {shown(value)} {shown(unit)}",
            "slaProperties",
            name,
        )
    return float(value) * scale
