"""The limits that forecasts are held against: of VN_AQI's categories, and of the WHO's guidelines. µg/m³.

A category begins where the index, rounded, does: at 50.5 and so on. For particles the index wants a weighted
mean of twelve hours; a forecast of one hour held against its limits says what the index would be if the
hour went on. Formula, break points and their source are in ``aqi``.

References
----------
World Health Organization, Global air quality guidelines, 2021, table 0.1: means of 24 hours; of ozone the
highest mean of 8 hours. For orientation beside forecasts of an hour.
"""

import numpy as np

from veracity.apps.environment.advice import actions
from veracity.apps.environment.aqi import vn_concentration
from veracity.apps.environment.categories import VN_CATEGORIES

POLLUTANTS = ("pm25", "pm10", "no2", "o3")
ACTIONS = actions()  #: what people are told, by category: the best air first
WARN_FROM = 2  #: place of the first category of which sensitive people are warned: an index above 100
LIMITS = {  #: where each category after the first begins
    name: tuple(round(vn_concentration(name, c.low - 0.5), 6) for c in VN_CATEGORIES[1:])
    for name in POLLUTANTS
}
WHO_2021 = {"pm25": 15.0, "pm10": 45.0, "no2": 25.0, "o3": 100.0}


def place_of(target: str, value: float) -> int:
    """Return the place of the category, from 0, that one hour's value of a pollutant lies in.

    Examples
    --------
    >>> place_of("pm25", 25.0), place_of("pm25", 26.0), place_of("o3", 9000.0)
    (0, 1, 5)
    """
    return int(np.searchsorted(LIMITS[target], value, side="right"))
