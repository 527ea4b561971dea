"""The place of a fault in a contract: gathered on the way out, told as a line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from veracity.data.errors import MalformedContract
from veracity.data.plain_yaml import line_of


@contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Add to the path of a fault found inside; blocks may stand in one another, outermost first."""
    try:
        yield
    except MalformedContract as exc:
        exc.path = (*path, *exc.path)
        raise


@contextmanager
def lines_of(text: bytes) -> Iterator[None]:
    """Tell the line of ``text`` at which a fault found inside stands."""
    try:
        yield
    except MalformedContract as exc:
        raise MalformedContract(f"line {line_of(text, exc.path)}: {exc}") from exc


def fault(message: str, *path: str | int) -> MalformedContract:
    """Return the error of an element at a path."""
    error = MalformedContract(message)
    error.path = path
    return error


def shown(value: Any) -> str:
    """Return a value as a message shows it: at most 60 characters, whatever it is."""
    try:
        return repr(value)[:60]
    except ValueError:  # a number too long to be written
        return "a longer one"
