"""Versions of a feed: what it held after a batch. A version never changes."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from veracity.data.contract import Contract
from veracity.home.decisions import row_key
from veracity.home.home import Home
from veracity.home.index import BatchRow
from veracity.home.panels import is_any_simulated, snapshot_digest
from veracity.home.verdicts import row_flags
from veracity.server.created.simulated import is_simulated
from veracity.server.errors import NoSuchDataset
from veracity.server.public_feeds import public_feed


@dataclass(frozen=True)
class Snapshot:
    """A feed as known after a batch, all from the log.

    Attributes
    ----------
    version
        The number of its last batch.
    entry
        The place in the log of that batch's statement.
    received_at
        When that batch came: asking for the feed as of this time or later gives this or a later version.
    sha256
        Digest of the rows as ``home.panels.snapshot_digest`` has it.
    contract, contract_entry
        The contract by which that batch was judged, and where the log says so.
    simulated
        Whether the feed was ever said to be simulated, up to then.
    """

    feed: str
    version: int
    entry: int
    received_at: str
    n_batches: int
    n_rows: int
    sha256: str
    contract: Contract
    contract_entry: int
    simulated: bool


def version_at(home: Home, feed: str, as_of: datetime | None = None) -> int:
    """Return the newest version of a feed known at a time (or now); ``NoSuchDataset`` before the first."""
    version = home.index.up_to(feed, as_of)
    if version < 0:
        raise NoSuchDataset(f"{feed}: want a version known then, got none: nothing had come")
    return version


def snapshot(home: Home, feed: str, version: int) -> Snapshot:
    """Return a version of a feed.

    Raises
    ------
    NoSuchDataset
        If there is no such feed, or it has no such batch.
    PersonalFeed
        If it has personal fields.
    """
    public_feed(home, feed)
    rows = home.index.batches(feed)
    last = next((row for row in rows if row.batch == version), None)
    if last is None:
        raise NoSuchDataset(f"{feed}: want a version up to {len(rows) - 1}, got {version}")
    return _snapshot(home, feed, [row for row in rows if row.batch <= version], last)


def _snapshot(home: Home, feed: str, rows: list[BatchRow], last: BatchRow) -> Snapshot:
    sha256 = str(home.index.predicate(last.idx)["contract"])
    said = [
        idx for idx, p in home.index.predicates("contract", feed) if p["sha256"] == sha256 and idx < last.idx
    ]
    contract = home.contract(sha256)
    return Snapshot(
        feed=feed,
        version=last.batch,
        entry=last.idx,
        received_at=last.received_at,
        n_batches=len(rows),
        n_rows=sum(row.accepted for row in rows),
        sha256=snapshot_digest(home, feed, last.batch),
        contract=contract,
        contract_entry=said[-1] if said else last.idx,
        simulated=is_any_simulated(home, (feed,), last.idx) or is_simulated(home, contract, last.idx),
    )


def snapshot_rows(home: Home, snap: Snapshot) -> pl.LazyFrame:
    """Return the rows of a version with their marks, in order of arrival.

    Columns: those of the table, ``_record`` and ``_batch`` the last of them; ``_flags``, the reasons for
    which a row was flagged, separated by blanks, null where it was not; and ``_simulated`` where the feed is.
    Memory grows with the rows flagged, not with those read.
    """
    home.check_held(snap.feed)
    rows = home.table(snap.feed).scan(up_to_batch=snap.version)
    flags = row_flags(home, snap.feed, snap.version)
    rows = rows.join(
        flags, on=list(row_key(home, snap.feed)), how="left", maintain_order="left", nulls_equal=True
    )
    return rows.with_columns(_simulated=pl.lit(value=True)) if snap.simulated else rows
