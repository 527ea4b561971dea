"""Use a calibration, and take one back.

Raw values are never touched: correcting writes another file, and taking back is a statement after
which there are no more corrected values. So undoing loses nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from veracity.data.calibration import Calibration, apply
from veracity.data.calibration.document import time_text
from veracity.data.digest import frame_digest
from veracity.data.lake import collect_rows
from veracity.home.calibrations import (
    CalibrationWithdrawn,
    contract_then,
    event_time,
    find_calibration,
    load_calibration,
    microseconds,
    withdrawals,
)
from veracity.home.clock import format_time, parse_time
from veracity.home.errors import BadName
from veracity.home.home import Home, Writer
from veracity.home.panels import is_any_simulated, snapshot_digest
from veracity.provenance.statements import Input, RowsDigest, Transform, Withdraw
from veracity.provenance.statements.withdraw import MAX_PERSON, MAX_REASON


@dataclass(frozen=True)
class Corrected:
    """A device's rows with their corrected values, and the statement of them."""

    frame: pl.DataFrame
    calibration: Calibration
    statement: Transform
    entry: int | None = None


def correct(home: Home, name: str, as_of: datetime | None = None) -> Corrected:
    """Correct the device's accepted rows as known at ``as_of`` (or now), saying nothing in the log.

    Raises
    ------
    CalibrationWithdrawn
        If nothing of the calibration is left.
    """
    said = find_calibration(home, name)
    calibration = load_calibration(home, said.sha256)
    if said.withdrawn_from_us is not None and said.withdrawn_from_us <= calibration.from_us:
        idx, last = said.withdrawn[-1]
        raise CalibrationWithdrawn(
            f"calibration {said.name}: want one in force, got one that {last.person} took back"
            f" (log entry {idx}): {last.reason}"
        )
    home.check_held(calibration.feed)
    up_to = home.index.up_to(calibration.feed, as_of)
    frame = corrected_frame(home, calibration, up_to)
    digest = snapshot_digest(home, calibration.feed, up_to)
    statement = Transform(
        name=said.name,
        definition_sha256=said.sha256,
        inputs=(Input(calibration.feed, up_to, digest),) if up_to >= 0 else (),
        output=RowsDigest(frame.height, frame_digest(frame)),
        simulated=said.simulated or is_any_simulated(home, (calibration.feed,)),
        as_of=None if as_of is None else format_time(as_of),
    )
    return Corrected(frame, calibration, statement)


def corrected_frame(
    home: Home, calibration: Calibration, up_to: int, before: int | None = None
) -> pl.DataFrame:
    """Return the corrected rows up to a batch, by the withdrawals in the log before entry ``before``."""
    withdrawn = withdrawals(home, calibration.sha256, before)
    start = min((microseconds(parse_time("from", w.start)) for _, w in withdrawn), default=None)
    time = event_time(contract_then(home, calibration.feed, before))
    rows = collect_rows(home.table(calibration.feed).scan(up_to_batch=up_to))
    return apply(rows, calibration, time, start)


def say_corrected(home: Writer, corrected: Corrected) -> Corrected:
    """Append the statement of corrected rows: a ``transform`` whose definition is the document."""
    return replace(corrected, entry=home.say(corrected.statement.to_statement()))


def withdraw(
    home: Writer, name: str, person: str, reason: str, start: datetime | None = None
) -> tuple[int, Withdraw]:
    """Take a calibration back for readings from ``start`` on, or for all; return log entry and statement.

    Raises
    ------
    BadName
        If person or reason is empty, too long, or not one line.
    CalibrationWithdrawn
        If it is taken back from that time on already.
    """
    for what, text, longest in (("by", person, MAX_PERSON), ("reason", reason, MAX_REASON)):
        if not text.strip() or len(text) > longest or not text.isprintable():
            raise BadName(f"{what}: want 1 to {longest} printable characters, got {text[:80]!r}")
    said = find_calibration(home, name)
    calibration = load_calibration(home, said.sha256)
    start_us = calibration.from_us if start is None else microseconds(start)
    if said.withdrawn_from_us is not None and said.withdrawn_from_us <= start_us:
        raise CalibrationWithdrawn(
            f"calibration {said.name}: want one in force then, got one taken back (log entry"
            f" {said.withdrawn[-1][0]})"
        )
    stamp = time_text(start_us)
    said_at = format_time(home.clock())
    statement = Withdraw(said.name, said.sha256, stamp, person, reason, said_at)
    return home.say(statement.to_statement()), statement
