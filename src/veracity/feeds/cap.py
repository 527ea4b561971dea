"""Alerts by the Common Alerting Protocol: an index, RSS or Atom, is asked for, and each alert new in it read.

An alert that cannot be read, or that the index lists and the server does not have, must not hold up the
next one, which may be a warning. It is passed over, and said once as the source's error; one that the
server does not have is asked for a few times before that, as an index may be ahead of its files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from veracity.feeds.cap_alert import MAX_BYTES, render_alert
from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.http_polling import Http, origin_of, read_headers, read_http
from veracity.feeds.known import Known
from veracity.feeds.plain_xml import Element, parse_xml
from veracity.feeds.polled import Polled
from veracity.feeds.rows import as_object
from veracity.feeds.settings import Common, check_url, read_common, read_url
from veracity.feeds.source import Fetched
from veracity.feeds.turns import turns
from veracity.provenance.fields import Fields

MAX_ENTRIES = 2_000
MAX_ALERTS = 50  # of one turn: the rest is read in the next
_TRIES = 5  # at an alert that the server says it does not have
_MAX_FAILURES = 3  # of one turn: a server that does not answer is not asked fifty times
_WHAT = "CAP index"
_ATOM = "http://www.w3.org/2005/Atom"
_CAP_TYPE = "application/cap+xml"


@dataclass(frozen=True)
class Entry:
    """Where an alert is, and when the index says it changed; as text, "" if it does not say."""

    url: str
    changed: str

    @property
    def line(self) -> bytes:
        """What tells it from others."""
        return f"{self.url} {self.changed}".encode()


def make(config: Fields) -> "CapSource":
    """Make a source: ``url`` of the index, and ``hosts``, addresses of other servers that may hold alerts."""
    common = read_common(config, every_s=60)
    others = config.items("hosts", 16) if "hosts" in config else []
    for other in others:
        check_url(str(other), BadSource)
    return CapSource(common, read_http(config), read_url(config), read_headers(config), others)


class CapSource:
    """Gives the alerts of an index, each once.

    Parameters
    ----------
    others
        Servers, as addresses, that alerts are fetched from besides the index's own. Entries that lie
        elsewhere are not asked for.
    """

    def __init__(
        self, common: Common, http: Http, url: str, headers: Mapping[str, str], others: Sequence[str] = ()
    ) -> None:
        self.name, self.feed, self.every_s = common.name, common.feed, common.every_s
        self._http, self._url, self._headers = http, url, headers
        self._origins = {origin_of(url), *map(origin_of, others)}
        self._polled = Polled(http)
        self._known = Known()
        self._faults: list[MalformedDocument] = []
        self._failing: set[Entry] = set()
        self._n_missing: dict[Entry, int] = {}  # how often the server said that it has none

    @property
    def memory(self) -> Mapping[str, Any]:
        """The index of the last time, if all of it was read; entries and rows that were given."""
        return {"index": self._polled.memory, "known": self._known.memory}

    @memory.setter
    def memory(self, value: Mapping[str, Any]) -> None:
        self._polled.memory = dict(as_object(value.get("index")))
        self._known.memory = value.get("known")

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Ask for the index and for some of its new alerts; errors as ``Source.fetch`` says."""
        self._raise_faults()
        answer = self._polled.ask(self._url, now, self._headers)
        if answer is None:
            return []
        entries = [e for e in read_index(answer.body, answer.url) if self._known.new([e.line])]
        self._n_missing = {e: self._n_missing[e] for e in entries if e in self._n_missing}
        entries.sort(key=lambda entry: entry in self._failing)  # so that these do not hold up others
        found, failures = self._alerts(entries, now)
        if not any(self._known.new([entry.line]) for entry in entries):
            self._polled.keep(self._url, answer)
        if not found:
            self._raise_faults()
            if failures:
                raise failures[0]
        return found

    def _alerts(
        self, entries: Sequence[Entry], now: datetime
    ) -> tuple[list[Fetched], list[SourceUnavailable]]:
        found: list[Fetched] = []
        failures: list[SourceUnavailable] = []
        self._failing = set()
        for _, entry in zip(turns(MAX_ALERTS), entries, strict=False):
            try:
                found.extend(self._alert(entry, now))
            except SourceUnavailable as exc:  # this one is asked for again
                self._failing.add(entry)
                failures.append(exc)
                if len(failures) == _MAX_FAILURES:
                    break
                continue
            except MalformedDocument as exc:
                self._faults.append(exc)
            self._known.add([entry.line])
        return found, failures

    def _alert(self, entry: Entry, now: datetime) -> Iterator[Fetched]:
        if origin_of(entry.url) not in self._origins:
            raise MalformedDocument(f"{_WHAT}: want alerts on hosts that are named, got {entry.url[:200]!r}")
        check_url(entry.url, MalformedDocument)
        answer = self._http.request("GET", entry.url, now, self._headers)
        if answer.status != 200:
            tries = self._n_missing[entry] = self._n_missing.get(entry, 0) + 1
            error = SourceUnavailable if tries < _TRIES else MalformedDocument
            raise error(f"{entry.url[:200]}: want an alert, got status {answer.status}")
        rows = render_alert(answer.body)
        new = self._known.new(rows)
        self._known.add(new)
        if new:
            yield Fetched(answer.body, answer.media_type or _CAP_TYPE, new)

    def _raise_faults(self) -> None:
        """Say, once, what could not be read."""
        faults, self._faults = self._faults, []
        if faults:
            raise MalformedDocument(f"{len(faults)} alerts passed over, the first: {faults[0]}")


def read_index(document: bytes, url: str) -> list[Entry]:
    """Return the alerts that an RSS 2.0 or Atom document at ``url`` lists, each once, in its order.

    Raises
    ------
    MalformedDocument
        If it is neither, or lists more than ``MAX_ENTRIES``.
    """
    root = parse_xml(document, _WHAT, MAX_BYTES)
    if (root.namespace, root.name) == (_ATOM, "feed"):
        found = [_atom_entry(entry, url) for entry in root.all("entry")]
    elif (root.namespace, root.name) == ("", "rss"):
        found = [_rss_item(item, url) for channel in root.all("channel") for item in channel.all("item")]
    else:
        raise MalformedDocument(f"{_WHAT}: want RSS 2.0 or Atom, got {root.name[:40]!r}")
    if len(found) > MAX_ENTRIES:
        raise MalformedDocument(f"{_WHAT}: want at most {MAX_ENTRIES} entries, got {len(found)}")
    return list(dict.fromkeys(entry for entry in found if entry is not None))


def _atom_entry(entry: Element, base: str) -> Entry | None:
    links = [link.attributes for link in entry.all("link") if link.attributes.get("href")]
    caps = [link for link in links if link.get("type") == _CAP_TYPE]
    plain = [link for link in links if link.get("rel", "alternate") == "alternate"]
    chosen = next(iter([*caps, *plain]), None)
    return None if chosen is None else _entry(chosen["href"], base, entry.first("updated"))


def _rss_item(item: Element, base: str) -> Entry | None:
    enclosed = [
        e.attributes.get("url") for e in item.all("enclosure") if e.attributes.get("type") == _CAP_TYPE
    ]
    guid = next((g.text for g in item.all("guid") if g.attributes.get("isPermaLink", "true") == "true"), None)
    chosen = next((text for text in [*enclosed, item.first("link"), guid] if text), None)
    return None if chosen is None else _entry(chosen, base, item.first("pubDate"))


def _entry(href: str, base: str, changed: str | None) -> Entry | None:
    try:
        url = urljoin(base, href.strip())
    except ValueError:
        url = href.strip()
    return Entry(url[:2_048], (changed or "")[:64])
