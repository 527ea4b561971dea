"""Read ahead: the next part comes in while this one is worked on."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Read the next part on another thread while the caller works on this one: two parts in memory."""
    with ThreadPoolExecutor(1, thread_name_prefix="veracity-read") as reader:
        coming: Future[T | None] = reader.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = reader.submit(next, items, None)
            yield item
