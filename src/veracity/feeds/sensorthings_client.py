"""A ``Source`` of a SensorThings service, 1.1 or 2.0: each datastream is asked for what is newer.

Observations may come late, with a time before others that are known. So each asking goes back by an
``overlap`` before the newest time known of the datastream, and what was published of that stretch is
remembered by its digest and not published again. What comes later than that is missed: give a service
whose things send once a day an overlap of more than a day.

Observations come in the order of their times, so that a datastream with more pages than are read at once
is gone on with at the next asking. One that answers badly fails its own turn and no other's.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from veracity.canonical import canonical_json
from veracity.feeds.errors import MalformedDocument, SourceUnavailable
from veracity.feeds.http_polling import Http, origin_of, read_headers, read_http
from veracity.feeds.sensorthings import (
    DIALECTS,
    Datastream,
    Dialect,
    Row,
    observation_rows,
    read_datastream,
    read_page,
)
from veracity.feeds.settings import (
    Common,
    join_url,
    read_base_url,
    read_common,
    read_count,
    read_duration_s,
)
from veracity.feeds.source import Fetched
from veracity.provenance.fields import Fields

MAX_DATASTREAMS = 10_000
MAX_PAGES = 100
MAX_TURN_BYTES = 67_108_864  # of documents; the rest is asked for in the next turn
MAX_SEEN = 20_000
_CATALOGUE_S = 3_600
_TURN_S = 60.0
_JSON = "application/json"
_IN_LINKS = "%/:?#[]@!$&'()*+,;=~"
_TIMES = {"phenomenonTime": "observed_at", "resultTime": "result_at"}


@dataclass(frozen=True)
class Service:
    """A service and how it is asked; durations in seconds.

    ``by`` is the column of the time that is gone on from; ``top`` how many items a page should have, None
    for as many as the service likes.
    """

    url: str
    dialect: Dialect
    by: str
    filter: str | None
    top: int | None
    data_array: bool
    history_s: float
    overlap_s: float
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Known:
    """What is known of a datastream: its newest time, from when on to ask, and digests of what was given.

    Times are as rows write them, "" before there is one.
    """

    newest: str = ""
    since: datetime | None = None
    seen: Mapping[str, str] = field(default_factory=dict)


class SensorThings:
    """Datastreams of one service. Its memory is the newest time of each, and what is known around it."""

    def __init__(self, common: Common, service: Service, http: Http, *, turn_s: float = _TURN_S) -> None:
        self.name, self.feed, self.every_s = common.name, common.feed, common.every_s
        self.memory: dict[str, Any] = {}
        self._service, self._http, self._turn_s = service, http, turn_s
        self._datastreams: list[Datastream] = []
        self._listed_at: datetime | None = None

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Ask every datastream once, from the one after the last asked, for a minute or so many bytes."""
        self._list(now)
        deadline = time.monotonic() + self._turn_s
        streams = self._datastreams
        first = _count(self.memory.get("next")) % max(len(streams), 1)
        found: list[Fetched] = []
        n_bytes = 0
        for n in range(len(streams)):
            at = (first + n) % len(streams)
            if time.monotonic() > deadline or n_bytes > MAX_TURN_BYTES:
                self.memory = {**self.memory, "next": at}
                return found
            try:
                new = self._observations(streams[at], now, deadline)
            except (SourceUnavailable, MalformedDocument):
                # What was found so far is given first; then the error, in a turn that begins with it.
                self.memory = {**self.memory, "next": at if found else at + 1}
                if found:
                    return found
                raise
            found += new
            n_bytes += sum(len(one.document) for one in new)
        self.memory = {**self.memory, "next": first}
        return found

    def _list(self, now: datetime) -> None:
        """Ask which datastreams there are, once an hour."""
        if self._listed_at is not None and now - self._listed_at < timedelta(seconds=_CATALOGUE_S):
            return
        service = self._service
        query = {"$expand": service.dialect.expand, "$orderby": "id", **self._top()}
        if service.filter is not None:
            query["$filter"] = service.filter
        url = f"{service.url}/Datastreams?{_encoded(query)}"
        found: list[Datastream] = []
        for _ in range(MAX_PAGES):
            page = read_page(self._get(url, now), service.dialect)
            found += [read_datastream(item, service.dialect) for item in page.items]
            if page.next_link is None:
                self._datastreams, self._listed_at = found, now
                return
            url = self._next(url, page.next_link)
        raise MalformedDocument(f"datastreams: want at most {MAX_PAGES} pages, got more")

    def _observations(self, stream: Datastream, now: datetime, deadline: float) -> list[Fetched]:
        """Ask one datastream; give the documents that say something new, and remember."""
        known = _known(self.memory, stream)
        found: list[Fetched] = []
        seen, last, is_over, n_bytes = dict(known.seen), "", False, 0
        since = known.since or now - timedelta(seconds=self._service.history_s)
        url = self._asked(stream, since)
        for _ in range(MAX_PAGES):
            document = self._get(url, now)
            rows, page = observation_rows(document, stream, self._service.dialect)
            last = _check_order(stream, rows, self._service.by, last)
            new = [r for r in rows if _digest(r) not in seen]
            seen |= {_digest(r): r[self._service.by] for r in new}
            if new:
                found.append(Fetched(document, _JSON, [canonical_json(r) for r in new]))
            if page.next_link is None:
                is_over = True
                break
            n_bytes += len(document)
            if time.monotonic() > deadline or n_bytes > MAX_TURN_BYTES:
                break
            url = self._next(url, page.next_link)
        if not found and not is_over and last and datetime.fromisoformat(last) <= since:
            raise MalformedDocument(
                f"datastream {stream.id}: want a later time to go on from, got more of {last} than"
                " are read at once"
            )
        self._remember(stream, self._later(known, last, seen, is_over))
        return found

    def _later(self, known: Known, last: str, seen: Mapping[str, str], is_over: bool) -> Known:
        """Return what is known after a turn: where pages are left, the next begins at the last one read."""
        newest = max(last, known.newest)
        if not newest:
            return known
        back = datetime.fromisoformat(newest) - timedelta(seconds=self._service.overlap_s)
        recent = sorted(
            (when, digest) for digest, when in seen.items() if datetime.fromisoformat(when) >= back
        )
        kept = {digest: when for when, digest in recent[-MAX_SEEN:]}
        return Known(newest, back if is_over or not last else datetime.fromisoformat(last), kept)

    def _asked(self, stream: Datastream, since: datetime) -> str:
        service = self._service
        when = service.dialect.phenomenon_time if service.by == "observed_at" else "resultTime"
        query = {"$filter": f"{when} ge {_instant(since)}", "$orderby": f"{when} asc", **self._top()}
        if service.data_array:
            query["$resultFormat"] = "dataArray"
        return f"{service.url}/Datastreams({_literal(stream.id)})/Observations?{_encoded(query)}"

    def _top(self) -> dict[str, str]:
        return {} if self._service.top is None else {"$top": str(self._service.top)}

    def _get(self, url: str, now: datetime) -> bytes:
        return self._http.get(url, now, {"Accept": _JSON, **self._service.headers}).body

    def _next(self, url: str, link: str) -> str:
        """Return the next page's address; MalformedDocument if it is on another server, or this one."""
        following = join_url(url, quote(link, safe=_IN_LINKS), MalformedDocument)  # some leave blanks in them
        if origin_of(following) != origin_of(self._service.url) or following == url:
            where = following.partition("?")[0][:200]
            raise MalformedDocument(f"next link: want another page of {self._service.url}, got {where}")
        return following

    def _remember(self, stream: Datastream, known: Known) -> None:
        """Keep what is known of a datastream, and forget those that are no longer listed."""
        if known.since is None:
            return
        listed = {str(s.id) for s in self._datastreams}
        streams = self.memory.get("datastreams")
        others = {k: v for k, v in streams.items() if k in listed} if isinstance(streams, dict) else {}
        others[str(stream.id)] = {
            "newest": known.newest,
            "since": known.since.isoformat(),
            "seen": dict(known.seen),
        }
        self.memory = {**self.memory, "datastreams": others}


def make(config: Fields) -> SensorThings:
    """Make a source.

    Settings: ``url`` (down to the version, such as ``https://host/v1.1``), ``version`` (1.1 or 2.0), ``by``
    (``phenomenonTime`` or ``resultTime``), ``filter`` (an expression on datastreams), ``top`` (items a page),
    ``data-array``, ``history`` (how far back the first asking goes), ``overlap``, ``headers``.
    """
    config.choice("kind", ["sensorthings"])
    common = read_common(config, feed="sensorthings", every_s=60)
    version = config.choice("version", DIALECTS) if "version" in config else "1.1"
    data_array = "data-array" in config and config.flag("data-array")
    if data_array and version != "1.1":
        raise config.fail("data-array", "it with version 1.1 alone", version)
    service = Service(
        read_base_url(config),
        DIALECTS[version],
        _TIMES[config.choice("by", _TIMES) if "by" in config else "phenomenonTime"],
        config.text("filter") if "filter" in config else None,
        read_count(config, "top", 0, high=10_000) or None,
        data_array,
        read_duration_s(config, "history", 86_400),
        read_duration_s(config, "overlap", 3_600),
        read_headers(config),
    )
    return SensorThings(common, service, read_http(config))


def _known(memory: Mapping[str, Any], stream: Datastream) -> Known:
    """Return what a memory says of a datastream; nothing where it is no such memory."""
    streams = memory.get("datastreams")
    said = streams.get(str(stream.id)) if isinstance(streams, dict) else None
    try:
        newest, since = str(said["newest"]), datetime.fromisoformat(said["since"])  # type: ignore[index]
        datetime.fromisoformat(newest)
        seen = {str(digest): str(when) for digest, when in said["seen"].items()}  # type: ignore[index]
        for when in seen.values():
            datetime.fromisoformat(when)
        return Known(newest, since, seen) if since.tzinfo else Known()
    except (KeyError, TypeError, ValueError, AttributeError):
        return Known()


def _check_order(stream: Datastream, rows: Sequence[Row], by: str, last: str) -> str:
    """Return the last time of some rows, which must not go back; ``last`` if there is none."""
    for row in rows:
        if row[by] is None or row[by] < last:
            raise MalformedDocument(
                f"datastream {stream.id}: want observations in the order of their times,"
                f" got {row[by]} after {last or 'none'}"
            )
        last = row[by]
    return last


def _digest(row: Row) -> str:
    """Return what tells observations apart: ID, times and result, nothing of the datastream's."""
    told = [row[k] for k in ("observation", "observed_at", "observed_until", "result", "result_text")]
    return hashlib.sha256(canonical_json(told)).hexdigest()[:16]


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _literal(identity: int | str) -> str:
    """Write an ID into a path: numbers as they are, texts in quotes, those within doubled."""
    if isinstance(identity, int):
        return str(identity)
    doubled = identity.replace("'", "''")
    return "'" + quote(doubled, safe="") + "'"


def _instant(when: datetime) -> str:
    return when.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _encoded(query: Mapping[str, str]) -> str:
    return urlencode(query, quote_via=quote, safe="$(),;/:'")
