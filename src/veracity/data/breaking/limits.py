"""What changed in the values that a column may hold."""

import math
from collections.abc import Iterator

from veracity.data.breaking.change import Change
from veracity.data.contract_field import Field

_Bound = tuple[float, bool]  # a bound, and whether it itself is outside

WIDER = "what was set aside is in the table now: readers may see values that there were none of"
NARROWER = "values that were accepted are set aside"


def limits(old: Field, new: Field) -> Iterator[Change]:
    """Yield what changed in a column's range, length, pattern and allowed values."""
    yield from _compared("range", old.name, _range(old), _range(new))
    yield from _compared("length", old.name, _lengths(old), _lengths(new))
    if old.pattern != new.pattern:
        yield _pattern(old, new)
    if old.values != new.values:
        yield from _values(old, new)


def _range(f: Field) -> tuple[_Bound, _Bound]:
    """Return the lowest and the highest bound; a bound that excludes itself is the narrower of two equal."""
    low = max(
        (f.minimum if f.minimum is not None else -math.inf, False), _bound(f.exclusive_minimum, -math.inf)
    )
    high = min(
        (f.maximum if f.maximum is not None else math.inf, False),
        _bound(f.exclusive_maximum, math.inf),
        key=lambda b: (b[0], not b[1]),
    )
    return low, high


def _bound(value: float | None, none: float) -> _Bound:
    return (none, False) if value is None else (value, True)


def _lengths(f: Field) -> tuple[_Bound, _Bound]:
    low = 0 if f.min_length is None else f.min_length
    return (float(low), False), (math.inf if f.max_length is None else float(f.max_length), False)


def _compared(
    kind: str, name: str, old: tuple[_Bound, _Bound], new: tuple[_Bound, _Bound]
) -> Iterator[Change]:
    if old == new:
        return
    # Of equal lower bounds the excluding one is higher; of equal upper bounds it is lower.
    wider = new[0] < old[0] or (new[1][0], not new[1][1]) > (old[1][0], not old[1][1])
    narrower = new[0] > old[0] or (new[1][0], not new[1][1]) < (old[1][0], not old[1][1])
    if wider:
        yield Change(f"{kind}-widened", name, _span(old), _span(new), "readers", WIDER)
    if narrower:
        yield Change(f"{kind}-narrowed", name, _span(old), _span(new), "senders", NARROWER)


def _span(bounds: tuple[_Bound, _Bound]) -> str:
    (low, no_low), (high, no_high) = bounds
    left, right = "(" if no_low or math.isinf(low) else "[", ")" if no_high or math.isinf(high) else "]"
    return f"{left}{low:g}, {high:g}{right}"


def _pattern(old: Field, new: Field) -> Change:
    if old.pattern is None:
        return Change("pattern-added", old.name, None, new.pattern, "senders", NARROWER)
    if new.pattern is None:
        return Change("pattern-removed", old.name, old.pattern, None, "readers", WIDER)
    why = "the two cannot be compared: some texts may be accepted that were not"
    return Change("pattern-changed", old.name, old.pattern, new.pattern, "readers", why)


def _values(old: Field, new: Field) -> Iterator[Change]:
    if old.values is None:
        yield Change("enum-added", old.name, None, _some(new.values), "senders", NARROWER)
        return
    if new.values is None:
        yield Change("enum-removed", old.name, _some(old.values), None, "readers", WIDER)
        return
    more = [v for v in new.values if v not in old.values]
    fewer = [v for v in old.values if v not in new.values]
    if more:
        yield Change("enum-widened", old.name, None, _some(tuple(more)), "readers", WIDER)
    if fewer:
        yield Change("enum-narrowed", old.name, _some(tuple(fewer)), None, "senders", NARROWER)


def _some(values: tuple[str, ...] | None) -> str:
    shown = [repr(v) for v in (values or ())[:8]]
    return ", ".join(shown) + (f" and {len(values) - 8} more" if values and len(values) > 8 else "")
