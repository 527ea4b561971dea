"""What of a source is kept in clear: the columns that the contract reads and does not call personal.

Anything else is encrypted: a personal column, and every column that the contract does not name,
for nobody has said what is in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.errors import DataError
from veracity.errors import Rejected

_SHAPE = r"^vp1\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{100}[A-Za-z0-9_-]*$"


class Unprotected(DataError, Rejected):
    """A personal value stands in clear where only a token may."""

    code = "unprotected"


@dataclass(frozen=True)
class Columns:
    """The source columns of a contract by what becomes of them."""

    feed: str
    clear: frozenset[str]
    personal: dict[str, Field] = field(repr=False)

    @classmethod
    def of(cls, contract: Contract, also: Iterable[str] = ()) -> "Columns":
        """Return those of a contract; ``also`` are names of ours that stand in clear beside them."""
        personal = {name: f for f in contract.personal for name in f.sources}
        return cls(contract.feed, (contract.source_names - personal.keys()) | {*also}, personal)

    @property
    def known(self) -> frozenset[str]:
        """Every column that the contract reads."""
        return self.clear | self.personal.keys()


def is_absent(text: str, f: Field | None) -> bool:
    """Tell whether a text stands for no value: there is nothing in it to encrypt."""
    bare = text.strip()
    return not bare or (f is not None and bare in f.missing)


def check_protected(raw: pl.DataFrame, contract: Contract) -> None:
    """Raise ``Unprotected`` if a personal column of received records holds anything but tokens.

    The message tells the column and the record, never the value.
    """
    for f in contract.personal:
        for name in (n for n in f.sources if n in raw.columns):
            for record, _ in _clear(raw, name, f):
                raise Unprotected(
                    f"{f.name} of record {record}: want a token (vp1.…) or no value, got one in clear"
                )


def _clear(raw: pl.DataFrame, name: str, f: Field) -> Iterable[tuple[int, str]]:
    values = raw.select("_record", pl.col(name).cast(pl.String)).drop_nulls(name)
    others = values.filter(~pl.col(name).str.contains(_SHAPE))
    return ((record, text) for record, text in others.iter_rows() if not is_absent(text, f))
