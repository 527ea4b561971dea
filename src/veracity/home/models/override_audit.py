"""Overrides audited: by an officer with the duty, of a decision that was said, before its outcome was due."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

import polars as pl

from veracity.home.clock import format_time, parse_time
from veracity.home.home import Home
from veracity.home.models.decisions import decisions_path
from veracity.home.models.kept_rows import read_rows
from veracity.home.models.of_system import said_of
from veracity.home.models.received import Received
from veracity.home.models.said import read_said
from veracity.models.decision_rows import decision_line
from veracity.provenance.statements import Decide, Override


def check_override(home: Home, received: Received, said: Override, idx: int) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that was not by right with an override, log entry ``idx``.

    Raises
    ------
    NotAnOfficer, DutyMissing …
        If its approval does not count.
    TableMismatch
        If the decisions kept are not those in the log.
    """
    at = parse_time("overridden_at", said.overridden_at)
    home.agencies().check_officer(said.approval, "override", idx, at)
    runs = said_of(home, "decide", said.system)
    if said.run >= len(runs) or runs[said.run][0] >= idx:
        yield "decision", f"want a run before log entry {idx}, got run {said.run}"
        return
    decide = read_said(home, runs[said.run][0], Decide)
    rows = read_rows(home, decisions_path(decide), decide.output)
    digest = _line_digest(rows, said.record)
    if digest != said.decision_sha256:
        yield "decision", f"want {said.decision_sha256[:16]} at record {said.record}, got {digest[:16]}"
        return
    if (due := rows["due"][said.record]) != parse_time("due", said.due):
        yield "due", f"want {format_time(due)}, as the decision has it, got {said.due}"
    if due <= at:
        yield "time", f"want it before the outcome is due ({due}), got {at}"
    for one in decide.inputs:
        yield from _check_not_dated_back(received, one.feed, idx, at)
    yield from _check_words(home, said, idx)


def _check_not_dated_back(received: Received, feed: str, idx: int, at: datetime) -> Iterator[tuple[str, str]]:
    """Yield what came in of a feed before log entry ``idx``, and after the time that it says of itself."""
    newest = received.of(feed).newest_before(idx)
    if newest is not None and parse_time("received_at", newest.received_at) > at:
        yield "time", f"want it after batch {newest.batch} of {feed} ({newest.received_at}), got {at}"


def _check_words(home: Home, said: Override, idx: int) -> Iterator[tuple[str, str]]:
    """Yield an approval that is not later than that of the word before on the same decision."""
    words = said_of(home, "override", said.system)
    earlier = [i for i, p in words if i < idx and (p["run"], p["record"]) == (said.run, said.record)]
    if not earlier:
        return
    last = read_said(home, earlier[-1], Override).approved.approved_at
    if parse_time("approved_at", said.approved.approved_at) <= parse_time("approved_at", last):
        yield "approval", f"want one after that of entry {earlier[-1]} ({last}), got one used again"


def _line_digest(rows: pl.DataFrame, record: int) -> str:
    return sha256(decision_line(rows, record)).hexdigest() if record < rows.height else "no such record"
