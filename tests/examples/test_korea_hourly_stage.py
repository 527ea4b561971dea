"""Korea: a wide file of river stage and rain, five years, with gaps and floods."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from real_data import TakeIn, cell, states


@pytest.mark.data
def test_korea_goes_the_whole_way(data: Path, take_in: TakeIn) -> None:
    """Stage and rain give one row for each cell that holds one, a panel, a receipt and a clean audit."""
    file = data / "korea-hourly-stage" / "hourly_2014_2018.parquet"
    taken = take_in("korea-hourly-stage", file)

    n_empty = 725 + 91 + 1_726 + 601 + 1_717 + 319 + 1_913 + 741  # cells of eight columns with gaps
    assert taken.counts == (14 * 43_823 - n_empty, 605_689, 0, 0)
    assert taken.report.reasons == {"shift:stage": 7}  # flags; each is explained in test_korea_datum_jumps
    rows = taken.rows()
    n = {name: rows[name].count() for name in ("stage", "rain")}
    assert n == {"stage": 343_567, "rain": 262_122}
    source = pl.read_parquet(file)
    assert (
        rows.filter(station="2022610")["stage"].cast(pl.Float32).equals(source["wl_2022610"].alias("stage"))
    )

    panel = taken.panel("korea-hourly")
    assert panel.shape == (14 * 43_823, 8)
    assert states(panel, "stage") == {"measured": 343_567, "previous": 34, None: 269_921}
    crest = datetime(2018, 8, 29, 16, tzinfo=UTC)  # 01:00 on the 30th in Korea
    assert cell(panel, crest, "stage", station="1018630") == (3.22, "measured")
    before = datetime(2018, 8, 29, 15, tzinfo=UTC)
    assert cell(panel, before, "rain", station="10184220") == (59.0, "measured")
    assert cell(panel, before, "rain_6h", station="10184220") == (12 + 26 + 21 + 5 + 21 + 59, "measured")
    gap = datetime(2014, 12, 31, 17, tzinfo=UTC)  # two hours after the last reading of the year, and three
    assert cell(panel, gap, "stage", station="1018630") == (-0.23, "previous")
    assert cell(panel, gap.replace(hour=18), "stage", station="1018630") == (None, None)

    row = taken.verified_row("station = '1018630' and observed_at = '2018-08-30 01:00'")
    assert row == {"observed_at": "2018-08-29T16:00:00Z", "station": "1018630", "stage": 3.22, "rain": None}

    audit = taken.audit()
    assert (audit.records, audit.rows, audit.panels) == (43_823, 605_689, 1)
