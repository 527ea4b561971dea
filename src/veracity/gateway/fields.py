"""Reading the parts of a configuration that several of its sections have."""

import math
import re
from pathlib import Path
from typing import Any

from veracity.provenance.fields import Fields

FEED = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
GATEWAY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}/[a-z0-9][a-z0-9-]{0,62}")
MAX_ADDED = 64


def number(fields: Fields, name: str, low: float, high: float, default: float | None = None) -> float:
    """Return a finite number from ``low`` to ``high``."""
    if name not in fields and default is not None:
        return default
    value = fields.take(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        raise fields.fail(name, f"a number from {low:g} to {high:g}", value)
    return float(value)


def whole(fields: Fields, name: str, low: int, high: int, default: int | None = None) -> int:
    """Return a whole number from ``low`` to ``high``."""
    if name not in fields and default is not None:
        return default
    value = fields.count(name, low)
    if value > high:
        raise fields.fail(name, f"a whole number from {low} to {high}", value)
    return value


def text(fields: Fields, name: str, default: str | None = None) -> str:
    """Return a text, or the default where it is not given."""
    return default if default is not None and name not in fields else fields.text(name)


def maybe(fields: Fields, name: str) -> str | None:
    """Return a text, or None where it is not given."""
    return fields.text(name) if name in fields else None


def path(fields: Fields, name: str, base: Path) -> Path | None:
    """Return a path, relative to the configuration's own folder, or None."""
    given = maybe(fields, name)
    return None if given is None else base / given


def names(fields: Fields, name: str, most: int) -> tuple[str, ...]:
    """Return a list of different names."""
    items = fields.items(name, most)
    if not items or not all(isinstance(item, str) and 0 < len(item) <= 128 for item in items):
        raise fields.fail(name, f"1 to {most} names", items)
    if len(set(items)) != len(items):
        raise fields.fail(name, "each name once", items)
    return tuple(items)


def added(fields: Fields, name: str) -> dict[str, Any]:
    """Return plain values by name, none where none are given."""
    if name not in fields:
        return {}
    value = fields.take(name)
    plain = isinstance(value, dict) and all(
        v is None or isinstance(v, str | int | float | bool) for v in value.values()
    )
    if not plain or len(value) > MAX_ADDED:
        raise fields.fail(name, f"at most {MAX_ADDED} names, each with a plain value", value)
    return dict(value)
