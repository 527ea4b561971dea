"""Contracts proposed from real files: what a data engineer would want guessed, and what they accept."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from inferring import Proposed, propose


@dataclass(frozen=True)
class Wanted:
    """Key guesses of one file; ``accepted`` is the least share of rows that the proposal accepts."""

    path: str
    key: tuple[str, ...]
    zone: str
    frequency_s: float | None
    units: dict[str, str | None]
    missing: dict[str, str] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    accepted: float = 0.995


SETS = {
    "vietnam": Wanted(
        "vietnam_aqi_raw/vietnam_aqi_raw.parquet",
        ("station_id", "observed_at"),
        "Asia/Ho_Chi_Minh",
        3600,
        {
            "pm25": "{AQI}",
            "co": "{AQI}",
            "temperature": "Cel",
            "humidity": "%",
            "wind": "m/s",
            "aqi": "{AQI}",
        },
        {"aqi": "999", "pm25": "999", "o3": "N/A", "pm10": "N/A"},
        (
            "2,754 rows are exact copies",
            "no ug/m3",
            "6 values beyond 100 will be set aside",
            "-20.5",
            "zone (likely)",
        ),
        accepted=0.68,  # 2,754 copies and 4,231 repeated keys
    ),
    "uci": Wanted(
        "uci_air_quality_italy_raw/AirQualityUCI.csv.gz",
        ("observed_at",),
        "UTC",
        3600,
        {"co_gt": "mg/m3", "nox_gt": "ug/m3", "t": "Cel", "rh": "%", "pt08_s1_co": None, "ah": None},
        {"co_gt": "-200", "ah": "-200", "pt08_s5_o3": "-200"},
        ("delimiter ';' (sure)", "decimal comma (sure)", "'-200'", "CHECK the zone"),
    ),
    "korea": Wanted(
        "korea-hourly-stage/hourly_2014_2018.parquet",
        ("station", "observed_at"),
        "Asia/Seoul",
        3600,
        {"wl": "m", "rf": "mm"},
        says=("8 columns from 'wl_1018620'", "6 columns from 'rf_10184110'", "'kst' in the name"),
        accepted=1.0,
    ),
    "taiwan": Wanted(
        "taiwan_airbox/pm25.parquet",
        ("station", "observed_at"),
        "UTC",
        3600,
        {"pm25": "ug/m3"},
        says=("516 columns from 'V1' to 'V516'", "by the file's name 'pm25'"),
        accepted=1.0,
    ),
    "chicago": Wanted(
        "chicago_beach_water_raw/beach_water_raw.parquet",
        ("beach_name", "observed_at"),
        "UTC",
        3600,
        {"water_temperature": "Cel", "turbidity": "{NTU}", "wave_height": "m", "battery_life": "V"},
        says=("MM/dd/yyyy hh:mm:ss a", "repeats the event time", "no rule of order"),
    ),
    "ho chi minh city": Wanted(
        "hcmc_traffic_status/segment_status.parquet",
        ("segment_id", "observed_at"),
        "UTC",
        None,
        {"velocity": "km/h"},
        says=("with offsets", "no frequency: irregular"),
        accepted=1.0,
    ),
    "logan river": Wanted(
        "lro_water_labelled/MainStreet2019.parquet",
        ("observed_at",),
        "UTC",
        900,
        {"temp": "Cel", "cond": "uS/cm", "ph": "{pH}", "do": "mg/L", "turb": "{NTU}", "stage": "cm"},
    ),
    "beijing": Wanted(
        "beijing_multisite/prsa.parquet",
        ("station", "observed_at"),
        "UTC",
        3600,
        {
            "pm25": "ug/m3",
            "temp": "Cel",
            "pres": "hPa",
            "dewp": "Cel",
            "rain": "mm",
            "wspm": "m/s",
            "wd": None,
        },
        says=("a part of them", "the 16 points of the compass"),
    ),
    "skab": Wanted(
        "skab/skab.parquet",
        ("file", "observed_at"),
        "UTC",
        1,
        {"temperature": None, "thermocouple": "Cel", "voltage": "V", "current": "A", "pressure": None},
        says=("or a hot machine in Cel", "which is no pressure of air"),
    ),
}


def proposal(data: Path, wanted: Wanted) -> Proposed:
    file = data / wanted.path
    if not file.is_file():
        pytest.skip(f"no real data: want {wanted.path} under VERACITY_DATA, got none")
    return propose(file)


@pytest.mark.data
@pytest.mark.parametrize("name", list(SETS))
def test_key_guesses(data: Path, name: str) -> None:
    """Key, zone, interval, units, sentinels are guessed right; the file passes; only flags are proposed."""
    wanted = SETS[name]
    proposed = proposal(data, wanted)
    contract = proposed.contract
    assert contract.key == wanted.key
    assert contract.field("observed_at").zone == wanted.zone
    assert contract.frequency_s == wanted.frequency_s
    assert {n: contract.field(n).unit for n in wanted.units} == wanted.units
    assert all(token in contract.field(n).missing for n, token in wanted.missing.items())
    assert [text for text in wanted.says if text not in proposed.comments] == []
    assert proposed.report.accepted >= wanted.accepted * proposed.report.received
    assert proposed.report.refused == 0
    assert {r.action for r in contract.rules if r.kind != "repeated-row"} <= {"flag"}
