"""Columns of few values: what may be listed as the only allowed ones."""

import re
from dataclasses import dataclass

from veracity.data.infer.names import words
from veracity.data.infer.readings import Column

_POINTS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
_PASSING = re.compile(r"(^|_)(url|link|file|filename|path|date|time|note|comment|version)(_|$)")
_MOST, _EACH = 24, 20


@dataclass(frozen=True)
class Choices:
    """Allowed values, and why."""

    values: tuple[str, ...]
    why: str


def choices(column: Column, *, is_whole: bool) -> Choices | None:
    """Return the values of a column of few, each of them frequent; None for any other column."""
    if column.type not in ("string", "integer") or column.n_present == 0:
        return None
    counted = column.text.drop_nulls().value_counts(sort=True)
    values = sorted(counted[column.text.name].to_list())
    if column.type == "string" and set(values) <= set(_POINTS) and len(values) >= 4:
        return Choices(_POINTS, f"the 16 points of the compass (sure): {len(values)} of them are there")
    if _PASSING.search(words(column.header)):
        return None
    few = 1 < len(values) <= (_MOST if column.type == "string" else 2)
    if not few or column.n_present < _EACH * len(values) or max(map(len, values)) > 80:
        return None
    if column.type == "integer" and values != ["0", "1"]:
        return None
    where = "in all records" if is_whole else "in the records looked at; others may hold more"
    return Choices(
        tuple(values), f"allowed values (a guess): only these {len(values)} {where}; a new one is set aside"
    )
