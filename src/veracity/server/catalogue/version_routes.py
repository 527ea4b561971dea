"""Versions of data sets: their files, manifests and Croissant documents. What is at such an address stays."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from veracity.home.home import Home
from veracity.server.answers import FRESH, IMMUTABLE, json_answer
from veracity.server.as_of_route import AsOfRoute
from veracity.server.catalogue.asking import (
    AsOf,
    FeedName,
    Version,
    city_of,
    reader_of,
    spool_of,
    time_asked,
)
from veracity.server.catalogue.croissant import croissant
from veracity.server.catalogue.downloads import describe_file, open_file
from veracity.server.catalogue.file_answers import file_answer
from veracity.server.catalogue.formats import FORMATS
from veracity.server.catalogue.manifest import manifest
from veracity.server.catalogue.snapshots import snapshot, version_at
from veracity.server.documented import binary, document, problems
from veracity.server.errors import NoSuchDataset
from veracity.server.public_feeds import public_feed

ROUTER = APIRouter(tags=["catalogue"], route_class=AsOfRoute)
Suffix = Literal["parquet", "csv", "geojson"]
AtEntry = Annotated[
    int | None, Query(description="As the log was up to this entry, in place of a time", ge=0, le=10**12)
]
_CROISSANT = "application/ld+json"
_FOUND: dict[int | str, dict[str, Any]] = {307: {"description": "At the address of that version"}}
_FILE = binary(*(f.media_type for f in FORMATS.values())) | problems(400, 403, 404, 416)


@ROUTER.get(
    "/catalogue/{feed}/croissant.json",
    response_class=Response,
    responses=document(_CROISSANT, about="Croissant 1.1") | problems(400, 403, 404),
)
def croissant_at(request: Request, feed: FeedName, as_of: AsOf = None, entry: AtEntry = None) -> Response:
    """Croissant of the version known at a time, or now."""
    return _croissant(request, feed, _version(request, feed, as_of, entry))


@ROUTER.get(
    "/catalogue/{feed}/manifest.json",
    response_class=Response,
    responses=document("application/json") | problems(400, 403, 404),
)
def manifest_at(request: Request, feed: FeedName, as_of: AsOf = None, entry: AtEntry = None) -> Response:
    """The manifest of the version known at a time, or now."""
    return _manifest(request, feed, _version(request, feed, as_of, entry))


@ROUTER.get(
    "/catalogue/{feed}/rows.{suffix}",
    status_code=307,
    response_class=Response,
    responses=_FOUND | problems(400, 403, 404),
)
def rows_at(
    request: Request, feed: FeedName, suffix: Suffix, as_of: AsOf = None, entry: AtEntry = None
) -> Response:
    """Where the rows known at a time, or now, are as a file."""
    version = _version(request, feed, as_of, entry)
    url = f"{city_of(request).catalogue}/{feed}/{version}/rows.{suffix}"
    return RedirectResponse(url, 307, {"Cache-Control": "no-cache"})


@ROUTER.get(
    "/catalogue/{feed}/{version}",
    status_code=307,
    response_class=Response,
    responses=_FOUND | problems(400, 403, 404),
)
def version(request: Request, feed: FeedName, version: Version) -> Response:
    """Where the manifest of a version is."""
    with reader_of(request).home() as home:
        snapshot(home, feed, version)
    url = f"{city_of(request).catalogue}/{feed}/{version}/manifest.json"
    return RedirectResponse(url, 307, {"Cache-Control": IMMUTABLE})


@ROUTER.get(
    "/catalogue/{feed}/{version}/manifest.json",
    response_class=Response,
    responses=document("application/json") | problems(400, 403, 404),
)
def version_manifest(request: Request, feed: FeedName, version: Version) -> Response:
    """A version's manifest: files, counts, and the proof that the log knows it.

    Its files never change; the proof is under the newest checkpoint.
    """
    return _manifest(request, feed, version)


@ROUTER.get(
    "/catalogue/{feed}/{version}/croissant.json",
    response_class=Response,
    responses=document(_CROISSANT, about="Croissant 1.1") | problems(400, 403, 404),
)
def version_croissant(request: Request, feed: FeedName, version: Version) -> Response:
    """A version as Croissant 1.1."""
    return _croissant(request, feed, version, cache_control=IMMUTABLE)


@ROUTER.get("/catalogue/{feed}/{version}/rows.{suffix}", response_class=Response, responses=_FILE)
def rows(request: Request, feed: FeedName, version: Version, suffix: Suffix) -> Response:
    """A version's rows as a file, or a part of it (``Range``)."""
    with reader_of(request).home() as home:
        file, made = open_file(home, spool_of(request), snapshot(home, feed, version), suffix)
    name = f"{feed}-{version}.{suffix}"
    # Where sensors stand may be known later: GeoJSON alone is not what it was for ever.
    kept = FRESH if suffix == "geojson" else IMMUTABLE
    return file_answer(request, file, made, FORMATS[suffix].media_type, name, kept)


ROUTER.add_api_route(
    "/catalogue/{feed}/{version}/rows.{suffix}", rows, methods=["HEAD"], include_in_schema=False
)


def _version(request: Request, feed: str, as_of: str | None, entry: int | None) -> int:
    """Return the version known at a time or at a log entry, or now."""
    with reader_of(request).home() as home:
        when = None if entry is not None else time_asked(as_of)
        public_feed(home, feed, when)
        if entry is None:
            return version_at(home, feed, when)
        known = [row.batch for row in home.index.batches(feed) if row.idx <= entry]
    if not known:
        raise NoSuchDataset(f"{feed}: want a version up to log entry {entry}, got none")
    return max(known)


def _croissant(request: Request, feed: str, version: int, **more: str) -> Response:
    city, spool = city_of(request), spool_of(request)

    def make(home: Home) -> dict[str, Any]:
        snap = snapshot(home, feed, version)
        return croissant(city.url, city.origin, snap, describe_file(home, spool, snap, "parquet"))

    made = reader_of(request).kept(("croissant", city, feed, version), make)
    return json_answer(request, made, _CROISSANT, **more)


def _manifest(request: Request, feed: str, version: int) -> Response:
    city, spool = city_of(request), spool_of(request)
    key = ("manifest", city, feed, version)
    return json_answer(
        request,
        reader_of(request).kept(
            key, lambda home: manifest(home, spool, city.url, snapshot(home, feed, version))
        ),
    )
