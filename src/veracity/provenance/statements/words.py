"""What the statements about models share: names, stages, digests, and lines that people wrote."""

import re
from typing import Literal, get_args

from veracity.provenance.errors import MalformedStatement
from veracity.provenance.fields import Fields
from veracity.provenance.statements.checks import check_person

Stage = Literal["shadow", "advise", "act"]
Action = Literal["release", "roll-back", "stop"]
Verdict = Literal["passed", "failed", "incomplete"]
Severity = Literal["low", "serious", "critical"]

STAGES: tuple[Stage, ...] = get_args(Stage)
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MODEL_NAME = "a model's name ([a-z0-9-], at most 64)"
SYSTEM_NAME = "a system's name ([a-z0-9-], at most 64)"


def read_system(fields: Fields) -> str:
    """Read the name ``system``: an app of the city, as its declaration names it."""
    return fields.matching("system", NAME, SYSTEM_NAME)


def read_digests(fields: Fields, name: str, most: int) -> tuple[str, ...]:
    """Read an array of SHA-256 digests, in order, each once."""
    items = fields.items(name, most)
    digests = tuple(d for d in items if isinstance(d, str) and re.fullmatch(r"[0-9a-f]{64}", d))
    if len(digests) != len(items) or list(digests) != sorted(set(digests)):
        raise fields.fail(name, "digests of 64 hex digits in order, each once", items)
    return digests


def check_line(name: str, text: str) -> None:
    """Raise MalformedStatement unless a text is one line that shows itself."""
    try:
        check_person("x", text)
    except MalformedStatement as exc:
        raise MalformedStatement(f"{name}: {str(exc).removeprefix('why: ')}") from exc
