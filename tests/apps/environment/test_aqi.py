"""Indices are as their sources define them: published examples first, then every break point."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.apps.environment.advice import NOT_SURE, UNKNOWN, WHO_IS_SENSITIVE, actions, advice_of
from veracity.apps.environment.aqi import (
    US_TABLES,
    VN_BREAKS,
    VN_INDEX,
    index_of,
    us_day,
    us_hour,
    us_part,
    vn_concentration,
    vn_day,
    vn_hour,
    vn_part,
)
from veracity.apps.environment.categories import US_CATEGORIES, VN_CATEGORIES, category_of
from veracity.apps.environment.errors import BadReadings
from veracity.apps.environment.readings import (
    highest_mean,
    mean_of,
    nowcast,
    parts_per_billion,
    rounded,
    truncated,
)

NAN = math.nan
#: Decision 1459/QĐ-TCMT, section 2.3 a: PM2.5 from 09:00 to 20:00
PM25_HOURS = [26.9, 24.7, 20.5, 23.5, 19.5, 16.5, 19.0, 16.5, 20.3, 22.4, 19.6, 20.6]
#: section 2.2.2 a: ozone from 18:00 of the day before to 00:00 of the day after
O3_HOURS = [
    *(15.7, 14.2, 17.7, 18.9, 19.3, 15.7, 19.7, 22.6, 27.1, 29.0, 31.9, 25.3, 34.7, 35.2, 41.6, 45.7),
    *(49.2, 55.8, 69.6, 78.3, 91.5, 97.7, 81.2, 71.8, 43.5, 34.3, 21.5, 20.5, 19.4, 20.4, 21.3),
]
O3_MEANS = [
    *(18.0, 19.4, 21.2, 23.0, 23.8, 25.8, 28.2, 30.9, 33.8, 36.6, 39.9, 44.7, 51.3, 58.4, 66.2, 71.1),
    *(74.4, 73.7, 71.0, 65.0, 57.8, 48.7, 39.1, 31.6),
]
#: table 2 of the Decision, row by row: the index, then µg/m³ of each column
VN_COLUMNS = ("o3", "o3_8h", "co", "so2", "no2", "pm10", "pm25")
VN_ROWS: dict[int, tuple[float | None, ...]] = {
    50: (160, 100, 10_000, 125, 100, 50, 25),
    100: (200, 120, 30_000, 350, 200, 150, 50),
    150: (300, 170, 45_000, 550, 700, 250, 80),
    200: (400, 210, 60_000, 800, 1_200, 350, 150),
    300: (800, 400, 90_000, 1_600, 2_350, 420, 250),
    400: (1_000, None, 120_000, 2_100, 3_100, 500, 350),
    500: (1_200, None, 150_000, 2_630, 3_850, 600, 500),
}
#: the US table, row by row: the highest index, then the highest of each column that still has it
US_COLUMNS = ("o3_8h", "o3", "pm25", "pm10", "co", "so2", "so2_24h", "no2")
US_ROWS: dict[int, tuple[float | None, ...]] = {
    50: (0.054, None, 9.0, 54, 4.4, 35, None, 53),
    100: (0.070, None, 35.4, 154, 9.4, 75, None, 100),
    150: (0.085, 0.164, 55.4, 254, 12.4, 185, None, 360),
    200: (0.105, 0.204, 125.4, 354, 15.4, 304, None, 649),
    300: (0.200, 0.404, 225.4, 424, 30.4, None, 604, 1_249),
    500: (None, 0.604, 325.4, 604, 50.4, None, 1_004, 2_049),
}


def test_the_worked_examples_of_the_decision() -> None:
    """NowCast 20.3; hourly parts 43 and 41; daily parts 45, 36, 65 and 110; each as printed."""
    assert round(nowcast(np.array(PM25_HOURS), normalised_at_half=False), 1) == 20.3
    assert rounded(float(vn_part("o3", 136.1))) == 43
    assert rounded(float(vn_part("pm25", 20.3))) == 41
    assert rounded(float(vn_part("o3_8h", 89.3))) == 45
    assert rounded(float(vn_part("o3", 114.6))) == 36
    assert rounded(float(vn_part("no2", 130.8))) == 65
    assert rounded(float(vn_part("pm25", 55.7))) == 110


def test_the_example_that_contradicts_its_formula() -> None:
    """NO2 of 118.7 is printed as 60; the formula gives 59.35, and the formula is followed."""
    assert float(vn_part("no2", 118.7)) == pytest.approx(59.35)
    whole = vn_hour({"o3": [136.1], "no2": [118.7], "pm25": PM25_HOURS})
    assert (whole.value, whole.pollutant) == (59, "no2")
    assert whole.parts == {"o3": 43, "no2": 59, "pm25": 41}
    assert whole.category is not None
    assert whole.category.words["vi"] == "Trung bình"


def test_the_eight_hour_means_of_the_decision() -> None:
    """All 24 running means of the example, as printed but for one digit (44.64 is printed as 44.7)."""
    hours = np.array(O3_HOURS)
    ours = [mean_of(hours[: end + 8], 8) for end in range(24)]
    assert np.allclose(ours, O3_MEANS, rtol=0, atol=0.063)
    assert round(highest_mean(hours, 8), 1) == 74.4


def test_a_day_by_the_decision() -> None:
    """Ozone counts by its hour and by its eight hours; particles by the day's mean; the highest decides."""
    said = vn_day({"o3": O3_HOURS, "pm25": [55.7] * 24})
    assert (said.value, said.pollutant) == (110, "pm25")
    assert said.parts["o3"] == rounded(max(97.7 / 160 * 50, 74.4 / 100 * 50))
    over = vn_day({"o3": [450.0] * 31, "pm10": [10.0] * 24})
    assert over.parts["o3"] == rounded(float(vn_part("o3", 450.0)))  # above 400 the hour alone


def test_every_break_point_of_the_decision() -> None:
    """At each break point of table 2 the index is that of its row, and it never falls."""
    for name, breaks in VN_BREAKS.items():
        assert vn_part(name, breaks).tolist() == list(VN_INDEX[: len(breaks)])
        for index, value in zip(VN_INDEX, breaks, strict=False):
            assert vn_concentration(name, index) == value
    assert float(vn_part("pm25", 9_999.0)) == 500.0
    assert math.isnan(float(vn_part("o3_8h", 401.0)))


@pytest.mark.parametrize("index", VN_ROWS)
def test_a_row_of_the_decisions_table(index: int) -> None:
    """The table as printed, typed a second time here: a wrong digit in ours gives another index."""
    for name, ug_m3 in zip(VN_COLUMNS, VN_ROWS[index], strict=True):
        if ug_m3 is not None:
            assert float(vn_part(name, ug_m3)) == index, name


@pytest.mark.parametrize("index", US_ROWS)
def test_a_row_of_the_us_table(index: int) -> None:
    """The same for the US: the highest of a range has its index, one step of the last digit more the next."""
    following = {50: 51, 100: 101, 150: 151, 200: 201, 300: 301}.get(index)
    for name, highest in zip(US_COLUMNS, US_ROWS[index], strict=True):
        if highest is not None:
            assert us_part(name, highest) == pytest.approx(index), name
            after = us_part(name, highest + 10.0 ** -US_TABLES[name].digits)
            assert math.isnan(after) or after > 500 or after == pytest.approx(following), name


def test_no_index_without_particles() -> None:
    """VN_AQI needs PM2.5 or PM10; two of the last three hours of it."""
    assert vn_hour({"no2": [40.0], "o3": [60.0]}).value is None
    assert vn_hour({"pm25": [10.0] * 10 + [NAN, NAN]}).value is None
    assert vn_hour({"pm25": [10.0] * 9 + [NAN, 10.0, 10.0]}).value == 20
    assert vn_hour({"pm25": [50.0, 50.0]}).value is not None
    assert vn_day({"pm25": [10.0] * 17 + [NAN] * 7}).value is None


def test_the_letter_of_the_decision_at_a_weight_of_one_half() -> None:
    """At one half the sum is not divided by the weights: missing hours pull it down, by the letter."""
    hours = np.array([NAN] * 9 + [80.0, 10.0, 20.0])
    assert nowcast(hours, normalised_at_half=False) == pytest.approx(20 / 2 + 10 / 4 + 80 / 8)
    assert nowcast(hours) == pytest.approx((20 + 10 / 2 + 80 / 4) / 1.75)
    full = np.array([5.0] * 11 + [100.0])
    assert nowcast(full, normalised_at_half=False) == pytest.approx(nowcast(full), rel=3e-4)


def test_the_worked_examples_of_the_epa() -> None:
    """O3 of 0.07853333 ppm gives 126, PM2.5 of 35.92431999 gives 102, CO of 8.47532711 ppm gives 90."""
    assert rounded(us_part("o3_8h", 0.07853333)) == 126
    assert rounded(us_part("pm25", 35.92431999)) == 102
    assert rounded(us_part("co", 8.47532711)) == 90
    assert rounded(us_part("o3", 0.162)) == 147


def test_every_range_of_the_us_table() -> None:
    """Each range begins and ends at its index; between two ranges a value is cut down to the lower."""
    ends = [(0, 50), (51, 100), (101, 150), (151, 200), (201, 300), (301, 500)]
    for name, table in US_TABLES.items():
        for (low, high), (index_low, index_high) in zip(table.ranges, ends[table.first :], strict=False):
            assert us_part(name, low) == pytest.approx(index_low)
            assert us_part(name, high) == pytest.approx(index_high)
            step = 10.0**-table.digits
            assert us_part(name, high + 0.9 * step) == pytest.approx(index_high)
    assert us_part("pm25", 9.05) == 50
    assert us_part("pm25", 400.0) > 500
    assert math.isnan(us_part("o3_8h", 0.3))
    assert math.isnan(us_part("o3", 0.1))


def test_gases_are_turned_into_shares() -> None:
    """At 25 °C and 1 atm: 1 ppb is 1.88 µg/m³ of NO2, 1.96 of O3, 2.62 of SO2, 1.15 of CO."""
    for gas, ug in (("no2", 1.88), ("o3", 1.96), ("so2", 2.62), ("co", 1.15)):
        assert parts_per_billion(gas, ug) == pytest.approx(1.0, abs=0.005)
    said = us_hour({"no2": [188.2]})
    assert said.value == 100
    assert us_day({"co": [10_000.0] * 31}).parts["co"] == rounded(us_part("co", 8.7))


def test_sulphur_dioxide_above_its_hourly_table() -> None:
    """A high hour in a clean day is 200; a high day goes by the day's mean."""
    to_ug = 64.064 / 24.45
    spike = [50 * to_ug] * 23 + [400 * to_ug]
    assert us_day({"so2": spike}).value == 200
    assert us_day({"so2": [400.2 * to_ug] * 24}).value == rounded(us_part("so2_24h", 400))
    assert us_day({"so2": [100 * to_ug] * 24}).value == rounded(us_part("so2", 100))


def test_the_epa_needs_no_particles_and_takes_the_worst() -> None:
    """The maximum of what there is, with the pollutant that gives it; nothing gives none."""
    said = us_hour({"pm25": [20.0] * 12, "o3": [153.3] * 8})
    assert said.pollutant == "o3"
    assert said.category is not None
    assert said.category.code == "unhealthy-for-sensitive-groups"
    assert us_hour({"pm25": [NAN] * 12}).value is None
    assert index_of("us", {"pm25": [12.0] * 24}, of_day=True).value == us_day({"pm25": [12.0] * 24}).value
    assert index_of("vn", {"pm25": [12.0] * 12}).value == 24


@pytest.mark.parametrize(
    "hours",
    [{"pm1": [1.0]}, {"pm25": [-1.0]}, {"pm25": [math.inf]}, {"pm25": []}, {"pm25": ["x"]}, {"pm25": 3.0}],
)
def test_bad_readings_are_our_own_error(hours: dict[str, object]) -> None:
    """Unknown pollutants, negative, endless or no readings."""
    for scale in ("vn", "us"):
        with pytest.raises(BadReadings):
            index_of(scale, hours)  # type: ignore[arg-type]
    with pytest.raises(BadReadings, match="scale"):
        index_of("eu", {})  # type: ignore[arg-type]
    with pytest.raises(BadReadings, match="pollutant"):
        vn_part("pm1", 1.0)
    with pytest.raises(BadReadings, match="pollutant"):
        us_part("pm1", 1.0)


@given(st.lists(st.floats(0, 900), min_size=12, max_size=12))
def test_a_nowcast_lies_among_its_hours(hours: list[float]) -> None:
    """It is a mean of them; more in the last hour never makes less."""
    said = nowcast(np.array(hours))
    assert min(hours) - 1e-9 <= said <= max(hours) + 1e-9
    assert 0 <= truncated(said, 1) <= said + 1e-6


def test_advice_for_every_category_in_every_language() -> None:
    """Six levels on both scales, for everyone and the sensitive, short and in three languages."""
    for categories in (VN_CATEGORIES, US_CATEGORIES):
        assert [c.level for c in categories] == [1, 2, 3, 4, 5, 6]
        assert [c.css for c in categories][:2] == ["#00e400", "#ffff00"]
        for category in categories:
            assert set(category.words) == {"en", "vi", "id"}
            advice = advice_of(category)
            for words in (advice.everyone, advice.sensitive):
                assert set(words) == {"en", "vi", "id"}
                assert all(0 < len(text) <= 130 and text.endswith(".") for text in words.values())
    assert len(set(actions())) == 6
    for words in (WHO_IS_SENSITIVE, UNKNOWN, NOT_SURE):
        assert set(words) == {"en", "vi", "id"}
    assert category_of(612, US_CATEGORIES).code == "hazardous"
