"""A dirty file goes in as far as it can be read; the rest is refused with file, line and reason."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from dirty_file import CONTRACT, N_LINES, SITE, dirty_csv, real_rows
from real_data import NOW

import veracity
from veracity.home.city import City
from veracity.home.ingest import FileReport

FIRST = datetime(2004, 3, 10, 17, tzinfo=UTC)  # 18:00 at UTC+1
REFUSED = [
    "{file}:20: fields: want 5, got 3",
    "{file}:21: fields: want 5, got 7",
    "{file}:22: encoding: want utf-8 or windows-1252, got other bytes",
    "{file}:35: quotes: want a closing quote before a separator, got none",
    "{file}:37: truncated: want a whole record, got the end of the file in it (want 5, got 3)",
]


@pytest.fixture
def rows(data: Path) -> list[dict[str, str]]:
    """The first hours of the UCI air-quality file, as text."""
    file = data / "uci_air_quality_italy_raw" / "AirQualityUCI.csv.gz"
    if not file.is_file():
        pytest.skip(f"no real data: want {file.name} under VERACITY_DATA, got none")
    return real_rows(file, 21)


def ingest(folder: Path, name: str, body: bytes) -> tuple[City, FileReport]:
    """Give a new city the file."""
    folder.mkdir(exist_ok=True)
    (folder / "dirty.yaml").write_text(CONTRACT)
    (folder / name).write_bytes(body)
    veracity.init(folder / "city", "example.org/city", lambda: NOW)
    city = veracity.open(folder / "city", lambda: NOW)
    city.add_feed(folder / "dirty.yaml")
    (report,) = city.ingest("dirty", [folder / name])
    return city, report


def test_every_line_of_a_dirty_file_is_accounted_for(rows: list[dict[str, str]], tmp_path: Path) -> None:
    """Of 37 lines 21 are accepted, 6 quarantined, 5 refused by line, 2 blank and 3 are headers."""
    body = dirty_csv(rows)
    assert body.count(b"\r\n") + 1 == N_LINES
    city, report = ingest(tmp_path, "dirty.csv", body)
    assert (report.received, report.accepted, report.quarantined, report.refused) == (32, 21, 6, 5)
    assert report.blank == 2
    assert report.received + report.blank + 3 == N_LINES
    assert report.reasons == {
        "duplicate-key": 2,
        "type:observed_at": 1,
        "type:temperature": 1,
        "range:co": 1,
        "range:no2": 1,
        "required:observed_at": 1,
    }
    assert report.refusals == {"fields": 2, "encoding": 1, "quotes": 1, "truncated": 1}
    assert report.first_refusals == [line.format(file="dirty.csv") for line in REFUSED]
    _check_table(city.table("dirty").collect(), rows)
    _check_quarantine(city.quarantine("dirty").collect())
    # A row of the other encoding and another shape of time, cleaned again from its bytes.
    receipt = city.receipt("dirty", "observed_at = '2004-03-11 07:00:00'")
    verified = veracity.verify(receipt, city.policy)
    assert verified.evidence is not None
    line = f"Mar 11 2004 7:00 AM;{rows[13]['CO(GT)']};{rows[13]['NO2(GT)']};{rows[13]['T']};{SITE};\r\n"
    assert verified.evidence.data == line.encode("windows-1252")
    assert verified.row is not None
    assert (verified.row["site"], verified.row["co"]) == (SITE, _number(rows[13]["CO(GT)"], 1_000))
    assert city.audit().findings == []


def _check_table(table: pl.DataFrame, rows: list[dict[str, str]]) -> None:
    """Every shape of time, header, decimal mark and missing token reads as the real row says."""
    order = [*range(10), *reversed(range(10, 15)), 15, *range(16, 21)]  # the order of arrival
    assert table["observed_at"].to_list() == [FIRST + timedelta(hours=i) for i in order]
    assert set(table["site"]) == {SITE}
    for name, column, scale in (("co", "CO(GT)", 1_000), ("no2", "NO2(GT)", 1), ("temperature", "T", 1)):
        wanted = [_number(rows[i][column], scale) for i in order]
        if name != "temperature":
            wanted[order.index(15)] = None  # NA and -
        assert table[name].to_list() == pytest.approx(wanted), name


def _number(text: str, scale: int) -> float | None:
    return None if text == "-200" else float(text.replace(",", ".")) * scale


def _check_quarantine(aside: pl.DataFrame) -> None:
    """Rows set aside keep every reason and the text as it was received."""
    assert dict(zip(aside["_record"].to_list(), aside["reasons"].to_list(), strict=True)) == {
        16: ["duplicate-key"],  # records count from 0, lines from 1
        17: ["duplicate-key"],
        30: ["type:observed_at"],
        31: ["type:temperature"],
        32: ["range:co"],
        33: ["required:observed_at", "range:no2"],
    }
    assert aside["co"].to_list()[1] == "9,9"
    assert aside["observed_at"].to_list()[2] == "yesterday"
    assert aside["temperature"].to_list()[3] == "10,0 C"


def test_the_same_file_in_gzip_gives_the_same_rows(rows: list[dict[str, str]], tmp_path: Path) -> None:
    """Compression changes the name and the digest of the file, and nothing else."""
    body = dirty_csv(rows)
    plain, one = ingest(tmp_path / "plain", "dirty.csv", body)
    packed, two = ingest(tmp_path / "packed", "dirty.csv.gz", gzip.compress(body, mtime=0))
    assert two.first_refusals == [line.format(file="dirty.csv.gz") for line in REFUSED]
    assert (one.received, one.reasons, one.refusals) == (two.received, two.reasons, two.refusals)
    assert plain.table("dirty").collect().equals(packed.table("dirty").collect())
    assert packed.audit().findings == []


def test_a_gzip_that_breaks_off_gives_what_came_out(rows: list[dict[str, str]], tmp_path: Path) -> None:
    """A gzip cut in its middle gives its whole lines; the line it breaks off in is refused."""
    packed = gzip.compress(dirty_csv(rows), mtime=0)
    city, report = ingest(tmp_path, "dirty.csv.gz", packed[: len(packed) // 2])
    assert report.refusals.get("truncated") == 1
    assert 10 <= report.accepted < 21
    assert report.received == report.accepted + report.quarantined + report.refused
    assert city.audit().findings == []
