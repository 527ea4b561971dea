"""Reading a JSON object field by field: each name known, each value of its type and bound."""

import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from veracity.errors import Malformed

MAX_COUNT = 2**53
MAX_TEXT = 4_096
_T = TypeVar("_T")
_HEX = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


class Fields:
    """One JSON object being read. Leave through ``done``, which refuses names nobody asked for.

    Parameters
    ----------
    value
        What should be an object.
    where
        Its name in messages.
    error
        What to raise.
    """

    def __init__(self, value: Any, where: str, error: type[Malformed]) -> None:
        if not isinstance(value, dict):
            raise error(f"{where}: want an object, got {_show(value)}")
        self._value: dict[str, Any] = value
        self._where = where
        self._error = error
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._value

    def take(self, name: str) -> Any:
        """Return a value of any type; the name must be there."""
        if name not in self._value:
            raise self._error(f"{self._where}: want {name!r}, got none")
        self._read.add(name)
        return self._value[name]

    def done(self) -> None:
        """Refuse names that were not read."""
        unknown = sorted(set(self._value) - self._read)
        if unknown:
            raise self._error(f"{self._where}: want no other names, got {unknown[0][:40]!r}")

    def fail(self, name: str, want: str, got: Any) -> Malformed:
        """Return the error for a value that is not what it should be."""
        return self._error(f"{self._where}.{name}: want {want}, got {_show(got)}")

    def text(self, name: str, max_chars: int = MAX_TEXT, *, empty: bool = False) -> str:
        """Return a text of at most ``max_chars``."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) > max_chars or not (value or empty):
            raise self.fail(name, f"text of {0 if empty else 1} to {max_chars} characters", value)
        return value

    def matching(self, name: str, pattern: re.Pattern[str], want: str) -> str:
        """Return a text that ``pattern`` matches whole."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) > MAX_TEXT or not pattern.fullmatch(value):
            raise self.fail(name, want, value)
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        """Return one of ``choices``."""
        value = self.take(name)
        if not isinstance(value, str) or value not in choices:
            raise self.fail(name, f"one of {', '.join(sorted(choices))}", value)
        return value

    def sha256(self, name: str) -> str:
        """Return 64 lowercase hex digits."""
        return self.matching(name, _HEX, "64 lowercase hex digits")

    def count(self, name: str, at_least: int = 0) -> int:
        """Return a whole number of at least ``at_least``."""
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= MAX_COUNT:
            raise self.fail(name, f"a whole number from {at_least}", value)
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.take(name)
        if not isinstance(value, bool):
            raise self.fail(name, "true or false", value)
        return value

    def time(self, name: str) -> str:
        """Return an RFC 3339 time in UTC, as text, written with ``Z``."""
        value = self.matching(name, _TIME, "a time such as 2026-09-01T00:00:00Z")
        try:
            datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError) as exc:
            raise self.fail(name, "a time of the calendar", value) from exc
        return value

    def when(self, name: str) -> datetime:
        """Return such a time as one."""
        return datetime.fromisoformat(self.time(name))

    def base64(self, name: str, n_bytes: int | None = None) -> bytes:
        """Return the bytes of a padded base64 text of either alphabet."""
        value = decode_base64(self.take(name))
        if value is None or (n_bytes is not None and len(value) != n_bytes):
            want = "padded base64" if n_bytes is None else f"padded base64 of {n_bytes} bytes"
            raise self.fail(name, want, self._value[name])
        return value

    def items(self, name: str, max_items: int) -> list[Any]:
        """Return an array of at most ``max_items``."""
        value = self.take(name)
        if not isinstance(value, list) or len(value) > max_items:
            raise self.fail(name, f"an array of at most {max_items}", value)
        return value

    def object(self, name: str) -> "Fields":
        """Return an inner object to read."""
        return Fields(self.take(name), f"{self._where}.{name}", self._error)

    def objects(self, name: str, max_items: int) -> list["Fields"]:
        """Return an array of inner objects to read."""
        items = self.items(name, max_items)
        return [Fields(item, f"{self._where}.{name}[{i}]", self._error) for i, item in enumerate(items)]

    def tally(self, name: str, max_names: int = 4_096) -> dict[str, int]:
        """Return an object of names and counts."""
        inner = self.object(name)
        if len(inner._value) > max_names:
            raise self.fail(name, f"at most {max_names} names", self._value[name])
        return {key: inner.count(key) for key in inner._value}

    def span(self, name: str, of: str) -> tuple[int, int]:
        """Return the numbers of the first and the last ``of`` something, from an object of the two."""
        inner = self.object(name)
        first, last = inner.count("first"), inner.count("last")
        inner.done()
        if first > last:
            raise self.fail(name, f"a first {of} that is not after the last", f"{first} to {last}")
        return first, last

    def optional(self, name: str, read: Callable[[str], _T]) -> _T | None:
        """Return None where the value is null, else what ``read`` makes of it."""
        return None if self.take(name) is None else read(name)


def decode_base64(value: Any) -> bytes | None:
    """Decode padded base64 of either alphabet; None unless it is the one spelling of its bytes."""
    if not isinstance(value, str) or not value.isascii():
        return None
    url = "-" in value or "_" in value
    try:
        raw = urlsafe_b64decode(value) if url else b64decode(value, validate=True)
    except ValueError:
        return None
    spelling = urlsafe_b64encode(raw) if url else b64encode(raw)
    return raw if spelling.decode() == value else None


def format_utc(time: datetime) -> str:
    """Write a time for people, in UTC with ``Z``; ``Fields.time`` reads it again."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return f"an object of {len(value)} names"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
