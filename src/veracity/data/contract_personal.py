"""What a contract with personal fields may ask for: nothing that needs what is encrypted.

Anybody re-executes a contract from evidence, and evidence holds ciphertext. So a rule that would have
to read a personal value is refused, with its line, rather than judged by the operator alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject

from veracity.data.contract_field import Field
from veracity.data.contract_rules import custom_entries
from veracity.data.place import fault, shown, within
from veracity.data.rules.repeated_row import RepeatedRow
from veracity.data.rules.rule import Rule

_YEAR_S = 31_557_600  # 365.25 days
_SECONDS = {"d": 86_400, "day": 86_400, "days": 86_400, "y": _YEAR_S, "yr": _YEAR_S, "years": _YEAR_S}
MAX_YEARS = 1_000


def check_personal(
    schema: SchemaObject,
    fields: Sequence[Field],
    key: Sequence[str],
    rules: Sequence[Rule],
) -> bool:
    """Tell whether the contract has personal fields; refuse it if it asks for what they cannot give.

    Paths of faults begin below the schema object.
    """
    names = {f.name for f in fields if f.personal}
    if not names:
        return False
    for i, f in enumerate(fields):
        if f.name in names and f.name in key:
            raise fault(f"{f.name}.personal: want a property outside the key, got one of it", "properties", i)
        if f.template:
            raise fault(
                f"{f.name}.physicalName: want no wide columns beside personal properties, got some",
                "properties",
                i,
                "physicalName",
            )
    _check_apart(fields)
    for (path, _, _), rule in zip(custom_entries(schema), rules, strict=True):
        read = sorted(names & {*_names(rule.to_object()), *getattr(rule, "columns", ())})
        if isinstance(rule, RepeatedRow):
            read = sorted(names)  # it compares whole rows, and a value is never encrypted twice alike
        if read:
            with within(*path):
                raise fault(
                    f"{rule.reason}: want no rule that reads a personal property, got one on {read[0]}"
                )
    return True


def _check_apart(fields: Sequence[Field]) -> None:
    """Refuse a source column that is read both as personal and in clear."""
    personal = {name for f in fields if f.personal for name in f.sources}
    for i, f in enumerate(fields):
        both = sorted(personal & {*f.sources, *f.joined})
        if both and not f.personal:
            raise fault(
                f"{f.name}: want no column that a personal property reads too, got {both[0]!r}",
                "properties",
                i,
            )


def check_kept(kind: str | None) -> None:
    """Refuse a kind of file that cannot be encrypted record by record."""
    if kind == "parquet":
        raise fault(
            "servers.format: want csv or ndjson where properties are personal, got parquet",
            "servers",
            0,
            "format",
        )


def read_retention(odcs: OpenDataContractStandard, schema: SchemaObject) -> float | None:
    """Read how long personal values are kept after their receipt, in seconds; None for no end.

    ``{property: retention, value: 2, unit: y}``; ``element``, if given, is the schema object's name.
    """
    found = [p for p in odcs.slaProperties or [] if p.property == "retention"]
    if not found:
        return None
    said = found[0]
    if len(found) > 1 or said.element not in (None, schema.name):
        got = f"{len(found)}" if len(found) > 1 else f"one of {shown(said.element)}"
        raise fault(
            f"slaProperties.retention: want one, of the whole object {shown(schema.name)}, got {got}",
            "slaProperties",
            "retention",
        )
    scale = _SECONDS.get(said.unit or "")
    value: Any = said.value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if scale is None or not is_number or not 0 < value <= MAX_YEARS * _YEAR_S / scale:
        raise fault(
            f"slaProperties.retention: want a positive number of d or y, at most {MAX_YEARS} years,"
            f" got {shown(value)} {shown(said.unit)}",
            "slaProperties",
            "retention",
        )
    return float(value) * scale


def _names(value: Any) -> Iterator[str]:
    """Yield every text in the settings of a rule."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from (name, *_names(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)
