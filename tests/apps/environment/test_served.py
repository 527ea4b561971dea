"""Whom the app says that it serves: the battery holds wards, kinds of place and weather apart."""

import numpy as np

from veracity.apps.environment.app import APP
from veracity.apps.environment.limits import LIMITS
from veracity.apps.environment.pages.frame import station_name
from veracity.apps.environment.served import WET_PERCENT, wet_weather
from veracity.city import stations_of
from veracity.models.assurance.context import Context
from veracity.models.panel_array import PanelArray
from veracity.models.places import at_places

HOUR_US = 3_600_000_000


def told() -> Context:
    assert APP.assurance is not None
    return APP.assurance


def test_wards_and_kinds_are_those_of_the_built_in_city() -> None:
    """Every station has its ward, by name and code, and its kind of place."""
    twin = stations_of("air-quality")
    assert told().districts == {s.id: f"{s.place} ({s.ward})" for s in twin}
    assert told().groups == {s.id: s.kind for s in twin}
    assert len(set(told().groups.values())) == 4


def test_people_read_where_a_station_is() -> None:
    """A station's pages name its ward; in a city whose wards the app does not know, the station alone."""
    assert station_name(APP, "AQ01") == "AQ01, Hải Châu (20242)"
    assert station_name(at_places(APP, {"X1": {"lon": 1.0, "lat": 2.0}}), "X1") == "X1"


def test_events_and_warnings_are_those_that_people_get() -> None:
    """The battery counts as an event and as a warning what the app does, by the declared costs."""
    assert told().thresholds == {target: limits[1] for target, limits in LIMITS.items()}
    assert told().warn_at == APP.events.least == 1 / 3


def test_wet_weather_is_told_by_what_is_known() -> None:
    """It begins once the last six hours were wet on the mean, whatever comes after; unknown is not wet."""
    humidity = np.array([70.0] * 6 + [97.0] * 8 + [np.nan] * 10)
    values = np.repeat(humidity[:, None, None], 2, axis=1)
    panel = PanelArray(
        np.arange(24) * HOUR_US, HOUR_US, ("a", "b"), ("humidity",), values, np.isfinite(values)
    )
    wet = wet_weather(panel, "pm25")
    means = [np.nanmean(humidity[max(0, i - 5) : i + 1]) if i < 19 else 0 for i in range(24)]
    assert wet.tolist() == [bool(m >= WET_PERCENT) for m in means]
    assert 0 < wet.sum() < 24
    for i in range(24):
        assert wet_weather(panel.until(i), "pm25")[i] == wet[i]
