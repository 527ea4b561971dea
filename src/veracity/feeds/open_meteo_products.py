"""What Open-Meteo gives, and of which places it is asked: addresses, variables, units, Da Nang.

Weather: the best of the national models at each place. Air quality: CAMS, the global model of Copernicus
(3-hourly, cells of 25 to 40 km). River discharge: GloFAS, the largest river within a cell of 5 km. All is
computed; nothing here is a measurement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HOUR_S, DAY_S = 3_600, 86_400


@dataclass(frozen=True)
class Variable:
    """A variable by its name there, its column here, and the unit that it must come in, NFKC normalised."""

    name: str
    column: str
    unit: str


@dataclass(frozen=True)
class Product:
    """One answer of the service, which is one feed.

    Attributes
    ----------
    block
        The part of the answer that is read: one time of now, or an array of hours or days.
    step_s
        How far apart its times are, for arrays.
    query
        Parameters besides places and variables.
    """

    feed: str
    url: str
    block: Literal["current", "hourly", "daily"]
    every_s: float
    variables: tuple[Variable, ...]
    step_s: int = 0
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """A place to ask about; degrees of WGS 84."""

    name: str
    latitude: float
    longitude: float


_WEATHER = (
    Variable("temperature_2m", "temperature", "°C"),
    Variable("relative_humidity_2m", "humidity", "%"),
    Variable("precipitation", "precipitation", "mm"),
    Variable("pressure_msl", "pressure", "hPa"),
    Variable("cloud_cover", "cloud_cover", "%"),
    Variable("wind_speed_10m", "wind_speed", "m/s"),
    Variable("wind_direction_10m", "wind_direction", "°"),
    Variable("wind_gusts_10m", "wind_gusts", "m/s"),
    Variable("weather_code", "weather_code", "wmo code"),
)
_AIR = (
    Variable("pm2_5", "pm25", "μg/m3"),
    Variable("pm10", "pm10", "μg/m3"),
    Variable("carbon_monoxide", "co", "μg/m3"),
    Variable("nitrogen_dioxide", "no2", "μg/m3"),
    Variable("sulphur_dioxide", "so2", "μg/m3"),
    Variable("ozone", "o3", "μg/m3"),
)
_RIVER = (
    Variable("river_discharge", "discharge", "m3/s"),
    Variable("river_discharge_mean", "discharge_mean", "m3/s"),
    Variable("river_discharge_min", "discharge_min", "m3/s"),
    Variable("river_discharge_max", "discharge_max", "m3/s"),
    Variable("river_discharge_p25", "discharge_p25", "m3/s"),
    Variable("river_discharge_p75", "discharge_p75", "m3/s"),
)
_WEATHER_URL = "https://api.open-meteo.com/v1/forecast"
_AIR_URL = "https://air-quality-api.open-meteo.com/v1/air-quality"
_RIVER_URL = "https://flood-api.open-meteo.com/v1/flood"
_METRES = {"wind_speed_unit": "ms"}
_TWO_DAYS = {"forecast_hours": "48"}

PRODUCTS = {
    "weather": Product("open-meteo-weather", _WEATHER_URL, "current", 900, _WEATHER, query=_METRES),
    "weather-forecast": Product(
        "open-meteo-weather-forecast",
        _WEATHER_URL,
        "hourly",
        HOUR_S,
        _WEATHER,
        HOUR_S,
        _METRES | _TWO_DAYS,
    ),
    "air": Product("open-meteo-air", _AIR_URL, "current", 1_800, _AIR),
    "air-forecast": Product(
        "open-meteo-air-forecast", _AIR_URL, "hourly", 3 * HOUR_S, _AIR, HOUR_S, _TWO_DAYS
    ),
    "river": Product(
        "open-meteo-river",
        _RIVER_URL,
        "daily",
        6 * HOUR_S,
        _RIVER,
        DAY_S,
        {"past_days": "7", "forecast_days": "30"},
    ),
}

# Points inside wards and communes of 2025, from the boundaries in github.com/thanglequoc/
# vietnamese-provinces-database (MIT), rounded to 0.0001 degrees, about 10 m.
DA_NANG = (
    Place("hai-chau", 16.0760, 108.2195),  # the city's centre
    Place("son-tra", 16.1167, 108.2675),  # the peninsula
    Place("ngu-hanh-son", 16.0061, 108.2506),
    Place("lien-chieu", 16.0887, 108.0859),
    Place("cam-le", 16.0158, 108.1812),  # the Cam Le, which becomes the Han
    Place("hoa-vang", 15.9703, 108.0288),
    Place("hoi-an", 15.8702, 108.3337),  # the mouth of the Thu Bon
    Place("dai-loc", 15.8955, 108.1056),  # Ai Nghia, on the Vu Gia
    Place("nong-son", 15.7021, 108.0950),  # on the Thu Bon
    Place("thanh-my", 15.7566, 107.7655),  # upstream on the Vu Gia
    Place("tam-ky", 15.5576, 108.4754),
)
DA_NANG_RIVERS = tuple(
    p for p in DA_NANG if p.name in ("cam-le", "dai-loc", "hoi-an", "nong-son", "thanh-my")
)
