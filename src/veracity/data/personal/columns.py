"""What of a source is kept in clear: the columns that the contract reads and does not call personal.

Anything else is encrypted: a personal column, and every column that the contract does not name,
for nobody has said what is in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.errors import DataError
from veracity.errors import Rejected


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
