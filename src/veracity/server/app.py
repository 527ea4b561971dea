"""The server of a city: one application of many parts, each a router of a standard or an area.

::

    /v1.1  /v2.0      OGC SensorThings
    /ngsi-ld/v1       NGSI-LD
    /catalogue        DCAT-AP, Croissant, downloads
    /api/v1           what the portal shows, and accounts
    /log  /receipts   the log as tlog-tiles lays it out, receipts
    /                 the portal
"""

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from veracity.errors import VeracityError
from veracity.server.accounts import account_routes, session_routes, token_routes
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.protection import protect
from veracity.server.allowed import allowed_methods
from veracity.server.city_reader import CityReader
from veracity.server.problems import problem, status_of
from veracity.server.settings import ServerSettings

_LOGGER = logging.getLogger(__name__)


def make_app(settings: ServerSettings) -> FastAPI:
    """Return the application that serves a city.

    Its parts find what they share in ``app.state``: ``city``, a ``CityReader``, and ``settings``.

    Raises
    ------
    NoHome
        If there is no city.
    """
    app = FastAPI(title="Veracity", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.settings = settings
    app.state.city = CityReader(settings.home, settings.clock)
    app.state.accounts = Accounts(settings)
    protect(app, app.state.accounts)
    for router in (account_routes.ROUTER, token_routes.ROUTER, session_routes.ROUTER):
        app.include_router(router)
    app.add_exception_handler(VeracityError, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_request)
    return app


async def _of_ours(_request: Request, error: Exception) -> Response:
    """Answer for an error of ours. What is wrong with the city's own files is not told: it names places."""
    assert isinstance(error, VeracityError), "registered for them"
    status = status_of(error)
    if status >= 500:
        _LOGGER.warning("%s: %s", error.code, error)
        return problem(status, error.code, "city: want one that can be read, got an error")
    return problem(status, error.code, str(error))


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for them"
    codes = {
        404: "not-found",
        405: "method-not-allowed",
        408: "request-too-slow",
        413: "request-too-large",
        415: "unsupported-media-type",
    }
    code = codes.get(error.status_code, "http-error")
    headers = dict(error.headers or {})
    if error.status_code == 405 and (allowed := allowed_methods(request.app, request.scope["path"])):
        headers["Allow"] = allowed  # the framework names those of one route alone
    return problem(error.status_code, code, str(error.detail), headers)


async def _of_request(_request: Request, error: Exception) -> Response:
    """Answer for a parameter or body that is not what the route takes."""
    assert isinstance(error, RequestValidationError), "registered for them"
    wrong = error.errors()[:5]
    said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)
    return problem(422, "malformed-request", said[:1000])
