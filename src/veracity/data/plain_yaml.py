"""Plain YAML: bounded, no aliases, no tags, every name once. What contracts and panels are read from.

YAML readers differ on what they do with the rest: which of two equal names counts, what a tag
makes, how far an alias unfolds. A text that all of them read alike has none of it.
"""

from typing import Any

import yaml

from veracity.errors import Malformed

_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"


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
        raise error(f"{what}: want at most {limit} bytes, got {len(text)}")
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            _check_event(event)
        document = yaml.load(text, Loader=_OnceLoader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise error(f"{what}: {where}want YAML, got: {exc.problem or exc.context}") from exc
    # Besides its own, the library lets out what Python says of a date, a number or a depth that is none.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as exc:
        raise error(f"{what}: want YAML, got: {(str(exc).splitlines() or [''])[0]}") from exc
    if not isinstance(document, dict):
        raise error(f"{what}: want a mapping at the top, got {type(document).__name__}")
    return document


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


class _OnceLoader(yaml.SafeLoader):
    """Safe YAML in which a name is plain text, and is given once in a mapping."""

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
