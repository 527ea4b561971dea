"""One folder of an S3 bucket, opened with bounded time and bounded retries; and objects in it.

Where the bucket is, and who asks, comes from the standard ``AWS_*`` variables: ``AWS_ENDPOINT_URL``,
``AWS_REGION``, ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and the others that obstore reads.
"""

import os
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from veracity.log.errors import StoreUnavailable
from veracity.stores.errors import BadLocation
from veracity.stores.objects import StoredObjects

CONNECT_S, REQUEST_S = 5, 60
_RETRIES, _RETRY_S = 5, 60
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=@-]{0,127}(/[A-Za-z0-9][A-Za-z0-9._=@-]{0,127}){0,15}")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def open_folder(location: str, *, retry: bool = True) -> S3Store:
    """Open ``s3://bucket/prefix``. Asks the server nothing yet.

    Without ``retry`` each request is sent once. Plain HTTP is for loopback only.

    Raises
    ------
    BadLocation
        If the location or the variables cannot be a place.
    """
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/")
    if not _BUCKET.fullmatch(bucket) or (prefix and not _PREFIX.fullmatch(prefix)):
        raise BadLocation("location: want s3://bucket/prefix, got something else")
    is_loopback = _is_loopback()
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            conditional_put="etag",
            client_options={
                "connect_timeout": timedelta(seconds=CONNECT_S),
                "timeout": timedelta(seconds=REQUEST_S),
                **({"allow_http": True} if is_loopback else {}),
            },
            retry_config={
                "max_retries": _RETRIES if retry else 0,
                "retry_timeout": timedelta(seconds=_RETRY_S),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        )
    except (BaseError, ValueError) as exc:
        raise StoreUnavailable(
            f"store {location}: want usable AWS_* settings, got {type(exc).__name__}"
        ) from exc


class S3Objects(StoredObjects):
    """Objects in a folder of a bucket, which the libraries of tables find there too.

    Opened ``read_only`` it writes nothing, whatever the rights of who asks.
    """

    def __init__(self, location: str, *, read_only: bool = False) -> None:
        super().__init__(open_folder(location))
        self._location = location.rstrip("/")
        self._read_only = read_only
        self.options = _options()

    def put_many(self, items: Sequence[tuple[str, bytes]]) -> None:
        """Write objects; all durable when it returns."""
        self._check_writable("write")
        super().put_many(items)

    def put_file(self, path: str, source: Path, sha256: str) -> None:
        """Copy a local file of that digest into one object; durable when it returns."""
        self._check_writable("write")
        super().put_file(path, source, sha256)

    def delete(self, path: str) -> None:
        """Remove an object; no error if it is not there."""
        self._check_writable("delete")
        super().delete(path)

    def _check_writable(self, action: str) -> None:
        if self._read_only:
            raise StoreUnavailable(f"{action} in {self._location}: want a writable store, got read-only")

    def uri(self, path: str) -> str:
        """Return the name of an object for other libraries."""
        return f"{self._location}/{path}"


def _options() -> dict[str, str]:
    """Return what Polars and Delta must be told beside the ``AWS_*`` variables, which they read too."""
    options = {"allow_http": "true" if _is_loopback() else "false"}
    if endpoint := os.environ.get("AWS_ENDPOINT_URL_S3"):
        options["endpoint_url"] = endpoint
    return options


def _is_loopback() -> bool:
    """Tell whether the variables name a server on this machine, without TLS."""
    try:
        endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
        return endpoint.scheme == "http" and endpoint.hostname in LOOPBACK
    except ValueError as exc:
        raise BadLocation("AWS_ENDPOINT_URL: want an address such as https://s3.example.org") from exc
