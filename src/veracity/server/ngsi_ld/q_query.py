"""The query language of NGSI-LD (ETSI GS CIM 009, section 4.9): text to a tree of terms. Pure, bounded.

::

    q     = group (("|") group)*        any of them
    group = term (";" term)*            all of them
    term  = "(" q ")" | path | path operator values
    path  = name ("." name)?            an attribute, or what it says besides its value

Operators ``== != > >= < <= ~= !~=``. Values are numbers, ``true`` and ``false``, texts in double quotes,
times and URIs as they are; several separated by commas mean any of them, ``a..b`` all between.
"""

import re
from dataclasses import dataclass
from typing import Literal

from veracity.data.pattern import ATOMS, count_atoms, is_pattern
from veracity.server.ngsi_ld.errors import BadRequestData

MAX_CHARS = 4_000
MAX_TERMS = 64
MAX_DEPTH = 8
MAX_VALUES = 64

Operator = Literal["exists", "==", "!=", ">", ">=", "<", "<=", "~=", "!~="]
Literal_ = str | float | bool
_OPERATOR = re.compile(r"!~=|~=|==|!=|>=|<=|>|<")
_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_@:/#%-]{0,255}")
_IRI = re.compile(r"https?://[A-Za-z0-9_@:/#%.~-]{1,300}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
_BARE = re.compile(r"[^;|()\s\"<>=]{1,500}")


@dataclass(frozen=True)
class Term:
    """One condition on one attribute, or on what it says besides (``part``).

    ``values`` are those compared with: none for ``exists``. With ``is_range`` they are the two ends.
    """

    name: str
    part: str | None
    operator: Operator
    values: tuple[Literal_, ...] = ()
    is_range: bool = False


@dataclass(frozen=True)
class Both:
    """All of them."""

    terms: tuple["Query", ...]


@dataclass(frozen=True)
class Either:
    """Any of them."""

    terms: tuple["Query", ...]


Query = Term | Both | Either


def parse_q(text: str) -> Query:
    """Parse a query; ``BadRequestData`` if it is none, or is too large."""
    if len(text) > MAX_CHARS:
        raise BadRequestData(f"q: want at most {MAX_CHARS} characters, got {len(text)}")
    return _Parser(text).whole()


class _Parser:
    """Reads a text from its beginning; ``at`` is the place of the next character."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.n_terms = text, 0, 0

    def whole(self) -> Query:
        found = self.either(0)
        if self.at != len(self.text):
            raise self.fail("; or | or the end")
        return found

    def either(self, depth: int) -> Query:
        terms = [self.both(depth)]
        while self.take("|"):
            terms.append(self.both(depth))
        return terms[0] if len(terms) == 1 else Either(tuple(terms))

    def both(self, depth: int) -> Query:
        terms = [self.one(depth)]
        while self.take(";"):
            terms.append(self.one(depth))
        return terms[0] if len(terms) == 1 else Both(tuple(terms))

    def one(self, depth: int) -> Query:
        self.n_terms += 1
        if self.n_terms > MAX_TERMS or depth > MAX_DEPTH:
            raise BadRequestData(f"q: want at most {MAX_TERMS} terms, {MAX_DEPTH} deep, got more")
        if self.take("("):
            found = self.either(depth + 1)
            if not self.take(")"):
                raise self.fail(")")
            return found
        name, part = self.path()
        operator = self.match(_OPERATOR)
        if operator is None:
            return Term(name, part, "exists")
        if operator in ("~=", "!~="):
            return Term(name, part, operator, (self.pattern(),))  # type: ignore[arg-type]
        return self.compared(name, part, operator)

    def path(self) -> tuple[str, str | None]:
        name = self.match(_IRI) or self.match(_NAME)
        if name is None:
            raise self.fail("an attribute")
        if not self.take("."):
            return name, None
        part = self.match(_NAME)
        if part is None:
            raise self.fail("a name after the point")
        return name, part

    def compared(self, name: str, part: str | None, operator: str) -> Term:
        values, is_range = [self.value()], False
        if self.text.startswith("..", self.at):
            self.at += 2
            values.append(self.value())
            is_range = True
        while not is_range and self.take(","):
            values.append(self.value())
            if len(values) > MAX_VALUES:
                raise BadRequestData(f"q: want at most {MAX_VALUES} values in a list, got more")
        if len(values) > 1 and operator not in ("==", "!="):
            raise BadRequestData(f"q: want one value after {operator}, got a list or a range")
        return Term(name, part, operator, tuple(values), is_range)  # type: ignore[arg-type]

    def value(self) -> Literal_:
        if self.take('"'):
            return self.quoted()
        start = self.at
        found = _BARE.match(self.text, start)
        if found is None:
            raise self.fail("a value")
        word = re.split(r"\.\.|,", found[0], maxsplit=1)[0]
        if not word:
            raise self.fail("a value")
        self.at = start + len(word)
        if word in ("true", "false"):
            return word == "true"
        return float(word) if _NUMBER.fullmatch(word) else word

    def quoted(self) -> str:
        out: list[str] = []
        while self.at < len(self.text):
            c = self.text[self.at]
            self.at += 1
            if c == '"':
                return "".join(out)
            if c == "\\" and self.at < len(self.text):
                c = self.text[self.at]
                self.at += 1
            out.append(c)
        raise self.fail('a closing "')

    def pattern(self) -> str:
        if self.take('"'):
            found = self.quoted()
        else:
            bare = re.compile(r"[^;|()]{1,200}").match(self.text, self.at)
            if bare is None:
                raise self.fail("a pattern")
            found, self.at = bare[0], bare.end()
        return checked_pattern("q", found)

    def take(self, text: str) -> bool:
        """Pass over a text if it comes next."""
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def fail(self, wanted: str) -> BadRequestData:
        got = self.text[self.at : self.at + 20] or "the end"
        return BadRequestData(f"q: want {wanted} at character {self.at}, got {got!r}")


def checked_pattern(where: str, text: str) -> str:
    """Return a regular expression that the engine takes, of bounded size; else ``BadRequestData``."""
    if not 0 < len(text) <= 200 or not is_pattern(text) or count_atoms(text) > ATOMS:
        raise BadRequestData(f"{where}: want a regular expression of bounded size, got {text[:40]!r}")
    return text
