"""A survey: all that a page about checked files tells."""

from collections.abc import Mapping
from dataclasses import dataclass

from veracity.data.contract import Contract
from veracity.data.survey.first_look import FirstLook
from veracity.data.survey.second_look import SecondLook


@dataclass(frozen=True)
class FileCounts:
    """What would become of a file. ``received = accepted + quarantined + refused``.

    Attributes
    ----------
    unreadable
        Records that gave no row, by the code of the refusal; ``refused`` also counts the rows that a
        rule refuses.
    first_unreadable
        The first of them: file, line, code, what was wanted and got.
    """

    name: str
    n_bytes: int
    sha256: str
    received: int
    accepted: int
    quarantined: int
    refused: int
    flagged: int
    unreadable: Mapping[str, int]
    first_unreadable: tuple[str, ...]


@dataclass(frozen=True)
class Survey:
    """Two looks at files under a contract, at a time (ISO 8601)."""

    contract: Contract
    made_at: str
    files: tuple[FileCounts, ...]
    first: FirstLook
    second: SecondLook

    def total(self, name: str) -> int:
        """Return a count summed over the files, such as ``accepted``."""
        return sum(int(getattr(f, name)) for f in self.files)

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows broke each rule, in the contract's order."""
        totals: dict[str, int] = {}
        for reason, n in self.first.breaks.select("reason", "n").iter_rows():
            totals[reason] = totals.get(reason, 0) + n
        return {reason: totals[reason] for reason in self.contract.reasons if reason in totals}

    @property
    def unreadable(self) -> dict[str, int]:
        """Records that gave no row, by the code of the refusal."""
        totals: dict[str, int] = {}
        for file in self.files:
            for code, n in file.unreadable.items():
                totals[code] = totals.get(code, 0) + n
        return dict(sorted(totals.items()))
