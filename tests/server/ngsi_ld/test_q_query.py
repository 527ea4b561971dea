"""The query language: what it means, that it ends, and that nothing but known columns comes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_city import AIR, LICENCE
from small_city import AGENCY
from veracity.data.contract import parse_contract
from veracity.server.ngsi_ld.conditions import condition
from veracity.server.ngsi_ld.errors import BadRequestData
from veracity.server.ngsi_ld.q_query import Both, Either, Query, Term, parse_q
from veracity.server.ngsi_ld.views import View, view_of
from veracity.server.positions import Positions

START = datetime(2026, 9, 2, tzinfo=UTC)


def air_view() -> View:
    """The view of the open city's air."""
    contract = parse_contract(AIR.format(licence=LICENCE, agency=AGENCY).encode())
    view = view_of(contract, Positions(columns=("longitude", "latitude")), simulated=False)
    assert view is not None
    return view


def frame(rows: list[tuple[str, float | None, float | None, str | None, str | None]]) -> pl.DataFrame:
    """Rows of it: station, pm25, temperature, note, flags."""
    made = [
        {
            "station": station,
            "observed_at": START + timedelta(hours=i),
            "pm25": pm25,
            "temperature": temperature,
            "note": note,
            "_flags": flags,
            "_lon": 1.0,
            "_lat": 2.0,
        }
        for i, (station, pm25, temperature, note, flags) in enumerate(rows)
    ]
    text: dict[str, Any] = {"station": pl.String, "note": pl.String, "_flags": pl.String}
    numbers: dict[str, Any] = {
        "pm25": pl.Float64,
        "temperature": pl.Float64,
        "_lon": pl.Float64,
        "_lat": pl.Float64,
    }
    schema = [*text.items(), *numbers.items(), ("observed_at", pl.Datetime("us", "UTC"))]
    return pl.DataFrame(made, schema=schema)


ROWS = frame(
    [
        ("S1", 10.0, 20.0, "at dawn", None),
        ("S2", 20.0, None, None, "range:temperature"),
        ("S3", None, 44.0, 'said "so"; or (not)', "range:temperature"),
        ("S4", -5.5, 0.0, "7", None),
    ]
)


def chosen(q: str) -> str:
    """The numbers of the rows that a query chooses."""
    rows = ROWS.filter(condition(parse_q(q), air_view(), "http://city.example/catalogue/air"))
    return "".join(s[1] for s in rows["station"])


@pytest.mark.parametrize(
    ("q", "stations"),
    [
        ("pm25", "124"),
        ("pm25>10", "2"),
        ("pm25>=10", "12"),
        ("pm25<0", "4"),
        ("pm25==10,20", "12"),
        ("pm25!=10,20", "4"),
        ("pm25==-6..10", "14"),
        ("pm25!=-6..10", "2"),
        ("pm25!=10", "24"),  # what an entity has not fulfils nothing
        ('station=="S1"|station=="S4"', "14"),
        ("station==S2", "2"),
        ("pm25>0;temperature>0", "1"),
        ("pm25>15|temperature>40;pm25<0", "2"),  # ; binds closer than |
        ("(pm25>15|temperature<1);pm25<0", "4"),
        ('note=="said \\"so\\"; or (not)"', "3"),
        ('note~="da[wv]n$"', "1"),
        ("note~=^at", "1"),
        ('note!~="dawn"', "34"),
        ("note==7", "4"),
        ('pm25=="10"', ""),  # another type is another value
        ('pm25!="10"', "124"),
        ("pm25==true", ""),
        ("dateObserved>2026-09-02T01:30:00Z", "34"),
        ("dateObserved==2026-09-02T01:00:00Z", "2"),
        ("dateObserved>soon", ""),
        ("pm25.observedAt>2026-09-02T01:30:00Z", "4"),
        ("pm25.unitCode==GQ", "124"),
        ("temperature.flags", "3"),  # the flagged row that has no temperature has nothing to flag
        ("temperature.flags~=range", "3"),
        ("pm25.flags", ""),
        ("location", "1234"),
        ("location==1", ""),
        ("dataProvider==rain-office", "1234"),
        ("source~=catalogue", "1234"),
        ("nothing", ""),
        ("nothing!=1", ""),
        ("nothing|pm25<0", "4"),
        ("https://smartdatamodels.org/dataModel.Environment/pm25>15", "2"),
        ("_flags", ""),  # columns are not attributes
        ("longitude", ""),
    ],
)
def test_what_a_query_chooses(q: str, stations: str) -> None:
    """One line a rule."""
    assert chosen(q) == stations


WRONG = [
    *(";", "|", "(", ")", "()", "(pm25", "pm25)", "pm25;", ";pm25", "a.b.c", "a.", "1a==2", "1=1"),
    *("pm25>", "pm25==", "pm25=10", "pm25==1,", "pm25==1..", "pm25>1,2", "pm25>1..2", 'note=="open'),
    *("note~=(", "note~=", "note~=(a{1000}){1000}", "pl.col('x')"),
]
LARGE = ["(" * 20 + "a" + ")" * 20, ";".join(["a"] * 65), "a==" + ",".join("1" * 65), "a==" + "x" * 4000]


@pytest.mark.parametrize("q", ["", "pm25 > 10", "pm25==1 OR 1=1", "'; DROP TABLE rows; --", *WRONG, *LARGE])
def test_what_is_no_query_is_refused(q: str) -> None:
    """With our own error, whatever it is."""
    with pytest.raises(BadRequestData):
        parse_q(q)


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_refused(q: str) -> None:
    """Nothing else comes out of the parser, nor out of the engine."""
    try:
        query = parse_q(q)
    except BadRequestData:
        return
    ROWS.filter(condition(query, air_view(), "x"))


NUMBERS = st.sampled_from([-5.5, 0.0, 10.0, 15.0, 20.0, 44.0])
TERMS = st.one_of(
    st.builds(Term, st.sampled_from(["pm25", "temperature", "none"]), st.none(), st.just("exists")),
    st.builds(
        lambda name, op, value: Term(name, None, op, (value,)),
        st.sampled_from(["pm25", "temperature", "none"]),
        st.sampled_from(["==", "!=", ">", ">=", "<", "<="]),
        NUMBERS,
    ),
)
QUERIES = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda t: Both(tuple(t))),
        st.lists(inner, min_size=2, max_size=3).map(lambda t: Either(tuple(t))),
    ),
    max_leaves=8,
)


def written(query: Query) -> str:
    """A query as text."""
    if isinstance(query, Both):
        return ";".join(f"({written(t)})" for t in query.terms)
    if isinstance(query, Either):
        return "|".join(f"({written(t)})" for t in query.terms)
    return query.name + ("" if query.operator == "exists" else f"{query.operator}{query.values[0]}")


def holds(query: Query, row: dict[str, Any]) -> bool:
    """The same, row by row, in the plainest way."""
    if isinstance(query, Both):
        return all(holds(t, row) for t in query.terms)
    if isinstance(query, Either):
        return any(holds(t, row) for t in query.terms)
    value = row.get(query.name)
    if value is None or query.operator == "exists":
        return value is not None
    other = query.values[0]
    compared: dict[str, bool] = {
        "==": value == other, "!=": value != other, ">": value > other, ">=": value >= other,
        "<": value < other, "<=": value <= other,
    }  # fmt: skip
    return compared[query.operator]


@given(QUERIES)
def test_the_engine_agrees_with_reading_row_by_row(query: Query) -> None:
    """Any query, written and parsed again, chooses what a loop over the rows chooses."""
    read = parse_q(written(query))
    rows = ROWS.filter(condition(read, air_view(), "x"))["station"].to_list()
    assert rows == [r["station"] for r in ROWS.iter_rows(named=True) if holds(query, r)]
