"""A file in which one site writes ppb and eleven write µg/m³, held to a contract as any file is."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from test_mixed_units import SITES

from veracity.data.clean import clean, empty_memory
from veracity.data.contract import parse_contract

UG_PER_PPB = 46.0055 * 1013.25 / (8.31446 * 298.15 * 10)  # NO2 at 25 Cel
ODD = "Dongsi"
CONTRACT = b"""
apiVersion: v3.1.0
kind: DataContract
id: no2
version: 1.0.0
status: active
schema:
  - name: no2
    properties:
      - {name: station, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: latitude, logicalType: number}
      - {name: longitude, logicalType: number}
      - name: no2
        logicalType: number
        customProperties: [{property: unit, value: ug/m3}]
        quality:
          - {type: custom, engine: veracity, implementation: {rule: unit, max_age: 2 h}}
slaProperties:
  - {property: frequency, value: 1, unit: h}
"""


def mixed(data: Path, odd: str) -> pl.DataFrame:
    """Half a year of hours, hour after hour; one site divided by the factor."""
    places = pl.DataFrame(
        [(n, *at) for n, at in SITES.items()], ["station", "latitude", "longitude"], orient="row"
    )
    rows = (
        pl.read_parquet(data / "beijing_multisite" / "prsa.parquet")
        .select("station", pl.col("timestamp").alias("at"), pl.col("NO2").cast(pl.Float64).alias("no2"))
        .join(places, on="station")
        .sort("at", "station")
        .head(12 * 24 * 180)
    )
    in_ppb = (pl.col("no2") / UG_PER_PPB).round(1)
    rows = rows.with_columns(no2=pl.when(pl.col("station") == odd).then(in_ppb).otherwise("no2"))
    return rows.with_row_index("_record").with_columns(pl.col("_record").cast(pl.Int64))


def told(rows: pl.DataFrame) -> set[str]:
    """The stations whose readings break the rule, the file taken in four batches."""
    contract = parse_contract(CONTRACT)
    memory, found, size = empty_memory(contract), set(), -(-rows.height // 4)
    for first in range(0, rows.height, size):
        part = rows[first : first + size]
        cleaned = clean(part, contract, datetime(2026, 1, 1, tzinfo=UTC), memory=memory)
        memory = cleaned.memory
        if cleaned.verdicts is not None and "unit:no2" in cleaned.verdicts.columns:
            found |= set(part["station"].filter(cleaned.verdicts["unit:no2"]))
    return found


def test_the_site_in_another_unit_is_named(data: Path) -> None:
    """The rule, read from a contract, names the site that writes ppb, and not where it does not."""
    assert told(mixed(data, ODD)) == {ODD}
    assert told(mixed(data, "none")) == set()
