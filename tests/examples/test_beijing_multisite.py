"""Beijing: 420,768 hours of 12 stations, with real gaps and instruments at their ceilings."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from real_data import TakeIn, cell, states

NULLS = {"pm25": 8_739, "pm10": 6_449, "so2": 9_021, "no2": 12_116, "co": 20_701, "o3": 13_277}


@pytest.mark.data
def test_beijing_goes_the_whole_way(data: Path, take_in: TakeIn) -> None:
    """Four years of Beijing give exact counts, the source's values, a panel, a receipt and a clean audit."""
    file = data / "beijing_multisite" / "prsa.parquet"
    taken = take_in("beijing_multisite", file)

    assert taken.counts == (12 * 35_064, 420_689, 79, 0)
    at_ceiling = {"range:pm25": 1, "range:pm10": 3, "range:so2": 3, "range:co": 56}
    flagged = {"relation:fine-in-coarse": 7_785, "stuck:o3": 848}
    assert taken.report.reasons == {
        **at_ceiling,
        "range:o3": 16,
        **flagged,
    }  # Dongsi at 1,071, hour after hour
    source = pl.read_parquet(file, columns=["PM2.5", "PM10"])
    assert source.filter(pl.col("PM2.5") > 1.2 * pl.col("PM10") + 10).height == 7_785

    _check_values(taken.rows(), file)
    aside = taken.city.quarantine(taken.feed, "range:o3").collect()
    assert set(aside["station"]) == {"Dongsi"}
    assert aside["o3"].cast(pl.Float64).min() == 1_026.0

    panel = taken.panel("beijing-hourly")
    assert panel.shape == (12 * 35_064, 12)
    assert states(panel, "pm25") == {"measured": 411_954, "previous": 4_606, None: 4_208}
    assert states(panel, "temperature") == {"measured": 420_291, "linear": 313, None: 164}
    first_day = datetime(2013, 3, 1, 15, tzinfo=UTC)  # 23:00 in Beijing
    assert cell(panel, first_day, "pm25", station="Aotizhongxin") == (24.0, "measured")
    assert cell(panel, first_day, "pm25_day", station="Aotizhongxin") == (171 / 24, "measured")
    gap = datetime(2013, 5, 2, 13, tzinfo=UTC)  # 82 at 20:00 local time, nothing at 21:00
    assert cell(panel, gap, "pm25", station="Aotizhongxin") == (82.0, "previous")
    cold = datetime(2015, 1, 27, 12, tzinfo=UTC)  # between -5.2 and -7.0
    assert cell(panel, cold, "temperature", station="Aotizhongxin") == (pytest.approx(-6.1), "linear")

    row = taken.verified_row("station = 'Dongsi' and observed_at = '2013-08-16 12:00'")  # Beijing time
    assert row["observed_at"] == "2013-08-16T04:00:00Z"
    assert (row["pm25"], row["temperature"], row["wind_direction"]) == (134.0, 32.1, "SSE")

    audit = taken.audit()
    assert (audit.batches, audit.records, audit.rows, audit.panels) == (1, 420_768, 420_689, 1)


def _check_values(rows: pl.DataFrame, file: Path) -> None:
    """Every accepted value is the source's, and what the source misses is missing."""
    source = pl.read_parquet(file).with_row_index("_record")
    kept = source.filter(~source["_record"].is_in(set(source["_record"]) - set(rows["_record"])))
    for name, column in {"pm25": "PM2.5", "co": "CO", "temperature": "TEMP", "rain": "RAIN"}.items():
        assert rows[name].cast(pl.Float32).equals(kept[column].alias(name)), name
    lost = source.filter(source["_record"].is_in(set(source["_record"]) - set(rows["_record"])))
    for name, n_null in NULLS.items():
        column = name.upper().replace("PM25", "PM2.5")
        assert rows[name].null_count() + lost[column].null_count() == n_null == source[column].null_count()
    utc = kept["timestamp"].dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
    assert rows["observed_at"].equals(utc.alias("observed_at"))
