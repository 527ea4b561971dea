"""Open311 GeoReport v2: what residents ask of their city, and the list of what can be asked for.

A server is asked for a span of time, page by page. The span ends now and begins before the last one ended,
by ``look-back``, so that what changed since is seen: the standard lets requests be searched by when they
were made alone. Where a server also knows ``updated_after``, ``by: updated`` asks by when they changed.

Known flaw: a request that changes while a span is paged through by change can move another one over the
edge of a page. The next span, which overlaps with this one, finds it.

References
----------
GeoReport v2, https://wiki.open311.org/GeoReport_v2, with its extension of pages.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from veracity.feeds.errors import MalformedDocument, SourceUnavailable
from veracity.feeds.http_polling import Http, read_headers, read_http
from veracity.feeds.known import Known
from veracity.feeds.one_document import OneDocument
from veracity.feeds.plain_xml import parse_xml
from veracity.feeds.rows import as_objects, check_count, joined, parse_json, row
from veracity.feeds.settings import Common, read_base_url, read_common, read_count, read_duration_s
from veracity.feeds.source import Fetched
from veracity.feeds.turns import turns
from veracity.provenance.fields import Fields

MAX_BYTES = 16_777_216
MAX_PAGES = 10  # of one turn: the rest is asked for in the next
_MOST = 1_000  # requests that the standard lets a server stop at
_WHAT = "Open311"
_SPANS = {"requested": ("start_date", "end_date"), "updated": ("updated_after", "updated_before")}
_TYPES = {"json": "application/json", "xml": "text/xml"}


def make(config: Fields) -> "RequestsSource | OneDocument":
    """Make a source of ``what: requests`` or ``services`` at a ``url``, which the standard calls endpoint."""
    common = read_common(config, every_s=900)
    what = config.choice("what", ("requests", "services"))
    form = config.choice("format", _TYPES) if "format" in config else "json"
    fixed = {"jurisdiction_id": config.text("jurisdiction", 200)} if "jurisdiction" in config else {}
    http, url, headers = read_http(config), read_base_url(config), read_headers(config)
    if what == "services":
        address = f"{url}/services.{form}" + (f"?{urlencode(fixed)}" if fixed else "")
        render = partial(render_services, form=form)
        return OneDocument(common, http, address, headers, render, _TYPES[form])
    asking = Asking(
        url=f"{url}/requests.{form}",
        form=form,
        fixed=fixed,
        by=config.choice("by", _SPANS) if "by" in config else "requested",
        begin=config.when("begin") if "begin" in config else None,
        look_back=timedelta(seconds=read_duration_s(config, "look-back", 2 * 86_400)),
        step=timedelta(seconds=read_duration_s(config, "step", 86_400)),
        page_size=read_count(config, "page-size", 100, high=10_000),
    )
    return RequestsSource(common, http, headers, asking)


@dataclass(frozen=True)
class Asking:
    """How a server is asked for requests.

    Attributes
    ----------
    form
        ``json`` or ``xml``.
    fixed
        Parameters that every question has.
    by
        ``requested`` or ``updated``: which time the spans are of.
    begin
        Where the first span begins; None for ``look_back`` before the first question.
    look_back, step
        By how much a span begins before the end of the last, and how far after it it ends at most.
    """

    url: str
    form: str
    fixed: Mapping[str, str]
    by: str
    begin: datetime | None
    look_back: timedelta
    step: timedelta
    page_size: int

    def address(self, begin: str, end: str, page: int) -> str:
        """Return the address of a page, counted from 1, of a span."""
        after, before = _SPANS[self.by]
        asked = {after: begin, before: end, "page": page, "page_size": self.page_size}
        return f"{self.url}?{urlencode({**self.fixed, **asked})}"


class RequestsSource:
    """Gives the requests that are new or changed, span by span and page by page."""

    def __init__(self, common: Common, http: Http, headers: Mapping[str, str], asking: Asking) -> None:
        self.name, self.feed, self.every_s = common.name, common.feed, common.every_s
        self._http, self._headers, self._asking = http, headers, asking
        self._known = Known()
        self._done: datetime | None = None  # all up to here was asked for
        self._span: tuple[str, str] | None = None
        self._page = 1
        self._page_before: list[bytes] = []

    @property
    def memory(self) -> Mapping[str, Any]:
        """How far the server was asked, and what it said."""
        done = None if self._done is None else _text(self._done)
        return {"done": done, "span": self._span, "page": self._page, "known": self._known.memory}

    @memory.setter
    def memory(self, value: Mapping[str, Any]) -> None:
        self._known.memory = value.get("known")
        self._done = _time(value.get("done"))
        span, page = value.get("span"), value.get("page")
        is_span = isinstance(span, list | tuple) and len(span) == 2 and all(map(_time, span))
        self._span = (span[0], span[1]) if is_span and span else None
        self._page = page if isinstance(page, int) and page > 0 else 1
        self._page_before = []

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Ask for some pages; errors as ``Source.fetch`` says."""
        found: list[Fetched] = []
        for _ in turns(MAX_PAGES):
            if self._span is None:
                self._span, self._page, self._page_before = self._next_span(now), 1, []
            try:
                answer = self._http.get(self._asking.address(*self._span, self._page), now, self._headers)
                rows = render_requests(answer.body, self._asking.form)
            except (SourceUnavailable, MalformedDocument):
                if found:
                    return found  # this page is asked for again
                raise
            if rows == self._page_before and len(rows) == _MOST:
                if found:
                    return found  # and the next turn begins with this
                self._span = None
                raise MalformedDocument(
                    f"{_WHAT}: want pages, or fewer than {_MOST} requests in a span, got {_MOST} and no"
                    " second page: a smaller step and look-back ask for less"
                )
            if not rows or rows == self._page_before:  # the same again: a server that knows no pages
                self._done, self._span = _time(self._span[1]), None
                return found
            new = self._known.new(rows)
            self._known.add(rows)
            self._page, self._page_before = self._page + 1, rows
            if new:
                found.append(Fetched(answer.body, answer.media_type or _TYPES[self._asking.form], new))
        return found

    def _next_span(self, now: datetime) -> tuple[str, str]:
        asking = self._asking
        last = self._done or asking.begin or now
        begin = last if self._done is None and asking.begin is not None else last - asking.look_back
        return _text(begin), _text(min(last + asking.step, now))


def render_requests(document: bytes, form: str = "json") -> list[bytes]:
    """Return one row for each service request of an answer; raises MalformedDocument."""
    return [row(_request(values)) for values in _items(document, form, "service_requests", "request")]


def render_services(document: bytes, form: str = "json") -> list[bytes]:
    """Return one row for each service of a service list; raises MalformedDocument.

    ``version`` is the same for as long as nothing about the service changes.
    """
    return [_service(values) for values in _items(document, form, "services", "service")]


def _request(values: Mapping[str, Any]) -> dict[str, Any]:
    requested = values.get("requested_datetime")
    return {
        "request": values.get("service_request_id"),
        "updated_at": values.get("updated_datetime") or requested,
        "status": values.get("status"),
        "requested_at": requested,
        "expected_at": values.get("expected_datetime"),
        "service_code": values.get("service_code"),
        "service": values.get("service_name"),
        "agency": values.get("agency_responsible"),
        "description": values.get("description"),
        "status_notes": values.get("status_notes"),
        "notice": values.get("service_notice"),
        "address": values.get("address"),
        "address_id": values.get("address_id"),
        "zipcode": values.get("zipcode"),
        "latitude": values.get("lat"),
        "longitude": values.get("long"),
        "media_url": values.get("media_url"),
    }


def _service(values: Mapping[str, Any]) -> bytes:
    said = {
        "service_code": values.get("service_code"),
        "service": values.get("service_name"),
        "description": values.get("description"),
        "group": values.get("group"),
        "keywords": joined(str(values.get("keywords") or "").replace(",", " ").split()),
        "type": values.get("type"),
        "has_attributes": values.get("metadata"),
    }
    return row({**said, "version": hashlib.sha256(row(said)).hexdigest()[:16]})


def _items(document: bytes, form: str, root: str, name: str) -> list[Mapping[str, Any]]:
    if len(document) > MAX_BYTES:
        raise MalformedDocument(f"{_WHAT}: want at most {MAX_BYTES} bytes, got {len(document)}")
    read: Callable[[bytes, str, str], list[Mapping[str, Any]]] = _of_xml if form == "xml" else _of_json
    found = read(document, root, name)
    check_count(len(found), _WHAT)
    return found


def _of_json(document: bytes, root: str, name: str) -> list[Mapping[str, Any]]:
    value = parse_json(document, _WHAT)
    value = value.get(root) if isinstance(value, dict) else value  # as some servers wrap it
    found = as_objects(value)
    if not isinstance(value, list) or len(found) != len(value):
        raise MalformedDocument(f"{_WHAT}: want an array of {name} objects, got something else")
    return found


def _of_xml(document: bytes, root: str, name: str) -> list[Mapping[str, Any]]:
    element = parse_xml(document, _WHAT, MAX_BYTES)
    if element.name != root:
        raise MalformedDocument(f"{_WHAT}: want {root}, got {element.name[:40]!r}")
    return [{child.name: child.text for child in item.children} for item in element.all(name)]


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: Any) -> datetime | None:
    """Read a time that ``_text`` wrote; None for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return None
