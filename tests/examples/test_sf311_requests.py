"""San Francisco: 10,000 requests of residents, of which nothing that tells where stays in clear."""

import re
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from real_data import NOW, TakeIn

from persons import every_byte
from veracity.home.audit import audit
from veracity.home.erasures import erase_value, retain
from veracity.home.home import open_writer
from veracity.home.persons import find, show

BY, WHY = "Nguyen Van Dung", "letter of 3 September"


@pytest.mark.data
def test_requests_of_residents_go_the_whole_way(data: Path, take_in: TakeIn, tmp_path: Path) -> None:
    """Ten years of requests: all counted, no place in any file, found, shown, erased, then all outlived."""
    given = data / "service-requests-311" / "sf311_2008_2018.parquet"
    if not given.is_file():
        pytest.skip(f"no real data: want {given.name} under VERACITY_DATA, got none")
    source = pl.read_parquet(given)
    file = tmp_path / "sf311.csv"
    source.write_csv(file, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    taken = take_in("sf311_requests", file)
    root = tmp_path / "city"
    assert taken.counts == (10_000, 10_000, 0, 0)
    _nothing_in_clear(root)

    rows = taken.rows()
    assert rows["latitude"].null_count() == source["lat"].null_count() == 4_264
    assert rows["latitude"].drop_nulls().str.starts_with("vp1.").all()
    assert rows["category"].to_list() == source["category"].to_list()
    row = taken.verified_row("request = '240769'")
    assert str(row["latitude"]).startswith("vp1.")

    with open_writer(root, lambda: NOW) as home:
        same = source.filter(pl.col("lat") == 37.7931).height
        found = find(home, taken.feed, "latitude", "37.7931", BY, WHY).records
        assert len(found) == same > 1
        shown = {s.field: s.value for s in show(home, taken.feed, 0, 1, BY, WHY)}
        assert (shown["latitude"], shown["longitude"]) == ("37.7931", "-122.3965")
        done = erase_value(home, taken.feed, "latitude", "37.7931", BY, WHY)
        assert len(done.records) == same
        assert audit(home).findings == []
    assert taken.verified_row("request = '240769'") == row

    with open_writer(root, lambda: NOW + timedelta(days=731)) as home:
        outlived = retain(home, taken.feed)
        assert outlived is not None
        assert len(outlived.records) == 10_001 - same  # the header's names too
        assert find(home, taken.feed, "latitude", "37.7908", BY, WHY).records == ()
        assert audit(home).findings == []
    _nothing_in_clear(root)


def _nothing_in_clear(root: Path) -> None:
    """No latitude of the city, and no staff note, in any file of the home."""
    place = re.compile(rb"37\.[678][0-9]{3}")
    for name, body in every_byte(root):
        assert not place.search(body), name
        assert b"Maximo Service" not in body, name
