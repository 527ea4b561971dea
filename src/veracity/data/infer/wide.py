"""Files with one column a sensor: which columns belong together, under which template."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from veracity.data.infer.names import words
from veracity.data.infer.quantities import quantity_of
from veracity.data.infer.readings import Column

_NUMBERED = re.compile(r"([^\d{}]*?)([_\-.]?)(\d{1,12})")
_FEW_NUMBERED, _FEW_SEPARATED = 6, 3


@dataclass(frozen=True)
class Template:
    """Columns that say the same thing of different sensors.

    Attributes
    ----------
    prefix, names
        What the columns share, and the numbers after it.
    physical
        The contract's template, such as ``wl_{station}``.
    pattern
        What the carried name must look like.
    """

    prefix: str
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    physical: str
    pattern: str
    why: str


def find_templates(columns: Sequence[Column], carried: str) -> list[Template]:
    """Return the groups of numeric columns whose names differ only in a number.

    Three are enough where ``_``, ``-`` or ``.`` stands before the number, six where nothing does:
    ``pm1``, ``pm25`` and ``pm10`` are no sensors.
    """
    groups: dict[tuple[str, str], list[tuple[str, Column]]] = {}
    for column in columns:
        found = _NUMBERED.fullmatch(column.header)
        if found and column.type in ("number", "integer") and not _is_quantity(column.header):
            groups.setdefault((found[1], found[2]), []).append((found[3], column))
    out = []
    n_numeric = sum(c.type in ("number", "integer") for c in columns)
    for (prefix, mark), members in groups.items():
        if len(members) < (_FEW_SEPARATED if mark else _FEW_NUMBERED) or not prefix + mark:
            continue
        digits = [name for name, _ in members]
        lengths = sorted({len(d) for d in digits})
        span = f"{{{lengths[0]}}}" if len(lengths) == 1 else f"{{{lengths[0]},{lengths[-1]}}}"
        stem = prefix + mark
        whole = not mark and len(members) == n_numeric
        why = f"{len(members):,} columns from {stem + digits[0]!r} to {stem + digits[-1]!r}"
        if whole:  # the name as a whole is what registries hold: V17, not 17
            pattern = f"^{re.escape(prefix)}[0-9]{span}$"
            physical = f"{{{carried}}}"
            names = tuple(stem + d for d in digits)
        else:
            pattern, physical, names = f"^[0-9]{span}$", f"{stem}{{{carried}}}", tuple(digits)
        out.append(Template(prefix, names, tuple(c for _, c in members), physical, pattern, why))
    return out


def _is_quantity(header: str) -> bool:
    """Tell whether the number belongs to the name of a quantity, as in ``pm25`` or ``no2``."""
    found = quantity_of(words(header))
    return found is not None and quantity_of(re.sub(r"[_\W]*\d+$", "", words(header))) is not found
