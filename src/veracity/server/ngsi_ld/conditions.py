"""A query of NGSI-LD as an expression over a view's rows. Pure: only known columns and literals go in.

What an entity does not have fulfils no condition, not even ``!=`` (ETSI GS CIM 009, section 4.9). A value of
another type than the attribute's is equal to none of its values.
"""

from datetime import UTC, date, datetime

import polars as pl

from veracity.server.ngsi_ld.q_query import Both, Either, Literal_, Query, Term
from veracity.server.ngsi_ld.views import Attribute, View

_FALSE = pl.lit(value=False)
_ORDER = {
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
}


def condition(query: Query, view: View, source: str) -> pl.Expr:
    """Return what is true of the rows of a view that a query asks for, never null.

    ``source`` is the value of the attribute of that name, the same for all entities of the view.
    """
    if isinstance(query, Both):
        return pl.all_horizontal(*(condition(t, view, source) for t in query.terms))
    if isinstance(query, Either):
        return pl.any_horizontal(*(condition(t, view, source) for t in query.terms))
    return _term(query, view, source).fill_null(value=False)


def has_any(names: list[str], view: View) -> pl.Expr:
    """Return what is true of rows that have at least one of some attributes."""
    found = [_column(view.short(name), view, "") for name in names]
    known = [expr.is_not_null() for expr, _ in (f for f in found if f is not None)]
    return pl.any_horizontal(*known) if known else _FALSE


def _term(term: Term, view: View, source: str) -> pl.Expr:
    name = view.short(term.name)
    found = _column(name, view, source)
    if found is None:
        return _FALSE
    column, kind = found
    if term.part is not None:
        said = _part(term.part, view.by_name.get(name), view, column)
        if said is None:
            return _FALSE
        column, kind = said
    if term.operator == "exists":
        return column.is_not_null()
    if kind == "place":
        return _FALSE
    if term.operator in ("~=", "!~="):
        if kind != "string":
            return _FALSE
        matches = column.str.contains(str(term.values[0]))
        return matches if term.operator == "~=" else ~matches
    values = [_literal(value, kind) for value in term.values]
    if term.is_range:
        low, high = values
        if low is None or high is None:
            return _FALSE
        inside = column.is_between(low, high)
        return inside if term.operator == "==" else ~inside
    if term.operator in _ORDER:
        return _FALSE if values[0] is None else _ORDER[term.operator](column, values[0])
    known = [value for value in values if value is not None]
    same = pl.any_horizontal(*(column == value for value in known)) if known else _FALSE
    return same if term.operator == "==" else column.is_not_null() & ~same


def _column(name: str, view: View, source: str) -> tuple[pl.Expr, str] | None:
    """Return the expression of an attribute and its kind; None if the view has none of that name."""
    attribute = view.by_name.get(name)
    if attribute is not None:
        return pl.col(attribute.column), attribute.kind
    if name not in view.attribute_names:
        return None
    if name == "dateObserved":
        return pl.col(str(view.time)), "timestamp"
    if name == "location":
        return pl.col("_lon"), "place"
    if name == "dataProvider":
        return pl.lit(view.contract.agency), "string"
    if name == "simulated":
        return pl.lit(value=True), "boolean"
    return pl.lit(source), "string"


def _part(part: str, attribute: Attribute | None, view: View, column: pl.Expr) -> tuple[pl.Expr, str] | None:
    """Return what an attribute says besides its value: when it was observed, its unit, its marks."""
    is_there = column.is_not_null()
    if part == "observedAt" and view.time is not None:
        return pl.when(is_there).then(pl.col(view.time)), "timestamp"
    if attribute is None:
        return None
    if part == "unitCode" and attribute.unit_code is not None:
        return pl.when(is_there).then(pl.lit(attribute.unit_code)), "string"
    if part == "ucum" and attribute.ucum is not None:
        return pl.when(is_there).then(pl.lit(attribute.ucum)), "string"
    if part == "flags":
        return pl.when(is_there).then(flags_about(attribute.column, view)), "string"
    return None


def flags_about(column: str, view: View) -> pl.Expr:
    """Return of each row the reasons flagged that are about a column, separated by blanks; null without."""
    about = [reason for reason in view.contract.reasons if column in view.contract.about(reason)]
    words = pl.col("_flags").str.split(" ")
    kept = words.list.set_intersection(pl.lit(pl.Series([about], dtype=pl.List(pl.String)))).list.join(" ")
    return pl.when(kept.str.len_chars() > 0).then(kept)


def _literal(value: Literal_, kind: str) -> pl.Expr | None:
    """Return a literal of a kind; None where the value is none of that kind."""
    if kind == "number":
        return pl.lit(value) if isinstance(value, float) else None
    if kind == "boolean":
        return pl.lit(value) if isinstance(value, bool) else None
    if not isinstance(value, str):
        return None if kind != "string" else pl.lit(_bare(value))
    if kind == "string":
        return pl.lit(value)
    try:
        if kind == "date":
            return pl.lit(date.fromisoformat(value))
        time = datetime.fromisoformat(value)
        utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return pl.lit(utc, pl.Datetime("us", "UTC"))


def _bare(value: float | bool) -> str:
    """Return a value that was written without quotes as the text it was, as good as that is known."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else str(value)
