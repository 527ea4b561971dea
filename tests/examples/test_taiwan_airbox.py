"""Taiwan: a wide file, one column for each of 516 sensors, five of which are in other countries."""

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from real_data import CONTRACTS, TakeIn, cell, states

from veracity.home.contracts import load_contract

# Singapore, Singapore, Kuala Lumpur, Manila: the four that the data set is known for. The list of
# places has a fifth, V157, at 21.004 N 105.847 E: Hanoi.
ABROAD = {"V1", "V35", "V118", "V155", "V157"}


def test_only_the_sensors_abroad_are_shut_out() -> None:
    """Of V1 to V516 the contract's pattern leaves out the five abroad, and nothing else gets in."""
    pattern = load_contract(CONTRACTS / "taiwan_airbox.yaml").field("sensor").pattern or ""
    names = [f"V{i}" for i in range(2_000)]
    fit = {n for n in names if re.search(pattern, n)}
    assert fit == {f"V{i}" for i in range(1, 517)} - ABROAD
    assert not any(re.search(pattern, n) for n in ("V02", "V2 ", "xV2", "v2", "V", ""))


@pytest.mark.data
def test_taiwan_goes_the_whole_way(data: Path, take_in: TakeIn) -> None:
    """The wide table gives 511 x 744 rows, five sensors aside, a panel, a receipt and a clean audit."""
    file = data / "taiwan_airbox" / "pm25.parquet"
    taken = take_in("taiwan_airbox", file)

    assert taken.counts == (516 * 744, 511 * 744, 5 * 744, 0)
    assert taken.report.reasons == {"pattern:sensor": 5 * 744}
    aside = taken.city.quarantine(taken.feed).collect()
    assert dict(aside["sensor"].value_counts().iter_rows()) == dict.fromkeys(ABROAD, 744)
    places = pl.read_csv(data / "taiwan_airbox" / "locations.csv")
    outside = ~pl.col("latitude").is_between(21, 27) | ~pl.col("longitude").is_between(118, 123)
    assert set(places.filter(outside)["sensor"]) == ABROAD

    panel = taken.panel("taiwan-hourly")
    assert panel.shape == (511 * 744, 8)
    assert states(panel, "pm25") == {"measured": 511 * 744}
    source = pl.read_parquet(file)
    midnight = datetime(2017, 3, 1, 15, tzinfo=UTC)  # 23:00 in Taipei
    day = source["V2"][:24].cast(pl.String).cast(pl.Float64)
    assert cell(panel, midnight, "pm25_day", sensor="V2") == (pytest.approx(day.mean()), "measured")
    assert cell(panel, midnight, "pm25_max_day", sensor="V2") == (47.125, "measured")

    row = taken.verified_row("sensor = 'V516' and observed_at = '2017-03-31 23:00'")
    assert row == {"observed_at": "2017-03-31T15:00:00Z", "sensor": "V516", "pm25": 16.4}

    audit = taken.audit()
    assert (audit.records, audit.rows, audit.panels) == (744, 511 * 744, 1)
