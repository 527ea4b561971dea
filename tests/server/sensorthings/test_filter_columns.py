"""``$filter`` on columns gives what it gives row by row: any expression, any rows."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veracity.server.sensorthings import functions as kinds
from veracity.server.sensorthings.columns import (
    SENSOR,
    STAMP,
    Column,
    NoEntity,
    Rows,
    bounds,
    compiled,
    condition,
)
from veracity.server.sensorthings.evaluate import evaluate
from veracity.server.sensorthings.expression import Call, Interval, Literal, Node, Path, conjuncts, paths_of
from veracity.server.sensorthings.filter import parse_filter

SENSORS = [
    {"name": "AQ01", "limit": 3.0, "place": "Hải Châu"},
    {"name": "AQ02", "limit": None, "place": " b "},
    {"name": None, "limit": -1.5, "place": ""},
]
PATHS: dict[tuple[str, ...], Column] = {
    ("result",): Column(pl.col("result"), kinds.NUMBER),
    ("phenomenonTime",): Column(pl.col("at"), kinds.TIME),
    ("label",): Column(pl.col("label"), kinds.TEXT),
    ("flag",): Column(pl.col("flag"), kinds.BOOL),
}
SCHEMA = {
    SENSOR: pl.UInt32(),
    "result": pl.Float64(),
    "at": STAMP,
    "label": pl.String(),
    "flag": pl.Boolean(),
}

numbers = st.integers(-20, 20).map(float) | st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))
texts = st.text(alphabet="aAbß é'%.*(", max_size=4)
times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
rows = st.lists(
    st.tuples(
        st.integers(0, len(SENSORS) - 1),
        st.none() | numbers,
        st.none() | times,
        st.none() | texts,
        st.none() | st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


class Row:
    """One row, as the naive evaluator sees it."""

    def __init__(self, row: Sequence[Any]) -> None:
        sensor, result, at, label, flag = row
        self._known = {"result": result, "phenomenonTime": at, "label": label, "flag": flag}
        self._sensor = SENSORS[sensor]

    def value(self, steps: tuple[str, ...]) -> Any:
        """Return what a path leads to."""
        return self._known.get(steps[0]) if len(steps) == 1 else self._sensor[steps[1]]

    def related(self, steps: tuple[str, ...]) -> list[Any]:
        """Nothing is related."""
        raise AssertionError(steps)


def by_sensor(node: Node) -> Sequence[Any]:
    """Evaluate what depends on the sensor alone, once for each."""
    if not list(paths_of(node)):
        return [evaluate(node, NoEntity())]
    return [evaluate(node, Row((i, None, None, None, None))) for i in range(len(SENSORS))]


ROWS = Rows(PATHS, by_sensor)


def expressions() -> dict[str, st.SearchStrategy[Node]]:
    """Expressions of each kind: of columns, sensors, literals, and functions of all these."""
    number: st.SearchStrategy[Node] = st.one_of(
        numbers.map(Literal), st.just(Path(("result",))), st.just(Path(("Datastream", "limit")))
    )
    text: st.SearchStrategy[Node] = st.one_of(
        texts.map(Literal),
        st.sampled_from([Path(("label",)), Path(("Datastream", "name")), Path(("Datastream", "place"))]),
    )
    moment: st.SearchStrategy[Node] = st.just(Path(("phenomenonTime",))) | times.map(Literal)
    length: st.SearchStrategy[Node] = st.integers(-900_000, 900_000).map(
        lambda s: Literal(timedelta(seconds=s))
    )
    truth: st.SearchStrategy[Node] = st.one_of(
        st.booleans().map(Literal), st.just(Path(("flag",))), st.just(Literal(None))
    )
    for _ in range(2):
        more = _of("add sub mul div mod", number, number) | _of("round floor ceiling", number)
        more |= _of("length", text) | _of("indexof", text, text)
        parts = "year month day hour minute second fractionalseconds totaloffsetminutes"
        number = number | more | _of(parts, moment)
        text = text | _of("tolower toupper trim", text) | _of("concat", text, text)
        text = text | _of("substring", text, number) | _of("substring", text, number, number)
        moment = moment | _of("add sub", moment, length)
        length = length | _of("sub", moment, moment) | _of("add sub", length, length)
        anything = st.one_of(number, text, moment, length, truth, st.just(Literal(None)))
        same = [(number, number), (text, text), (moment, moment), (length, length), (anything, anything)]
        compared = st.one_of(*(_of("eq ne gt ge lt le", a, b) for a, b in same))
        matched = _of("contains startswith endswith substringof", text, text)
        days = _of(
            "eq ne gt ge", _of("date", moment), st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(Literal)
        )
        clocks = _of("lt le", _of("time", moment), st.times().map(Literal))
        spans = st.tuples(times, times).map(lambda t: Literal(Interval(min(t), max(t))))
        within = _of("eq ne gt ge lt le", st.just(Path(("phenomenonTime",))), spans)
        listed = _of("in", number, number, number) | _of("in", text, text, text)
        truth = st.one_of(
            truth,
            compared,
            matched,
            days,
            clocks,
            within,
            listed,
            _of("not", truth),
            _of("and or", truth, truth),
        )
    return {"number": number, "text": text, "time": moment, "duration": length, "bool": truth}


def _of(names: str, *arguments: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.tuples(st.sampled_from(names.split()), st.tuples(*arguments)).map(lambda c: Call(c[0], c[1]))


EXPRESSIONS = expressions()


def frame(given_rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """The rows as columns."""
    return pl.DataFrame([list(row) for row in given_rows], schema=SCHEMA, orient="row")


@given(EXPRESSIONS["bool"], rows)
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_a_condition_keeps_the_same_rows(node: Node, given_rows: list[Any]) -> None:
    """Every operator and function, with values absent, of other kinds, and of the sensor."""
    kept = frame(given_rows).select(condition(node, ROWS).alias("kept"))["kept"]
    kept = kept if len(kept) == len(given_rows) else kept.new_from_index(0, len(given_rows))
    assert kept.to_list() == [evaluate(node, Row(row)) is True for row in given_rows]


@given(st.one_of(*(EXPRESSIONS[kind] for kind in ("number", "text", "time", "duration"))), rows)
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_a_value_is_the_same(node: Node, given_rows: list[Any]) -> None:
    """What is sorted by is the same too, to the last bit."""
    made = frame(given_rows).select(compiled(node, ROWS).expression.alias("value"))["value"]
    made = made if len(made) == len(given_rows) else made.new_from_index(0, len(given_rows))
    assert made.to_list() == [evaluate(node, Row(row)) for row in given_rows]


@given(rows, times, times)
@settings(deadline=None)
def test_bounds_leave_nothing_out(given_rows: list[Any], first: datetime, last: datetime) -> None:
    """Files are left out by bounds of time, so no row that fulfils a condition may be outside."""
    a, b = f"{first:%Y-%m-%dT%H:%M:%SZ}", f"{last:%Y-%m-%dT%H:%M:%SZ}"
    for text in (
        f"phenomenonTime ge {a} and phenomenonTime lt {b}",
        f"{b} ge phenomenonTime and result gt 0",
        f"phenomenonTime eq {a}/{b}",
        f"phenomenonTime gt '{a}'",
        f"phenomenonTime gt {a[:10]}",
        f"phenomenonTime gt {a} or result gt 0",
        f"not (phenomenonTime gt {a})",
        f"phenomenonTime lt {a} add duration'PT1H'",
    ):
        node = parse_filter(text)
        low, high = bounds(conjuncts(node), ("phenomenonTime",))
        for row in given_rows:
            if evaluate(node, Row(row)) is True and (low or high):
                assert low is None or low <= row[2]
                assert high is None or row[2] <= high


def test_a_time_of_day_is_one() -> None:
    """Times of the day are compared as such."""
    at = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
    node = parse_filter("time(phenomenonTime) eq 08:30")
    assert evaluate(node, Row((0, None, at, None, None))) is True
    assert evaluate(parse_filter("time(phenomenonTime)"), Row((0, None, at, None, None))) == time(8, 30)
