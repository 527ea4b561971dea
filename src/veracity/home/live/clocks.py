"""Clocks of a feed's devices, from when their messages were measured and when the broker had them.

Both times are in the lists that are kept with live batches, so anyone who has the lists can estimate the
clocks again. Of each message the newest event time of its accepted rows counts.
"""

from datetime import timedelta

import polars as pl

from veracity.data.clock_estimate import ClockLimits, clock_estimates
from veracity.data.device_clock import SCHEMA, ClockWindows
from veracity.home.home import Home
from veracity.home.live.gathering import TAKEN
from veracity.home.live.sealing import read_messages


def message_times(messages: pl.DataFrame) -> pl.DataFrame:
    """Return ``device``, ``event_us`` and ``arrival_us`` of a batch's list: what ``ClockWindows`` takes."""
    taken = messages.filter(pl.col("outcome") == TAKEN, pl.col("event").is_not_null())
    return taken.select(
        pl.col("sender").alias("device"),
        pl.col("event").to_physical().alias("event_us"),
        pl.col("arrived").to_physical().alias("arrival_us"),
    )


def feed_clocks(home: Home, feed: str, hours: int, limits: ClockLimits | None = None) -> pl.DataFrame:
    """Estimate the clocks of the devices that sent to a feed in the last hours, as ``clock_estimates`` does.

    Raises
    ------
    TableMismatch
        If a list of messages is gone or another.
    """
    home.feed(feed)
    windows = ClockWindows()
    for row in home.index.batches(feed, since=home.clock() - timedelta(hours=hours)):
        messages = read_messages(home, feed, row.batch)
        if messages is not None:
            windows.take(message_times(messages))
    return clock_estimates(windows.messages().select(list(SCHEMA)), limits)
