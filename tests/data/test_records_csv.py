"""Dirty CSV, each kind of dirt with its exact outcome."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data import records_csv
from veracity.data.csv_header import column_names
from veracity.data.records import ParsedRecords, TextFormat, parse_records, split_records
from veracity.data.text import LAYOUTS, TooManyLayouts

CSV, SEMICOLON = TextFormat("csv"), TextFormat("csv", separator=";")


def parse(
    data: bytes, fmt: TextFormat = CSV, columns: tuple[str, ...] | None = None, known: tuple[str, ...] = ()
) -> ParsedRecords:
    return parse_records(data, split_records(data, fmt, at_end=True), fmt, columns, 1, known)


def refused(parsed: ParsedRecords) -> list[tuple[int, int, str, str]]:
    return [(r.record, r.line, r.code, r.detail) for r in parsed.refusals]


def test_plain_file() -> None:
    """Header, rows, an empty value: text as it stands, records counted from the header on."""
    parsed = parse(b"id,pm25\nA,1.50\nB,\n")
    assert parsed.frame.to_dicts() == [
        {"_record": 1, "id": "A", "pm25": "1.50"},
        {"_record": 2, "id": "B", "pm25": ""},
    ]
    assert parsed.frame.schema == {"_record": pl.Int64, "id": pl.String, "pm25": pl.String}
    assert (parsed.n_headers, parsed.n_blank, parsed.layouts) == (1, 0, ((0, ("id", "pm25")),))


def test_empty_trailing_columns_and_blank_rows() -> None:
    """The Italian shape: header and rows end in empty columns, and rows of separators end the file."""
    data = b"Date;CO;T;;\r\n10/03;2,6;13;;\r\n11/03;2;14;;\r\n;;;;\r\n;;;;\r\n\r\n"
    parsed = parse(data, SEMICOLON)
    assert parsed.layouts == ((0, ("Date", "CO", "T")),)
    assert parsed.frame.rows() == [(1, "10/03", "2,6", "13"), (2, "11/03", "2", "14")]
    assert parsed.n_blank == 3


def test_wrong_number_of_fields() -> None:
    """Rows too short or too long are refused with both numbers; empty surplus is no surplus."""
    parsed = parse(b"a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n1,2,3, \n")
    assert refused(parsed) == [(1, 2, "fields", "want 3, got 2"), (2, 3, "fields", "want 3, got 4")]
    assert parsed.frame["_record"].to_list() == [3, 4]


def test_quotes() -> None:
    """Quoted separators, newlines and doubled quotes are undone; a quote inside a field stays."""
    parsed = parse(b'a,b\n"x,1","l1\nl2"\n"say ""hi""",5" pipe\n"x" y,2\nz,3\n')
    assert parsed.frame.rows() == [(1, "x,1", "l1\nl2"), (2, 'say "hi"', '5" pipe'), (4, "z", "3")]
    assert refused(parsed) == [(3, 5, "quotes", "want a closing quote before a separator, got none")]


def test_mixed_encodings() -> None:
    """Lines in UTF-8 and lines in Windows-1252 both read; what is neither is refused."""
    parsed = parse("tên,x\nĐà Nẵng,1\n".encode() + "Café,2\n".encode("cp1252") + b"\x81,3\nend,4\n")
    assert parsed.frame["tên"].to_list() == ["Đà Nẵng", "Café", "end"]
    assert refused(parsed) == [(3, 4, "encoding", "want utf-8 or windows-1252, got other bytes")]


def test_other_first_encoding() -> None:
    """A contract's own encoding is tried first, on every record."""
    fmt = TextFormat("csv", encoding="gbk", fallback_encoding=None)
    parsed = parse("站,x\n北京,1\n".encode("gbk") + b"\xff\xff,2\n", fmt)
    assert parsed.frame.rows() == [(1, "北京", "1")]
    assert [r.code for r in parsed.refusals] == ["encoding"]


def test_byte_order_mark() -> None:
    """A byte-order mark belongs to the record and not to its first name, also before a second header."""
    mark = b"\xef\xbb\xbf"
    parsed = parse(mark + b"a,b\n1,2\n" + mark + b"a,b\n3,4\n")
    assert parsed.frame.rows() == [(1, "1", "2"), (3, "3", "4")]
    assert parsed.n_headers == 2


def test_two_header_variants() -> None:
    """A second header, all of known names, changes the layout; absent columns are null."""
    parsed = parse(b"id,pm25,t\nA,1,20\npm25,id\n2,B\nid,pm25,t\nC,3,21\n", known=("id", "pm25", "t"))
    assert parsed.layouts == ((0, ("id", "pm25", "t")), (2, ("pm25", "id")), (4, ("id", "pm25", "t")))
    assert parsed.frame.rows() == [(1, "A", "1", "20"), (3, "B", "2", None), (5, "C", "3", "21")]
    assert parsed.n_headers == 3


def test_header_of_the_part_before() -> None:
    """A part that goes on takes its columns from the part before, unless it begins with a header."""
    parsed = parse(b"A,1\nid,x\nB,2\n", columns=("id", "x"))
    assert parsed.layouts == ((0, ("id", "x")),)
    assert parsed.frame["_record"].to_list() == [0, 2]


def test_another_header_first_in_a_part_replaces_the_columns_carried_in() -> None:
    """Nothing of the part is read under the old columns, so one layout begins at its first record."""
    parsed = parse(b"at,c,d\n1,2,3\n", columns=("at", "d"), known=("at", "c", "d"))
    assert parsed.layouts == ((0, ("at", "c", "d")),)
    assert parsed.frame.rows() == [(1, "1", "2", "3")]


def test_names_are_told_apart() -> None:
    """Empty and repeated names get names of their own, and no column can pose as ``_record``."""
    assert column_names(["a", "", "a", "_record", "", ""]) == ("a", "#2", "a#2", "_record#2")
    parsed = parse(b",v,v\n0,1,2\n")
    assert parsed.frame.to_dicts() == [{"_record": 1, "#1": "0", "v": "1", "v#2": "2"}]


def test_values_that_look_like_names_are_data() -> None:
    """One cell equal to a name makes no header."""
    parsed = parse(b"id,x\nid,5\nx,id\n", known=("id", "x"))
    assert parsed.frame["_record"].to_list() == [1]
    assert parsed.layouts[-1] == (2, ("x", "id"))


def test_header_found_among_many_rows() -> None:
    """A repeated header deep in a large run is found, whatever rows begin with."""
    rows = b"".join(b"station_%d,%d\n" % (i % 7, i) for i in range(5_000))
    parsed = parse(b"station,v\n" + rows + b'"station", v \n' + rows, known=("station", "v", "station_id"))
    assert (parsed.n_headers, parsed.frame.height, parsed.refusals) == (2, 10_000, [])


def test_too_many_headers() -> None:
    """A file that changes its columns without end is refused whole."""
    data = b"a,b\nb,a\n" * LAYOUTS
    with pytest.raises(TooManyLayouts):
        parse(data, known=("a", "b"))


def test_nothing_to_read() -> None:
    """No record, no header: an empty frame."""
    assert parse(b"").frame.columns == ["_record"]
    assert parse(b"\n \n").n_blank == 2


def test_lines_are_counted_through_quoted_newlines() -> None:
    """A refusal names the line an editor shows."""
    parsed = parse(b'a,b\n"x\ny\nz",1\nonly\n')
    assert refused(parsed) == [(2, 5, "fields", "want 2, got 1")]


CELL = st.text(st.sampled_from('ab,"\n\r é\0;'), max_size=4)


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=5))
@settings(deadline=None, max_examples=200)
def test_bulk_and_single_reading_agree(rows: list[list[str]]) -> None:
    """Rows read in bulk are those read cell by cell."""
    text = "".join(",".join(_quoted(c) for c in row) + "\n" for row in rows).encode()
    data = text * records_csv._BULK
    bulk = parse(data, columns=("x", "y"))
    single = parse(text, columns=("x", "y"))
    assert bulk.frame.head(single.frame.height).equals(single.frame)
    assert bulk.frame.height == single.frame.height * records_csv._BULK
    assert len(bulk.refusals) == len(single.refusals) * records_csv._BULK


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n\r') else cell
