"""A ``Source`` that is told: it subscribes at an NGSI-LD broker, which notifies our endpoint.

Each asking makes sure that the broker has the subscription, as it should be. A broker does not keep what it
could not deliver, so the entities as they are now are asked for as well, whenever something may have been
missed: at the first asking after a start, when the subscription had to be made, and when the broker says
that its last notification failed. States in between are lost then; the next state is not.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from veracity.canonical import canonical_json
from veracity.feeds.errors import MalformedDocument, SourceUnavailable
from veracity.feeds.http_polling import Answer, Http, read_headers, read_http
from veracity.feeds.ngsi_ld_entities import MAX_BYTES, Row, notification_rows, query_rows
from veracity.feeds.settings import Common, read_base_url, read_common, read_url
from veracity.feeds.source import Fetched
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

TOKEN_HEADER = "X-Veracity-Token"  # noqa: S105 - the name of a header
MAX_KNOWN = 20_000
_TIMES_AN_ENTITY = 4
_PAGE, _MAX_PAGES = 100, 200
_JSON = "application/json"


@dataclass(frozen=True)
class Subscription:
    """What is subscribed to, where, and how we are told.

    Attributes
    ----------
    url
        The broker's API, such as ``https://broker.example/ngsi-ld/v1``.
    endpoint
        Where the broker reaches us; notifications go to ``<endpoint>/ngsi-ld/<name of the source>``.
    token
        What the broker sends along, so that nobody else notifies us.
    time
        The attribute that says when an entity was observed.
    """

    url: str
    endpoint: str
    token: str
    entity_type: str
    attributes: tuple[str, ...]
    context: str | None
    time: str | None
    headers: Mapping[str, str]


class NgsiLd:
    """One subscription. Its memory is which states of which entities were published."""

    def __init__(self, common: Common, subscription: Subscription, http: Http) -> None:
        self.name, self.feed, self.every_s = common.name, common.feed, common.every_s
        self.memory: Mapping[str, Any] = {}
        self.token = subscription.token
        self._subscription, self._http = subscription, http
        self._whole = -1  # the last asking for everything that is known to be published

    @property
    def subscription_id(self) -> str:
        """The subscription's name at the broker."""
        return f"urn:ngsi-ld:Subscription:veracity:{self.name}"

    def fetch(self, now: datetime) -> Sequence[Fetched]:
        """Make sure of the subscription; give the entities as they are if some may have been missed."""
        if self._subscribe(now):
            self._whole = -1
        if self.memory.get("whole") == self._whole:
            return []
        found = self.peek(now)
        for fetched in found:
            self.published(fetched)
        whole = self.memory.get("whole")
        self._whole = whole + 1 if isinstance(whole, int) and whole >= 0 else 0
        self.memory = {**self.memory, "whole": self._whole}
        return found

    def peek(self, now: datetime) -> Sequence[Fetched]:
        """Ask for the entities as they are now, page by page, and subscribe to nothing."""
        found: list[Fetched] = []
        for page in range(_MAX_PAGES):
            query = {"type": self._subscription.entity_type, "limit": _PAGE, "offset": page * _PAGE}
            if self._subscription.attributes:
                query["attrs"] = ",".join(self._subscription.attributes)
            answer = self._get(f"entities?{urlencode(query)}", now)
            rows, n_entities = query_rows(answer.body, self._subscription.time, now)
            new = self._new(rows)
            if new:
                found.append(Fetched(answer.body, _JSON, new))
            if n_entities < _PAGE:
                return found
        raise MalformedDocument(f"entities: want at most {_MAX_PAGES * _PAGE}, got more")

    def notified(self, document: bytes) -> Fetched:
        """Read a notification: what in it is new. To be given to ``published`` once that is safe.

        Raises
        ------
        MalformedDocument
            If it is none, or is of another subscription.
        """
        rows, subscription = notification_rows(document, self._subscription.time)
        if subscription != self.subscription_id:
            raise MalformedDocument(
                f"notification: want one of {self.subscription_id}, got {subscription[:120]!r}"
            )
        return Fetched(document, _JSON, self._new(rows))

    def published(self, fetched: Fetched) -> None:
        """Remember that records are safe: the last few times of each entity, of a bounded number of them."""
        seen = _seen(self.memory)
        for record in fetched.records:
            row = parse_json(record, "record", MAX_BYTES, MalformedDocument)
            times = {**seen.pop(row["entity"], {}), row["observed_at"]: _digest(record)}
            seen[row["entity"]] = dict(sorted(times.items())[-_TIMES_AN_ENTITY:])
        self.memory = {**self.memory, "seen": dict(list(seen.items())[-MAX_KNOWN:])}

    def _new(self, rows: Sequence[Row]) -> list[bytes]:
        """Return the records of rows that do not say again what was published."""
        seen = _seen(self.memory)
        records = [(row, canonical_json(row)) for row in rows]
        return [r for row, r in records if seen.get(row["entity"], {}).get(row["observed_at"]) != _digest(r)]

    def _subscribe(self, now: datetime) -> bool:
        """Make sure that the broker has the subscription; tell whether notifications may be missing."""
        wanted = self._wanted()
        path = f"subscriptions/{quote(self.subscription_id, safe=':')}"
        answer = self._request("GET", path, now)
        if answer.status == 404:
            self._made(self._request("POST", "subscriptions", now, wanted))
            return True
        if answer.status != 200:
            raise _refused(answer, "200 or 404")
        there = parse_json(answer.body, "subscription", MAX_BYTES, MalformedDocument)
        if not isinstance(there, dict):
            raise MalformedDocument("subscription: want an object, got something else")
        if not _is_as(there, wanted):
            self._made(self._request("DELETE", path, now))
            self._made(self._request("POST", "subscriptions", now, wanted))
            return True
        said = there["notification"]
        failed, succeeded = str(said.get("lastFailure", "")), str(said.get("lastSuccess", ""))
        return failed > succeeded

    def _wanted(self) -> dict[str, Any]:
        asked = self._subscription
        notification: dict[str, Any] = {
            "format": "normalized",
            "endpoint": {
                "uri": f"{asked.endpoint}/ngsi-ld/{self.name}",
                "accept": _JSON,
                "receiverInfo": [{"key": TOKEN_HEADER, "value": asked.token}],
            },
        }
        if asked.attributes:
            notification["attributes"] = list(asked.attributes)
        return {
            "id": self.subscription_id,
            "type": "Subscription",
            "entities": [{"type": asked.entity_type}],
            "notification": notification,
        }

    def _made(self, answer: Answer) -> None:
        if answer.status not in (200, 201, 204):
            raise _refused(answer, "201 or 204")

    def _get(self, path: str, now: datetime) -> Answer:
        answer = self._request("GET", path, now)
        if answer.status != 200:
            raise _refused(answer, "200")
        return answer

    def _request(
        self, method: str, path: str, now: datetime, document: Mapping[str, Any] | None = None
    ) -> Answer:
        headers = {"Accept": _JSON, **self._subscription.headers}
        if self._subscription.context is not None:
            relation = 'rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
            headers["Link"] = f"<{self._subscription.context}>; {relation}"
        body = None if document is None else canonical_json(document)
        if body is not None:
            headers["Content-Type"] = _JSON
        return self._http.request(method, f"{self._subscription.url}/{path}", now, headers, body)


def make(config: Fields) -> NgsiLd:
    """Make a source.

    Settings: ``url``, ``type`` (of entities), ``attributes`` (all if absent), ``endpoint``, ``token``,
    ``context`` (the address of a JSON-LD context), ``tenant``, ``time`` (``dateObserved`` if absent).
    """
    config.choice("kind", ["ngsi-ld"])
    common = read_common(config, every_s=300)
    attributes = config.items("attributes", 100) if "attributes" in config else []
    if not all(isinstance(a, str) and 0 < len(a) <= 256 and "," not in a for a in attributes):
        raise config.fail("attributes", "names of attributes", attributes)
    token = config.text("token", 256)
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise config.fail("token", "16 characters or more, without blanks", f"{len(token)} characters")
    headers = read_headers(config)
    if "tenant" in config:
        headers["NGSILD-Tenant"] = config.text("tenant", 128)
    subscription = Subscription(
        read_base_url(config),
        read_base_url(config, "endpoint"),
        token,
        config.text("type", 256),
        tuple(attributes),
        read_url(config, "context") if "context" in config else None,
        config.text("time", 256) if "time" in config else "dateObserved",
        headers,
    )
    return NgsiLd(common, subscription, read_http(config))


def _is_as(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether a subscription of the broker does what is wanted; what else it says is its own."""
    said, asked = there.get("notification"), wanted["notification"]
    endpoint = said.get("endpoint") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(endpoint, dict):
        return False
    if there.get("isActive") is False or there.get("status") == "expired":
        return False
    kinds = there.get("entities")
    types = [k.get("type") for k in kinds if isinstance(k, dict)] if isinstance(kinds, list) else []
    return (
        endpoint.get("uri") == asked["endpoint"]["uri"]
        and endpoint.get("receiverInfo", asked["endpoint"]["receiverInfo"])
        == asked["endpoint"]["receiverInfo"]
        and types == [kind["type"] for kind in wanted["entities"]]
        and sorted(map(str, said.get("attributes", []))) == sorted(asked.get("attributes", []))
    )


def _refused(answer: Answer, want: str) -> SourceUnavailable:
    said = " ".join(answer.body[:400].decode("utf-8", "replace").split())[:200]
    return SourceUnavailable(f"broker: want status {want}, got {answer.status}{': ' if said else ''}{said}")


def _seen(memory: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what a memory says; nothing where it is no such memory."""
    said = memory.get("seen")
    items = said.items() if isinstance(said, dict) else ()
    return {k: {t: str(d) for t, d in v.items()} for k, v in items if isinstance(v, dict)}


def _digest(record: bytes) -> str:
    return hashlib.sha256(record).hexdigest()[:16]
