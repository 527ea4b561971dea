"""What verifying a receipt found so far: checks passed, what was left unchecked, by when it was there."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Step:
    """A check that passed: its name, and what it found in one line."""

    name: str
    detail: str


@dataclass
class Findings:
    """Grows while one receipt is verified; each list in the order of the checks.

    Attributes
    ----------
    steps, not_checked
        As in ``Verification``.
    times
        Times before which the statement was in the log, each by another's word.
    """

    steps: list[Step] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)

    def passed(self, name: str, detail: str) -> None:
        """Add a check that passed."""
        self.steps.append(Step(name, detail))

    def left(self, what: str) -> None:
        """Add what a reader might believe was checked and was not."""
        self.not_checked.append(what)

    @property
    def in_log_before(self) -> datetime | None:
        """The earliest time before which the statement was in the log; None where nobody says."""
        return min(self.times, default=None)
