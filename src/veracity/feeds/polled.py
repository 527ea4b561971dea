"""One document asked for again and again, and given only when it is another."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from veracity.feeds.http_polling import MAX_HEADER_CHARS, Answer, Http


class Polled:
    """One document of one server.

    ``memory`` is what tells: the server's ETag and date, and the digest of the body for servers that
    give neither. It moves by ``keep`` alone, so that a document which proved malformed is given again.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self.memory: dict[str, Any] = {}

    def ask(self, url: str, now: datetime, headers: Mapping[str, str] | None = None) -> Answer | None:
        """Return the document; None if it is the one kept last. Errors are those of ``Http.get``."""
        known = self.memory if self.memory.get("url") == url else {}
        asked = {
            name: str(known[key])[:MAX_HEADER_CHARS]
            for name, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
            if key in known
        }
        answer = self._http.get(url, now, {**(headers or {}), **asked})
        if answer.status == 304 or hashlib.sha256(answer.body).hexdigest() == known.get("sha256"):
            return None
        return answer

    def keep(self, url: str, answer: Answer) -> None:
        """Say that a document was understood."""
        said = {"etag": answer.headers.get("etag"), "modified": answer.headers.get("last-modified")}
        self.memory = {
            "url": url,
            "sha256": hashlib.sha256(answer.body).hexdigest(),
            **{key: value for key, value in said.items() if value and len(value) <= MAX_HEADER_CHARS},
        }
