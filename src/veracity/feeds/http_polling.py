"""HTTP asked for documents: bounded in size, before and after decompression, in time and in redirects.

Known flaw: a server that drips its header byte by byte is bounded by ``_READ_S`` a byte alone. It holds
up the thread of its own source and no other.
"""

import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from veracity.feeds.errors import BadSource, MalformedDocument, SourceUnavailable
from veracity.feeds.public_addresses import public_address
from veracity.feeds.settings import check_url, join_url, shown_url
from veracity.provenance.fields import Fields

MAX_DOCUMENT_BYTES = 33_554_432
MAX_RETRY_AFTER_S = 86_400.0
_OVERHEAD_BYTES = 65_536  # what gzip may add to bytes that do not compress
_CONNECT_S, _READ_S, _TOTAL_S = 10.0, 15.0, 60.0
_CHUNK_BYTES = 65_536
_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_SENT_ON = {"accept", "accept-encoding", "user-agent", "if-none-match", "if-modified-since"}
MAX_HEADER_CHARS = 1_024


@dataclass(frozen=True)
class Answer:
    """What a server answered: its status, and the body as it was before any compression.

    ``headers`` have names in lower case; ``url`` is where it came from after redirects.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The body's media type without parameters, as the server says; "" if it does not."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()[:100]


class Http:
    """Asks servers. Safe to share between threads.

    Parameters
    ----------
    public_only
        Connect to public addresses alone. By default any address is asked, as city servers often stand in
        private networks.
    max_bytes
        The most a body may have, compressed or not.
    read_s, total_s
        How long the server may say nothing; how long one request may take with its redirects.
    """

    def __init__(
        self,
        *,
        public_only: bool = False,
        max_bytes: int = MAX_DOCUMENT_BYTES,
        read_s: float = _READ_S,
        total_s: float = _TOTAL_S,
    ) -> None:
        self._public_only = public_only
        self._max_bytes = max_bytes
        self._total_s = total_s
        self._timeout = urllib3.Timeout(connect=min(_CONNECT_S, total_s), read=read_s)
        self._pools = urllib3.PoolManager(retries=False, timeout=self._timeout)

    def get(self, url: str, now: datetime, headers: Mapping[str, str] | None = None) -> Answer:
        """Get a document: an answer of status 200, or 304 where ``headers`` ask for what is new.

        Raises
        ------
        SourceUnavailable
            If there is no such answer in time; with what ``Retry-After`` says, seen from ``now``.
        MalformedDocument
            If the body is too large or not compressed as it says.
        """
        answer = self.request("GET", url, now, headers)
        is_new = answer.status == 200
        if not is_new and not (answer.status == 304 and _is_conditional(headers)):
            raise _refused(answer, now)
        return answer

    def request(
        self,
        method: str,
        url: str,
        now: datetime,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request and return the answer of any status below 500 but 429; follow it if it moved.

        Only GET follows redirects; to another server go only headers that can be no secret, and from a
        public server into no private network. Errors are those of ``get``.
        """
        sent = {"Accept-Encoding": "gzip", "User-Agent": "veracity", **(headers or {})}
        deadline = time.monotonic() + self._total_s
        public_only = self._public_only
        for _ in range(_REDIRECTS + 1):
            check_url(url, SourceUnavailable)
            answer = self._once(method, url, sent, body, deadline, public_only)
            if answer.status == 429 or answer.status >= 500:
                raise _refused(answer, now)
            if answer.status not in _MOVED or method != "GET":
                return answer
            moved = join_url(url, answer.headers.get("location", ""), SourceUnavailable)
            if url.startswith("https:") and not moved.startswith("https:"):
                raise SourceUnavailable(f"{shown_url(url)}: want redirects to https, got {shown_url(moved)}")
            if origin_of(moved) != origin_of(url):
                sent = {name: value for name, value in sent.items() if name.lower() in _SENT_ON}
                public_only = public_only or _is_outside(url)
            url = moved
        raise SourceUnavailable(f"{shown_url(url)}: want at most {_REDIRECTS} redirects, got more")

    def close(self) -> None:
        """Close every connection."""
        self._pools.clear()

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: float,
        public_only: bool,
    ) -> Answer:
        try:
            pool, sent = self._pool(url, headers, public_only)
            parts = urlsplit(url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            response = pool.urlopen(
                method,
                target,
                body=body,
                headers=sent,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=self._timeout,
            )
            try:
                content = self._body(response, url, deadline)
            except BaseException:
                response.close()  # what is left of the answer must not meet the next request
                raise
            response.release_conn()
        except (HTTPError, OSError, UnicodeError) as exc:
            raise SourceUnavailable(f"{shown_url(url)}: want an answer, got {_reason(exc)}") from exc
        names = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, url, names, content)

    def _pool(
        self, url: str, headers: Mapping[str, str], public_only: bool
    ) -> tuple[urllib3.HTTPConnectionPool, Mapping[str, str]]:
        if not public_only:
            return self._pools.connection_from_url(url), headers
        parts = urlsplit(url)
        host, port = str(parts.hostname), parts.port or {"http": 80, "https": 443}[parts.scheme]
        address = public_address(host, port)
        names: dict[str, Any] = {"server_hostname": host, "assert_hostname": host}
        pool = self._pools.connection_from_host(
            address, port, parts.scheme, pool_kwargs=names if parts.scheme == "https" else None
        )
        return pool, {**headers, "Host": parts.netloc}

    def _body(self, response: urllib3.BaseHTTPResponse, url: str, deadline: float) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise MalformedDocument(f"{shown_url(url)}: want gzip or no encoding, got {encoding[:40]!r}")
        limit = self._max_bytes + (_OVERHEAD_BYTES if encoding == "gzip" else 0)
        content = bytearray()
        while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
            content += chunk
            if len(content) > limit:
                raise MalformedDocument(f"{shown_url(url)}: want at most {self._max_bytes} bytes, got more")
            if time.monotonic() > deadline:
                raise SourceUnavailable(
                    f"{shown_url(url)}: want it within {self._total_s:g} s, got {len(content)} bytes so far"
                )
        raw = bytes(content)
        return _inflate(raw, url, self._max_bytes) if encoding == "gzip" and raw else raw


def read_http(config: Fields) -> Http:
    """Take the settings of requests: ``public-only``, and ``max-bytes`` of a document."""
    public_only = "public-only" in config and config.flag("public-only")
    if "max-bytes" not in config:
        return Http(public_only=public_only)
    max_bytes = config.count("max-bytes", 1)
    if max_bytes > MAX_DOCUMENT_BYTES:
        raise config.fail("max-bytes", f"at most {MAX_DOCUMENT_BYTES}", max_bytes)
    return Http(public_only=public_only, max_bytes=max_bytes)


def read_headers(config: Fields) -> dict[str, str]:
    """Take ``headers``: names and values sent with every request, such as a key; {} if absent."""
    if "headers" not in config:
        return {}
    value = config.take("headers")
    if not isinstance(value, dict) or len(value) > 16:
        raise config.fail("headers", "at most 16 names and values", value)
    for name, text in value.items():
        is_plain = all(
            isinstance(t, str) and 0 < len(t) <= MAX_HEADER_CHARS and t.isascii() and t.isprintable()
            for t in (name, text)
        )
        if not is_plain or not name.replace("-", "").replace("_", "").isalnum():
            raise BadSource("headers: want names and values of printable ASCII, got another")
    return dict(value)


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port: what two addresses of one server have in common."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Read ``Retry-After``: seconds, or a date seen from ``now``; None if it says neither. At most a day.

    Examples
    --------
    >>> now = datetime(2026, 9, 1, tzinfo=UTC)
    >>> retry_after_s("120", now), retry_after_s("Tue, 01 Sep 2026 00:00:30 GMT", now)
    (120.0, 30.0)
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), MAX_RETRY_AFTER_S)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return min(max((when - now).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _is_outside(url: str) -> bool:
    """Tell whether a server stands in the internet: what it says must lead nobody inside."""
    parts = urlsplit(url)
    try:
        public_address(str(parts.hostname), parts.port or {"http": 80, "https": 443}[parts.scheme])
    except (SourceUnavailable, OSError, UnicodeError):
        return False
    return True


def _is_conditional(headers: Mapping[str, str] | None) -> bool:
    return any(name in (headers or {}) for name in ("If-None-Match", "If-Modified-Since"))


def _refused(answer: Answer, now: datetime) -> SourceUnavailable:
    said = " ".join(answer.body[:400].decode("utf-8", "replace").split())[:200]
    return SourceUnavailable(
        f"{shown_url(answer.url)}: want status 200, got {answer.status}{': ' if said else ''}{said}",
        retry_after_s(answer.headers.get("retry-after"), now),
    )


def _inflate(raw: bytes, url: str, limit: int) -> bytes:
    """Decompress one gzip member that is all there is, and no larger than ``limit``."""
    inflating = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        data = inflating.decompress(raw, limit + 1)
    except zlib.error as exc:
        raise MalformedDocument(f"{shown_url(url)}: want gzip, got damaged bytes") from exc
    if len(data) > limit:
        raise MalformedDocument(f"{shown_url(url)}: want at most {limit} bytes, got more after decompression")
    if not inflating.eof or inflating.unused_data:
        raise MalformedDocument(f"{shown_url(url)}: want one whole gzip stream, got {len(raw)} other bytes")
    return data


def _reason(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]
