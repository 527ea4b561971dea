"""Statements of access and the lists of writes: each numbered after the one before, none left out."""

from collections.abc import Iterator

from veracity.provenance.contradictions.found import Contradiction
from veracity.provenance.statements import Access


class Accesses:
    """The numbers that the next statement of access and the next list of writes must have."""

    def __init__(self, number: int = 0, write: int = 0) -> None:
        if not (type(number) is type(write) is int):
            raise TypeError("want two whole numbers")
        if min(number, write) < 0:
            raise ValueError("want two numbers, not below 0")
        self._number, self._write = number, write

    def add(self, said: Access) -> Iterator[Contradiction]:
        """Take in a statement."""
        if said.number != self._number:
            yield Contradiction("access-number", f"want number {self._number}, got {said.number}")
        self._number = said.number + 1
        if said.writes is not None:
            if said.writes.first != self._write:
                detail = f"want a list from write {self._write} on, got one from {said.writes.first}"
                yield Contradiction("writes-left-out", detail)
            self._write = said.writes.last + 1

    def to_object(self) -> dict[str, int]:
        """Return plain JSON."""
        return {"number": self._number, "write": self._write}
