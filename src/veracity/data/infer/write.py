"""A proposal as YAML text, a comment for each guess."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from veracity.data.contract import CONTRACT_BYTES
from veracity.data.infer.proposal import Property, Proposal

_LINE = 110
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_.-]+)*")
_WORDS = {"y", "n", "yes", "no", "true", "false", "on", "off", "null", "none", "nan"}


def write(proposal: Proposal) -> bytes:
    """Return the contract's YAML; without comments if it would be longer than a contract may be.

    What the data hold is quoted where it stands as a value, and cannot end a comment's line.
    """
    text = "\n".join(_lines(proposal)) + "\n"
    if len(text.encode()) > CONTRACT_BYTES:
        text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")) + "\n"
    return text.encode()


def _lines(p: Proposal) -> Iterator[str]:
    yield from _comments(p.head, 0)
    yield from ("apiVersion: v3.1.0", "kind: DataContract", f"id: {_flow(p.feed)}", f"name: {_flow(p.title)}")
    yield from ("version: 0.1.0", "status: draft")
    yield "servers:"
    yield from _comments(p.why_server, 2)
    server = p.server | ({"customProperties": _customs(p.server_custom)} if p.server_custom else {})
    yield f"  - {_flow(server)}"
    yield from ("schema:", "  - name: observations", "    logicalType: object", "    properties:")
    yield from _comments(p.why_key, 6)
    for one in p.properties:
        yield from _property(one)
    if p.left_out:
        yield ""
    yield from _comments(p.left_out, 6)
    yield from _quality(p.rules, p.why_rules, 4)
    if p.missing:
        yield "    customProperties:"
        yield from _comments(p.why_missing, 6)
        yield f"      - {_flow({'property': 'missing', 'value': list(p.missing)})}"
    yield from _comments(p.why_sla, 0)
    if p.frequency is not None:
        yield "slaProperties:"
        value, unit = p.frequency
        yield f"  - {_flow({'property': 'frequency', 'value': value, 'unit': unit})}"


def _property(one: Property) -> Iterator[str]:
    yield ""
    yield from _comments(one.why, 6)
    yield f"      - name: {_flow(one.name)}"
    for name, value in one.elements.items():
        yield f"        {name}: {_flow(value)}"
    if one.custom:
        yield "        customProperties:"
        yield from (f"          - {_flow(custom)}" for custom in _customs(one.custom))
    if one.values is not None or one.rules:
        yield "        quality:"
    if one.values is not None:
        yield from (
            f"          - {part}" if i == 0 else f"            {part}"
            for i, part in enumerate(_enum(one.values))
        )
    yield from (f"          - {_flow(_custom_rule(rule))}" for rule in one.rules)


def _enum(values: tuple[str, ...]) -> list[str]:
    return [
        "type: library",
        "metric: invalidValues",
        f"arguments: {{validValues: {_flow(list(values))}}}",
        "mustBe: 0",
    ]


def _quality(rules: tuple[dict[str, Any], ...], why: tuple[str, ...], indent: int) -> Iterator[str]:
    pad = " " * indent
    if rules:
        yield f"{pad}quality:"
    yield from _comments(why, indent + 2)
    yield from (f"{pad}  - {_flow(_custom_rule(rule))}" for rule in rules)


def _custom_rule(implementation: dict[str, Any]) -> dict[str, Any]:
    return {"type": "custom", "engine": "veracity", "severity": "warning", "implementation": implementation}


def _customs(custom: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in custom.items()]


def _comments(notes: Iterable[str], indent: int) -> Iterator[str]:
    """Yield notes as comment lines, wrapped; no character of theirs ends a line or hides."""
    lead = " " * indent + "#"
    for note in notes:
        line = lead
        for word in _visible(note).split(" "):
            if len(line) + 1 + len(word) > _LINE and line.strip() not in ("#", "#  "):
                yield line
                line = lead + "  "
            line += " " + word
        yield line


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _flow(value: Any) -> str:
    """Write a value in YAML's flow style, so that any YAML reader gives it back."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        plain = f"{Decimal(repr(value)):f}"
        return plain.removesuffix(".0") if "." in plain else plain
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return str(value)
    return '"' + "".join(map(_quoted, value)) + '"'


def _quoted(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    return f"\\U{ord(char):08x}"
