"""Regular expressions that end in time: the engine is linear in the text, times the pattern's size."""

import re

import polars as pl

ATOMS = 1_000  # with counted repetitions written out: a record of 65,536 bytes takes a tenth of a second

_COUNT = re.compile(r"\{([0-9]*)(?:,([0-9]*))?\}")
_ESCAPE = re.compile(r"\\(?:[pPxuU]\{[^}]*\}|.)", re.DOTALL)


def is_pattern(pattern: str) -> bool:
    """Tell whether the engine that will run it (Rust's ``regex``) takes the pattern."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return False
    return True


def count_atoms(pattern: str) -> int:
    """Count what a pattern matches one after another, with ``{n}`` written out n times.

    Examples
    --------
    >>> count_atoms("^[0-9]{4}-(ab|c){10}$")
    47
    """
    open_groups = [0]
    last, at = 0, 0
    while at < len(pattern):
        counted = _COUNT.match(pattern, at)
        escape = _ESCAPE.match(pattern, at)
        if counted and last:
            times = max(int(n or 1) for n in (counted[1], counted[2] or "1"))
            open_groups[-1] += last * (times - 1)
            at = counted.end()
            last *= times
            continue
        last = 1
        if escape:
            at = escape.end()
        elif pattern[at] == "[":
            at = _end_of_class(pattern, at)
        else:
            at += 1
            if pattern[at - 1] == "(":
                open_groups.append(0)
                last = 0
                continue
            if pattern[at - 1] == ")" and len(open_groups) > 1:
                last = max(1, open_groups.pop())
        open_groups[-1] += last
    return sum(open_groups)


def _end_of_class(pattern: str, at: int) -> int:
    """Return where the class that opens at ``at`` ends; classes may stand in one another."""
    depth = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "[":
            depth += 1
            at += pattern[at + 1 : at + 2] == "^"
            at += pattern[at + 1 : at + 2] == "]"
        elif pattern[at] == "]":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return at
