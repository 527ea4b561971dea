"""``/catalogue``: the catalogue itself, and one data set of it, as JSON-LD or Turtle; the data set's page."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.home import Home
from veracity.server.answers import IMMUTABLE, answer, json_answer
from veracity.server.as_of_route import AsOfRoute
from veracity.server.catalogue.asking import (
    AsOf,
    Digest,
    FeedName,
    city_of,
    reader_of,
    recent_of,
    spool_of,
    then,
    time_asked,
)
from veracity.server.catalogue.dcat import catalogue_graph, dataset_graph
from veracity.server.catalogue.downloads import file_key
from veracity.server.catalogue.facts import DatasetFacts, dataset_facts
from veracity.server.catalogue.graph import Graph, to_jsonld, to_turtle
from veracity.server.catalogue.page import dataset_page
from veracity.server.catalogue.panel_versions import public_panels
from veracity.server.catalogue.representation import JSONLD, TURTLE, wanted_form
from veracity.server.catalogue.spool import Spool
from veracity.server.created.simulated import is_simulated
from veracity.server.documented import document, listing, problems
from veracity.server.errors import NoSuchDataset
from veracity.server.history import history_of
from veracity.server.positions import Survey
from veracity.server.problems import problem
from veracity.server.public_feeds import contracts_of, public_feed, public_feeds

ROUTER = APIRouter(tags=["catalogue"], route_class=AsOfRoute)
_MINUTE = 60  #: for so long what is measured against the clock is kept
_GRAPH = document(JSONLD, TURTLE, about="DCAT-AP 3.0")


@ROUTER.get("/catalogue", response_class=Response, responses=_GRAPH | problems(400, 406))
def catalogue(request: Request, as_of: AsOf = None) -> Response:
    """All data sets of the city, as DCAT-AP 3 in JSON-LD or Turtle, whichever is accepted."""
    return _negotiated(request, lambda: _catalogue(request, as_of))


@ROUTER.get("/catalogue.jsonld", response_class=Response, responses=document(JSONLD) | problems(400))
def catalogue_jsonld(request: Request, as_of: AsOf = None) -> Response:
    """All data sets of the city, as DCAT-AP 3 in JSON-LD."""
    return _represented(request, _catalogue(request, as_of), JSONLD)


@ROUTER.get("/catalogue.ttl", response_class=Response, responses=document(TURTLE) | problems(400))
def catalogue_turtle(request: Request, as_of: AsOf = None) -> Response:
    """All data sets of the city, as DCAT-AP 3 in Turtle."""
    return _represented(request, _catalogue(request, as_of), TURTLE)


@ROUTER.get(
    "/catalogue/{feed}.jsonld", response_class=Response, responses=document(JSONLD) | problems(400, 403, 404)
)
def dataset_jsonld(request: Request, feed: FeedName, as_of: AsOf = None) -> Response:
    """One data set, as DCAT-AP 3 in JSON-LD."""
    return _represented(request, _dataset(request, feed, as_of), JSONLD)


@ROUTER.get(
    "/catalogue/{feed}.ttl", response_class=Response, responses=document(TURTLE) | problems(400, 403, 404)
)
def dataset_turtle(request: Request, feed: FeedName, as_of: AsOf = None) -> Response:
    """One data set, as DCAT-AP 3 in Turtle."""
    return _represented(request, _dataset(request, feed, as_of), TURTLE)


@ROUTER.get("/catalogue/{feed}", response_class=Response, responses=_GRAPH | problems(400, 403, 404, 406))
def dataset(request: Request, feed: FeedName, as_of: AsOf = None) -> Response:
    """One data set, as DCAT-AP 3 in JSON-LD or Turtle, whichever is accepted."""
    return _negotiated(request, lambda: _dataset(request, feed, as_of))


@ROUTER.get(
    "/catalogue/{feed}/contract.yaml",
    response_class=Response,
    responses=document("application/yaml", about="ODCS 3.1") | problems(400, 403, 404),
)
def contract(request: Request, feed: FeedName, as_of: AsOf = None) -> Response:
    """The contract in force of a feed, now or at a time: its very bytes, whose digest is in the log."""
    when = time_asked(as_of)
    with reader_of(request).home() as home:
        text = public_feed(home, feed, when).contract.text
    return answer(request, text, "application/yaml")


@ROUTER.get(
    "/catalogue/{feed}/contract/{sha256}.yaml",
    response_class=Response,
    responses=document("application/yaml", about="ODCS 3.1") | problems(400, 403, 404),
)
def contract_version(request: Request, feed: FeedName, sha256: Digest) -> Response:
    """A contract that the feed has or had, by its digest."""
    with reader_of(request).home() as home:
        public_feed(home, feed)
        found = [c for c in contracts_of(home, feed) if c.sha256 == sha256]
    if not found:
        raise NoSuchDataset(f"{feed}: want a contract that it had, got {sha256[:64]!r}")
    return answer(request, found[0].text, "application/yaml", cache_control=IMMUTABLE)


@ROUTER.get("/api/v1/datasets", response_class=Response, responses=listing("Data sets") | problems(400))
def datasets(request: Request, as_of: AsOf = None) -> Response:
    """The data sets that are shown, or were at a time, each with where its page is."""
    city, when = city_of(request), time_asked(as_of)

    def make(home: Home) -> dict[str, Any]:
        items = [
            {
                "dataset": name,
                "title": feed.contract.title,
                "agency": feed.contract.agency,
                "simulated": is_simulated(home, feed.contract),
                "url": f"{city.url}/api/v1/datasets/{name}{then(when)}",
            }
            for name, feed in public_feeds(home, when).items()
        ]
        return {"items": items, "next": None}

    return json_answer(request, reader_of(request).kept(("datasets", city, when), make))


@ROUTER.get(
    "/api/v1/datasets/{feed}",
    response_class=Response,
    responses=document("application/json") | problems(400, 403, 404),
)
def page(request: Request, feed: FeedName, as_of: AsOf = None) -> Response:
    """What a data set's page shows: measured quality, lineage, licence, contract, changes."""
    city, when, spool, history = city_of(request), time_asked(as_of), spool_of(request), history_of(request)

    def make(home: Home) -> dict[str, Any]:
        facts = _with_files(spool, dataset_facts(home, history, Survey(home, when), feed, when))
        return dataset_page(home, history.batches.of(home, feed), city.url, facts, when)

    key = ("page", city, feed, when)
    made = recent_of(request).kept(key, lambda: reader_of(request).kept((*key, _minute(request)), make))
    return json_answer(request, made)


def _catalogue(request: Request, as_of: str | None) -> Graph:
    city, spool, when, history = city_of(request), spool_of(request), time_asked(as_of), history_of(request)

    def make(home: Home) -> Graph:
        survey = Survey(home, when)
        facts = [
            _with_files(spool, dataset_facts(home, history, survey, name, when))
            for name in public_feeds(home, when)
        ]
        return catalogue_graph(city, facts, public_panels(home, when))

    key = ("catalogue", city, when)
    return recent_of(request).kept(key, lambda: reader_of(request).kept((*key, _minute(request)), make))


def _dataset(request: Request, feed: str, as_of: str | None) -> Graph:
    city, spool, when, history = city_of(request), spool_of(request), time_asked(as_of), history_of(request)

    def make(home: Home) -> Graph:
        facts = dataset_facts(home, history, Survey(home, when), feed, when)
        return dataset_graph(city, _with_files(spool, facts))

    key = ("dataset", city, feed, when)
    return recent_of(request).kept(key, lambda: reader_of(request).kept((*key, _minute(request)), make))


def _with_files(spool: Spool, facts: DatasetFacts) -> DatasetFacts:
    """Add what the files of the newest version are, as far as they were made."""
    if facts.snapshot is None:
        return facts
    known = {suffix: spool.known(file_key(facts.snapshot, suffix)) for suffix in ("parquet", "csv")}
    return replace(facts, files={suffix: made for suffix, made in known.items() if made is not None})


def _minute(request: Request) -> int:
    return int(reader_of(request).clock().timestamp()) // _MINUTE


def _negotiated(request: Request, graph: Any) -> Response:
    form = wanted_form(request.headers.get("accept"))
    if form is None:
        return problem(406, "not-acceptable", f"accept: want {JSONLD} or {TURTLE}, got neither")
    response = _represented(request, graph(), form)
    response.headers["Vary"] = "Accept"
    return response


def _represented(request: Request, graph: Graph, form: str) -> Response:
    if form == JSONLD:
        return json_answer(request, to_jsonld(graph), JSONLD)
    return answer(request, to_turtle(graph).encode(), "text/turtle; charset=utf-8")
