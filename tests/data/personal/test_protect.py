"""Protecting a file: nothing personal stays, nothing is lost, all else reads as before."""

import json
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persons import CONTRACT, csv, ndjson, persons, secrets_of
from veracity.data.contract import Contract, parse_contract
from veracity.data.csv_cells import UnpairedQuote, cell_spans, read_cell, split_cells, write_cell
from veracity.data.errors import WrongFile
from veracity.data.personal.checking import ProtectionCheck
from veracity.data.personal.columns import Columns, Unprotected
from veracity.data.personal.protect import ProtectedRecord, Protector
from veracity.data.personal.pseudonym import normal, pseudonym
from veracity.data.personal.token import OTHER, TOKEN, WHOLE, name_of, open_token
from veracity.data.records import parse_records, split_records
from veracity.data.reexecution import known_names, source_types, text_format
from veracity.data.text import ParsedRecords

FIELDS = ("resident", "phone", OTHER, WHOLE)


def contract(kind: str = "csv", **changes: str) -> Contract:
    text = CONTRACT.format(kind=kind, version="1.0.0", days=30)
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse_contract(text.encode())


def protect(
    data: bytes, c: Contract, kind: str, cuts: tuple[int, ...] = ()
) -> tuple[bytes, list[ProtectedRecord]]:
    """Protect a text, its records given in runs that end at the records ``cuts``."""
    fmt = text_format(c, kind)
    ends = split_records(data, fmt, at_end=True).tolist()
    protector = Protector(c, kind, np.random.default_rng(7).bytes)
    records: list[ProtectedRecord] = []
    out, at = b"", 0
    bounds = [*sorted({n for n in cuts if 0 < n < len(ends)}), len(ends)]
    first, continued = 0, False
    for bound in bounds:
        some = [e - at for e in ends[first:bound]]
        if not some:
            continue
        run = data[at : at + some[-1]]
        part = protector.part(run, np.array(some, np.int64), continued=continued)
        out += part.data
        records += part.records
        at, first, continued = at + some[-1], bound, not run.endswith(b"\n")
    return out, records


def read(data: bytes, c: Contract, kind: str) -> ParsedRecords:
    fmt = text_format(c, kind)
    ends = split_records(data, fmt, at_end=True)
    return parse_records(data, ends, fmt, None, known=known_names(c, fmt, data), types=source_types(c))


def check(data: bytes, c: Contract, kind: str) -> None:
    """Raise ``Unprotected`` unless a text is protected throughout."""
    ProtectionCheck(c, kind).part(data, split_records(data, text_format(c, kind), at_end=True))


def check_protected(frame: pl.DataFrame, c: Contract) -> None:
    """Look at the personal columns of what was read, as any reader would: tokens, or no value."""
    for f in c.personal:
        for name in (n for n in f.sources if n in frame.columns):
            for text in frame[name].drop_nulls().to_list():
                assert TOKEN.fullmatch(text) or text.strip() in ("", *f.missing), name


def opened(text: str | None, keys: dict[bytes, bytes]) -> str | None:
    """Return a cell as it was before protection."""
    if text is None or not TOKEN.fullmatch(text):
        return text
    return open_token(text, "requests", FIELDS, keys[name_of(text)])[1].decode()


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@pytest.mark.parametrize("dirty", [False, True])
def test_nothing_personal_stays_and_nothing_is_lost(tmp_path: Path, kind: str, dirty: bool) -> None:
    """Of clean and dirty files no name, number or note is left, and every record is accounted for."""
    rows = persons(200)
    path = (csv if kind == "csv" else ndjson)(tmp_path / "a", rows, dirty=dirty)
    data, c = path.read_bytes(), contract(kind)
    out, records = protect(data, c, kind)
    assert [s for s in secrets_of(rows) if s in out] == []
    before, after = read(data, c, kind), read(out, c, kind)
    assert before.frame["_record"].len() == after.frame.height
    assert (before.n_blank, before.n_headers) == (after.n_blank, after.n_headers)
    assert len(after.refusals) >= len(before.refusals) >= 20 * dirty
    check_protected(after.frame, c)
    check(out, c, kind)
    with pytest.raises(Unprotected):
        check(data, c, kind)
    keys = {r.key.name: r.key.key for r in records}
    for name in ("request", "opened_at", "kind"):  # in clear: as it was
        assert after.frame[name].to_list() == before.frame[name].to_list()
    for name in ("name", "phone"):  # encrypted: as it was, once opened
        got = [opened(text, keys) for text in after.frame[name].to_list()]
        assert got == before.frame[name].to_list()


def test_every_record_can_be_read_again_whole(tmp_path: Path) -> None:
    """What could not be read is encrypted whole: opened and joined, it is the bytes that came."""
    rows = persons(60)
    data = csv(tmp_path / "a", rows, dirty=True).read_bytes()
    out, records = protect(data, contract(), "csv")
    keys = {r.key.name: r.key.key for r in records}
    lines = out.decode().splitlines()
    whole = [line for line in lines if line.startswith('"vp1')]
    text = b"".join(
        open_token(t, "requests", [WHOLE], keys[name_of(t)])[1]
        for t in (line[1:].partition('"')[0] for line in whole)
    )
    assert rows[1]["name"].encode() in text
    assert {line.rpartition('"!')[2] for line in whole} == {"encoding", "fields", "quotes", "too-long"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 260), max_size=6), st.sampled_from(["csv", "ndjson"]))
def test_any_chunking_gives_the_same(cuts: list[int], kind: str) -> None:
    """However a file is cut into runs, the same randomness gives the same bytes and keys."""
    data = _dirty(kind)
    assert protect(data, contract(kind), kind, tuple(cuts)) == protect(data, contract(kind), kind)


@lru_cache
def _dirty(kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return (csv if kind == "csv" else ndjson)(Path(folder) / "a", persons(120), dirty=True).read_bytes()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["csv", "ndjson"]))
def test_any_bytes_are_protected(data: bytes, kind: str) -> None:
    """Whatever the bytes, the result reads with no personal value in clear, and as many records."""
    c = contract(kind)
    prefix = b"request,name,phone,zz\n" if kind == "csv" else b""
    try:
        out, _ = protect(prefix + data, c, kind)
    except WrongFile:
        assert b"\r" in data
        return
    before, after = read(prefix + data, c, kind), read(out, c, kind)
    check_protected(after.frame, c)
    check(out, c, kind)
    assert after.n_records == before.n_records


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.text('ab,"\n é', max_size=5), min_size=3, max_size=5), min_size=1, max_size=12))
def test_the_secret_cell_never_stays(rows: list[list[str]]) -> None:
    """Among quoted, broken and odd cells, a secret stays only where a reader finds it in a clear column."""
    lines = [",".join([*cells[:2], f"SECRET{i}X", *cells[2:]]) for i, cells in enumerate(rows)]
    data = ("request,kind,name,phone,zz\n" + "\n".join(lines) + "\n").encode()
    c = contract()
    out, _ = protect(data, c, "csv")
    clear = "\n".join(str(v) for v in read(data, c, "csv").frame.select("request", "kind").rows())
    assert [i for i in range(len(rows)) if f"SECRET{i}X".encode() in out and f"SECRET{i}X" not in clear] == []


@given(st.text(max_size=40).filter(lambda t: "\r" not in t), st.sampled_from(",;\t|"))
def test_cells_read_as_they_were_written(text: str, separator: str) -> None:
    """A written cell reads as its text, alone and among others; spans and cells agree."""
    if text.encode("utf-8", "replace").decode() != text:
        return
    record = separator.join([write_cell(text, separator), "x", write_cell(text, separator)]).encode()
    sep = separator.encode()
    assert split_cells(record, sep) == [text, "x", text]
    assert [read_cell(record[a:b]) for a, b in cell_spans(record, sep)] == [text, "x", text]


@given(st.binary(max_size=60).filter(lambda b: b.isascii()))
def test_spans_agree_with_cells(record: bytes) -> None:
    """For any bytes, the spans hold the cells, or both find the same stray quote."""
    try:
        cells = split_cells(record, b",")
    except UnpairedQuote:
        with pytest.raises(UnpairedQuote):
            cell_spans(record, b",")
        return
    assert [read_cell(record[a:b]) for a, b in cell_spans(record, b",")] == cells


def test_what_the_contract_does_not_name_is_encrypted() -> None:
    """Columns and members that no property reads are encrypted, their names too."""
    out, _ = protect(b"request,Lylyly's email,name\nR1,ly@example.org,Lylyly\n", contract(), "csv")
    assert out.startswith(b"request,vp1.")
    assert b"Lylyly" not in out
    assert b"email" not in out
    line = json.dumps({"request": "R1", "Lylyly's": 1, "n": {"a": [1]}, "name": "Lylyly", "kind": "x"}) + "\n"
    out, _ = protect(line.encode(), contract("ndjson"), "ndjson")
    assert b"Lylyly" not in out
    document = json.loads(out)
    assert (document["request"], document["kind"], len(document)) == ("R1", "x", 5)


def test_a_stray_quote_swallows_nothing() -> None:
    """A blank record's quote, which opened nothing as the file came, opens nothing in the protected one."""
    data = b'name\n"\nLylyly"x""\n",\t\r\nLylyly\n'
    out, _ = protect(data, contract(), "csv")
    assert b"Lylyly" not in out
    check(out, contract(), "csv")
    assert read(out, contract(), "csv").n_records == read(data, contract(), "csv").n_records
    assert protect(b'name\n"\n",\n\n', contract(), "csv") == (b"name\n,\n\n", [])


def test_a_header_that_says_a_name_twice_is_still_one() -> None:
    """Names of the contract stay in a header as they stand, so that it is still read as one."""
    data = b"request,name\nrequest,request\nR1,Lylyly\nrequest,,name\nR2,Lylyly,Lylyly\n"
    out, _ = protect(data, contract(), "csv")
    assert b"Lylyly" not in out
    assert [r.n_headers for r in (read(data, contract(), "csv"), read(out, contract(), "csv"))] == [2, 2]


def test_missing_stays_missing() -> None:
    """Empty cells, missing tokens and null stay as they are: whether a value came is no secret."""
    out, records = protect(b"request,name,phone\nR1,,NA\nR2, ,\n", contract(), "csv")
    assert out == b"request,name,phone\nR1,,NA\nR2, ,\n"
    assert records == []
    line = b'{"request":"R1","name":null,"phone":"NA"}\n'
    assert protect(line, contract("ndjson"), "ndjson") == (line, [])


def test_numbers_keep_their_bytes() -> None:
    """What is in clear keeps every digit, however large, and every blank."""
    line = b'{ "kind" : 1.500e3, "request": 123456789012345678901234567890, "name": 42 }\n'
    out, (record,) = protect(line, contract("ndjson"), "ndjson")
    assert out.startswith(b'{ "kind" : 1.500e3, "request": 123456789012345678901234567890, "name": "vp1.')
    assert record.values == (("resident", "42"),)


def test_a_forged_token_is_no_value() -> None:
    """A record with a token in it that the file brought along is encrypted whole and refused."""
    forged = f"vp1.{'A' * 22}.{'A' * 112}"
    out, _ = protect(f"request,kind,name\nR1,{forged},Lylyly\n".encode(), contract(), "csv")
    assert forged.encode() not in out
    assert out.endswith(b'"!token\n')


def test_other_encodings_read_as_before() -> None:
    """A record in the fallback encoding is written so that the rest of it reads as it did."""
    data = "request,kind,name\nR1,đường,Nguyễn\n".encode() + b"R2,c\xe2y,\xd0\xe0o\n"
    c = contract()
    out, _ = protect(data, c, "csv")
    assert read(out, c, "csv").frame["kind"].to_list() == read(data, c, "csv").frame["kind"].to_list()
    strict = contract(
        **{
            "fallbackEncoding, value: windows-1258": "fallbackEncoding, value: utf-8",
            "format: csv": "format: csv\n    encoding: windows-1252",
        }
    )
    data = b"request,kind,name\nR1,\xe9t\xe9,An\nR2,\xc4\x91\x81,An\n"
    out, _ = protect(data, strict, "csv")
    assert (
        read(out, strict, "csv").frame["kind"].to_list() == read(data, strict, "csv").frame["kind"].to_list()
    )


def test_lines_that_end_in_a_return_alone_are_a_wrong_file() -> None:
    """A file of one endless line is refused as without protection, nothing of it shown."""
    with pytest.raises(WrongFile, match="CR alone") as caught:
        protect(b"request,name\rR1,Lylyly\r", contract(), "csv")
    assert "Lylyly" not in str(caught.value)


GOOD = f"vp1.{'A' * 22}.{'A' * 112}"


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("csv", f"request,name\nR1,{GOOD}\nR2,Lyly\n", "record 2: resident"),
        ("csv", f"request,name,nick\nR1,{GOOD},\n", "record 0: header"),
        ("csv", f"request,{GOOD},encrypted-3\nR1,{GOOD},Lyly\n", "record 1: "),
        ("csv", f"request,name\nR1,{GOOD},Lyly\n", "neither"),
        ("csv", f'request,name\n"{GOOD}"!Lyly Lyly\n', "neither"),
        ("csv", f'request,name\n"{GOOD}\n', "neither"),
        ("ndjson", f'{{"name":"{GOOD}"}}\n{{"name":"Lyly"}}\n', "record 1: resident"),
        ("ndjson", f'{{"{GOOD}":"Lyly"}}\n', "member"),
        ("ndjson", '{"nick":null}\n', "member"),
        ("ndjson", f'"{GOOD}"\n', "neither"),
        ("ndjson", f'["{GOOD}"]\n', "neither"),
    ],
)
def test_whatever_is_in_clear_is_found(kind: str, text: str, message: str) -> None:
    """A value, a header, a member or a broken record that is not encrypted is found, and never shown."""
    with pytest.raises(Unprotected, match=message) as caught:
        check(text.encode(), contract(kind), kind)
    assert "Lyly" not in str(caught.value)


def test_what_is_protected_throughout_passes() -> None:
    """Tokens, missing values, encrypted headers, members and records pass; blank records too."""
    check(
        f'request,{GOOD},encrypted-3,name\nR1,{GOOD},,{GOOD}\n\n"{GOOD}"!quotes\n'.encode(), contract(), "csv"
    )
    lines = f'{{"name":"{GOOD}","{GOOD}":null,"kind":"x"}}\n\n"{GOOD}!json"\n{{"name":"NA"}}\n'
    check(lines.encode(), contract("ndjson"), "ndjson")


def test_columns_of_a_contract() -> None:
    """Personal columns by every name they have; the others in clear."""
    columns = Columns.of(contract())
    assert columns.clear == {"request", "opened_at", "kind"}
    assert columns.personal.keys() == {"name", "phone", "tel"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nguyễn  Thị AN", "nguyễn thị an"),
        ("Nguyễn", "Nguyễn"),
        ("(090) 123-4567", "090 123 4567"),
        ("+84 90.123.456", "+8490123456"),
        ("（０９０）１２３４５６７", "0901234567"),
        ("12/3  LÊ LỢI", "12/3 lê lợi"),
        ("ＡＮ", "an"),
    ],
)
def test_one_value_written_two_ways_has_one_pseudonym(one: str, other: str) -> None:
    """Case, composition, width, blanks and the punctuation of telephone numbers make no difference."""
    assert pseudonym(b"k", "f", "x", one) == pseudonym(b"k", "f", "x", other)


def test_pseudonyms_differ_by_secret_feed_field_and_value() -> None:
    """Who has not the secret cannot make one, and no two places share one."""
    base = pseudonym(b"k", "f", "x", "An")
    others = [pseudonym(*a) for a in ((b"l", "f", "x", "An"), (b"k", "g", "x", "An"), (b"k", "f", "y", "An"))]
    assert base not in others
    assert normal("a-1") != normal("a1")


@pytest.mark.parametrize(
    "values",
    [
        ("123", "12/3", "1/23", "1-23", "½3", "1²3"),
        ("5", "-5", "+5", "⁵", "₅", "⑤"),
        ("15", "1.5", "1,5", "1 5"),
        ("107768894", "10.7768894", "-10.7768894", "1 077 688.94", "10776889/4", "10776889+4"),
        ("0901234567", "+0901234567", "84901234567", "0901234567#1"),
        ("12345678901234567", "1234-5678901234567"),
    ],
)
def test_values_that_may_be_two_things_have_two_pseudonyms(values: tuple[str, ...]) -> None:
    """House numbers, fractions, signs, decimals: to erase one never touches who has the other."""
    assert len({pseudonym(b"k", "f", "x", value) for value in values}) == len(values)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ndjson", '{"request":"R1","name":"\\u0076' + GOOD[1:] + '"}\n'),
        ("ndjson", '{"request":"R1","\\u0076' + GOOD[1:] + '":null}\n'),
        ("ndjson", '{"request":"R1","name":"' + GOOD + '","kind":"' + GOOD + '"}\n'),
        ("ndjson", '{"request":"R1","kind":"\\u0076' + GOOD[1:] + '"}\n'),
        ("csv", f"request,kind,name\nR1,{GOOD},{GOOD}\n"),
    ],
)
def test_a_token_stands_as_it_is_read(kind: str, text: str) -> None:
    """A token spelt with escapes, which no search of the bytes finds, or in a column in clear, is refused."""
    with pytest.raises(Unprotected):
        check(text.encode(), contract(kind), kind)


def test_the_check_says_what_tokens_it_saw() -> None:
    """Record by record, in order; a header that comes again has none of its own."""
    text = f'request,{GOOD},name\nR1,{GOOD},{GOOD}\nrequest,{GOOD},name\n"{GOOD}"!quotes\nR2,,\n'
    c, data = contract(), text.encode()
    found = ProtectionCheck(c, "csv").part(data, split_records(data, text_format(c, "csv"), at_end=True))
    assert [(f.record, len(f.tokens), f.whole) for f in found] == [(0, 1, False), (1, 2, False), (3, 1, True)]


def test_a_token_in_clear_spelt_with_escapes_is_encrypted(tmp_path: Path) -> None:
    """Whoever sends a plain file cannot have another's token stand in a column in clear, however spelt."""
    data = ('{"request":"R1","opened_at":"2026-06-01T00:00:00Z","kind":"\\u0076' + GOOD[1:] + '"}\n').encode()
    out, records = protect(data, contract("ndjson"), "ndjson")
    assert out.endswith(b'!token"\n')
    assert len(records) == 1
