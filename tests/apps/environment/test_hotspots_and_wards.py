"""Hot spots are found where they are and not elsewhere; wards get what their distance from sensors allows."""

from dataclasses import replace

import numpy as np
import pytest

from air_fields import field_panel, panel_of
from veracity.apps.environment.hotspots import hot_spots
from veracity.apps.environment.wards import ward_air, ward_forecast
from veracity.models.errors import BadParameter
from veracity.models.panel_array import PanelArray
from veracity.models.spatial import SpatialModel

PANEL = field_panel(n=120, k=24, seed=2)
LON, LAT = PANEL.attributes["lon"], PANEL.attributes["lat"]
MODEL = SpatialModel("pm25").fit(PANEL.rows(slice(0, 90)))


def raised(factor: float, key: int, hours: slice) -> PanelArray:
    """The panel with one place above itself for some hours."""
    values = PANEL.values.copy()
    values[hours, key] *= factor
    return replace(PANEL, values=values)


def test_a_place_that_stays_high_is_found() -> None:
    """Doubled for a day, a place is the surest hot spot, by about as much as it was raised."""
    found = hot_spots(MODEL, raised(2.5, 5, slice(96, 120)))
    assert found[0].key == "P05"
    assert found[0].hours == 24
    assert found[0].share_above > 0.6
    assert found[0].excess > 10.0
    assert found[0].p_value < 0.001
    assert len(found) <= 3


def test_chance_alone_gives_next_to_none() -> None:
    """On fields without a hot spot, hardly any is found, over many windows and places."""
    counts = []
    for seed in range(6):
        panel = field_panel(n=120, k=24, seed=10 + seed)
        model = SpatialModel("pm25").fit(panel.rows(slice(0, 90)))
        counts.append(len(hot_spots(model, panel)))
    assert sum(counts) <= 3


def test_one_hour_is_no_hot_spot() -> None:
    """A single wild hour does not make one: it is persistence that counts."""
    assert all(h.key != "P05" for h in hot_spots(MODEL, raised(9.0, 5, slice(110, 111))))


def test_a_sensor_that_may_be_wrong_is_suspect() -> None:
    """A place that always read far too high is told as suspect: it may be the sensor."""
    values = PANEL.column("pm25").copy()
    values[:, 9] = 300.0
    stuck = panel_of({"pm25": values}, LON, LAT)
    model = SpatialModel("pm25").fit(stuck.rows(slice(0, 90)))
    found = {h.key: h for h in hot_spots(model, stuck)}
    assert found["P09"].suspect
    assert not any(h.suspect for h in hot_spots(MODEL, raised(2.5, 5, slice(96, 120))))


def test_silent_places_are_left_out_and_windows_are_checked() -> None:
    """A place known for less than six hours is not judged; a window must be of some hours."""
    values = raised(2.5, 5, slice(96, 120)).values.copy()
    values[96:116, 5] = np.nan
    quiet = replace(PANEL, values=values, measured=np.isfinite(values))
    assert all(h.key != "P05" for h in hot_spots(MODEL, quiet))
    for hours, rate in ((3, 0.05), (500, 0.05), (24, 0.0), (24, 1.0)):
        with pytest.raises(BadParameter, match="hours, rate"):
            hot_spots(MODEL, PANEL, hours, rate)


def test_wards_without_a_station_are_less_sure() -> None:
    """A ward beside a sensor has a narrower interval than one far from all, and may be fewer categories."""
    points = {"near": (float(LON[0]), float(LAT[0])), "far": (109.4, 17.0)}
    said = ward_forecast(MODEL, PANEL, points)
    near, far = ward_air(said, "pm25")
    assert (near.ward, far.ward) == ("near", "far")
    assert near.low is not None
    assert near.high is not None
    assert far.low is not None
    assert far.high is not None
    assert far.high - far.low > near.high - near.low
    assert len(far.could_be) >= len(near.could_be)
    assert near.category is not None
    assert near.category not in near.could_be


def test_an_outline_is_the_mean_over_its_area() -> None:
    """With an outline a ward is the mean of points inside it, holes left out; a tiny one is its own point."""
    west, east, south, north = 108.12, 108.28, 15.97, 16.13
    box = np.array([(west, south), (east, south), (east, north), (west, north), (west, south)])
    hole = np.array([(108.18, 16.03), (108.22, 16.03), (108.22, 16.07), (108.18, 16.07), (108.18, 16.03)])
    point = {"w": (108.2, 16.05)}
    whole = ward_forecast(MODEL, PANEL, point, {"w": [box, hole]})
    single = ward_forecast(MODEL, PANEL, point)
    assert whole.values.shape == single.values.shape == (1, 1, 1, 7)
    assert not np.array_equal(whole.values, single.values)
    grid = [(x, y) for y in np.linspace(south, north, 9)[1:-1] for x in np.linspace(west, east, 9)[1:-1]]
    many = MODEL.at({str(i): p for i, p in enumerate(grid)}, PANEL).median.mean()
    assert whole.median[0, 0, 0] == pytest.approx(many, rel=0.1)
    tiny = np.array([(108.2, 16.05)] * 4)
    assert np.allclose(ward_forecast(MODEL, PANEL, point, {"w": [tiny]}).values, single.values, rtol=1e-4)
    with pytest.raises(BadParameter, match="rings"):
        ward_forecast(MODEL, PANEL, point, {"w": [np.array([(108.2, np.nan)] * 4)]})


def test_nothing_is_said_where_nothing_reports() -> None:
    """With all sensors silent a ward has no value, and no category."""
    values = np.full_like(PANEL.values, np.nan)
    silent = replace(PANEL, values=values, measured=np.isfinite(values))
    (ward,) = ward_air(ward_forecast(MODEL, silent, {"w": (108.2, 16.05)}), "pm25")
    assert (ward.median, ward.low, ward.high, ward.category, ward.could_be) == (None, None, None, None, ())
