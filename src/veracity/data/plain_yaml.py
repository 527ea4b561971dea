"""Plain YAML: bounded, no aliases, no tags, every name once. What contracts and panels are read from.

YAML readers differ on what they do with the rest: which of two equal names counts, what a tag
makes, how far an alias unfolds. A text that all of them read alike has none of it.
"""

from collections.abc import Sequence
from typing import Any

import yaml

from veracity.errors import Malformed

_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
DEPTH = 64
NUMBER_BITS = 10_000  # Python writes no number of over 4,300 digits


def parse_yaml(text: bytes, what: str, limit: int, error: type[Malformed]) -> dict[str, Any]:
    """Read a mapping from YAML bytes.

    Parameters
    ----------
    text
        UTF-8, or UTF-16 with a byte-order mark.
    what
        The document's name in messages, such as ``contract``.
    limit
        The most bytes there may be; looked at before anything is parsed.
    error
        What is raised, with the line at fault where one is known.
    """
    if len(text) > limit:
        raise error(f"{what}: line {_line(text, limit)}: want at most {limit} bytes, got {len(text)}")
    try:
        document = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise error(f"{what}: {where}want YAML, got: {exc.problem or exc.context}") from exc
    except (yaml.YAMLError, ValueError) as exc:
        line = _line(text, int(getattr(exc, "position", 0)))
        problem = (str(exc).splitlines() or [""])[0]
        raise error(f"{what}: line {line}: want YAML, got: {problem}") from exc
    if not isinstance(document, dict):
        raise error(f"{what}: line 1: want a mapping at the top, got {type(document).__name__}")
    return document


def line_of(text: bytes, path: Sequence[str | int]) -> int:
    """Return the line, from 1, at which an element of a mapping that was read stands.

    ``path`` is of names and of places in lists; a name in a list means the item whose ``property``
    it is. The line is that of the last part there is: an element that is missing stands where it
    would be.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = node.start_mark.line if node else 0
    for part in path:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return int(line) + 1


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        named = ((name, value) for name, value in node.value if name.value == str(part))
        return next(((name.start_mark.line, value) for name, value in named), None)
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            called = _child(item, "property") if isinstance(part, str) else None
            if place == part or (called is not None and called[1].value == part):
                return item.start_mark.line, item
    return None


def _line(text: bytes, position: int) -> int:
    return text.count(b"\n", 0, position) + 1


def _check_event(event: yaml.Event) -> None:
    """Refuse aliases, tags, and text that is not Unicode (half of a surrogate pair)."""
    if isinstance(event, yaml.AliasEvent):
        raise _fault(f"an alias (*{event.anchor}): want plain YAML", event.start_mark)
    tag = getattr(event, "tag", None)
    if tag not in (None, _TEXT):
        raise _fault(f"a tag ({tag}): want plain YAML", event.start_mark)
    if isinstance(event, yaml.ScalarEvent):
        try:
            event.value.encode()
        except UnicodeEncodeError:
            raise _fault("text that is not Unicode", event.start_mark) from None


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML without aliases and tags, in which a name is plain text, and is given once in a mapping."""

    _depth = 0

    def get_event(self) -> Any:
        """Return the next event, checked: all of a document are before anything is made of it."""
        event = super().get_event()  # type: ignore[no-untyped-call]
        _check_event(event)
        self._depth += isinstance(event, yaml.CollectionStartEvent)
        self._depth -= isinstance(event, yaml.CollectionEndEvent)
        if self._depth > DEPTH:
            raise _fault(f"more than {DEPTH} levels", event.start_mark)
        return event

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, OverflowError, KeyError) as exc:  # what Python says of a date that is none
            raise _fault(f"{node.value[:40]!r}: {exc}", node.start_mark) from exc
        if isinstance(value, int) and value.bit_length() > NUMBER_BITS:
            raise _fault(f"a number of over {NUMBER_BITS} bits", node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode) or name.tag == _MERGE:
                raise _fault("want plain names in a mapping", name.start_mark)
            if name.value in seen:
                raise _fault(f"{name.value!r} given twice", name.start_mark)
            seen.add(name.value)
        return super().construct_mapping(node, deep)


def _fault(problem: str, mark: Any) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)
