"""A log that somebody serves over HTTP, as ``Objects`` to read: tiles, bundles, the checkpoint.

What comes is bounded in size, before and after decompression, and in time. Nothing in it is
believed: readers check hashes and signatures. Redirects are refused.

Known flaw: a server that drips its header byte by byte is bounded by 15 s a byte alone.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from veracity.log.errors import ObjectMissing, StoreUnavailable
from veracity.stores.errors import BadLocation

MAX_BUNDLE_BYTES = 256 * (2 + 65_535)
MAX_TILE_BYTES = 256 * 32
MAX_NOTE_BYTES = 256 * 1024
_OVERHEAD_BYTES = 16 * 1024  # what gzip may add to bytes that do not compress
_CONNECT_S, _READ_S, _TOTAL_S = 5.0, 15.0, 120.0
_CHUNK_BYTES = 64 * 1024
_N_TRIES = 4
_N_CONNECTIONS = 16
_MAX_WAIT_S = 30.0


class HttpObjects:
    """Objects below a URL, read only. Safe to share between threads.

    Parameters
    ----------
    url
        ``https://host/path`` (or ``http``): the prefix of the log.
    other_bytes
        The most that is read of what is neither a tile nor a bundle.
    sleep, clock
        Waiting, and a monotonic clock in seconds.

    Raises
    ------
    BadLocation
        If the URL is not such an address.
    """

    def __init__(
        self,
        url: str,
        *,
        other_bytes: int = MAX_NOTE_BYTES,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = _checked(url)
        self._other_bytes = other_bytes
        self._sleep = sleep
        self._clock = clock
        self._pool = urllib3.PoolManager(
            maxsize=_N_CONNECTIONS,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
            headers={"Accept-Encoding": "gzip, identity", "User-Agent": "veracity"},
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    def get(self, path: str) -> bytes:
        """Return an object's content, or raise ObjectMissing.

        A server that says 429 or 503 is asked again, after the time it says (at most 30 s), three
        times; so is one that a connection fails to.
        """
        limit = self._limit(path)
        deadline = self._clock() + _TOTAL_S
        for n_left in reversed(range(_N_TRIES)):
            try:
                found = self._request(path, limit, deadline)
            except (HTTPError, OSError) as exc:
                if not n_left:
                    raise StoreUnavailable(f"read {path}: {_reason(exc)}") from exc
                found = 0.25 * 2 ** (_N_TRIES - n_left)
            if isinstance(found, bytes):
                return found
            if not n_left or self._clock() + found > deadline:
                break
            self._sleep(found)
        raise StoreUnavailable(f"read {path}: want an answer, got a server too busy for one")

    def get_range(self, path: str, start: int, length: int) -> bytes:
        """Return exactly ``length`` bytes from ``start``; StoreUnavailable if it has fewer."""
        data = self.get(path)[start : start + length]
        if len(data) != length:
            raise StoreUnavailable(f"read {path}: want {length} bytes from {start}, got {len(data)}")
        return data

    def exists(self, path: str) -> bool:
        """Say whether an object is served under ``path``."""
        try:
            self.get(path)
        except ObjectMissing:
            return False
        return True

    def size(self, path: str) -> int:
        """Return an object's size in bytes, or raise ObjectMissing."""
        return len(self.get(path))

    def list(self, prefix: str) -> Iterator[str]:
        """Raise ``StoreUnavailable``: HTTP cannot list."""
        raise StoreUnavailable(
            f"list {prefix or self._base}: want a store that can list, got HTTP, which cannot"
        )

    def put(self, path: str, data: bytes) -> None:  # noqa: ARG002 - as the door says
        """Raise ``StoreUnavailable``."""
        self._refuse(path)

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Raise ``StoreUnavailable``."""
        self._refuse(items[0][0] if items else "")

    def put_file(self, path: str, source: Path, sha256: str) -> None:  # noqa: ARG002 - as the door says
        """Raise ``StoreUnavailable``."""
        self._refuse(path)

    def sync(self, path: str) -> None:
        """Raise ``StoreUnavailable``."""
        self._refuse(path)

    def delete(self, path: str) -> None:
        """Raise ``StoreUnavailable``."""
        self._refuse(path)

    def _limit(self, path: str) -> int:
        if path.startswith("tile/entries/"):
            return MAX_BUNDLE_BYTES
        return MAX_TILE_BYTES if path.startswith("tile/") else self._other_bytes

    def _refuse(self, path: str) -> NoReturn:
        raise StoreUnavailable(f"write {path}: want a writable store, got {self._base}, which is read only")

    def _request(self, path: str, limit: int, deadline: float) -> bytes | float:
        """Ask once. Return the content, or how long to wait before asking again."""
        url = f"{self._base}/{quote(path)}"
        response = self._pool.request("GET", url, redirect=False, preload_content=False)
        try:
            if response.status in (429, 503):
                return _wait_s(response.headers.get("Retry-After"))
            if response.status == 404:
                raise ObjectMissing(f"read {path}: want an object, got none at {url}")
            if response.status != 200:
                raise StoreUnavailable(f"read {path}: want status 200, got {response.status} from {url}")
            encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
            if encoding not in ("identity", "gzip"):
                raise StoreUnavailable(f"read {path}: want gzip or no encoding, got {encoding[:40]!r}")
            raw = self._body(response, path, limit + (_OVERHEAD_BYTES if encoding == "gzip" else 0), deadline)
        except BaseException:
            response.close()  # what is left of the answer is not wanted, nor is its connection
            raise
        finally:
            response.release_conn()
        return _inflate(raw, path, limit) if encoding == "gzip" else raw

    def _body(self, response: urllib3.BaseHTTPResponse, path: str, limit: int, deadline: float) -> bytes:
        parts, n_bytes = [], 0
        while part := response.read1(_CHUNK_BYTES, decode_content=False):
            parts.append(part)
            n_bytes += len(part)
            if n_bytes > limit:
                raise StoreUnavailable(f"read {path}: want at most {limit} bytes, got more")
            if self._clock() > deadline:
                raise StoreUnavailable(
                    f"read {path}: want it within {_TOTAL_S:.0f} s, got {n_bytes} bytes so far"
                )
        return b"".join(parts)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, has_login = parts.hostname, "@" in parts.netloc
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        host, has_login, parts = None, False, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or has_login or parts.query or parts.fragment:
        raise BadLocation(
            "location: want https://host/path without login, query or fragment, got something else"
        )
    return url.rstrip("/")


def _wait_s(retry_after: str | None) -> float:
    """Read how long a server wants us to wait; a date instead of seconds counts as one second."""
    seconds = (retry_after or "").strip()
    return min(float(seconds), _MAX_WAIT_S) if seconds.isdecimal() and len(seconds) < 10 else 1.0


def _inflate(raw: bytes, path: str, limit: int) -> bytes:
    """Decompress one gzip member that is all there is, and no larger than ``limit``."""
    inflating = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        data = inflating.decompress(raw, limit + 1)
    except zlib.error as exc:
        raise StoreUnavailable(f"read {path}: want gzip, got damaged bytes") from exc
    if len(data) > limit:
        raise StoreUnavailable(f"read {path}: want at most {limit} bytes, got more after decompression")
    if not inflating.eof or inflating.unused_data:
        raise StoreUnavailable(f"read {path}: want one whole gzip stream, got {len(raw)} other bytes")
    return data


def _reason(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]
