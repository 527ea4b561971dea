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
from starlette.routing import Mount, Route

from veracity.errors import VeracityError
from veracity.server import entries
from veracity.server.accounts import account_routes, session_routes, token_routes, write_routes
from veracity.server.accounts.accounts import Accounts
from veracity.server.accounts.doors import DENIED, needs
from veracity.server.accounts.protection import protect
from veracity.server.allowed import allowed_methods
from veracity.server.api import router as api
from veracity.server.api.events import Events
from veracity.server.api.log_paths import LOG_PATHS
from veracity.server.api.state import Memory
from veracity.server.blame import is_of_city
from veracity.server.catalogue import router as catalogue
from veracity.server.city_reader import CityReader
from veracity.server.errors import CityUnreadable
from veracity.server.fronts import BehindFronts
from veracity.server.history import History
from veracity.server.log_app import LogApp
from veracity.server.log_store import log_of_home
from veracity.server.ngsi_ld import router as ngsi_ld
from veracity.server.openapi import complete
from veracity.server.portal_files import PortalFiles
from veracity.server.problems import problem, status_of
from veracity.server.sensorthings import creating
from veracity.server.sensorthings import routes as sensorthings
from veracity.server.sensorthings.refusing import why_not
from veracity.server.settings import ServerSettings
from veracity.server.shared_answers import SharedAnswers
from veracity.server.with_head import WithHead
from veracity.stores.opening import open_objects

_LOGGER = logging.getLogger(__name__)


def make_app(settings: ServerSettings) -> FastAPI:
    """Return the application that serves a city.

    Its parts find what they share in ``app.state``: ``city``, a ``CityReader``, ``settings``, ``history``,
    ``memory``, ``accounts`` and ``events``. Who stops it closes the last two.

    Raises
    ------
    NoHome
        If there is no city.
    """
    app = FastAPI(title="Veracity", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    app.state.city = CityReader(settings.home, settings.clock)
    history = app.state.history = History()
    app.state.memory = Memory(history.batches, history.healths)
    app.state.events = Events(app.state.city, app.state.memory.ledger, settings.max_listeners)
    app.state.accounts = Accounts(settings)
    for router in (account_routes.ROUTER, token_routes.ROUTER, session_routes.ROUTER, write_routes.ROUTER):
        app.include_router(router)
    app.include_router(api.router())
    app.include_router(api.receipts())
    app.include_router(catalogue.ROUTER)
    app.include_router(ngsi_ld.ROUTER)
    app.include_router(entries.ROUTER)
    app.include_router(sensorthings.router())
    app.include_router(creating.router(needs("publisher"), DENIED))
    _serve_files(app, settings)
    complete(app, LOG_PATHS)
    app.add_middleware(SharedAnswers)
    app.add_middleware(WithHead)
    protect(app, app.state.accounts)  # who may not, asks no other part
    app.add_middleware(BehindFronts, fronts=settings.fronts)  # outermost: who asks
    app.add_exception_handler(VeracityError, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_request)
    app.add_exception_handler(Exception, _of_bug)
    return app


def _serve_files(app: FastAPI, settings: ServerSettings) -> None:
    """Serve the log, below ``/log`` and where ``log serve`` has it, a witness, and the portal: no routes."""
    log = LogApp(open_objects(log_of_home(settings.home), read_only=True))
    app.router.routes += [
        Mount("/log", log),
        Route("/checkpoint", log, include_in_schema=False),
        Route("/tile/{path:path}", log, include_in_schema=False),
    ]
    if settings.witness is not None:
        app.router.routes.append(Mount("/witness", settings.witness))
    app.router.redirect_slashes = False
    app.router.default = PortalFiles()  # whatever is no route; a mount would take wrong methods of routes too


async def _of_ours(request: Request, error: Exception) -> Response:
    """Answer for an error of ours. What is wrong with the city's own files is not told: it names places."""
    assert isinstance(error, VeracityError), "registered for them"
    if is_of_city(error, request.method):
        _LOGGER.warning("%s: %s: %s", request.url.path, error.code, error)
        error = CityUnreadable("city: want what this answer is made of, got an error")
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
    detail = str(error.detail)
    if error.status_code == 405:
        detail = why_not(request.method, request.scope["path"]) or detail
    return problem(error.status_code, code, detail, headers)


async def _of_request(_request: Request, error: Exception) -> Response:
    """Answer for a parameter or body that is not what the route takes."""
    assert isinstance(error, RequestValidationError), "registered for them"
    wrong = error.errors()[:5]
    said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)
    return problem(422, "malformed-request", said[:1000])


async def _of_bug(_request: Request, error: Exception) -> Response:
    """Answer for a bug of ours, which is raised again after: whoever runs the application prints it."""
    return problem(500, "bug", f"a bug in veracity: {type(error).__name__}")
