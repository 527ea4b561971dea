"""``station = 'X' and observed_at = '2016-03-01T08:00Z'``: conditions on a table's columns.

A small language on purpose: names of the contract, six comparisons, literals, ``and``. Nothing
in it can run code or take long, and a literal has its column's type.
"""

import re
from datetime import date

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.errors import MalformedCondition
from veracity.data.typed import parse_timestamps

_TOKEN = re.compile(
    r"\s*(?:(<=|>=|!=|<>|=|<|>)|'((?:[^']|'')*)'|([A-Za-z_][A-Za-z0-9_]*)|(-?[0-9][0-9.eE+-]*))"
)
CONDITION_CHARS = 2_000


def parse_condition(text: str, contract: Contract) -> pl.Expr:
    """Parse a condition into an expression over the contract's columns.

    Raises
    ------
    MalformedCondition
        Naming what stood where something else was wanted.
    """
    if len(text) > CONDITION_CHARS:
        raise MalformedCondition(f"where: want at most {CONDITION_CHARS} characters, got {len(text)}")
    tokens = _tokens(text)
    terms: list[pl.Expr] = []
    while True:
        terms.append(_term(tokens, contract))
        if not tokens:
            return pl.all_horizontal(terms)
        kind, word = tokens.pop(0)
        if kind != "name" or word.lower() != "and":
            raise MalformedCondition(f"where: want 'and' between conditions, got {word!r}")


def _tokens(text: str) -> list[tuple[str, str]]:
    out, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MalformedCondition(
                f"where: want a name, a comparison or a literal, got {text[at : at + 20]!r}"
            )
        at = match.end()
        kind = ("op", "text", "name", "number")[(match.lastindex or 1) - 1]
        out.append((kind, match.group(match.lastindex or 1)))
    return out


def _term(tokens: list[tuple[str, str]], contract: Contract) -> pl.Expr:
    if len(tokens) < 3:
        raise MalformedCondition("where: want `column = 'value'`, got an unfinished condition")
    (name_kind, name), (op_kind, op), (value_kind, value) = tokens[:3]
    del tokens[:3]
    names = [f.name for f in contract.fields]
    if name_kind != "name" or name not in names:
        raise MalformedCondition(f"where: want a column ({', '.join(names)}), got {name!r}")
    if op_kind != "op" or value_kind not in ("text", "number"):
        raise MalformedCondition(
            f"where: want a comparison and a quoted value after {name}, got {op!r} {value!r}"
        )
    literal = _literal(contract.field(name), value.replace("''", "'"))
    column = pl.col(name)
    return {
        "=": column == literal,
        "!=": column != literal,
        "<>": column != literal,
        "<": column < literal,
        "<=": column <= literal,
        ">": column > literal,
        ">=": column >= literal,
    }[op]


def _literal(f: Field, value: str) -> pl.Expr:
    try:
        if f.type == "timestamp":
            stamp = parse_timestamps(pl.Series([value]), f)[0]
            if stamp is None:
                raise ValueError("no time")
            return pl.lit(stamp)
        if f.type == "number":
            return pl.lit(float(value))
        if f.type == "integer":
            return pl.lit(int(value))
        if f.type == "boolean":
            return pl.lit({"true": True, "false": False}[value.lower()])
        return pl.lit(date.fromisoformat(value)) if f.type == "date" else pl.lit(value)
    except (ValueError, KeyError) as exc:
        raise MalformedCondition(f"where: want a {f.type} for {f.name}, got {value!r}") from exc
