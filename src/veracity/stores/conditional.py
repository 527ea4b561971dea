"""Objects that are replaced only if they are still what was read: the compare-and-swap of S3 ETags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import ObjectStore

from veracity.log.errors import ObjectMissing, StoreUnavailable
from veracity.stores.objects import translated, writing

if TYPE_CHECKING:
    from obstore import PutMode  # there for type checkers alone

_NO_TAG = '"00000000000000000000000000000000"'  # a tag that no object has


@dataclass(frozen=True)
class Tagged:
    """An object's content, and the tag that names this state of it."""

    data: bytes
    tag: str


class ConditionalObjects:
    """Objects with conditional writes. Give it a store that sends each request once.

    A request that was sent again by the way may be refused because of its own first effect; the
    caller knows how to tell, this class does not. Safe to share between threads.
    """

    def __init__(self, store: ObjectStore, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes

    def read(self, path: str) -> Tagged | None:
        """Return an object with its tag, or None if there is none."""
        try:
            with translated("read", path):
                found = obstore.get(self._store, path)
                tag, size = found.meta["e_tag"], found.meta["size"]
                if tag is None or size > self._max_bytes:
                    raise StoreUnavailable(
                        f"read {path}: want an ETag and at most {self._max_bytes} bytes, got {tag}, {size}"
                    )
                return Tagged(bytes(found.bytes()), tag)
        except ObjectMissing:
            return None

    def create(self, path: str, data: bytes) -> str | None:
        """Write an object where there is none, durably; return its tag, or None if there is one already."""
        return self._put(path, data, "create")

    def replace(self, path: str, data: bytes, tag: str) -> str | None:
        """Replace the object that still has ``tag``, durably; return the new tag, or None if it has another.

        Raises
        ------
        StoreUnavailable
            If the request failed. It may have taken effect, or may still do so.
        """
        return self._put(path, data, {"e_tag": tag})

    def _put(self, path: str, data: bytes, mode: PutMode) -> str | None:
        try:
            with writing(path):
                # One request: an upload in parts would say its condition too early.
                tag = obstore.put(self._store, path, data, mode=mode, use_multipart=False)["e_tag"]
        except StoreUnavailable as exc:
            if isinstance(exc.__cause__, AlreadyExistsError | PreconditionError):
                return None
            raise
        except NotImplementedError as exc:
            raise StoreUnavailable(
                f"write {path}: want a store with conditional writes, got another"
            ) from exc
        if tag is None:
            raise StoreUnavailable(f"write {path}: want an ETag in the answer, got none")
        return tag


def check_conditions(objects: ConditionalObjects, path: str) -> None:
    """Raise ``StoreUnavailable`` unless the store refuses what it must refuse.

    Some stores take a conditional write and ignore its condition; two writers would then both
    win. ``path`` is an object for this purpose alone.
    """
    objects.create(path, b"probe")
    if objects.create(path, b"probe") or objects.replace(path, b"probe", _NO_TAG):
        raise StoreUnavailable(
            "store: want one that obeys If-Match and If-None-Match, got one that ignores them"
        )
