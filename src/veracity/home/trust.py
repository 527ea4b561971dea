"""Sensor trust of a feed: its batches' health read back, checked by digest, and scored."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from veracity.data.digest import frame_digest
from veracity.data.errors import TableMismatch
from veracity.data.trust import trust_scores
from veracity.data.trust_evidence import HEALTH
from veracity.home.batch import kept_path
from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.tables import Objects, read_parquet

RECEIVED = pl.Datetime("us", "UTC")


def feed_trust(home: Home, feed: str, as_of: datetime | None = None, day: date | None = None) -> pl.DataFrame:
    """Score a feed's sensors as known at ``as_of`` (or now), for use on a day.

    Without ``day`` it is the day after the newest evidence of any of them. Columns as ``trust_scores``
    gives them; one row for each sensor and property that has evidence before the day.
    """
    health = batch_health(home, feed, home.index.up_to(feed, as_of))
    day = day or next_day(health)
    return trust_scores(health, since=day, until=day)


def next_day(health: pl.DataFrame) -> date | None:
    """Return the day after the newest evidence; None where there is none."""
    received = pl.col("_received_at").dt.date()
    believed = pl.min_horizontal(pl.col("_day").fill_null(received), received + pl.duration(days=1))
    newest = health.select(believed.max()).item()
    return None if newest is None else newest + timedelta(days=1)


def panel_trust(home: Home, up_to: Mapping[str, int], feeds: Iterable[str]) -> dict[str, pl.DataFrame]:
    """Return what ``build_panel`` takes as ``trust``: the scores of feeds, each up to a batch."""
    return {
        feed: trust_scores(batch_health(home, feed, up_to.get(feed, -1)), interval=False) for feed in feeds
    }


def batch_health(home: Home, feed: str, up_to_batch: int) -> pl.DataFrame:
    """Return the health of a feed's batches up to one, each row with its batch's time of receipt."""
    sensor = home.feed(feed).contract.sensor
    said = (p for _, p in home.index.predicates("ingest", feed) if p["batch"] <= up_to_batch)
    return read_health(home.objects, feed, sensor, said)


def read_health(
    objects: Objects, feed: str, sensor: tuple[str, ...], predicates: Iterable[Mapping[str, Any]]
) -> pl.DataFrame:
    """Read the health that ``ingest`` statements name, in their order; batches without any are passed over.

    Statements of the first release name none.

    Raises
    ------
    TableMismatch
        If one is gone, cannot be read, or is not of the digest that its statement gives.
    """
    schema = dict.fromkeys(sensor, pl.String()) | HEALTH | {"_received_at": RECEIVED}
    frames = [pl.DataFrame(schema=schema)]
    for predicate in predicates:
        said = predicate.get("checks", {}).get("health")
        if said is None:
            continue
        frame = read_parquet(objects, kept_path("health", feed, int(predicate["batch"]), str(said["sha256"])))
        digest = frame_digest(frame)
        if digest != said["sha256"]:
            raise TableMismatch(
                f"health of {feed} batch {predicate['batch']}: want digest {str(said['sha256'])[:16]},"
                f" got {digest[:16]}"
            )
        received = parse_time("received_at", str(predicate["received_at"]))
        have = frame.with_columns(pl.lit(received, RECEIVED).alias("_received_at"))
        if not {*sensor, *HEALTH} - {*frame.columns}:  # a key of an older contract tells others apart
            frames.append(have.select(pl.col(n).cast(t) for n, t in schema.items()))
    return pl.concat(frames)
