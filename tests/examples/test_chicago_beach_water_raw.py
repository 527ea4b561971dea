"""Chicago: unordered buoy readings, times with and without seconds, 12 and 24 hours, in one column."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from real_data import TakeIn, cell, states


@pytest.mark.data
def test_chicago_goes_the_whole_way(data: Path, take_in: TakeIn) -> None:
    """The beaches give exact counts, every shape of time, a panel, a receipt and a clean audit."""
    file = data / "chicago_beach_water_raw" / "beach_water_raw.parquet"
    taken = take_in("chicago_beach_water_raw", file)

    assert taken.counts == (10_034, 9_967, 67, 0)
    assert taken.report.reasons == {"range:water_temperature": 63, "range:turbidity": 2, "range:depth": 2}
    zero = taken.city.quarantine(taken.feed, "range:water_temperature").collect()
    assert set(zero["beach"]) == {"Rainbow Beach"}
    assert set(zero["water_temperature"]) == {"0"}
    spikes = taken.city.quarantine(taken.feed, "range:turbidity").collect()
    assert sorted(spikes["turbidity"]) == ["1113.5", "1190.02"]

    rows = taken.rows()
    stamps = pl.read_parquet(file)["Measurement Timestamp"]
    assert stamps.str.contains("M$").sum() == 6_517  # 12 hours: AM and PM
    assert stamps.str.contains("^[0-9/]+ [0-9]{2}:[0-9]{2}$").sum() == 3_517  # 24 hours
    assert rows["observed_at"].null_count() == 0
    assert rows["observed_at"].dt.convert_time_zone("America/Chicago").dt.year().value_counts().sort(
        "observed_at"
    )["count"].to_list() == [5, 9_962]
    assert not rows["observed_at"].is_sorted()  # the table keeps the order of arrival

    panel = taken.panel("chicago-beaches-2014")
    assert panel.shape == (6 * (105 * 24 + 1), 8)
    assert states(panel, "water_temperature") == {"measured": 9_962, "linear": 211, None: 4_953}
    noon = datetime(2014, 5, 28, 17, tzinfo=UTC)  # 12 o'clock in Chicago
    assert cell(panel, noon, "water_temperature", beach="Calumet Beach") == (16.2, "measured")

    row = taken.verified_row("beach = 'Calumet Beach' and observed_at = '2013-09-03 16:00'")
    assert (row["observed_at"], row["turbidity"]) == ("2013-09-03T21:00:00Z", 3.63)

    audit = taken.audit()
    assert (audit.records, audit.rows, audit.panels) == (10_034, 9_967, 1)
