"""What stands at the roots of NGSI-LD and of the log: where the catalogue's services are said to be.

The standards name nothing there. Who opens the address finds what there is below it, and how it is read.
"""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from veracity.server.answers import json_answer
from veracity.server.as_of_route import AsOfRoute
from veracity.server.documented import document, problems
from veracity.server.links import public_url

ROUTER = APIRouter(route_class=AsOfRoute)
_DOCUMENT = document("application/json", about="What there is below this address") | problems(400)
_NGSI_LD = {
    "entities": "Entities as they are now: say which, by ?type= or ?id=",
    "temporal/entities": "Entities over time: say which, and ?timerel= with ?timeAt=",
    "types": "Types of entities there are",
    "attributes": "Attributes there are",
    "jsonldContexts": "Contexts that the city hosts",
}
_LOG = {
    "checkpoint": "Size and root of the log, signed by it and cosigned by its witnesses",
    "tile/{L}/{N}": "Hashes, 256 a tile, as C2SP tlog-tiles names them",
    "tile/entries/{N}": "Entries, 256 a bundle",
}


@ROUTER.get("/ngsi-ld/v1", tags=["NGSI-LD"], response_class=Response, responses=_DOCUMENT)
def ngsi_ld(request: Request) -> Response:
    """Where the NGSI-LD API of the city is read from."""
    return json_answer(
        request,
        _entry(
            request,
            "NGSI-LD API",
            "https://www.etsi.org/deliver/etsi_gs/CIM/001_099/009/",
            "/ngsi-ld/v1",
            _NGSI_LD,
        ),
    )


@ROUTER.get("/log", tags=["log"], response_class=Response, responses=_DOCUMENT)
def log(request: Request) -> Response:
    """Where the city's transparency log is read from, and what shows what it says."""
    url = public_url(request)
    made = _entry(request, "Transparency log", "https://c2sp.org/tlog-tiles", "/log", _LOG)
    shown = {
        "/api/v1/city": "The trust policy that the log is checked by",
        "/api/v1/log/statements": "What it says, newest first",
    }
    made["see_also"] = [{"url": url + path, "title": title} for path, title in shown.items()]
    return json_answer(request, made)


def _entry(request: Request, title: str, standard: str, path: str, below: dict[str, str]) -> dict[str, Any]:
    url = public_url(request)
    return {
        "title": title,
        "standard": standard,
        "description": f"{url}/openapi.json",
        "items": [{"url": f"{url}{path}/{name}", "title": about} for name, about in below.items()],
    }
