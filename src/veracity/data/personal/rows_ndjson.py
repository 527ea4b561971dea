"""NDJSON records with their personal values encrypted; all that stays in clear keeps its bytes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from veracity.data.json_strict import NotOneObject, check_names
from veracity.data.personal.columns import Columns, is_absent
from veracity.data.personal.token import IN_TEXT, Sealer
from veracity.data.personal.values import NotARow, Values

_BLANKS = " \t\r\n"
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers of any size


@dataclass(frozen=True)
class _Member:
    """One member of an object: its name, its value, and where both stand."""

    name: str
    value: Any
    begin: int
    start: int
    end: int


class NdjsonRows:
    """Protects NDJSON records, each by itself."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def protect(self, record: bytes, sealer: Sealer, values: Values) -> bytes:
        """Return a record (UTF-8) protected; ``values`` takes what was personal in it.

        A member that the contract does not name is encrypted whole, its name too.

        Raises
        ------
        NotARow
            If it is not one unambiguous object: it must be encrypted whole.
        """
        if not record.strip(b" \t\r\n"):
            return record
        try:
            check_names(record)
        except NotOneObject:
            raise NotARow("json") from None
        text = record.decode()
        out, at = [], 0
        for member in _members(text):
            if member.name in self._columns.clear:
                if IN_TEXT.search(str(member.value).encode("utf-8", "replace")):
                    raise NotARow("token")  # spelt with escapes, or else whoever cuts records had seen it
                continue
            f = self._columns.personal.get(member.name)
            if f is None:
                out += [text[at : member.begin], sealer.seal_member(text[member.begin : member.end])]
                at = member.end
                continue
            said = member.value if isinstance(member.value, str) else text[member.start : member.end]
            if member.value is None or is_absent(said, f):
                continue
            out += [text[at : member.start], f'"{sealer.seal(f.name, said.encode())}"']
            values.add(f, said)
            at = member.end
        return "".join([*out, text[at:]]).encode()


def _members(text: str) -> Iterator[_Member]:
    """Yield the members of an object that is known to be one."""
    at = _after_blanks(text, _after_blanks(text, 0) + 1)
    while text[at] != "}":
        begin = at
        name, at = _DECODER.raw_decode(text, at)
        start = _after_blanks(text, _after_blanks(text, at) + 1)
        value, end = _DECODER.raw_decode(text, start)
        yield _Member(name, value, begin, start, end)
        at = _after_blanks(text, end)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)


def _after_blanks(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at
