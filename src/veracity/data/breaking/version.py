"""Which step of its version a change of contract deserves (semver.org, 2.0.0)."""

import re
from collections.abc import Sequence
from typing import Literal

from veracity.data.breaking.change import Change
from veracity.data.contract import Contract

Bump = Literal["none", "patch", "minor", "major"]
_SEMVER = re.compile(r"v?(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})(?:[-+].*)?")
_ORDER: tuple[Bump, ...] = ("none", "patch", "minor", "major")


def bump_deserved(old: Contract, new: Contract, changes: Sequence[Change]) -> Bump:
    """Return ``major`` if readers break, ``minor`` if a verdict or a column changes, ``patch`` for words."""
    if any(c.breaks == "readers" for c in changes):
        return "major"
    words = {"description", "title", "rule-severity"}
    if any(c.kind not in words for c in changes):
        return "minor"
    return "patch" if old.sha256 != new.sha256 else "none"


def bump_made(old: str, new: str) -> Bump | None:
    """Return the step from one version to another; None if one is no semantic version, or it goes back.

    Before 1.0.0 anything may change with the second number: it counts as ``major``.

    Examples
    --------
    >>> bump_made("1.2.0", "1.3.0"), bump_made("0.2.0", "0.3.0"), bump_made("2", "3")
    ('minor', 'major', None)
    """
    a, b = _SEMVER.fullmatch(old), _SEMVER.fullmatch(new)
    if a is None or b is None:
        return None
    before, after = ([int(n) for n in m.groups()] for m in (a, b))
    if after < before:
        return None
    if before == after:
        return "none"
    first = next(i for i in range(3) if before[i] != after[i])
    if before[0] == 0 == after[0] and first == 1:
        return "major"
    return ("major", "minor", "patch")[first]


def obeys(deserved: Bump, made: Bump | None) -> bool:
    """Tell whether a step is large enough; none that can be read is not, unless none is due."""
    return deserved == "none" or (made is not None and _ORDER.index(made) >= _ORDER.index(deserved))
