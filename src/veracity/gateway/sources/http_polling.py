"""A device or a service with a JSON document behind a URL, asked every so many seconds.

What was in the document before is not taken again, unless the gateway itself says when it was read
(``time_field``): then each answer is a reading.
"""

import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Any

import orjson

from veracity.gateway.errors import MalformedReading, SourceFault
from veracity.gateway.fields import added, names, number, whole
from veracity.gateway.inlet import Inlet
from veracity.gateway.readings import Stamp, parse_stamp
from veracity.gateway.sources.polling import poll
from veracity.gateway.web import body_of, is_http, shown
from veracity.provenance.fields import Fields

TIMEOUT_S = 10.0
MAX_OBJECTS = 10_000


@dataclass(frozen=True)
class HttpPolling:
    """A URL, and where in its document the records are: an object, or an array of them."""

    name: str
    feed: str
    url: str
    every_s: float
    path: tuple[str, ...]
    max_bytes: int
    stamp: Stamp
    headers: Mapping[str, str] = field(default_factory=dict)

    def run(self, inlet: Inlet, stop: threading.Event) -> None:
        """Read until told to stop."""
        before: set[bytes] = set()

        def read(now_ns: int) -> list[bytes]:
            nonlocal before
            found = [self.stamp.record(item, now_ns) for item in self._objects(fetch(self))]
            if self.stamp.time_field is not None:
                return found
            seen, before = before, {sha256(record).digest() for record in found}
            return [record for record in found if sha256(record).digest() not in seen]

        poll(read, self.every_s, inlet, stop)

    def _objects(self, body: bytes) -> list[dict[str, Any]]:
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as exc:
            raise MalformedReading(f"{shown(self.url)}: want JSON, got: {exc}") from exc
        for name in self.path:
            if not isinstance(value, dict) or name not in value:
                raise MalformedReading(f"{shown(self.url)}: want {'.'.join(self.path)} in it, got none")
            value = value[name]
        items = value if isinstance(value, list) else [value]
        if len(items) > MAX_OBJECTS or not all(isinstance(item, dict) for item in items):
            raise MalformedReading(
                f"{shown(self.url)}: want an object or up to {MAX_OBJECTS} of them, got others"
            )
        return items


def fetch(source: HttpPolling) -> bytes:
    """Get a document of bounded size in bounded time; SourceFault if there is none."""
    request = urllib.request.Request(source.url, headers={"Accept": "application/json", **source.headers})  # noqa: S310 - http or https, checked when parsed
    try:
        body = body_of(request, source.max_bytes, TIMEOUT_S)
    except urllib.error.HTTPError as exc:
        exc.close()
        raise SourceFault(f"{shown(source.url)}: want 200, got {exc.code}") from exc
    except (OSError, HTTPException, ValueError) as exc:
        raise SourceFault(f"{shown(source.url)}: want an answer, got: {exc}") from exc
    if len(body) > source.max_bytes:
        raise MalformedReading(f"{shown(source.url)}: want at most {source.max_bytes} bytes, got more")
    return body


def parse_http_polling(name: str, feed: str, fields: Fields, base: Path) -> HttpPolling:  # noqa: ARG001 - as others
    """Read ``url``, ``every_s``, ``path``, ``max_bytes``, ``headers`` and the stamp."""
    url = fields.text("url")
    if not is_http(url):
        raise fields.fail("url", "http:// or https://", url)
    headers = added(fields, "headers")
    if not all(isinstance(v, str) and v.isprintable() and k.isascii() for k, v in headers.items()):
        raise fields.fail("headers", "text on one line", headers)
    return HttpPolling(
        name,
        feed,
        url,
        number(fields, "every_s", 0.05, 86_400, 60),
        names(fields, "path", 16) if "path" in fields else (),
        whole(fields, "max_bytes", 1, 16_777_216, 1_048_576),
        parse_stamp(fields),
        headers,
    )
