"""What a gateway says of itself: its queue, its sources, what failed last."""

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veracity.gateway.clock import format_ns
from veracity.gateway.database import connect_to_read, is_held, usable
from veracity.gateway.store import queue_of

FILE = "status.json"
SCHEMA = "veracity.gateway-status/v1"
_MAX_BYTES = 1_048_576


class Told:
    """What one source, or the way to the city, has done. Any thread may tell."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns, self._lock = now_ns, threading.Lock()
        self._n = self._n_failed = 0
        self._worked_at: str | None = None
        self._failed_at: str | None = None
        self._error: str | None = None
        self._is_well = False

    def worked(self, n: int = 0) -> None:
        """Note that it works, and how many more it has brought."""
        with self._lock:
            self._n += n
            self._is_well = True
            self._worked_at = format_ns(self._now_ns())

    def failed(self, error: str) -> None:
        """Note what went wrong."""
        with self._lock:
            self._n_failed += 1
            self._is_well = False
            self._error = error[:500]
            self._failed_at = format_ns(self._now_ns())

    def to_object(self) -> dict[str, Any]:
        """Return it as JSON."""
        with self._lock:
            return {
                "well": self._is_well,
                "done": self._n,
                "worked_at": self._worked_at,
                "failures": self._n_failed,
                "failed_at": self._failed_at,
                "last_error": self._error,
            }


@dataclass(frozen=True)
class Tellers:
    """Whoever tells, by name."""

    city: Told
    sources: Mapping[str, Told]
    models: Mapping[str, Told]


def write_status(directory: Path, name: str, tellers: Tellers, now_ns: int) -> None:
    """Write the file that ``status`` shows, whole or not at all."""
    document = {
        "gateway": name,
        "at": format_ns(now_ns),
        "city": tellers.city.to_object(),
        "sources": {name: told.to_object() for name, told in tellers.sources.items()},
        "models": {name: told.to_object() for name, told in tellers.models.items()},
    }
    with usable(directory):
        part = directory / f"{FILE}.part"
        part.write_text(json.dumps(document))
        part.replace(directory / FILE)


def read_status(directory: Path, now_ns: int) -> dict[str, Any]:
    """Return what waits now, and what the gateway said last; StoreUnusable if none ever ran there."""
    database = connect_to_read(directory)
    try:
        with usable(directory):
            queue = queue_of(database)
    finally:
        database.close()
    age_s = None if queue.oldest_ns is None else max(0.0, (now_ns - queue.oldest_ns) / 1e9)
    return {
        "running": is_held(directory),
        "queue": {
            "records": queue.n_records,
            "batches": queue.n_unsent,
            "oldest_at": None if queue.oldest_ns is None else format_ns(queue.oldest_ns),
            "oldest_age_s": age_s,
            "bytes": queue.used_bytes,
            "kept_after_sending": queue.n_sent,
            "losses_not_yet_reported": queue.n_lost,
        },
        "last": _last(directory),
    }


def _last(directory: Path) -> Any:
    """Return the file as it is; None if there is none that can be read."""
    try:
        with (directory / FILE).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return json.loads(file.read(_MAX_BYTES)) if size <= _MAX_BYTES else None
    except (OSError, ValueError):
        return None
