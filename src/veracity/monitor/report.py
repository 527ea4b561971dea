"""What a monitor says of one round."""

from dataclasses import dataclass, field
from typing import Any

from veracity.monitor.findings import OpenFinding


@dataclass
class WitnessLine:
    """One witness: the size it has seen, how long ago it cosigned it, how far it is behind us; or why not."""

    name: str
    size: int | None = None
    age_s: float | None = None
    lag: int | None = None
    problem: str | None = None


@dataclass
class Samples:
    """Records that were chosen at random and made again from their receipts, or in a copy of the city."""

    n_good: int = 0
    n_bad: int = 0
    n_not_had: int = 0
    n_batches: int = 0
    seed: int | None = None


@dataclass
class Round:
    """One look at a log.

    Attributes
    ----------
    at
        When it began (RFC 3339).
    origin, size, root
        Of the checkpoint shown, if it was one that this log signed; ``root`` in hex.
    checkpoint_age_s
        Since the newest cosignature of a witness, or since we first saw it.
    n_new, n_checked
        Entries checked in this round, and in all.
    is_reached
        Whether the log answered, so that what was to be looked at was.
    is_caught_up, is_cut_short
        Whether all entries of the checkpoint shown have been checked; whether time was up before.
    said
        What is well, in words.
    told
        What is no finding, yet should be known.
    """

    at: str
    location: str
    origin: str | None = None
    size: int | None = None
    root: str | None = None
    checkpoint_age_s: float | None = None
    n_new: int = 0
    n_checked: int = 0
    is_reached: bool = True
    is_caught_up: bool = False
    is_cut_short: bool = False
    simulated: bool = False
    said: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    witnesses: list[WitnessLine] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)
    findings: list[OpenFinding] = field(default_factory=list)
    n_more: dict[str, int] = field(default_factory=dict)
    n_unanswered: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        """Whether everything was looked at and nothing is open that nobody answered."""
        return self.is_reached and not self.is_cut_short and self.n_unanswered == 0

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "at": self.at,
            "url": self.location,
            "well": self.is_well,
            "reached": self.is_reached,
            "caught_up": self.is_caught_up,
            "simulated": self.simulated,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "checkpoint_age_s": self.checkpoint_age_s,
            "new_entries": self.n_new,
            "checked_entries": self.n_checked,
            "witnesses": [vars(w) for w in self.witnesses],
            "samples": vars(self.samples),
            "findings": [o.to_object() for o in self.findings],
            "more_findings": self.n_more,
            "unanswered": self.n_unanswered,
            "said": self.said,
            "told": self.told,
            "seconds": round(self.seconds, 3),
        }


def counted(n: int, one: str, many: str) -> str:
    """Say how many.

    Examples
    --------
    >>> counted(1, "entry", "entries")
    '1 entry'
    """
    return f"{n:,} {one if n == 1 else many}"
