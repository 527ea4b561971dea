"""The entity types of both versions: what they are called, their properties and their relations.

1.1 is OGC 18-088; 2.0 is OGC 23-019 as its text stood in the standard's public repository (clauses 8 and
9). Where the two differ in nothing but names, one table says so.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Relation:
    """A relation of an entity type to an entity set: to one of its entities, or to many."""

    name: str
    target: str
    is_many: bool


@dataclass(frozen=True)
class EntityType:
    """An entity type: the set of all its entities, its properties and relations in order."""

    set: str
    properties: tuple[str, ...]
    relations: tuple[Relation, ...]

    def relation(self, name: str) -> Relation | None:
        """Return a relation by its name."""
        return next((r for r in self.relations if r.name == name), None)


@dataclass(frozen=True)
class Dialect:
    """A version: its path, how it names annotations, and its entity types by set."""

    version: str
    prefix: str
    id: str
    self_link: str
    navigation: str
    count: str
    next_link: str
    types: dict[str, EntityType]

    @property
    def is_old(self) -> bool:
        """Whether it is 1.1."""
        return self.version == "1.1"

    @property
    def features(self) -> str:
        """The entity set of what is observed."""
        return "FeaturesOfInterest" if self.is_old else "Features"

    @property
    def feature(self) -> str:
        """The relation from an observation to what is observed."""
        return "FeatureOfInterest" if self.is_old else "ProximateFeatureOfInterest"


def _type(name: str, properties: str, one: str = "", many: str = "", **targets: str) -> EntityType:
    """Return a type; ``targets`` names the sets of relations that are called otherwise."""
    plural = {"Sensor": "Sensors", "Thing": "Things", "Datastream": "Datastreams"}
    plural["ObservedProperty"] = "ObservedProperties"
    single = [Relation(r, targets.get(r) or plural.get(r, r), is_many=False) for r in one.split()]
    sets = [Relation(r, targets.get(r, r), is_many=True) for r in many.split()]
    return EntityType(name, tuple(properties.split()), (*single, *sets))


_SHARED = [
    _type("Things", "name description properties", many="Locations HistoricalLocations Datastreams"),
    _type(
        "Locations", "name description encodingType location properties", many="Things HistoricalLocations"
    ),
    _type("HistoricalLocations", "time", "Thing", "Locations"),
    _type("Sensors", "name description encodingType metadata properties", many="Datastreams"),
    _type("ObservedProperties", "name definition description properties", many="Datastreams"),
]
_V1 = [
    *_SHARED,
    _type(
        "Datastreams",
        "name description unitOfMeasurement observationType observedArea phenomenonTime resultTime"
        " properties",
        "Thing Sensor ObservedProperty",
        "Observations",
    ),
    _type("FeaturesOfInterest", "name description encodingType feature properties", many="Observations"),
    _type(
        "Observations",
        "phenomenonTime resultTime result resultQuality validTime parameters",
        "Datastream FeatureOfInterest",
        FeatureOfInterest="FeaturesOfInterest",
    ),
]
_V2 = [
    *_SHARED,
    _type(
        "Datastreams",
        "name description resultType observedArea phenomenonTime resultTime properties",
        "Thing Sensor ProximateFeatureOfInterest UltimateFeatureOfInterest",
        "ObservedProperties Observations",
        ProximateFeatureOfInterest="Features",
        UltimateFeatureOfInterest="Features",
    ),
    _type(
        "Features",
        "name description encodingType feature properties",
        many="FeatureTypes Observations DatastreamsProximate DatastreamsUltimate",
        DatastreamsProximate="Datastreams",
        DatastreamsUltimate="Datastreams",
    ),
    _type("FeatureTypes", "name definition description properties", many="Features"),
    _type(
        "Observations",
        "phenomenonTime resultTime result validTime properties",
        "Datastream ProximateFeatureOfInterest",
        ProximateFeatureOfInterest="Features",
    ),
]

V1 = Dialect(
    "1.1",
    "v1.1",
    "@iot.id",
    "@iot.selfLink",
    "@iot.navigationLink",
    "@iot.count",
    "@iot.nextLink",
    {t.set: t for t in _V1},
)
V2 = Dialect("2.0", "v2.0", "id", "@id", "@navigationLink", "@count", "@nextLink", {t.set: t for t in _V2})
DIALECTS = {d.prefix: d for d in (V1, V2)}
_OBSERVED = Relation("ObservedProperty", "ObservedProperties", is_many=False)


def relation_of(dialect: Dialect, entity_set: str, name: str) -> Relation | None:
    """Return a relation; 2.0's text has an example that names the first observed property as 1.1 does."""
    found = dialect.types[entity_set].relation(name)
    if found is None and entity_set == "Datastreams" and name == "ObservedProperty":
        return _OBSERVED
    return found
