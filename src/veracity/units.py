"""Units of measurement, named by the Unified Code for Units of Measure (UCUM).

The parser is ``ucumvert`` over ``pint``. Both take most of a second to load, which is more than most
commands take for all else. So what they say of the units that cities use stands in ``known_units.json``,
made by ``python tests/make_known_units.py``; they are loaded for what is not in there.
"""

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from veracity.errors import Malformed


class UnknownUnit(Malformed):
    """The text is no UCUM unit, or two units do not measure the same kind of thing."""

    code = "unknown-unit"


def check_unit(code: str) -> None:
    """Raise ``UnknownUnit`` unless ``code`` is a UCUM unit such as ``ug/m3``, ``Cel`` or ``mm/h``."""
    if _bare(code) not in _known():
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
    known = _known().get(_bare(source), {}).get(_bare(target))
    return computed_conversion(source, target) if known is None else (known[0], known[1])


def computed_conversion(source: str, target: str) -> tuple[float, float]:
    """Return what ``conversion`` does, from the libraries."""
    import pint

    registry = _registry()
    try:
        zero = registry.Quantity(0.0, _unit(source)).to(_unit(target)).magnitude
        one = registry.Quantity(1.0, _unit(source)).to(_unit(target)).magnitude
    except (pint.PintError, AssertionError) as exc:  # it asserts that a code such as kph reads one way
        raise UnknownUnit(f"unit: want one convertible to {target!r}, got {source!r}") from exc
    return float(f"{one - zero:.12g}"), float(f"{zero:.12g}")


@cache
def _known() -> dict[str, dict[str, list[float]]]:
    """Return scale and offset by source and target, of units without annotations."""
    document: dict[str, dict[str, list[float]]] = json.loads(
        Path(__file__).with_name("known_units.json").read_bytes()
    )
    return document


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


def _bare(code: str) -> str:
    """Return a code without annotations, which do not change a unit (UCUM, section 6).

    So ``{vehicles}/h`` is ``1/h``.
    """
    if not 0 < len(code) <= 64:
        raise UnknownUnit(f"unit: want a UCUM code of 1 to 64 characters, got {code[:24]!r}")
    bare = re.sub(r"\{[^{}]*\}", "", code) or "1"
    return "1" + bare if bare.startswith("/") else bare


@lru_cache(maxsize=256)
def _unit(code: str) -> Any:
    import lark
    import pint

    bare = _bare(code)
    try:
        return _registry().from_ucum(bare).units
    except (lark.exceptions.LarkError, pint.PintError, AttributeError, ValueError) as exc:
        raise UnknownUnit(f"unit: want a UCUM code such as 'ug/m3', got {code!r}") from exc
