"""Which planted faults the rules found, told from what they said, and what they said for no reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from veracity.city.clock import STEP
from veracity.city.faults import Fault

SOON = 24 * STEP  # a fault counts as caught if it is named within so many readings


@dataclass(frozen=True)
class Said:
    """What a city says of all that it received.

    Attributes
    ----------
    flags
        ``feed``, ``station``, ``observed_at``, ``reason``: each rule that an accepted row broke.
    aside
        ``feed``, ``station``, ``reason``: each rule that a row in quarantine broke.
    refusals
        How many records were refused, by code.
    n_rejected, n_replays
        How many deliveries were turned away, and how many known already.
    """

    flags: pl.DataFrame
    aside: pl.DataFrame
    refusals: Mapping[str, int]
    n_rejected: int
    n_replays: int


def is_caught(fault: Fault, said: Said) -> bool:
    """Tell whether a fault was named by its own rule: each record of it in quarantine, or soon by a flag."""
    if fault.outcome == "rejected":
        return said.n_rejected > 0
    if fault.outcome == "repeated":
        return said.n_replays > 0
    if fault.outcome == "refused":
        return said.refusals.get(fault.reason or "", 0) >= fault.n_records
    named = (
        pl.col("feed") == fault.feed,
        pl.col("station") == fault.station,
        pl.col("reason") == fault.reason,
    )
    if fault.outcome == "quarantined":
        return said.aside.filter(*named).height == fault.n_records
    begins = fault.end if fault.outcome == "absent" else fault.start
    soon = pl.col("observed_at").is_between(begins, begins + SOON, closed="left")
    return not said.flags.filter(*named, soon).is_empty()


def strays(truth: Iterable[Fault], said: Said) -> pl.DataFrame:
    """Return the flags that no fault explains: none was planted at the station then or soon before."""
    left = said.flags
    for fault in truth:
        here = (pl.col("feed") == fault.feed) & (pl.col("station") == (fault.station or ""))
        left = left.filter(~(here & pl.col("observed_at").is_between(fault.start, fault.end + SOON)))
    return left
