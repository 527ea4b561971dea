"""The rows of a segment that a family asks for: found, or counted alone."""

from collections.abc import Sequence

import polars as pl

from veracity.server.sensorthings.columns import SENSOR, compared_number, condition
from veracity.server.sensorthings.families import ROW, VALUE, Family
from veracity.server.sensorthings.feed_columns import BATCH, RECORD, TIME, Segment

_RESULT = ("result",)


def rows_of(family: Family, segment: Segment) -> pl.DataFrame:
    """Return the rows of a segment that fulfil the conditions: all columns, and ``_row``."""
    rows, keep = _asked(family, segment, is_numbered=True)
    return rows.lazy().filter(pl.all_horizontal(keep)).collect()


def n_rows_of(family: Family, segment: Segment) -> int:
    """Return how many rows of a segment fulfil the conditions; no row is looked at where that is known."""
    known = n_known(family, segment)
    if known is not None:
        return known
    rows, keep = _asked(family, segment, is_numbered=False)
    return int(rows.lazy().select(pl.all_horizontal(keep).sum()).collect().item())


def _asked(family: Family, segment: Segment, *, is_numbered: bool) -> tuple[pl.DataFrame, Sequence[pl.Expr]]:
    """Return rows among which those asked for are, and the conditions on them."""
    stream = family.first
    view, contract = stream.view, stream.view.contract
    names = [SENSOR, stream.column.name, TIME, BATCH, RECORD]
    sensor, value, *rest = (view.columns.column(view.table, contract, segment, name) for name in names)
    rows = pl.DataFrame([sensor, value.alias(VALUE), *rest])
    if is_numbered:
        rows = rows.with_row_index(ROW)
    keep = [pl.col(VALUE).is_not_null()]
    if _is_cut(family, segment):
        keep.append(pl.col(BATCH) <= view.up_to)
    if family.place is not None:
        keep += [pl.col(BATCH) == family.place.batch, pl.col(RECORD) == family.place.record]
    numbers = [s.sensor for s in family.streams]
    if len(numbers) == 1:
        rows = rows[(sensor == numbers[0]).arg_true()]
    elif not _has_all(family):
        table = [False] * len(view.columns.sensors.keys)
        for number in numbers:
            table[number] = True
        keep.insert(0, pl.lit(pl.Series(table)).gather(pl.col(SENSOR)))
    return rows, [*keep, *(condition(node, family.rows) for node in family.conditions)]


def _is_cut(family: Family, segment: Segment) -> bool:
    """Tell whether a segment may have rows that were not known then."""
    up_to, last = family.first.view.up_to, segment.last_batch
    return up_to is not None and (last is None or last > up_to)


def _has_all(family: Family) -> bool:
    """Tell whether every row of the feed is of one of the family's datastreams."""
    return len(family.streams) == len(family.first.view.columns.sensors.keys)


def n_known(family: Family, segment: Segment) -> int | None:
    """Return how many rows of a segment are asked for, where no row tells it; None if some must.

    Where the one condition compares the result with a number, and the least and the greatest value of the
    segment lie on one side of it.
    """
    if len(family.conditions) != 1 or family.place is not None:
        return None
    if not _has_all(family) or _is_cut(family, segment):
        return None
    word, wanted = compared_number(family.conditions[0], _RESULT)
    if wanted is None:
        return None
    view = family.first.view
    ends = view.columns.ends(view.table, view.contract, segment, family.first.column.name)
    if ends is None:
        return None
    low, high, n = ends
    tells = {
        "gt": (low > wanted, high <= wanted),
        "ge": (low >= wanted, high < wanted),
        "lt": (high < wanted, low >= wanted),
        "le": (high <= wanted, low > wanted),
        "eq": (low == high == wanted, high < wanted or low > wanted),
    }
    has_all, has_none = tells[word]
    return n if has_all else 0 if has_none else None
