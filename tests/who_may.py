"""Who may ask each route: the table that tests hold the application to. A new route needs a line.

``ALL`` is anyone (in a closed city: any account), ``ANY`` an account of whatever role. To write the lines of
new routes: ``PYTHONPATH=src:tests python tests/who_may.py CITY`` prints those of a home.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from veracity.server.accounts.doors import Needs
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

ALL = "all"
ANY = "viewer"

#: method and path -> the roles that open it
WHO_MAY: dict[str, str] = {
    "GET /openapi.json": ALL,
    "GET /catalogue.jsonld": ALL,
    "GET /catalogue.ttl": ALL,
    "GET /log": ALL,
    "* /log": ALL,
    "* /checkpoint": ALL,
    "* /tile/{path:path}": ALL,
    "POST /v1.1/CreateObservations": "publisher",
    "POST /v1.1/Datastreams({identity})/Observations": "publisher",
    "POST /v1.1/Observations": "publisher",
    "POST /v2.0/Datastreams({identity})/Observations": "publisher",
    "POST /v2.0/Observations": "publisher",
    "POST /v1.1/Things": "publisher",
    "POST /v1.1/Locations": "publisher",
    "POST /v1.1/Sensors": "publisher",
    "POST /v1.1/ObservedProperties": "publisher",
    "POST /v1.1/Datastreams": "publisher",
    "POST /v1.1/Things({identity})/Datastreams": "publisher",
    "POST /v1.1/Things({identity})/Locations": "publisher",
    "POST /v1.1/Sensors({identity})/Datastreams": "publisher",
    "POST /v1.1/ObservedProperties({identity})/Datastreams": "publisher",
    "POST /v2.0/Things": "publisher",
    "POST /v2.0/Locations": "publisher",
    "POST /v2.0/Sensors": "publisher",
    "POST /v2.0/ObservedProperties": "publisher",
    "POST /v2.0/Datastreams": "publisher",
    "POST /v2.0/Things({identity})/Datastreams": "publisher",
    "POST /v2.0/Things({identity})/Locations": "publisher",
    "POST /v2.0/Sensors({identity})/Datastreams": "publisher",
    "POST /v2.0/ObservedProperties({identity})/Datastreams": "publisher",
    "GET /api/v1/accounts": "admin auditor",
    "POST /api/v1/accounts": "admin",
    "PUT /api/v1/accounts/{name}": "admin",
    "DELETE /api/v1/accounts/{name}": "admin",
    "GET /api/v1/tokens": ANY,
    "POST /api/v1/tokens": ANY,
    "DELETE /api/v1/tokens/{identifier}": ANY,
    "POST /api/v1/feeds/{feed}/quarantine/decisions": "operator",
    "GET /api/v1/writes": "auditor",
    "GET /api/v1/session": ALL,
    "DELETE /api/v1/session": ALL,
    "GET /api/v1/sign-in": ALL,
    "GET /api/v1/sign-in/callback": ALL,
}

#: that anyone may read, whole: a line for each of their routes would say no more. Reads only
OPEN_TREES: tuple[str, ...] = (
    *("/v1.1", "/v2.0", "/ngsi-ld/v1", "/catalogue", "/receipts"),
    *(
        f"/api/v1/{part}"
        for part in (
            "city",
            "feeds",
            "datasets",
            "panels",
            "apps",
            "models",
            "lineage",
            "log",
            "events",
            "search",
            "places",
        )
    ),
)

#: that answer without an end, and are asked by tests of their own
ENDLESS: set[str] = {"GET /api/v1/events"}

#: that read with POST, as queries that are too long for an address do
READS_WITH_POST: set[str] = set()


@dataclass(frozen=True)
class Operation:
    """One method of one route, and the roles that its door names; ``ALL`` without a door."""

    method: str
    path: str
    roles: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def in_open_tree(it: Operation) -> bool:
    """Say whether an operation needs no line: it reads, anyone may, and its tree is known to be open."""
    reads = it.method == "GET" or it.name in READS_WITH_POST
    return reads and it.roles == ALL and any(f"{it.path}/".startswith(f"{t}/") for t in OPEN_TREES)


def operations(app: FastAPI) -> Iterator[Operation]:
    """Yield every operation of an application; what is mounted whole counts as one, of the method ``*``."""
    for context in iter_route_contexts(app.routes):
        path = str(context.path)
        dependant = getattr(context, "dependant", None) if context.methods else None
        roles = roles_of(dependant) if isinstance(dependant, Dependant) else ALL
        for method in sorted(set(context.methods or {"*"}) - {"HEAD"}):
            yield Operation(method, path, roles)


def roles_of(dependant: Dependant) -> str:
    """Return the roles that the doors of a route name."""
    found = {role for needs in _doors(dependant) for role in needs.roles}
    return ANY if ANY in found else " ".join(sorted(found)) or ALL


def _doors(dependant: Dependant) -> Iterator[Needs]:
    if isinstance(dependant.call, Needs):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _doors(inner)


if __name__ == "__main__":
    for it in operations(make_app(ServerSettings(Path(sys.argv[1])))):
        if it.name not in WHO_MAY and not in_open_tree(it):
            sys.stdout.write(f'    "{it.name}": "{it.roles}",\n')
