"""Checking that a text is protected: whatever the contract does not keep in clear is a token.

The text is read as it would be protected, by the same code; what would be encrypted must be so. Each
token must stand in the bytes as it is read, and no other beside them: whoever looks for tokens later,
to show, to erase, to audit, looks at the bytes.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from veracity.data.bytescan import Offsets
from veracity.data.contract import Contract
from veracity.data.personal.columns import Columns, Unprotected
from veracity.data.personal.rows_csv import CsvRows
from veracity.data.personal.rows_ndjson import NdjsonRows
from veracity.data.personal.token import TOKEN
from veracity.data.personal.values import NotARow, Values
from veracity.data.prepared import prepare
from veracity.data.records import split_records
from veracity.data.reexecution import text_format
from veracity.data.released import PLACE

Layouts = tuple[tuple[int, tuple[str, ...]], ...]

_PLACEHOLDER = re.compile(r"encrypted-[0-9]{1,5}")
_UNREADABLE = {
    "csv": re.compile(rb'"(vp1\.[^"]*)"[!?][a-z-]{1,16}\n'),
    "ndjson": re.compile(rb'"(vp1\.[^"!]*)![a-z-]{1,16}"\n'),
}


def check_text(
    contract: Contract, kind: str, data: bytes | None, part: int, layouts: Layouts, *, released: bool
) -> None:
    """Raise ``Unprotected`` unless a part of a feed with personal fields is protected throughout.

    Parameters
    ----------
    data
        Its text; None of a columnar part, which cannot be.
    part, layouts
        Its number in the file, and the columns in force, as a statement says them.
    released
        Whether it is of rows let in from quarantine, whose lines name their place too.
    """
    if not contract.personal:
        return
    if data is None:
        raise Unprotected("part: want text for a feed with personal fields, got columns")
    columns = layouts[0][1] if part and layouts else None
    check = ProtectionCheck(contract, kind, tuple(PLACE) if released else (), columns)
    check.part(data, split_records(data, text_format(contract, kind), at_end=True))


@dataclass(frozen=True)
class RecordTokens:
    """The tokens of one record, in order. ``record`` counts in its part; ``whole``: it gives no row."""

    record: int
    tokens: tuple[str, ...]
    whole: bool


class _Tokens:
    """Takes the place of a sealer: lets tokens by, and stops at anything else."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def seal(self, name: str, plain: bytes) -> str:
        text = plain.decode()
        if not TOKEN.fullmatch(text):
            raise Unprotected(f"{name}: want a token (vp1.…) or no value, got one in clear")
        self.seen.append(text)
        return text

    def seal_names(self, names: Sequence[str]) -> str:
        for name in names:
            if not (TOKEN.fullmatch(name) or _PLACEHOLDER.fullmatch(name)):
                raise Unprotected("header: want names of the contract or tokens, got another name")
        self.seen += [name for name in names if TOKEN.fullmatch(name)]
        return ""

    def seal_member(self, member: str) -> str:
        (name, value), *_ = json.loads("{" + member + "}").items()
        if value is not None or not TOKEN.fullmatch(name):
            raise Unprotected("member: want one of the contract's or a token, got another in clear")
        self.seen.append(name)
        return member


class ProtectionCheck:
    """Checks one file, part after part, in order.

    Parameters
    ----------
    contract, kind
        As of ``Protector``.
    also
        Names of ours that stand in clear beside the contract's.
    columns
        Those in force at the first record, if the file is not looked at from its beginning.
    """

    def __init__(
        self,
        contract: Contract,
        kind: str,
        also: Sequence[str] = (),
        columns: tuple[str, ...] | None = None,
    ) -> None:
        self._fmt = text_format(contract, kind)
        self._unreadable = _UNREADABLE[kind]
        known = Columns.of(contract, also)
        self._rows: CsvRows | NdjsonRows
        if kind == "csv":
            self._rows = CsvRows(known, self._fmt.separator)
            if columns is not None:
                self._rows.go_on_under(columns)
        else:
            self._rows = NdjsonRows(known)

    def part(self, data: bytes, ends: Offsets) -> list[RecordTokens]:
        """Check the next part, and return the tokens of its records; a header that came before has none.

        Raises
        ------
        Unprotected
            At the first record in which something is in clear, or a token is not as it is read.
        """
        run, start = prepare(data, ends, self._fmt), 0
        found = []
        for index, end in enumerate(ends.tolist()):
            try:
                tokens = self._record(index, run.record(index), refused=index in run.refused)
                found += self._as_they_stand(data[start:end], tokens)
            except Unprotected as exc:
                raise Unprotected(f"record {index}: {exc}") from None
            start = end
        return found

    def _record(self, index: int, record: bytes, *, refused: bool) -> RecordTokens:
        tokens = _Tokens()
        try:
            if refused:
                raise NotARow("unreadable")
            self._rows.protect(record, tokens, Values())
            return RecordTokens(index, tuple(tokens.seen), whole=False)
        except NotARow:
            match = self._unreadable.fullmatch(record)
            token = "" if match is None else match.group(1).decode("latin-1")
            if not TOKEN.fullmatch(token):
                raise Unprotected("want one that gives a row, or is encrypted whole, got neither") from None
            return RecordTokens(index, (token,), whole=True)

    def _as_they_stand(self, raw: bytes, found: RecordTokens) -> list[RecordTokens]:
        """Compare the tokens of a record with those that its bytes have."""
        stand = tuple(m.group() for m in TOKEN.finditer(raw.decode("latin-1")))
        if stand == found.tokens:
            return [found] if stand else []
        if isinstance(self._rows, CsvRows) and self._rows.at_header and not found.tokens:
            return []
        raise Unprotected(
            f"want the {len(found.tokens)} tokens that are read in it to stand in its bytes, and no other,"
            f" got {len(stand)}"
        )
