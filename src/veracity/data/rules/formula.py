"""Formulas over a row's columns: ``dew_point <= temperature + 0.5 and pm25 <= pm10``.

A small language on purpose. Nothing in it can run code, take long, or give another answer on
another machine: numbers are 64-bit floats and are only added, subtracted, multiplied, divided and
compared, which IEEE 754 fixes to the last bit.

    truth      = truth and truth | truth or truth | not truth | ( truth ) | value < value < ...
    value      = number | column | - value | value + - * / value | abs(value) | min(value, ...)
               | max(value, ...) | ( value )

``not`` binds more than ``and``, and ``and`` more than ``or``. Comparisons are < <= > >= == != and
may be chained. Columns are numbers and integers; a timestamp may be compared with a timestamp and
a date with a date, and no more.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import polars as pl

from veracity.data.place import fault, shown

FORMULA_CHARS = 500
DEPTH = 20

_TOKEN = re.compile(
    r" *(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<sign><=|>=|==|!=|[-+*/()<>,]))"
)
_COMPARE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "<": pl.Expr.lt,
    "<=": pl.Expr.le,
    ">": pl.Expr.gt,
    ">=": pl.Expr.ge,
    "==": pl.Expr.eq,
    "!=": pl.Expr.ne,
}
_CALLS = {"abs": (1, 1), "min": (2, 16), "max": (2, 16)}
_TYPES = {"number": "number", "integer": "number", "timestamp": "timestamp", "date": "date"}


@dataclass(frozen=True)
class Formula:
    """A formula that was read.

    Attributes
    ----------
    truth
        True, false, or null where it is not asked: a column it names is null, a divisor is 0, or
        a compared value is beyond the largest float.
    columns
        The names in it, in order of first use.
    """

    truth: pl.Expr
    columns: tuple[str, ...]


def parse_formula(text: str, types: Mapping[str, str]) -> Formula:
    """Read a formula over columns with logicalTypes ``types``.

    Raises
    ------
    MalformedContract
        Naming what stood where something else was wanted.
    """
    if len(text) > FORMULA_CHARS:
        raise fault(f"formula: want at most {FORMULA_CHARS} characters, got {len(text)}")
    reader = _Reader(_tokens(text), types)
    kind, truth = reader.any_of()
    if reader.kind != "end":
        raise fault(f"formula: want and, or, or its end, got {shown(reader.word)}")
    if kind != "truth" or not reader.columns:
        raise fault(f"formula: want a comparison of columns, got {shown(text)}")
    present = [pl.col(name).is_not_null() for name in reader.columns]
    asked = pl.all_horizontal(*present, *reader.asked)
    return Formula(pl.when(asked).then(truth), tuple(reader.columns))


def _tokens(text: str) -> list[tuple[str, str]]:
    text = re.sub(r"\s", " ", text).rstrip()
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise fault(
                f"formula: want a column, a number or one of + - * / < > = ( ), got {text[at:][:20]!r}"
            )
        at = found.end()
        kind = str(found.lastgroup)
        tokens.append((kind, found[kind]))
    return tokens


Typed = tuple[str, pl.Expr]  # number, timestamp, date or truth; and the expression


class _Reader:
    """Reads tokens from left to right, one method a level of the grammar."""

    def __init__(self, tokens: list[tuple[str, str]], types: Mapping[str, str]) -> None:
        self._tokens = [*tokens, ("end", "the end")]
        self._at = 0
        self._depth = 0
        self._types = types
        self.columns: dict[str, None] = {}
        self.asked: list[pl.Expr] = []

    @property
    def kind(self) -> str:
        return self._tokens[self._at][0]

    @property
    def word(self) -> str:
        return self._tokens[self._at][1]

    def any_of(self) -> Typed:
        return self._joined("or", pl.Expr.__or__, self._all_of)

    def _all_of(self) -> Typed:
        return self._joined("and", pl.Expr.__and__, self._not)

    def _joined(
        self, word: str, join: Callable[[pl.Expr, pl.Expr], pl.Expr], part: Callable[[], Typed]
    ) -> Typed:
        parts = [part()]
        while self.word == word:
            self._at += 1
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return "truth", reduce(join, [self._wanted(p, "truth", f"on both sides of {word}") for p in parts])

    def _not(self) -> Typed:
        if self.word != "not":
            return self._comparison()
        self._at += 1
        with_not = self._deeper(self._not)
        return "truth", ~self._wanted(with_not, "truth", "after not")

    def _comparison(self) -> Typed:
        sides, signs = [self._sum()], []
        while self.word in _COMPARE:
            signs.append(self._take())
            sides.append(self._sum())
        if not signs:
            return sides[0]
        if len({kind for kind, _ in sides}) > 1 or sides[0][0] == "truth":
            got = " with ".join(kind for kind, _ in sides)
            raise fault(f"formula: want numbers compared with numbers, times with times, got {got}"[:200])
        if sides[0][0] == "number":
            self.asked += [value.is_finite() for _, value in sides]
        pairs = zip(signs, sides[:-1], sides[1:], strict=True)
        return "truth", reduce(pl.Expr.__and__, [_COMPARE[sign](a, b) for sign, (_, a), (_, b) in pairs])

    def _sum(self) -> Typed:
        value = self._product()
        while self.word in ("+", "-"):
            sign = self._take()
            left, right = self._number(value), self._number(self._product())
            value = "number", left + right if sign == "+" else left - right
        return value

    def _product(self) -> Typed:
        value = self._signed()
        while self.word in ("*", "/"):
            sign = self._take()
            left, right = self._number(value), self._number(self._signed())
            if sign == "/":
                self.asked.append(right != 0)
            value = "number", left * right if sign == "*" else left / right
        return value

    def _signed(self) -> Typed:
        if self.word != "-":
            return self._atom()
        self._at += 1
        return "number", -self._number(self._deeper(self._signed))

    def _atom(self) -> Typed:
        kind, word = self.kind, self._take()
        if kind == "number":
            return "number", pl.lit(self._constant(word))
        if word == "(":
            value = self._deeper(self.any_of)
            self._expect(")")
            return value
        if kind != "name":
            raise fault(f"formula: want a column or a number, got {shown(word)}")
        if word in _CALLS and self.word == "(":
            return "number", self._call(word)
        if self._types.get(word) not in _TYPES:
            known = ", ".join(name for name, kind in self._types.items() if kind in _TYPES)
            raise fault(f"formula: want a column of numbers or times ({known[:200]}), got {shown(word)}")
        self.columns[word] = None
        kind = _TYPES[self._types[word]]
        return kind, pl.col(word).cast(pl.Float64) if kind == "number" else pl.col(word)

    def _call(self, name: str) -> pl.Expr:
        self._expect("(")
        values = [self._number(self._deeper(self._sum))]
        while self.word == ",":
            self._at += 1
            values.append(self._number(self._deeper(self._sum)))
        self._expect(")")
        low, high = _CALLS[name]
        if not low <= len(values) <= high:
            raise fault(f"formula: want {low} to {high} values in {name}(), got {len(values)}")
        if name == "abs":
            return values[0].abs()
        return pl.min_horizontal(values) if name == "min" else pl.max_horizontal(values)

    def _constant(self, word: str) -> float:
        number = float(word)
        if number == float("inf"):
            raise fault(f"formula: want a number that a float can hold, got {shown(word)}")
        return number

    def _number(self, value: Typed) -> pl.Expr:
        return self._wanted(value, "number", "in a sum, a product or a call")

    def _wanted(self, value: Typed, kind: str, where: str) -> pl.Expr:
        if value[0] != kind:
            told = {"truth": "a comparison", "number": "a number"}
            raise fault(f"formula: want {told[kind]} {where}, got {told.get(value[0], 'a ' + value[0])}")
        return value[1]

    def _deeper(self, part: Callable[[], Typed]) -> Typed:
        self._depth += 1
        if self._depth > DEPTH:
            raise fault(f"formula: want at most {DEPTH} levels, got more")
        value = part()
        self._depth -= 1
        return value

    def _take(self) -> str:
        word = self.word
        if self.kind == "end":
            raise fault("formula: want a column or a number, got the end")
        self._at += 1
        return word

    def _expect(self, sign: str) -> None:
        if self.word != sign or self.kind != "sign":
            raise fault(f"formula: want {sign!r}, got {shown(self.word)}")
        self._at += 1
