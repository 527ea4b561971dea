"""NDJSON: strict, one meaning a record, numbers as they are."""

import polars as pl
import pytest

from veracity.data.records import ParsedRecords, TextFormat, parse_records, split_records

NDJSON = TextFormat("ndjson")
GOOD = b'{"id":"A","v":1.5,"t":null}\n'


def parse(
    data: bytes, known: tuple[str, ...] = ("id", "v"), types: dict[str, type[pl.DataType]] | None = None
) -> ParsedRecords:
    return parse_records(data, split_records(data, NDJSON, at_end=True), NDJSON, None, 1, known, types)


def test_values_as_text() -> None:
    """Strings come bare, numbers, booleans and nested values as JSON text, absent and null as null."""
    parsed = parse(b'{"id":"A","v":1.50}\n{"id":true,"v":null}\n\n{"v":[1,{"a":2}]}\n')
    assert parsed.frame.rows() == [(0, "A", "1.5"), (1, "true", None), (3, None, '[1, {"a": 2}]')]
    assert (parsed.n_blank, parsed.n_headers, parsed.layouts) == (1, 0, ((0, ("id", "v")),))


def test_typed_numbers() -> None:
    """True numbers come typed; one value of another type turns the run's columns to text."""
    typed = parse(GOOD + b'{"id":"B","v":2}\n', types={"v": pl.Float64})
    assert typed.frame["v"].to_list() == [1.5, 2.0]
    mixed = parse(GOOD + b'{"id":"B","v":"2"}\n', types={"v": pl.Float64})
    assert mixed.frame["v"].to_list() == ["1.5", "2"]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b'{"id":"A"', "want one JSON object"),
        (b"not json", "want one JSON object"),
        (b'{"id":1}{"id":2}', "want one JSON object"),
        (b'{"v":NaN}', "want one JSON object"),
        (b'{"v":Infinity}', "want one JSON object"),
        (b'{"v":1e999}', "want"),
        (b'{"v":01}', "want one JSON object"),
        (b'{"id":"\\ud800"}', "want one JSON object"),
        (b"[1,2]", "want a JSON object, got an array"),
        (b"7", "want a JSON object, got a number"),
        (b"null", "want a JSON object, got null"),
        (b'"A"', "want a JSON object, got a string"),
        (b'{"id":"A","id":"B"}', "want each name once, got 'id' twice"),
        (b'{"id":null,"id":"B"}', "want each name once, got 'id' twice"),
        (b'{"id":"A","\\u0069d" :"B"}', "want each name once, got 'id' twice"),
        (b'{"g":{"x":1,"x":2}}', "want each name once, got 'x' twice"),
        (b'{"v":' + b"[" * 65 + b"]" * 65 + b"}", "want at most 64 levels"),
        (b'{"v":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "want"),
    ],
)
@pytest.mark.parametrize("repeat", [1, 400])
def test_bad_line_is_refused_and_the_rest_goes_in(line: bytes, detail: str, repeat: int) -> None:
    """A line that is not one object with one meaning is refused with its line number, alone."""
    parsed = parse(GOOD * repeat + line + b"\n" + GOOD, types={"v": pl.Float64})
    assert [(r.record, r.line, r.code) for r in parsed.refusals] == [(repeat, repeat + 1, "json")]
    assert parsed.refusals[0].detail.startswith(detail)
    assert parsed.frame.height == repeat + 1
    assert parsed.frame["id"].unique().to_list() == ["A"]


def test_half_a_value_is_not_guessed() -> None:
    """Bytes that are no UTF-8 are read as Windows-1252, or refused where they are not that either."""
    parsed = parse('{"id":"é"}\n'.encode("cp1252") + b'{"id":"\x81"}\n')
    assert parsed.frame["id"].to_list() == ["é"]
    assert [r.code for r in parsed.refusals] == ["encoding"]


def test_brackets_in_strings_are_no_depth() -> None:
    """Text may hold any number of brackets and escaped quotes."""
    parsed = parse(b'{"id":"' + b'[{\\"' * 100 + b'"}\n')
    assert parsed.refusals == []


def test_names_of_the_first_object_where_nothing_is_known() -> None:
    """Without a contract's names the first object's are taken, and none may pose as ``_record``."""
    parsed = parse(b'{"b":1,"_record":9,"a":2}\n{"a":3,"c":4}\n', known=())
    assert parsed.frame.to_dicts() == [
        {"_record": 0, "b": "1", "a": "2"},
        {"_record": 1, "b": None, "a": "3"},
    ]


def test_nothing_but_refusals() -> None:
    """A run without one good record still has its columns."""
    parsed = parse(b"x\ny\n")
    assert parsed.frame.schema == {"_record": pl.Int64, "id": pl.String, "v": pl.String}
    assert len(parsed.refusals) == 2
