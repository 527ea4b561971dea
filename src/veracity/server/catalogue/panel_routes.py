"""Panels in the catalogue: what a statement says of one, its definition, and its rows made again."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.home import Home
from veracity.server.answers import IMMUTABLE, answer, json_answer
from veracity.server.as_of_route import AsOfRoute
from veracity.server.catalogue.asking import AsOf, Entry, PanelName, city_of, reader_of, spool_of, time_asked
from veracity.server.catalogue.downloads import open_panel
from veracity.server.catalogue.file_answers import file_answer
from veracity.server.catalogue.formats import FORMATS
from veracity.server.catalogue.panel_versions import PanelVersion, panel_version
from veracity.server.documented import binary, document, problems

ROUTER = APIRouter(prefix="/catalogue/_panels", tags=["catalogue"], route_class=AsOfRoute)
Suffix = Literal["parquet", "csv"]
_FILE = binary(*(FORMATS[s].media_type for s in ("parquet", "csv"))) | problems(400, 404, 416)
_DOCUMENT = document("application/json") | problems(400, 404)


@ROUTER.get("/{name}", response_class=Response, responses=_DOCUMENT)
def newest(request: Request, name: PanelName, as_of: AsOf = None) -> Response:
    """The newest version of a panel, now or at a time."""
    return _described(request, name, None, time_asked(as_of))


@ROUTER.get("/{name}/{entry}", response_class=Response, responses=_DOCUMENT)
def version(request: Request, name: PanelName, entry: Entry) -> Response:
    """A version of a panel: what its statement at a log entry says."""
    return _described(request, name, entry, cache_control=IMMUTABLE)


@ROUTER.get(
    "/{name}/{entry}/definition.yaml",
    response_class=Response,
    responses=document("application/yaml") | problems(400, 404),
)
def definition(request: Request, name: PanelName, entry: Entry) -> Response:
    """The definition that a version was built by."""
    with reader_of(request).home() as home:
        text = panel_version(home, name, entry).panel.text
    return answer(request, text, "application/yaml", cache_control=IMMUTABLE)


@ROUTER.get("/{name}/{entry}/rows.{suffix}", response_class=Response, responses=_FILE)
def rows(request: Request, name: PanelName, entry: Entry, suffix: Suffix) -> Response:
    """A version's rows, made again from its inputs and compared with its statement."""
    with reader_of(request).home() as home:
        file, made = open_panel(home, spool_of(request), panel_version(home, name, entry), suffix)
    return file_answer(request, file, made, FORMATS[suffix].media_type, f"{name}-{entry}.{suffix}")


def _described(
    request: Request, name: str, entry: int | None, when: datetime | None = None, **more: str
) -> Response:
    city = city_of(request)

    def make(home: Home) -> dict[str, Any]:
        return _document(city.catalogue, panel_version(home, name, entry, when))

    return json_answer(request, reader_of(request).kept(("panel", city, name, entry, when), make), **more)


def _document(catalogue: str, version: PanelVersion) -> dict[str, Any]:
    said, base = version.said, f"{catalogue}/_panels/{version.name}/{version.entry}"
    return {
        "panel": version.name,
        "entry": version.entry,
        "simulated": said.simulated,
        "as_of": said.as_of,
        "definition": {"sha256": said.definition_sha256, "url": f"{base}/definition.yaml"},
        "inputs": [
            asdict(i) | {"url": f"{catalogue}/{i.feed}/{i.up_to_batch}/manifest.json"} for i in said.inputs
        ],
        "rows": said.output.rows,
        "sha256": said.output.sha256,
        "files": [
            {"url": f"{base}/rows.{suffix}", "media_type": FORMATS[suffix].media_type}
            for suffix in ("parquet", "csv")
        ],
    }
