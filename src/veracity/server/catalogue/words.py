"""The controlled words of DCAT-AP that a feed's contract answers to: theme, frequency. Pure.

The authority tables are those that DCAT-AP 3.0 names: data-theme, frequency, file-type, access-right of the
EU Publications Office.
"""

from collections.abc import Iterable

AUTHORITY = "http://publications.europa.eu/resource/authority/"

_THEMES = {
    "ENVI": {
        *("pm25", "pm10", "pm1", "no2", "o3", "so2", "co", "aqi", "air", "noise", "environment"),
        *("rain", "stage", "discharge", "water", "flood", "river", "hydrology"),
        *("temperature", "humidity", "wind", "weather"),
    },
    "TRAN": {"vehicles", "speed", "traffic", "transport", "trip", "route", "bus", "occupancy", "parking"},
    "ENER": {"energy", "electricity", "kwh", "power"},
    "HEAL": {"health", "disease", "hospital"},
    "GOVE": {"budget", "procurement", "spend", "tender", "service", "requests", "311"},
    "JUST": {"fraud", "crime", "safety"},
}
_FREQUENCIES = {
    60: "1MIN",
    300: "5MIN",
    600: "10MIN",
    900: "15MIN",
    1800: "30MIN",
    3600: "HOURLY",
    7200: "BIHOURLY",
    10_800: "TRIHOURLY",
    43_200: "12HRS",
    86_400: "DAILY",
    604_800: "WEEKLY",
}


def themes(words: Iterable[str]) -> list[str]:
    """Return the data themes that names of a feed, its tags and its columns point to; none if none does.

    >>> themes(["pm25", "air-quality"]), themes(["speed_kmh"]), themes(["x"])
    (['ENVI'], ['TRAN'], [])
    """
    parts = {part for word in words for part in word.lower().replace("-", "_").split("_")}
    return [name for name, known in _THEMES.items() if parts & known]


def frequency(seconds: float | None) -> str:
    """Return the EU's word for how often a feed is updated; ``UNKNOWN`` if its contract does not say.

    >>> [frequency(s) for s in (None, 0.5, 300, 420, 86400)]
    ['UNKNOWN', 'CONT', '5MIN', 'OTHER', 'DAILY']
    """
    if seconds is None:
        return "UNKNOWN"
    if seconds < 1:
        return "CONT"
    return _FREQUENCIES.get(int(seconds), "OTHER") if seconds == int(seconds) else "OTHER"


def duration(seconds: float) -> str:
    """Return seconds as ``xsd:duration``.

    >>> duration(300.0), duration(0.5)
    ('PT300S', 'PT0.5S')
    """
    return f"PT{seconds:g}S" if seconds < 1e6 else f"PT{int(seconds)}S"
