"""``$filter`` and ``$orderby`` parsed, as OGC 18-088 section 9.3.3.5 and OData 4.01 have them.

A recursive descent over tokens, of bounded depth. Which functions there are, and with how many
arguments, is in ``functions``; a name that is none of them is an error here, not later.
"""

from collections.abc import Callable

from veracity.server.sensorthings.errors import MalformedFilter
from veracity.server.sensorthings.expression import AnyOf, Call, Literal, Node, Path
from veracity.server.sensorthings.functions import FUNCTIONS
from veracity.server.sensorthings.lexer import Token, tokens

MAX_DEPTH = 32
MAX_STEPS = 8
MAX_IN = 200
_EQUAL = ("eq", "ne")
_ORDER = ("gt", "ge", "lt", "le", "in")
_SUM = ("add", "sub")
_PRODUCT = ("mul", "div", "mod")
_Rule = Callable[[], Node]
_WORDS = {*_EQUAL, *_ORDER, *_SUM, *_PRODUCT, "and", "or", "not"}


def parse_filter(text: str) -> Node:
    """Parse a condition.

    Raises
    ------
    MalformedFilter
        Naming what stood where something else was wanted.
    """
    return _Parser(tokens(text)).whole()


def parse_order(text: str) -> tuple[tuple[Node, bool], ...]:
    """Parse a list of expressions, each with ``asc`` or ``desc``; return them and whether they descend."""
    return _Parser(tokens(text)).order()


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens, self._at, self._depth = found, 0, 0

    def whole(self) -> Node:
        node = self._or()
        self._want_end()
        return _not_too_deep(node)

    def order(self) -> tuple[tuple[Node, bool], ...]:
        keys: list[tuple[Node, bool]] = []
        while True:
            node = _not_too_deep(self._or())
            words = ("asc", "desc", "ASC", "DESC")  # some clients write them large
            way = self._next().text.lower() if self._is("name", *words) else "asc"
            keys.append((node, way == "desc"))
            if len(keys) > MAX_STEPS:
                raise MalformedFilter(f"orderby: want at most {MAX_STEPS} keys, got more")
            if not self._is("sign", ","):
                self._want_end()
                return tuple(keys)
            self._next()

    def _or(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise MalformedFilter(f"filter: want at most {MAX_DEPTH} levels, got more")
        node = self._joined("or", lambda: self._joined("and", self._not))
        self._depth -= 1
        return node

    def _joined(self, word: str, part: _Rule) -> Node:
        parts = [part()]
        while self._is("name", word):
            self._next()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Call(word, tuple(parts))

    def _not(self) -> Node:
        if not self._is("name", "not"):
            return self._compared()
        self._next()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise MalformedFilter(f"filter: want at most {MAX_DEPTH} levels, got more")
        node = Call("not", (self._not(),))
        self._depth -= 1
        return node

    def _compared(self) -> Node:
        return self._binary(_EQUAL, lambda: self._binary(_ORDER, self._sum))

    def _sum(self) -> Node:
        return self._binary(_SUM, lambda: self._binary(_PRODUCT, self._signed))

    def _binary(self, words: tuple[str, ...], part: _Rule) -> Node:
        node = part()
        while self._is("name", *words):
            word = self._next().text
            node = Call("in", (node, *self._list())) if word == "in" else Call(word, (node, part()))
        return node

    def _list(self) -> list[Node]:
        self._want("(")
        items: list[Node] = [self._or()]
        while self._is("sign", ","):
            self._next()
            items.append(self._or())
            if len(items) > MAX_IN:
                raise MalformedFilter(f"filter: want at most {MAX_IN} values in a list, got more")
        self._want(")")
        return items

    def _signed(self) -> Node:
        if not self._is("sign", "-"):
            return self._primary()
        self._next()
        node = self._primary()
        if isinstance(node, Literal) and isinstance(node.value, float):
            return Literal(-node.value)
        return Call("sub", (Literal(0.0), node))

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == "literal":
            return Literal(token.value)
        if token.kind == "sign" and token.text == "(":
            node = self._or()
            self._want(")")
            return node
        if token.kind != "name" or token.text in _WORDS:
            raise MalformedFilter(f"filter: want a value, got {token.text[:60]!r}")
        return self._call(token.text) if self._is("sign", "(") else self._path(token.text)

    def _call(self, name: str) -> Node:
        function = FUNCTIONS.get(name.lower())
        if function is None:
            known = ", ".join(FUNCTIONS)
            raise MalformedFilter(f"filter: want a function ({known}), got {name[:60]!r}")
        self._want("(")
        arguments: list[Node] = []
        while not self._is("sign", ")"):
            if arguments:
                self._want(",")
            arguments.append(self._or())
            if len(arguments) > 8:
                raise MalformedFilter(f"filter: {name}: want at most 8 arguments, got more")
        self._want(")")
        least, most, n = function.least, len(function.kinds), len(arguments)
        if not least <= n <= most:
            raise MalformedFilter(f"filter: {name}: want {least} to {most} arguments, got {n}")
        return Call(name.lower(), tuple(arguments))

    def _path(self, first: str) -> Node:
        steps = [first]
        while self._is("sign", "/"):
            self._next()
            token = self._next()
            if token.kind != "name":
                raise MalformedFilter(
                    f"filter: want a name after {'/'.join(steps)[:80]}/, got {token.text[:20]!r}"
                )
            if token.text == "any" and self._is("sign", "("):
                return self._any(Path(tuple(steps)))
            steps.append(token.text)
            if len(steps) > MAX_STEPS:
                raise MalformedFilter(f"filter: want at most {MAX_STEPS} names in a path, got more")
        return Path(tuple(steps))

    def _any(self, path: Path) -> Node:
        self._want("(")
        variable = self._next()
        if variable.kind != "name" or variable.text in _WORDS:
            raise MalformedFilter(f"filter: any: want a name, got {variable.text[:20]!r}")
        self._want(":")
        condition = self._or()
        self._want(")")
        return AnyOf(path, variable.text, condition)

    def _is(self, kind: str, *texts: str) -> bool:
        token = self._tokens[self._at]
        return token.kind == kind and token.text in texts

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _want(self, sign: str) -> None:
        token = self._next()
        if token.kind != "sign" or token.text != sign:
            raise MalformedFilter(f"filter: want {sign!r}, got {token.text[:60]!r}")

    def _want_end(self) -> None:
        token = self._tokens[self._at]
        if token.kind != "end":
            raise MalformedFilter(f"filter: want an operator or the end, got {token.text[:60]!r}")


def _not_too_deep(node: Node) -> Node:
    """Return an expression that may be walked by recursion: chains such as ``1 add 1 add 1`` are deep too."""
    level = [node]
    for _ in range(2 * MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return node
    raise MalformedFilter(f"filter: want at most {2 * MAX_DEPTH} operations within each other, got more")


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Call):
        return node.arguments
    return (node.condition,) if isinstance(node, AnyOf) else ()
