"""The lines an agency sends."""

from datetime import UTC, datetime

import pytest

from veracity.canonical import canonical_json
from veracity.city import FEEDS, stations_of
from veracity.city.clock import make_clock
from veracity.city.messages import format_lines

CLOCK = make_clock(datetime(2026, 9, 1, tzinfo=UTC), 2)


@pytest.mark.parametrize(
    ("feed", "stamp"),
    [
        ("air-quality", "2026-09-01T07:05:00+07:00"),
        ("hydrology", "2026-09-01 07:05:00"),
        ("traffic", "2026-09-01T00:05:00Z"),
    ],
)
def test_one_instant_three_ways(feed: str, stamp: str) -> None:
    """The three agencies write the same instant in three ways."""
    of = stations_of(feed)
    (line,) = format_lines(feed, CLOCK, of, [0], [0], {"x": [0.5]})
    record = {
        "observed_at": stamp,
        "simulated": True,
        "station_id": of[0].id,
        "ward": of[0].ward,
        "x": 0.5,
    }
    assert line == canonical_json(record) + b"\n"


def test_values_are_canonical() -> None:
    """Whole numbers, zeros, tenths, nothing and words are written as RFC 8785 writes them."""
    values: list[float | str] = [12.0, -0.0, 0.1, 33.33, 65_535.0, float("nan"), "ERR"]
    n = len(values)
    lines = format_lines(FEEDS[0], CLOCK, stations_of(FEEDS[0]), [0] * n, [0] * n, {"v": values})
    texts = [line.split(b'"v":')[1].split(b",")[0].rstrip(b"}\n") for line in lines]
    assert texts == [b"12", b"0", b"0.1", b"33.33", b"65535", b"null", b'"ERR"']
