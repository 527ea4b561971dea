"""The model: chosen by how much data there is, for every hour ahead, the same for the same seed."""

import numpy as np
import pytest

from simulated_air import air_panel
from veracity.apps.environment.ladder import TARGETS
from veracity.apps.environment.model import (
    HORIZONS,
    LINES_AT,
    TREES_AT,
    TREES_FROM_DAYS,
    between,
    forecast,
    make,
    usual,
)
from veracity.models.bundle import bundle_files
from veracity.models.errors import BadPanel
from veracity.models.estimators import ESTIMATORS, Conformal, LastValue
from veracity.models.forecast import LEVELS, Forecast
from veracity.models.panel_array import PanelArray

PANEL = air_panel(days=14, n_keys=3)


def test_the_estimator_is_chosen_by_the_amount_of_data() -> None:
    """Below half a year simple estimators together, from there on trees; both calibrated."""
    short = make(PANEL, "pm25", 1)
    times = np.arange(TREES_FROM_DAYS * 24, dtype=np.int64) * 3_600_000_000
    shape = (len(times), 1, 6)
    whole = PanelArray(times, 3_600_000_000, ("A",), PANEL.columns, np.ones(shape), np.ones(shape, np.bool_))
    long = make(whole, "pm25", 1)
    assert isinstance(short, Conformal)
    assert isinstance(long, Conformal)
    assert (short.base, long.base) == ("ensemble", "lightgbm")
    assert (short.horizons, long.horizons) == (LINES_AT, TREES_AT)
    assert {*LINES_AT, *TREES_AT} <= set(HORIZONS)


def test_a_model_says_every_hour_and_keeps_on_file() -> None:
    """A fitted model forecasts hours 1 to 48, quantiles in order, and the same from its files."""
    fitted = make(PANEL, "no2", 4).fit(PANEL)
    said = forecast(fitted, PANEL)
    assert said is not None
    assert tuple(said.horizons) == HORIZONS
    assert said.values.shape == (1, 3, 48, 7)
    assert np.all(np.diff(said.values, axis=-1) >= -1e-9)
    files = {n.removeprefix("no2."): body for n, body in bundle_files({"no2": fitted}).items()}
    again = ESTIMATORS[fitted.name].from_files(fitted.parameters(), files)
    read = forecast(again, PANEL)
    assert read is not None
    assert np.array_equal(read.values, said.values)
    assert bundle_files({"no2": make(PANEL, "no2", 4).fit(PANEL)}) == bundle_files({"no2": fitted})


def test_too_little_data_is_refused() -> None:
    """A panel of some days is refused, not learned from."""
    with pytest.raises(BadPanel, match="want over"):
        make(PANEL, "pm25", 1).fit(PANEL.until(120))


def test_between_two_hours_lies_what_is_usual() -> None:
    """Hours between two forecast ones keep the shape of the day; forecast ones are kept to the bit."""
    by_hour = usual(PANEL, "no2")
    told = LastValue("no2", TREES_AT).fit(PANEL).predict(PANEL)
    whole = between(told, by_hour)
    at = [HORIZONS.index(h) for h in TREES_AT]
    assert np.allclose(whole.values[0][:, at], told.values[0])
    first = told.origins_us[0] // told.every_us
    shape = Forecast(
        "no2",
        told.origins_us,
        told.every_us,
        told.keys,
        told.horizons,
        LEVELS,
        np.repeat(by_hour[:, (first + told.horizons) % 24][None, :, :, None], 7, axis=3),
    )
    same = between(shape, by_hour).values[0, :, :, 3]
    assert np.allclose(same, by_hour[:, (first + np.array(HORIZONS)) % 24])


def test_what_is_usual_is_by_hour_of_the_day() -> None:
    """The usual value of an hour is the median of that hour's values."""
    by_hour = usual(PANEL, "o3")
    hour = PANEL.times_us // 3_600_000_000 % 24
    values = PANEL.column("o3")
    for h in (0, 7, 23):
        assert np.allclose(by_hour[:, h], np.nanmedian(values[hour == h], axis=0), atol=1e-9)


def test_a_model_that_misses_a_column_says_nothing() -> None:
    """A panel without a column that the model learned from gives no forecast, and no error."""
    columns = tuple(c for c in PANEL.columns if c != "humidity")
    at = [PANEL.index(c) for c in columns]
    less = PanelArray(
        PANEL.times_us, PANEL.every_us, PANEL.keys, columns, PANEL.values[:, :, at], PANEL.measured[:, :, at]
    )
    fitted = make(PANEL, "o3", 1).fit(PANEL)
    assert forecast(fitted, less) is None
    assert list(TARGETS) == ["pm25", "pm10", "no2", "o3"]
