"""What numbers stand for "no value", and between which bounds the others are plausible."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

# Numbers that instruments and people write where there is no value.
CODES = (
    *(-200.0, -99.0, -99.9, -999.0, -999.9, -9999.0, -99999.0, -6999.0, -7999.0, 999.0, 9999.0, 99999.0),
    *(-32768.0, 32767.0, 65535.0),
)
_UNMISTAKABLE = {-999.0, -999.9, -9999.0, -99999.0, -6999.0, -7999.0, 99999.0, -32768.0, 65535.0}
_REPEATED = 5
_OUTSIDE = 0.005  # of the values: more outside a physical limit than this, and the limit is doubted


_Pair = tuple[float | None, float | None]


@dataclass(frozen=True)
class Range:
    """Bounds, either of which may be absent, and why."""

    low: float | None
    high: float | None
    why: tuple[str, ...]


def sentinels(numbers: pl.Series) -> dict[float, str]:
    """Return the values that probably stand for none, each with the reason, lowest first.

    A code such as -200 counts where it stands apart from all other values and comes again, or is
    one that nothing measures. Any other value counts where it is the lowest or highest, comes at
    least five times, and lies as far from the rest as the rest spans.
    """
    counted = numbers.drop_nulls().value_counts().sort(numbers.name)
    values, counts = counted[numbers.name].to_numpy(), counted["count"].to_numpy()
    found: dict[float, str] = {}
    first, last = 0, len(values) - 1
    while last - first >= 2:
        rest = values[first : last + 1]
        for at, near, inner in ((first, first + 1, rest[1:]), (last, last - 1, rest[:-1])):
            value, n = float(values[at]), int(counts[at])
            apart = abs(float(values[at]) - float(values[near]))
            if (why := _reason(value, n, apart, inner)) is not None:
                found[value] = why
                first, last = (first + 1, last) if at == first else (first, last - 1)
                break
        else:
            break
    return dict(sorted(found.items()))


def _reason(
    value: float, n: int, apart: float, inner: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> str | None:
    span = float(inner[-1] - inner[0])
    times = f"{n:,} times" if n > 1 else "once"
    if value in CODES:
        isolated = apart > 0.1 * span and apart > 0.1 * abs(value)
        if isolated and (n >= 3 or value in _UNMISTAKABLE):
            return f"{_plain(value)} {times}, a common code, far from all else"
    if n >= _REPEATED and apart > span > 0 and len(inner) >= 10:
        return f"{_plain(value)} {times}, as far from the rest as the rest spans"
    return None


def plausible(numbers: pl.Series, low: float | None, high: float | None, limit_why: str) -> Range:
    """Return bounds: the physical ones where the values keep them, else wide ones about the bulk.

    Parameters
    ----------
    numbers
        Without sentinels, in the unit of the bounds.
    low, high
        Physical limits, where known; ``limit_why`` says whose.
    """
    values = numbers.drop_nulls()
    if values.is_empty():
        return Range(low, high, ())
    tail = max(0.001, min(0.01, 2 / values.len()))  # of a few hundred values, leave out two and not none
    shares = (0.0, tail, 0.5, 1 - tail, 1.0)
    q = [float(values.quantile(p, interpolation="nearest") or 0) for p in shares]
    names = ("lowest", f"{100 * tail:.2g} %", "middle", f"{100 - 100 * tail:.4g} %", "highest")
    seen = "values: " + ", ".join(f"{name} {_plain(v)}" for name, v in zip(names, q, strict=True))
    notes = [seen]
    out = {}
    outer = _outer(values, q[1], q[3])
    for side, limit, mine in (("low", low, outer[0]), ("high", high, outer[1])):
        if limit is None:
            out[side] = mine
            continue
        n_outside = int(((values < limit) if side == "low" else (values > limit)).sum())
        out[side] = limit
        if n_outside > _OUTSIDE * values.len():
            out[side] = mine
            many = _n_values(n_outside)
            notes.append(f"CHECK the unit: {many} beyond {_plain(limit)} ({limit_why}); bound from data")
        elif n_outside:
            why = "nothing is below 0" if limit == 0 else limit_why
            notes.append(f"{_n_values(n_outside)} beyond {_plain(limit)} will be set aside ({why})")
    notes += _suspects(values, outer, (out["low"], out["high"]))
    bounded = [name for name, limit in (("minimum", low), ("maximum", high)) if limit is not None]
    if len(bounded) < 2:
        which = " and ".join(b for b in ("minimum", "maximum") if b not in bounded)
        notes.append(f"{which} (a guess): the bulk and as much again on each side; narrow it")
    elif limit_why:
        notes.append(f"bounds (likely): {limit_why}")
    return Range(out["low"], out["high"], tuple(notes))


def _suspects(values: pl.Series, outer: _Pair, bounds: _Pair) -> list[str]:
    """Name what the bounds let through though it is far from the bulk, and a ceiling, if there is one."""
    notes = []
    low, high = (-math.inf if outer[0] is None else outer[0]), (math.inf if outer[1] is None else outer[1])
    inside = values.filter(
        (values >= (-math.inf if bounds[0] is None else bounds[0]))
        & (values <= (math.inf if bounds[1] is None else bounds[1]))
    )
    far = inside.filter((inside < low) | (inside > high))
    if far.len():
        odd = far.unique().sort()
        some = ", ".join(map(_plain, odd if odd.len() <= 3 else [*odd.head(2), *odd.tail(1)]))
        notes.append(
            f"CHECK: far from the bulk but within the bounds, {_n_values(far.len())}: {some};"
            f" bounds of {_plain(low)} and {_plain(high)} would set them aside"
        )
    top = values.value_counts().sort(values.name).tail(5)
    counts = top["count"].to_list()
    highest = float(values.max())  # type: ignore[arg-type]  # of numbers
    if len(counts) == 5 and counts[-1] >= 3 and counts[-1] > 3 * max(counts[:-1]) and highest != high:
        notes.append(f"CHECK: the highest, {_plain(highest)}, comes {counts[-1]:,} times: perhaps a ceiling")
    return notes


def _outer(values: pl.Series, low: float, high: float) -> tuple[float | None, float | None]:
    """Return wide bounds about the bulk, rounded outwards; 0 where nothing is below it."""
    span = high - low
    if span <= 0:
        return None, None
    floor = round_outwards(low - span, up=False)
    lowest = float(values.min())  # type: ignore[arg-type]  # of numbers
    return (0.0 if lowest >= 0 > floor else floor), round_outwards(high + span, up=True)


def round_outwards(value: float, *, up: bool) -> float:
    """Return the next number of two digits.

    Examples
    --------
    >>> round_outwards(1234.0, up=True), round_outwards(-0.0151, up=False)
    (1300.0, -0.016)
    """
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    n = math.ceil(value / step) if up else math.floor(value / step)
    return float(f"{n * step:.3g}")


def _n_values(n: int) -> str:
    return "1 value" if n == 1 else f"{n:,} values"


def _plain(value: float) -> str:
    return f"{value:.6g}"
