"""Which smart data model a feed is of, by its columns, and what the model calls them. Pure.

Names from https://github.com/smart-data-models: dataModel.Environment (AirQualityObserved, FloodMonitoring),
dataModel.Weather (WeatherObserved), dataModel.Transportation (TrafficFlowObserved). A column is called by the
model's name only where quantity and unit are the model's; else it keeps its own. A feed that no model is
known for has a type of its own, made of its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from veracity.data.contract import Contract

DEFAULT = "https://uri.etsi.org/ngsi-ld/default-context/"
_SMART = "https://smartdatamodels.org/dataModel."


@dataclass(frozen=True)
class DataModel:
    """A type of entities.

    Attributes
    ----------
    name
        Its short name.
    vocabulary
        What its name, and those of its attributes, begin with as IRIs.
    marks
        Columns of which one is enough to be of the model; none of ``not_with`` may be there.
    names
        The model's name for a column and its UCUM unit.
    known
        Attributes of the model that columns may be called by as they are.
    """

    name: str
    vocabulary: str = DEFAULT
    marks: frozenset[str] = frozenset()
    names: Mapping[tuple[str, str | None], str] | None = None
    known: frozenset[str] = frozenset()

    def attribute(self, column: str, unit: str | None) -> str:
        """Return what the model calls a column."""
        return (self.names or {}).get((column, unit), column)

    def iri(self, attribute: str) -> str:
        """Return the IRI of an attribute."""
        is_known = attribute in self.known or attribute in (self.names or {}).values()
        return (self.vocabulary if is_known else DEFAULT) + attribute

    @property
    def type_iri(self) -> str:
        """Return the IRI of the type."""
        return self.vocabulary + self.name


_AIR = {"pm1", "pm25", "pm10", "no", "no2", "nox", "o3", "so2", "co", "co2", "c6h6"}
_COMMON = frozenset({"dateObserved", "dataProvider", "source", "name", "description", "temperature"})
MODELS = (
    DataModel(
        "AirQualityObserved",
        f"{_SMART}Environment/",
        frozenset(_AIR),
        {
            ("wind_speed", "m/s"): "windSpeed",
            ("wind_direction", "deg"): "windDirection",
            ("rain_mm", "mm"): "precipitation",
            ("rain", "mm"): "precipitation",
        },
        _COMMON | _AIR,
    ),
    DataModel(
        "TrafficFlowObserved",
        f"{_SMART}Transportation/",
        frozenset({"vehicles", "speed_kmh", "intensity", "flow_vph"}),
        {
            ("vehicles", "{vehicles}"): "intensity",
            ("vehicles", "1"): "intensity",
            ("vehicles", None): "intensity",
            ("speed_kmh", "km/h"): "averageVehicleSpeed",
            ("speed", "km/h"): "averageVehicleSpeed",
        },
        frozenset({"dateObserved", "dataProvider", "source", "name", "description", "occupancy"}),
    ),
    DataModel(
        "FloodMonitoring",
        f"{_SMART}Environment/",
        frozenset({"stage_m", "stage", "water_level", "level_m"}),
        {(name, "m"): "currentLevel" for name in ("stage_m", "stage", "water_level", "level_m")},
        frozenset({"dateObserved", "dataProvider", "source", "name", "description"}),
    ),
    DataModel(
        "WeatherObserved",
        f"{_SMART}Weather/",
        frozenset({"rain", "rain_mm", "wind_speed", "pressure", "temperature", "humidity"}),
        {
            ("rain_mm", "mm"): "precipitation",
            ("rain", "mm"): "precipitation",
            ("precipitation", "mm"): "precipitation",
            ("wind_speed", "m/s"): "windSpeed",
            ("wind_direction", "deg"): "windDirection",
            ("pressure", "hPa"): "atmosphericPressure",
        },
        _COMMON,
    ),
)


def model_of(contract: Contract) -> DataModel:
    """Return the model of a feed: the first that a column marks, else one of the feed's own name."""
    columns = {f.name.lower() for f in contract.fields}
    if contract.time is not None:
        for model in MODELS:
            if columns & model.marks:
                return model
    return DataModel(own_type(contract.feed))


def own_type(feed: str) -> str:
    """Return a type's name for a feed that no model is known for.

    >>> own_type("service-requests-311")
    'ServiceRequests311'
    """
    name = "".join(part.capitalize() for part in feed.split("-"))
    return name if name[:1].isalpha() else f"Feed{name}"
