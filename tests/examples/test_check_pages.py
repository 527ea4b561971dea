"""Pages of ``feed check`` for real files: they are small, and show what is known of the files."""

from pathlib import Path

import pytest
from real_data import CONTRACTS, NOW

from veracity.home.check import survey_files
from veracity.home.contracts import load_contract
from veracity.pages.check_page import check_page

FILES = {
    "vietnam_aqi_raw": "vietnam_aqi_raw.parquet",
    "uci_air_quality_italy_raw": "AirQualityUCI.csv.gz",
    "chicago_beach_water_raw": "beach_water_raw.parquet",
}
KNOWN = {
    "vietnam_aqi_raw": ["999 comes 15 times", "range:humidity", "duplicate-key"],
    "uci_air_quality_italy_raw": ["9,357", "rows without"],
    "chicago_beach_water_raw": ["5 rows before", "Rainbow Beach (63)"],
}


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_a_real_file_has_a_page(name: str, data: Path) -> None:
    """The page is below 300 kB and says what is known to be wrong with the file."""
    path = data / name / FILES[name]
    if not path.is_file():
        pytest.skip(f"no real data: want {path.name} under VERACITY_DATA, got none")
    contract = load_contract(CONTRACTS / f"{name}.yaml")
    (report,), survey = survey_files(contract, [path], lambda: NOW)
    page = check_page(survey)
    assert (
        report.received == report.accepted + report.quarantined + report.refused == survey.total("received")
    )
    assert len(page) < 300_000
    for words in KNOWN[name]:
        assert words in page.decode()
