"""A memory of the newest things said, of bounded size."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from veracity.provenance.plain import check_plain

T = TypeVar("T")


class Remembered(Generic[T]):
    """The ``limit`` keys set last, each with a value of plain JSON. What is older is forgotten.

    ``plain`` says what the values read back must be, as for ``check_plain``.
    """

    def __init__(self, limit: int, plain: Any, items: list[Any] | None = None) -> None:
        self._limit = limit
        self._items: OrderedDict[str, T] = OrderedDict(
            (check_plain(key, str), check_plain(value, plain)) for key, value in items or []
        )

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    @property
    def is_full(self) -> bool:
        """Whether something may have been forgotten."""
        return len(self._items) >= self._limit

    def get(self, key: str) -> T | None:
        """Return what was said under a key, or None."""
        return self._items.get(key)

    def set(self, key: str, value: T) -> None:
        """Remember, and forget the oldest if there is no room."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._limit:
            self._items.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget one key."""
        self._items.pop(key, None)

    def to_object(self) -> list[Any]:
        """Return plain JSON, oldest first."""
        return [[key, value] for key, value in self._items.items()]
