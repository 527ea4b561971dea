"""Units of measurement, named by the Unified Code for Units of Measure (UCUM).

The parser is ``ucumvert`` over ``pint``; both take most of a second to load, so they are
loaded by the first call, not by importing this module.
"""

import re
from functools import lru_cache
from typing import Any

from veracity.errors import Malformed


class UnknownUnit(Malformed):
    """The text is no UCUM unit, or two units do not measure the same kind of thing."""

    code = "unknown-unit"


@lru_cache(maxsize=1)
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def check_unit(code: str) -> None:
    """Raise ``UnknownUnit`` unless ``code`` is a UCUM unit such as ``ug/m3``, ``Cel`` or ``mm/h``."""
    _unit(code)


@lru_cache(maxsize=256)
def conversion(source: str, target: str) -> tuple[float, float]:
    """Return ``(scale, offset)`` such that ``target value = source value * scale + offset``.

    Both are rounded to 12 significant digits, so that they do not depend on the order in
    which a library multiplies.

    Examples
    --------
    >>> conversion("mg/m3", "ug/m3")
    (1000.0, 0.0)
    >>> conversion("[degF]", "Cel")
    (0.555555555556, -17.7777777778)
    """
    if source == target:
        return 1.0, 0.0
    import pint

    registry = _registry()
    try:
        zero = registry.Quantity(0.0, _unit(source)).to(_unit(target)).magnitude
        one = registry.Quantity(1.0, _unit(source)).to(_unit(target)).magnitude
    except (pint.PintError, AssertionError) as exc:  # it asserts that a code such as kph reads one way
        raise UnknownUnit(f"unit: want one convertible to {target!r}, got {source!r}") from exc
    return float(f"{one - zero:.12g}"), float(f"{zero:.12g}")


@lru_cache(maxsize=256)
def _unit(code: str) -> Any:
    import lark
    import pint

    if not 0 < len(code) <= 64:
        raise UnknownUnit(f"unit: want a UCUM code of 1 to 64 characters, got {code[:24]!r}")
    # Section 6 of UCUM: an annotation does not change the unit, so "{vehicles}/h" is "/h".
    bare = re.sub(r"\{[^{}]*\}", "", code) or "1"
    bare = "1" + bare if bare.startswith("/") else bare
    try:
        return _registry().from_ucum(bare).units
    except (lark.exceptions.LarkError, pint.PintError, AttributeError, ValueError) as exc:
        raise UnknownUnit(f"unit: want a UCUM code such as 'ug/m3', got {code!r}") from exc
