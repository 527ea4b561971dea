"""Calibrations of a home: fitted on accepted rows, kept by the digest of the document, said, found again."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from veracity.data.calibration import (
    Calibration,
    CannotCalibrate,
    Definition,
    MalformedCalibration,
    Origin,
    Source,
    fit,
    pair,
    parse_calibration,
    parse_definition,
)
from veracity.data.calibration.definition import DEFINITION_BYTES
from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.errors import Malformed, Rejected
from veracity.feeds.file_info import read_file
from veracity.home.clock import format_time, parse_time
from veracity.home.errors import HomeError, StateBehind, UnknownFeed
from veracity.home.home import Home, Writer
from veracity.home.panels import is_any_simulated, snapshot_digest
from veracity.provenance.statements import Calibrate, Input, RowsDigest, Withdraw

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


class UnknownCalibration(HomeError, Malformed):
    """No calibration of this name or digest was said, or several were."""

    code = "unknown-calibration"


class CalibrationWithdrawn(HomeError, Rejected):
    """Somebody took this calibration back: it corrects nothing any more."""

    code = "calibration-withdrawn"


@dataclass(frozen=True)
class Fitted:
    """A calibration, what it was made by, and its statement; ``entry`` is its place in the log."""

    calibration: Calibration
    definition: Definition
    statement: Calibrate
    entry: int | None = None


@dataclass(frozen=True)
class Said:
    """A calibration in the log. ``withdrawn`` is (log entry, statement) of each withdrawal, in order."""

    entry: int
    name: str
    sha256: str
    simulated: bool
    withdrawn: tuple[tuple[int, Withdraw], ...]

    @property
    def withdrawn_from_us(self) -> int | None:
        """From which event time on it does not count (microseconds since 1970), None if it does."""
        return min((microseconds(parse_time("from", w.start)) for _, w in self.withdrawn), default=None)


def read_definition(path: Path) -> Definition:
    """Read a calibration's definition from a file."""
    text = read_file(path, DEFINITION_BYTES)
    try:
        return parse_definition(text)
    except MalformedCalibration as exc:
        raise MalformedCalibration(f"{path}: {exc}") from exc


def fit_calibration(
    home: Home, path: Path, feed: str, reference: str | None = None, as_of: datetime | None = None
) -> Fitted:
    """Fit a calibration on the accepted rows as known at ``as_of`` (or now), saying nothing in the log.

    Raises
    ------
    CannotCalibrate
        If the readings do not carry one.
    """
    definition = read_definition(path)
    feeds = tuple(dict.fromkeys((feed, reference or feed)))
    for name in feeds:
        home.feed(name)
        home.check_held(name)
    up_to = {name: home.index.up_to(name, as_of) for name in feeds}
    calibration = fit_again(home, definition, feed, reference or feed, up_to)
    statement = Calibrate(
        name=definition.name,
        definition_sha256=definition.sha256,
        inputs=tuple(Input(s.feed, s.up_to_batch, s.sha256) for s in calibration.sources),
        pairs=RowsDigest(calibration.n_pairs, calibration.pairs_sha256),
        document_sha256=calibration.sha256,
        simulated=is_any_simulated(home, feeds),
        engine=calibration.engine,
        as_of=None if as_of is None else format_time(as_of),
    )
    return Fitted(calibration, definition, statement)


def fit_again(
    home: Home,
    definition: Definition,
    feed: str,
    reference: str,
    up_to: Mapping[str, int],
    before: int | None = None,
) -> Calibration:
    """Fit on each feed's rows up to a batch, under the contracts in force before log entry ``before``."""
    ours, theirs = contract_then(home, feed, before), contract_then(home, reference, before)
    _check_key("device", definition.device, ours)
    _check_key("reference_device", definition.reference_device, theirs)
    time, rows = _rows(home, ours, up_to[feed], (*definition.device, *definition.inputs))
    reference_columns = (*definition.reference_device, definition.reference)
    reference_time, reference_rows = _rows(home, theirs, up_to[reference], reference_columns)
    pairs = pair(definition, rows, time, reference_rows, reference_time)
    units, reference_units = (_units(c) for c in (ours, theirs))
    origin = Origin(
        feed=feed,
        reference_feed=reference,
        units=tuple((n, units.get(n)) for n in definition.inputs),
        reference_unit=reference_units.get(definition.reference),
        sources=tuple(
            Source(f, up_to[f], snapshot_digest(home, f, up_to[f])) for f in dict.fromkeys((feed, reference))
        ),
    )
    return fit(definition, pairs, origin)


def say_fitted(home: Writer, fitted: Fitted) -> Fitted:
    """Keep definition and document, and append the statement (the same fit says it once).

    Raises
    ------
    CalibrationWithdrawn
        If this very document was said before and taken back.
    """
    if withdrawals(home, fitted.calibration.sha256):
        raise CalibrationWithdrawn(
            f"calibration {fitted.calibration.name}: want one that was not taken back, got"
            f" {fitted.calibration.sha256[:16]} once more; change its definition or fit on newer batches"
        )
    home.objects.put(definition_path(fitted.definition.sha256), fitted.definition.text)
    home.objects.put(document_path(fitted.calibration.sha256), fitted.calibration.text)
    return replace(fitted, entry=home.say(fitted.statement.to_statement()))


def calibrations(home: Home) -> list[Said]:
    """Return every calibration said, in log order."""
    return [
        Said(
            idx, str(p["name"]), str(p["document"]), p["simulated"] is True, withdrawals(home, p["document"])
        )
        for idx, p in home.index.predicates("calibrate")
    ]


def find_calibration(home: Home, name: str) -> Said:
    """Return the last calibration of a name, or the one whose digest begins so (8 digits or more)."""
    said = calibrations(home)
    found = [s for s in said if s.name == name][-1:]
    if not found and _DIGEST.fullmatch(name):
        found = list({s.sha256: s for s in said if s.sha256.startswith(name)}.values())
    if len(found) != 1:
        names = ", ".join(dict.fromkeys(s.name for s in said)) or "none"
        raise UnknownCalibration(f"calibration: want one of those fitted ({names}), got {name[:80]!r}")
    return found[0]


def load_calibration(home: Home, sha256: str) -> Calibration:
    """Return a document from the store; ``StateBehind`` if the store has another."""
    text = home.objects.get(document_path(sha256))
    digest = hashlib.sha256(text).hexdigest()
    if digest != sha256:
        raise StateBehind(f"calibration {sha256[:16]}: want a file of that digest, got {digest[:16]}")
    return parse_calibration(text)


def withdrawals(home: Home, sha256: str, before: int | None = None) -> tuple[tuple[int, Withdraw], ...]:
    """Return (log entry, statement) of each withdrawal of a document, in log order."""
    return tuple(
        (idx, Withdraw(p["name"], sha256, p["from"], p["person"], p["reason"], p["said_at"]))
        for idx, p in home.index.predicates("withdraw")
        if p["document"] == sha256 and (before is None or idx < before)
    )


def contract_then(home: Home, feed: str, before: int | None = None) -> Contract:
    """Return a feed's contract in force now, or before a log entry."""
    said = [
        str(p["sha256"])
        for idx, p in home.index.predicates("contract", feed)
        if before is None or idx < before
    ]
    if not said:
        raise UnknownFeed(f"feed: want one with a contract, got {feed!r}")
    return home.contract(said[-1])


def definition_path(sha256: str) -> str:
    """Return where a definition is kept."""
    return f"calibrations/{sha256}.yaml"


def document_path(sha256: str) -> str:
    """Return where a calibration's document is kept."""
    return f"calibrations/{sha256}.json"


def _rows(home: Home, contract: Contract, up_to: int, columns: tuple[str, ...]) -> tuple[str, pl.DataFrame]:
    """Return the event time's column and the rows of a feed, those columns only."""
    time, have = event_time(contract), [f.name for f in contract.fields]
    missing = [c for c in columns if c not in have]
    if missing:
        raise MalformedCalibration(
            f"column: want one of {contract.feed} ({', '.join(have)}), got {missing[0]!r}"
        )
    if up_to < 0:
        raise CannotCalibrate(f"feed {contract.feed}: want batches to fit on, got none")
    scan = home.table(contract.feed).scan(up_to_batch=up_to)
    return time, collect_rows(scan.select(list(dict.fromkeys((time, *columns)))))


def _check_key(where: str, device: Mapping[str, str], contract: Contract) -> None:
    """Raise unless the device is one: other sensors of the feed, now or later, are not corrected with it."""
    key = [name for name in contract.key if name != event_time(contract)]
    if sorted(device) != sorted(key):
        want = ", ".join(key) or "none"
        got = ", ".join(device) or "none"
        raise MalformedCalibration(
            f"{where}: want a value for the key of {contract.feed} ({want}), got {got}"
        )


def event_time(contract: Contract) -> str:
    """Return the column of event times; ``MalformedCalibration`` where there is none."""
    if contract.time is None:
        raise MalformedCalibration(f"feed {contract.feed}: want one with a timestamp, got one without")
    return contract.time


def _units(contract: Contract) -> dict[str, str | None]:
    return {f.name: f.unit for f in contract.fields}


def microseconds(stamp: datetime) -> int:
    """Return microseconds since 1970."""
    return (stamp - _EPOCH) // timedelta(microseconds=1)
