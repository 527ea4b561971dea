"""Files in: told apart, streamed in parts, and every way they fail an error of ours."""

import gzip
import hashlib
import os
import random
import zlib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.records import TextFormat, parse_records
from veracity.errors import Malformed, Unavailable
from veracity.feeds.errors import (
    BadFileName,
    ChangedFile,
    CorruptFile,
    FeedError,
    UnknownFileKind,
    UnreadableFile,
)
from veracity.feeds.files import TextPart, inspect, iter_parquet_parts, iter_parts, rows_of_part

CSV, NDJSON = TextFormat("csv"), TextFormat("ndjson")


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def parts_of(path: Path, fmt: TextFormat, records: int = 64, part_bytes: int = 2**27) -> list[TextPart]:
    return list(iter_parts(inspect(path), fmt, records, part_bytes))


@pytest.mark.parametrize(
    ("name", "kind", "compression"),
    [
        ("a.csv", "csv", "none"),
        ("a.TSV", "csv", "none"),
        ("a.b.ndjson", "ndjson", "none"),
        ("a.jsonl.gz", "ndjson", "gzip"),
        ("a.CSV.GZ", "csv", "gzip"),
    ],
)
def test_inspect_tells_kind_size_and_digest(tmp_path: Path, name: str, kind: str, compression: str) -> None:
    """The name says the kind; size and digest are of the bytes on disk."""
    data = gzip.compress(b"x,y\n", mtime=0) if compression == "gzip" else b"x,y\n"
    info = inspect(put(tmp_path, name, data))
    assert (info.kind, info.compression, info.n_bytes) == (kind, compression, len(data))
    assert info.sha256 == hashlib.sha256(data).hexdigest()
    assert info.name == name


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b"x"),
        ("a", b"x"),
        ("a.parquet.gz", b"x"),
        ("a.parquet", b"x,y\n"),
        ("a.csv", b"PAR1...."),
        ("a.csv", b"PK\x03\x04...."),
        ("a.csv", "x,y\n".encode("utf-16")),
        ("a.csv", gzip.compress(b"x", mtime=0)),
        ("a.csv.gz", b"x,y\n"),
        ("a.csv.gz", b""),
    ],
)
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, name: str, data: bytes) -> None:
    """Unknown names, and content that contradicts a known one, are refused before any reading."""
    with pytest.raises(UnknownFileKind):
        inspect(put(tmp_path, name, data))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, a named pipe (without waiting): each one error of ours."""
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("missing.csv", "folder.csv", "pipe.csv"):
        with pytest.raises(UnreadableFile) as caught:
            inspect(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert isinstance(caught.value, Unavailable)


@pytest.mark.parametrize("name", ["nul\0.csv", "x" * 300 + ".csv"])
def test_names_that_no_statement_can_hold(tmp_path: Path, name: str) -> None:
    """A NUL or too many characters in a name is bad input, told in one line."""
    with pytest.raises(BadFileName, match="file's name") as caught:
        inspect(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    """A file we may not read is out of reach."""
    path = put(tmp_path, "a.csv", b"x\n")
    path.chmod(0)
    with pytest.raises(UnreadableFile):
        inspect(path)


def test_parts_cover_the_file(tmp_path: Path) -> None:
    """Parts follow one another in bytes, records and lines; only the last is shorter."""
    data = b"".join(b'%d,"a\nb"\n' % i if i % 5 == 0 else b"%d,x\n" % i for i in range(200))
    parts = parts_of(put(tmp_path, "a.csv", data), CSV)
    assert b"".join(p.data for p in parts) == data
    assert [p.n_records for p in parts] == [64, 64, 64, 8]
    assert [p.index for p in parts] == [0, 1, 2, 3]
    assert [p.first_record for p in parts] == [0, 64, 128, 192]
    lines = [1]
    for p in parts:
        assert p.ends[-1] == len(p.data)
        assert p.first_line == lines[-1]
        lines.append(lines[-1] + p.data.count(b"\n"))
    assert not any(p.truncated or p.continued for p in parts)


@given(st.integers(0, 2**32), st.integers(1, 2_000), st.integers(1, 40))
@settings(deadline=None, max_examples=40)
def test_a_part_ends_after_the_page_that_fills_it(
    tmp_path_factory: pytest.TempPathFactory, seed: int, limit: int, width: int
) -> None:
    """Parts by bytes end at the end of the page in which they reach the limit: bytes alone decide."""
    rng = random.Random(seed)  # noqa: S311
    records = [b"x" * rng.randrange(width) + b"\n" for _ in range(rng.randrange(700))]
    expected, current = [], b""
    for i in range(0, len(records), 64):
        current += b"".join(records[i : i + 64])
        n = len(records[i : i + 64])
        if n == 64 and (len(current) >= limit or current.count(b"\n") == 256):
            expected.append(current)
            current = b""
    expected += [current] if current else []
    path = put(tmp_path_factory.mktemp("parts"), "a.ndjson", b"".join(records))
    assert [p.data for p in parts_of(path, NDJSON, 256, limit)] == expected


def test_empty_files_have_no_parts(tmp_path: Path) -> None:
    """An empty file, and a gzip file of nothing, hold no records."""
    assert parts_of(put(tmp_path, "a.csv", b""), CSV) == []
    assert parts_of(put(tmp_path, "a.csv.gz", gzip.compress(b"", mtime=0)), CSV) == []


def test_an_over_long_record_goes_on_in_the_next_part(tmp_path: Path) -> None:
    """A part that begins in the middle of an over-long record says so, and its rest gives no row."""
    data = b"1\n" * 63 + b"z" * 65_536 + b"5\n" + b"6\n"
    first, second = parts_of(put(tmp_path, "a.csv", data), CSV)
    assert (first.n_records, first.continued, second.continued, second.first_line) == (64, False, True, 64)
    parsed = parse_records(
        second.data, second.ends, CSV, ("v",), second.first_line, continued=second.continued
    )
    assert [(r.record, r.line, r.code) for r in parsed.refusals] == [(0, 64, "too-long")]
    assert parsed.frame.rows() == [(1, "6")]


def test_gzip_members_and_padding(tmp_path: Path) -> None:
    """Members follow one another as one text, padding after them is ignored."""
    data = gzip.compress(b"1,2\n3,", mtime=0) + gzip.compress(b"4\n") + b"\0" * 512
    (part,) = parts_of(put(tmp_path, "a.csv.gz", data), CSV)
    assert part.data == b"1,2\n3,4\n"
    assert not part.truncated


def test_every_cut_of_a_gzip_file(tmp_path: Path) -> None:
    """A gzip file cut anywhere gives what is complete and says it is truncated."""
    text = "".join(f"{random.Random(i).random()},{i}\n" for i in range(100)).encode()  # noqa: S311
    data = gzip.compress(text, mtime=0)
    for cut in range(2, len(data), 17):
        path = put(tmp_path, "a.csv.gz", data[:cut])
        if not zlib.decompressobj(wbits=31).decompress(data[:cut]):
            with pytest.raises(CorruptFile, match="only its beginning"):
                parts_of(path, CSV)
            continue
        parts = parts_of(path, CSV)
        got = b"".join(p.data for p in parts)
        assert text.startswith(got)
        assert [p.truncated for p in parts] == [False] * (len(parts) - 1) + [True]


def test_a_gzip_file_broken_in_its_middle(tmp_path: Path) -> None:
    """Flipped bytes in a gzip file never pass for data: the checksum at its end is checked."""
    data = bytearray(gzip.compress(b"1,2\n" * 1_000, mtime=0))
    data[-6] ^= 1
    with pytest.raises(CorruptFile):
        parts_of(put(tmp_path, "a.csv.gz", bytes(data)), CSV)
    with pytest.raises(CorruptFile):
        parts_of(put(tmp_path, "b.csv.gz", gzip.compress(b"1\n", mtime=0) + b"junk"), CSV)


def test_a_gzip_bomb_stays_in_parts(tmp_path: Path) -> None:
    """A gzip file of zeros is read in parts, never whole."""
    path = put(tmp_path, "a.csv.gz", gzip.compress(bytes(64 * 1024 * 1024)))
    biggest = max(len(p.data) for p in iter_parts(inspect(path), CSV, 64))
    assert biggest <= 64 * 65_536


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    """A file that changes after inspection, before or during reading, is not read as what it was."""
    path = put(tmp_path, "a.csv", b"1,2\n" * 200)
    info = inspect(path)
    reading = iter_parts(info, CSV, 64)
    next(reading)
    with path.open("ab") as file:
        file.write(b"3,4\n")
    with pytest.raises(ChangedFile):
        list(reading)
    with pytest.raises(ChangedFile):
        list(iter_parts(info, CSV))
    path.unlink()
    with pytest.raises(UnreadableFile):
        list(iter_parts(info, CSV))


def test_a_change_with_its_time_set_back_is_noticed(tmp_path: Path) -> None:
    """Other bytes of the same length, and the time of change put back: still another file."""
    path = put(tmp_path, "a.csv", b"1,2\n" * 200)
    info, before = inspect(path), path.stat()
    with path.open("r+b") as file:
        file.write(b"9,9\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(ChangedFile):
        list(iter_parts(info, CSV))


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    """A file moved over the one being read is noticed too."""
    info = inspect(put(tmp_path, "a.csv", b"1,2\n" * 200))
    reading = iter_parts(info, CSV, 64)
    next(reading)
    put(tmp_path, "b.csv", b"9,9\n" * 200).replace(info.path)
    with pytest.raises(ChangedFile):
        list(reading)


@pytest.mark.parametrize("records", [0, -64, 63])
def test_parts_are_whole_pages(tmp_path: Path, records: int) -> None:
    """A part size that is no whole number of pages is a caller's bug."""
    info = inspect(put(tmp_path, "a.csv", b"1\n"))
    with pytest.raises(ValueError, match="multiple of 64"):
        list(iter_parts(info, CSV, records))
    with pytest.raises(ValueError, match="multiple of 64"):
        rows_of_part(3, records)


def parquet(folder: Path, frame: pl.DataFrame) -> Path:
    path = folder / "a[1].parquet"  # brackets are no pattern
    frame.write_parquet(path, row_group_size=100)
    return path


def test_parquet_parts(tmp_path: Path) -> None:
    """Parquet parts are the rows in order, from any part on."""
    frame = pl.DataFrame({"i": range(300), "s": [f"s{i}" for i in range(300)]})
    info = inspect(parquet(tmp_path, frame))
    parts = list(iter_parquet_parts(info, 128))
    assert pl.concat([p.frame for p in parts]).equals(frame)
    assert [(p.index, p.first_row, p.frame.height) for p in parts] == [
        (0, 0, 128),
        (1, 128, 128),
        (2, 256, 44),
    ]
    (last,) = iter_parquet_parts(info, 128, first_part=2)
    assert last.frame.equals(parts[2].frame)


def test_wide_parquet_has_smaller_parts() -> None:
    """Parts stay within their number of cells, by powers of two, and are whole pages."""
    for columns in (1, 16, 17, 516, 20_000, 131_072):
        rows = rows_of_part(columns)
        assert rows % 64 == 0
        assert rows * columns <= 8_388_608


def test_parquet_without_rows_or_columns(tmp_path: Path) -> None:
    """No rows: no parts. No columns: no file of ours."""
    assert list(iter_parquet_parts(inspect(parquet(tmp_path, pl.DataFrame({"a": []}))))) == []
    with pytest.raises(CorruptFile):
        list(iter_parquet_parts(inspect(parquet(tmp_path, pl.DataFrame()))))


def test_broken_parquet_fails_as_our_error(tmp_path: Path) -> None:
    """A Parquet file cut or changed anywhere is read, or fails with an error of ours in one line."""
    rng = random.Random(7)  # noqa: S311
    good = parquet(tmp_path, pl.DataFrame({"i": range(300), "s": [f"s{i}" for i in range(300)]})).read_bytes()
    damaged = [good[: len(good) * k // 12] for k in range(1, 12)]
    for _ in range(60):
        copy = bytearray(good)
        copy[rng.randrange(4, len(good))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(copy))
    errors: list[FeedError] = []
    for data in damaged:
        try:
            list(iter_parquet_parts(inspect(put(tmp_path, "b.parquet", data)), 128))
        except FeedError as exc:
            errors.append(exc)
    assert len(errors) >= 11
    assert all(isinstance(e, Malformed) and "\n" not in str(e) for e in errors)


def test_parquet_changed_while_read(tmp_path: Path) -> None:
    """A Parquet file replaced between two parts is noticed."""
    frame = pl.DataFrame({"i": range(300)})
    info = inspect(parquet(tmp_path, frame))
    reading = iter_parquet_parts(info, 64)
    next(reading)
    parquet(tmp_path, frame.with_columns(pl.col("i") + 1))
    with pytest.raises(ChangedFile):
        list(reading)
