"""What cities measure: names, unit, and the limits that physics or instruments set.

The limits are wide on purpose. They say what cannot be, not what is rare. Each names its reason.
"""

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Quantity:
    """A kind of measurement.

    Attributes
    ----------
    name
        In words.
    spellings
        Regular expressions, separated by blanks. One of them must be one or more whole words of a
        column's name (``names.words``, joined by ``_``).
    unit
        UCUM, of the table's column; None where the name alone does not tell.
    low, high, why
        Limits in ``unit``, and what sets them.
    may_rest
        Whether it may rightly stay at one value for long, such as no rain.
    """

    name: str
    spellings: str
    unit: str | None
    low: float | None
    high: float | None
    why: str
    may_rest: bool = False

    def is_in(self, name: str) -> bool:
        """Tell whether the words of a name speak of it."""
        one_of = self.spellings.replace(" ", "|")
        return re.search(rf"(^|_)({one_of})($|_)", name) is not None


_PM = "0 and where optical and beta monitors end"
_GAS = "no concentration is below 0; above it no street has been"
_EARTH = "records on Earth: -89 and 57 Cel"
# The first that is found counts: what is more special stands before what is more general.
QUANTITIES = (
    Quantity("air quality index", "aqi", "{AQI}", 0, 500, "the index's scale ends at 500"),
    Quantity("latitude", "lat latitude vi_do y_?coord", "deg", -90, 90, "the poles"),
    Quantity("longitude", "lon lng long longitude kinh_do x_?coord", "deg", -180, 180, "once around"),
    Quantity("PM2.5", "pm_?25 pm_?2_5", "ug/m3", 0, 1000, _PM),
    Quantity("PM10", "pm_?10", "ug/m3", 0, 2000, _PM + "; dust storms reach thousands"),
    Quantity("PM1", "pm_?1(_?0)?", "ug/m3", 0, 1000, _PM),
    Quantity("carbon dioxide", "co2", "[ppm]", 0, 10000, "where indoor sensors end"),
    Quantity("sulphur dioxide", "so2", "ug/m3", 0, 5000, _GAS),
    Quantity("nitrogen dioxide", "no2", "ug/m3", 0, 2000, _GAS),
    Quantity("nitrogen oxides", "nox no", "ug/m3", 0, 5000, _GAS),
    Quantity("ozone", "o3 ozone", "ug/m3", 0, 1200, _GAS),
    Quantity(
        "carbon monoxide", "co carbon_monoxide", "ug/m3", 0, 100000, "100 mg/m3: poison in minutes (WHO)"
    ),
    Quantity("hydrocarbons", "nmhc t?voc c6h6 benzene", "ug/m3", 0, 10000, _GAS),
    Quantity("ammonia", "nh3", "ug/m3", 0, 5000, _GAS),
    Quantity("dew point", "dew_?p(oint)? td", "Cel", -90, 40, "beyond any weather on Earth"),
    Quantity("water temperature", "water_temp(erature)? wtemp sst", "Cel", -5, 50, "hot springs apart"),
    Quantity("relative humidity", "rh humidity relhum hum do_am", "%", 0, 100, "saturation"),
    Quantity("absolute humidity", "ah absolute_humidity", "g/m3", 0, 100, "saturated at 50 Cel is 83"),
    Quantity(
        "temperature",
        r"(t|temp|temperature)(_?\d+)? thermocouple nhiet_do ta tair t2m",
        "Cel",
        -90,
        60,
        _EARTH,
    ),
    Quantity("wind direction", "wind_?dir(ection)? wd wdir huong_gio", "deg", 0, 360, "once around"),
    Quantity(
        "wind speed",
        "wind wind_?sp(ee)?d wspm? ws (wind_)?gust toc_do_gio",
        "m/s",
        0,
        115,
        "record gust: 113 m/s",
    ),
    Quantity(
        "pressure",
        "pres press pressure baro(meter)? mslp ap_suat",
        "hPa",
        300,
        1100,
        "mountains, sea-level record",
    ),
    Quantity(
        "rain",
        "rain rainfall precip(itation)? rf prcp (luong_)?mua",
        "mm",
        0,
        500,
        "an hour's record is 305 mm",
        True,
    ),
    Quantity("snow depth", "snow snow_?depth", "cm", 0, 1500, "the record is 1,182 cm", True),
    Quantity(
        "solar radiation",
        "solar radiation irradiance ghi dni",
        "W/m2",
        -20,
        1700,
        "sun outside the air",
        True,
    ),
    Quantity("wave height", "wave_height hs swh", "m", 0, 30, "the highest waves known"),
    Quantity("wave period", "wave_period", "s", 0, 40, "longer ones are tides"),
    Quantity(
        "water level", "wl stage water_?level gauge_height muc_nuoc", None, None, None, "over a local datum"
    ),
    Quantity("discharge", "discharge streamflow luu_luong", "m3/s", None, 400000, "the Amazon in flood"),
    Quantity("turbidity", "turb turbidity do_duc", "{NTU}", 0, 4000, "where optical sensors end"),
    Quantity("conductivity", "cond conductivity spec_?cond ec", "uS/cm", 0, 100000, "brine"),
    Quantity("pH", "ph", "{pH}", 0, 14, "the scale"),
    Quantity("dissolved oxygen", "o?do dissolved_oxygen", "mg/L", 0, 30, "supersaturated cold water"),
    Quantity("depth", "depth", "m", None, 11000, "the deepest sea; below 0 out of the water"),
    Quantity("battery", "batt battery vbat", "V", 0, 60, "no field station has more"),
    Quantity("voltage", "voltage volt", "V", None, None, ""),
    Quantity("electric current", "current amps? ampere", "A", None, None, ""),
    Quantity("road speed", "velocity speed toc_do", "km/h", 0, 250, "no road traffic is faster"),
    Quantity("vehicle count", "vehicles? traffic_volume n_vehicles", "{vehicles}", 0, None, "a count"),
    Quantity("sound level", "noise laeq leq spl sound", "dB", 0, 194, "the loudest sound in air"),
    Quantity("illuminance", "lux illuminance", "lx", 0, 200000, "full sun is 120,000", True),
)
POLLUTANTS = frozenset(
    q.name for q in QUANTITIES if q.low == 0 and q.unit == "ug/m3" and q.name != "hydrocarbons"
)


@lru_cache(maxsize=4_096)
def quantity_of(name: str) -> Quantity | None:
    """Return what the words of a name speak of; None if of nothing known.

    Examples
    --------
    >>> [q.name for n in ("co_gt", "water_temperature", "pm25_raw") if (q := quantity_of(n))]
    ['carbon monoxide', 'water temperature', 'PM2.5']
    """
    return next((q for q in QUANTITIES if q.is_in(name)), None)
