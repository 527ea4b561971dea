"""Checking that a text is protected: whatever the contract does not keep in clear is a token.

The text is read as it would be protected, by the same code; what would be encrypted must be so.
"""

import json
import re
from collections.abc import Sequence

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


class _Tokens:
    """Takes the place of a sealer: lets tokens by, and stops at anything else."""

    def seal(self, name: str, plain: bytes) -> str:
        text = plain.decode()
        if not TOKEN.fullmatch(text):
            raise Unprotected(f"{name}: want a token (vp1.…) or no value, got one in clear")
        return text

    def seal_names(self, names: Sequence[str]) -> str:
        for name in names:
            if not (TOKEN.fullmatch(name) or _PLACEHOLDER.fullmatch(name)):
                raise Unprotected("header: want names of the contract or tokens, got another name")
        return ""

    def seal_member(self, member: str) -> str:
        (name, value), *_ = json.loads("{" + member + "}").items()
        if value is not None or not TOKEN.fullmatch(name):
            raise Unprotected("member: want one of the contract's or a token, got another in clear")
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

    def part(self, data: bytes, ends: Offsets) -> None:
        """Check the next part; ``Unprotected`` at the first record in which something is in clear."""
        run = prepare(data, ends, self._fmt)
        for index in range(len(ends)):
            try:
                self._record(run.record(index), refused=index in run.refused)
            except Unprotected as exc:
                raise Unprotected(f"record {index}: {exc}") from None

    def _record(self, record: bytes, *, refused: bool) -> None:
        try:
            if refused:
                raise NotARow("unreadable")
            self._rows.protect(record, _Tokens(), Values())
        except NotARow:
            match = self._unreadable.fullmatch(record)
            if match is None or not TOKEN.fullmatch(match.group(1).decode("latin-1")):
                raise Unprotected("want one that gives a row, or is encrypted whole, got neither") from None
