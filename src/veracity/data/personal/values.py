"""What was personal in one record, and the word that says the record is no row."""

from dataclasses import dataclass, field

from veracity.data.contract_field import Field


class NotARow(Exception):
    """The record gives no row, because of ``code``: a verdict on one record, kept inside `data`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Values:
    """The personal values of one record, by field: what a search by pseudonym finds it by."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def add(self, f: Field | None, text: str) -> None:
        """Take in the value of a field; that of a column without one is not searched for."""
        if f is not None:
            self.found.append((f.name, text))
