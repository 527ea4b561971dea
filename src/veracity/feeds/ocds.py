"""Open contracting data: packages of releases or records, page after page, or all of it as JSON lines.

The pages of an API are walked along ``links.next``. Three kinds of API are known: one that can be asked for
what was released since a time (``{since}`` in its address), one whose newest page is the first, which is
walked until a page has nothing new, and one whose newest page is the last, which is gone on from.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urljoin

from veracity.feeds.errors import MalformedDocument, SourceUnavailable
from veracity.feeds.http_polling import Http, origin_of, read_headers, read_http
from veracity.feeds.known import Known
from veracity.feeds.ocds_release import parse_package, render_lines, render_parsed
from veracity.feeds.one_document import OneDocument
from veracity.feeds.rows import as_object
from veracity.feeds.settings import Common, check_url, read_common, read_duration_s, read_url
from veracity.feeds.source import Fetched
from veracity.feeds.turns import turns
from veracity.provenance.fields import Fields

MAX_PAGES = 10  # of one turn: the rest is asked for in the next
_SINCE = "{since}"
_WHAT = "OCDS"


def make(config: Fields) -> "PackagesSource | OneDocument":
    """Make a source: of ``form: packages`` or ``lines``, in ``order: newest-first`` or ``oldest-first``.

    An address with ``{since}`` needs ``begin``, where the first walk begins; ``look-back`` is by how much
    each later one begins before the last.
    """
    common = read_common(config, every_s=3_600)
    http, url, headers = read_http(config), read_url(config), read_headers(config)
    form = config.choice("form", ("packages", "lines")) if "form" in config else "packages"
    if form == "lines":
        return OneDocument(common, http, url, headers, render_lines, "application/x-ndjson")
    if _SINCE in url:
        begin = config.when("begin")
        look_back = timedelta(seconds=read_duration_s(config, "look-back", 3_600))
        return PackagesSource(common, http, headers, url, since=begin, look_back=look_back)
    order = config.choice("order", ("newest-first", "oldest-first")) if "order" in config else "newest-first"
    return PackagesSource(common, http, headers, url, is_newest_first=order == "newest-first")


class PackagesSource:
    """Gives the releases of an API's packages, each once.

    Parameters
    ----------
    since
        Where the first walk begins, for an address with ``{since}``.
    look_back
        By how much each walk begins before the one before it.
    is_newest_first
        Whether a page with nothing new ends a walk without ``since``; else the next goes on at its last.
    """

    def __init__(
        self,
        common: Common,
        http: Http,
        headers: Mapping[str, str],
        url: str,
        *,
        since: datetime | None = None,
        look_back: timedelta = timedelta(0),
        is_newest_first: bool = False,
    ) -> None:
        self.name, self.feed, self.every_s = common.name, common.feed, common.every_s
        self._http, self._headers, self._url = http, headers, url
        self._begin, self._look_back, self._is_newest_first = since, look_back, is_newest_first
        self._known = Known()
        self._next: str | None = None  # the page to ask for in a walk that is not at its end
        self._start: str | None = None  # the last page of an API that ends with the newest
        self._walked: datetime | None = None  # when the last whole walk began
        self._began: datetime | None = None  # when this one did

    @property
    def memory(self) -> Mapping[str, Any]:
        """Where the walk is, and what was given."""
        times = {"walked": self._walked, "began": self._began}
        written = {name: None if time is None else time.isoformat() for name, time in times.items()}
        return {"next": self._next, "start": self._start, **written, "known": self._known.memory}

    @memory.setter
    def memory(self, value: Mapping[str, Any]) -> None:
        self._known.memory = value.get("known")
        self._next, self._start = (self._own(value.get(name)) for name in ("next", "start"))
        self._walked, self._began = (_time(value.get(name)) for name in ("walked", "began"))

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Ask for some pages; errors as ``Source.fetch`` says."""
        found: list[Fetched] = []
        for _ in turns(MAX_PAGES):
            if self._next is None:
                self._next, self._began = self._first(), now
            try:
                answer = self._http.get(self._next, now, self._headers)
                package = parse_package(answer.body)
                rows, following = render_parsed(package), self._following(package, answer.url)
            except (SourceUnavailable, MalformedDocument):
                if found:
                    return found  # this page is asked for again
                raise
            new = self._known.new(rows)
            self._known.add(rows)
            if new:
                found.append(Fetched(answer.body, answer.media_type or "application/json", new))
            if following in (None, self._next) or not rows or (self._is_newest_first and not new):
                self._end_walk(rows)
                return found
            self._next = following
        return found

    def _first(self) -> str:
        if self._begin is None:
            return self._start or self._url
        since = self._begin if self._walked is None else self._walked - self._look_back
        text = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._url.replace(_SINCE, quote(text))

    def _end_walk(self, rows: Sequence[bytes]) -> None:
        if self._begin is None and not self._is_newest_first and rows:
            self._start = self._next
        self._walked, self._next = self._began, None

    def _following(self, package: Mapping[str, Any], url: str) -> str | None:
        """Return the address of the next page, which must be of the same server."""
        said = as_object(package.get("links")).get("next")
        if not isinstance(said, str) or not said.strip():
            return None
        try:
            following = urljoin(url, said.strip())
        except ValueError:
            following = said
        if origin_of(following) != origin_of(self._url):
            raise MalformedDocument(
                f"{_WHAT}: want the next page on the same server, got {following[:200]!r}"
            )
        check_url(following, MalformedDocument)
        return following

    def _own(self, url: Any) -> str | None:
        """Return an address that was remembered, if it is one of this server's."""
        return url if isinstance(url, str) and origin_of(url) == origin_of(self._url) else None


def _time(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return time if time.tzinfo is not None else None
