"""``$filter``: what it says is parsed as the standard has it, and nothing else is taken."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.server.sensorthings.errors import MalformedFilter
from veracity.server.sensorthings.expression import AnyOf, Call, Interval, Literal, Node, Path
from veracity.server.sensorthings.filter import MAX_DEPTH, parse_filter, parse_order
from veracity.server.sensorthings.geometry import Geometry

RESULT = Path(("result",))


def call(name: str, *arguments: object) -> Call:
    """A call; what is no node is a literal."""
    nodes = (a if isinstance(a, (Literal, Path, Call, AnyOf)) else Literal(a) for a in arguments)  # type: ignore[arg-type]
    return Call(name, tuple(nodes))


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("result gt 5", call("gt", RESULT, 5.0)),
        ("result ge -5.5e2", call("ge", RESULT, -550.0)),
        ("result sub 5 mul 2 eq 1", call("eq", call("sub", RESULT, call("mul", 5.0, 2.0)), 1.0)),
        ("(result sub 5) mul 2 gt 1", call("gt", call("mul", call("sub", RESULT, 5.0), 2.0), 1.0)),
        ("a or b and c", call("or", Path(("a",)), call("and", Path(("b",)), Path(("c",))))),
        ("not result eq 1 and b", call("and", call("not", call("eq", RESULT, 1.0)), Path(("b",)))),
        ("name eq 'it''s ''' ", call("eq", Path(("name",)), "it's '")),
        ("Datastream/Thing/name ne null", call("ne", Path(("Datastream", "Thing", "name")), None)),
        ("@iot.id eq true", call("eq", Path(("@iot.id",)), True)),
        ("result in (1,2, 3)", call("in", RESULT, 1.0, 2.0, 3.0)),
        ("SubstringOf('a',name)", call("substringof", "a", Path(("name",)))),
        ("substring(name,1,2) eq 'b'", call("eq", call("substring", Path(("name",)), 1.0, 2.0), "b")),
        ("-result lt 3", call("lt", call("sub", 0.0, RESULT), 3.0)),
        (
            "Datastreams/any(d: d/name eq 'x')",
            AnyOf(Path(("Datastreams",)), "d", call("eq", Path(("d", "name")), "x")),
        ),
        (
            "phenomenonTime lt now() sub duration'P1DT2H'",
            call("lt", Path(("phenomenonTime",)), call("sub", call("now"), timedelta(days=1, hours=2))),
        ),
    ],
)
def test_what_is_written_is_parsed(text: str, node: Node) -> None:
    """Operators bind as OData says, functions are known in any case."""
    assert parse_filter(text) == node


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-09-01T07:00:00Z", datetime(2026, 9, 1, 7, tzinfo=UTC)),
        ("2026-09-01T07:00:00.5+07:00", datetime(2026, 9, 1, 0, 0, 0, 500_000, UTC)),
        ("2026-09-01T07:00:00 07:00", datetime(2026, 9, 1, 0, tzinfo=UTC)),  # a plus that nobody encoded
        ("2026-09-01T07:00", datetime(2026, 9, 1, 7, tzinfo=UTC)),
        ("2026-09-01", date(2026, 9, 1)),
        ("08:30:00", time(8, 30)),
        ("duration'-PT5M'", -timedelta(minutes=5)),
        ("geography'SRID=4326;POINT (108.2 16.1)'", Geometry(points=((108.2, 16.1),))),
        (
            "2026-09-01T00:00:00Z/2026-09-02T00:00:00Z",
            Interval(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC)),
        ),
    ],
)
def test_literals_have_their_kind(text: str, value: object) -> None:
    """Times are instants in UTC; places are geometry."""
    assert parse_filter(f"x eq {text}") == call("eq", Path(("x",)), value)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "eq", "result gt", "gt 5", "result gt 5 5", "(result gt 5", "result gt 5)", "result = 5"),
        *(
            "result gt 'a",
            "nofunction(1)",
            "length()",
            "length(a,b)",
            "a//b",
            "a/5",
            "a/",
            "in (1)",
            "x in ()",
        ),
        *("1e999 eq x", "x eq 2026-13-01T00:00:00Z", "x eq 2026-02-30", "x eq duration'P'", "x eq 25:00"),
        *(
            "x eq geometry'POINT (1)'",
            "x eq geometry'POINT (1 2'",
            "x eq geometry'CIRCLE (1 2)'",
            "x;y",
            'x eq "a"',
        ),
        *(
            "x eq geometry'POINT (1e999 2)'",
            "x eq geometry'SRID=3857;POINT (1 2)'",
            "any(d: d)",
            "x/any(d d)",
        ),
        *(
            "__import__('os')",
            "result gt 5; drop table observations",
            "result gt 5 --",
            "x eq $y",
            "\x00",
            "x eq 0x1",
        ),
    ],
)
def test_nothing_else_is_taken(text: str) -> None:
    """What is no expression is refused as such, code and SQL among it."""
    with pytest.raises(MalformedFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + "x" + ")" * 5_000,
        "(" * (MAX_DEPTH + 1) + "x" + ")" * (MAX_DEPTH + 1),
        "not " * 400 + "x",
        "x eq " + " add ".join(["1"] * 400),
        "x in (" + ",".join(["1"] * 300) + ")",
        "x eq '" + "a" * 10_000 + "'",
        "/".join(["a"] * 40) + " eq 1",
        " or ".join(["x"] * 2_000),
        "length(" * 60 + "x" + ")" * 60,
        "x eq geometry'LINESTRING (" + ",".join(["1 2"] * 2_500) + ")'",
    ],
)
def test_size_and_depth_are_bounded(text: str) -> None:
    """A large expression is refused before anything is computed, and no recursion goes deep."""
    with pytest.raises(MalformedFilter):
        parse_filter(text)


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text makes an error of another kind."""
    for parse in (parse_filter, parse_order):
        with suppress(MalformedFilter):
            parse(text)


def test_an_order_has_keys_and_ways() -> None:
    """Ascending unless said otherwise; some clients write it large."""
    assert parse_order("result desc, name,length(name) asc , @iot.id DESC") == (
        (RESULT, True),
        (Path(("name",)), False),
        (call("length", Path(("name",))), False),
        (Path(("@iot.id",)), True),
    )
