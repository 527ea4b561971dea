"""All that the catalogue says of a feed, gathered from the home once for each state of the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from veracity.data.contract import Contract
from veracity.data.lake import collect_rows
from veracity.home.home import Home
from veracity.server.catalogue.measured import Measured, measure
from veracity.server.catalogue.snapshots import Snapshot, snapshot, version_at
from veracity.server.catalogue.spool import Made
from veracity.server.contract_about import About, about
from veracity.server.created.simulated import is_simulated
from veracity.server.errors import NoSuchDataset
from veracity.server.history import History
from veracity.server.positions import Positions, Survey
from veracity.server.public_feeds import public_feed

Box = tuple[float, float, float, float]  #: west, south, east, north: WGS 84 degrees


@dataclass(frozen=True)
class DatasetFacts:
    """A feed for the catalogue.

    Attributes
    ----------
    snapshot
        Its newest version; None while nothing came.
    bbox
        Where its sensors stand, as far as known.
    temporal
        First and last event time of its accepted rows, RFC 3339.
    issued
        When its first batch came.
    files
        What the files of the newest version are, as far as they were made; by suffix.
    """

    contract: Contract
    contract_entry: int
    about: About
    snapshot: Snapshot | None
    measured: Measured
    bbox: Box | None
    temporal: tuple[str, str] | None
    issued: str | None
    simulated: bool
    files: Mapping[str, Made] = field(default_factory=dict)


def dataset_facts(
    home: Home, history: History, survey: Survey, name: str, as_of: datetime | None = None
) -> DatasetFacts:
    """Gather what there is to say of a feed as known at a time (or now); errors as ``public_feed``.

    ``survey`` is of that time. Files were made since, of rows that do not change.
    """
    feed = public_feed(home, name, as_of)
    try:
        snap = snapshot(home, name, version_at(home, name, as_of))
    except NoSuchDataset:
        snap = None
    contract = feed.contract
    up_to = -1 if snap is None else snap.version
    batches = [batch for batch in history.batches.of(home, name) if batch.batch <= up_to]
    times = [(b.first_event, b.last_event) for b in batches if b.first_event and b.last_event]
    return DatasetFacts(
        contract=contract,
        contract_entry=feed.idx,
        about=about(contract),
        snapshot=snap,
        measured=measure(home, history, contract, as_of),
        bbox=bounding_box(home, survey.of(contract), contract, up_to),
        temporal=(min(first for first, _ in times), max(last for _, last in times)) if times else None,
        issued=batches[0].received_at if batches else None,
        simulated=is_simulated(home, contract) or (snap is not None and snap.simulated),
    )


def bounding_box(home: Home, places: Positions, contract: Contract, up_to_batch: int) -> Box | None:
    """Return the box around a feed's sensors; None where no position is known."""
    if places.columns is None:
        spots = places.spots
        if not spots:
            return None
        lons, lats = [s.lon for s in spots], [s.lat for s in spots]
        return min(lons), min(lats), max(lons), max(lats)
    if up_to_batch < 0:
        return None
    rows = places.with_points(home.table(contract.feed).scan(up_to_batch=up_to_batch)).drop_nulls(
        ["_lon", "_lat"]
    )
    lon, lat = pl.col("_lon"), pl.col("_lat")
    ends = (lon.min().alias("w"), lat.min().alias("s"), lon.max().alias("e"), lat.max().alias("n"))
    west, south, east, north = collect_rows(rows.select(ends), streaming=True).row(0)
    return None if west is None else (west, south, east, north)
