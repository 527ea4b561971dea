"""Italy: a CSV of 2004 with semicolons, decimal commas, -200 for missing and 114 empty lines."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from real_data import TakeIn, cell, states

MISSING = {"co": 1_683, "nmhc": 8_443, "nox": 1_639, "no2": 1_642}
OTHERS = ["benzene", "s1_co", "s2_nmhc", "s3_nox", "s4_no2", "s5_o3", "temperature", "humidity"]


@pytest.mark.data
def test_uci_italy_goes_the_whole_way(data: Path, take_in: TakeIn) -> None:
    """The export of 2004 gives exact counts, units converted, a panel, a receipt and a clean audit."""
    file = data / "uci_air_quality_italy_raw" / "AirQualityUCI.csv.gz"
    taken = take_in("uci_air_quality_italy_raw", file)

    assert taken.counts == (9_357, 9_357, 0, 0)
    assert taken.report.blank == 114
    assert taken.report.reasons == taken.report.refusals == {}
    rows = taken.rows()
    assert {n: rows[n].null_count() for n in MISSING} == MISSING
    assert {rows[n].null_count() for n in [*OTHERS, "absolute_humidity"]} == {366}
    assert rows["co"].max() == 11_900.0  # 11,9 mg/m3
    hours = rows["observed_at"].diff().drop_nulls().unique().dt.total_hours().to_list()
    assert hours == [1]  # every hour once, in spring and autumn too: its clock knows no summer time

    panel = taken.panel("uci-italy-hourly")
    assert panel.shape == (9_357, 11)
    assert states(panel, "co") == {"measured": 7_674, "linear": 182, None: 1_501}
    assert states(panel, "s1_co") == {"measured": 8_991, None: 366}
    gap = datetime(2004, 3, 11, 3, tzinfo=UTC)  # 600 at 03:00 local time, nothing, 700 at 05:00
    assert cell(panel, gap, "co") == (650.0, "linear")
    assert cell(panel, gap, "co_8h") == (pytest.approx(8_700 / 7), "measured")

    row = taken.verified_row("observed_at = '2004-03-10T17:00:00Z'")
    assert (row["co"], row["temperature"], row["absolute_humidity"]) == (2_600.0, 13.6, 0.7578)

    audit = taken.audit()
    header = 1
    assert (audit.records, audit.rows, audit.panels) == (9_357 + 114 + header, 9_357, 1)
    assert gzip.decompress(file.read_bytes()).count(b"\n") == audit.records
