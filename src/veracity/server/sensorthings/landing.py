"""The landing page: the entity sets, and which requirements of the standard are fulfilled.

Of 2.0 the identifiers are those of the text in the standard's public repository. Left out, because they
are not there: MultiDatastreams, batch requests, MQTT, ``$select=distinct``, ``$metadata``, updating and
deleting (what was sealed is never changed).
"""

from typing import Any

from veracity.server.sensorthings.functions import FUNCTIONS
from veracity.server.sensorthings.schema import Dialect

_V1 = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
_V1_READ = [
    "datamodel",
    "datamodel/thing/properties",
    "datamodel/thing/relations",
    "datamodel/location/properties",
    "datamodel/location/relations",
    "datamodel/historical-location/properties",
    "datamodel/historical-location/relations",
    "datamodel/datastream/properties",
    "datamodel/datastream/relations",
    "datamodel/sensor/properties",
    "datamodel/sensor/relations",
    "datamodel/observed-property/properties",
    "datamodel/observed-property/relations",
    "datamodel/observation/properties",
    "datamodel/observation/relations",
    "datamodel/feature-of-interest/properties",
    "datamodel/feature-of-interest/relations",
    "resource-path/resource-path-to-entities",
    "request-data",
    "request-data/order",
    "request-data/expand",
    "request-data/select",
    "request-data/status-code",
    "request-data/query-status-code",
    "request-data/orderby",
    "request-data/top",
    "request-data/skip",
    "request-data/count",
    "request-data/filter",
    "request-data/built-in-filter-operations",
    "request-data/built-in-query-functions",
    "request-data/pagination",
    "data-array/data-array",
    "create-update-delete/link-to-existing-entities",
    "create-update-delete/deep-insert",
    "create-update-delete/deep-insert-status-code",
    "create-update-delete/historical-location-auto-creation",
]
_V2 = "http://www.opengis.net/spec/sensorthings/2.0/"
_V2_READ = [
    "req-class/datamodel/core",
    "req/api/read/paths",
    "req/api/read/options/precedence",
    "req/api/read/options/select",
    "req/api/read/options/expand",
    "req/api/read/options/top",
    "req/api/read/options/skip",
    "req/api/read/options/count",
    "req/api/read/options/orderby",
    "req/api/read/options/filter",
    "req/api/read/options/format",
    "req/api/read/options/pagination",
    "req/binding/http/request_response",
]
_MISSING = {
    "1.1": [
        "create-update-delete/create-entity (of FeaturesOfInterest and HistoricalLocations)",
        "create-update-delete/update-entity",
        "create-update-delete/delete-entity",
        "multi-datastream",
        "batch-request",
        "create-observations-via-mqtt",
        "receive-updates-via-mqtt",
    ],
    "2.0": ["api/update", "api/delete", "$metadata", "$select=distinct", "$batch", "binding/mqtt"],
}


def landing_page(dialect: Dialect, root: str) -> dict[str, Any]:
    """Return the landing page of a version, which is at ``root``."""
    base, requirements = (_V1, _V1_READ) if dialect.is_old else (_V2, _V2_READ)
    settings: dict[str, Any] = {
        "conformance": [f"{base}{name}" for name in requirements],
        "functions": [*FUNCTIONS, "any"],
        "urn:veracity:sensorthings": {
            "asOf": "a time: the answer is what was known then (an extension)",
            "receipts": "every observation names the address of its receipt, which verifies offline",
            "missing": _MISSING[dialect.version],
        },
    }
    if not dialect.is_old:
        settings[f"{base}req/binding/http"] = {"endpoints": [root]}
    return {
        "value": [{"name": name, "url": f"{root}/{name}"} for name in dialect.types],
        "serverSettings": settings,
    }
