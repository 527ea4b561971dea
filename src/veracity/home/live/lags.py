"""What a feed's messages tell of its devices' clocks: when each was measured, and when the broker had it.

Of each message the newest event time of its accepted rows counts. An account keeps, for each device, the
messages of the least lag of each stretch of time, as text ``<arrival>/<event>`` in µs since 1970.
"""

import polars as pl

from veracity.data.device_clock import SCHEMA, ClockWindows
from veracity.home.live.gathering import TAKEN


def message_times(messages: pl.DataFrame) -> pl.DataFrame:
    """Return ``device``, ``event_us`` and ``arrival_us`` of a batch's list: what ``ClockWindows`` takes."""
    taken = messages.filter(pl.col("outcome") == TAKEN, pl.col("event").is_not_null())
    return taken.select(
        pl.col("sender").alias("device"),
        pl.col("event").to_physical().alias("event_us"),
        pl.col("arrived").to_physical().alias("arrival_us"),
    )


def least_lags(windows: ClockWindows) -> pl.DataFrame:
    """Return ``sender`` and ``least_lags``, a list of text, of what windows keep; by sender."""
    text = pl.format("{}/{}", "arrival_us", "event_us").alias("least_lags")
    kept = windows.messages().select(pl.col("device").alias("sender"), text)
    return kept.group_by("sender", maintain_order=True).agg("least_lags")


def lag_messages(devices: pl.DataFrame) -> pl.DataFrame:
    """Return the messages that an account's devices keep, as ``ClockWindows`` takes them."""
    parts = pl.col("least_lags").str.split_exact("/", 1)
    kept = devices.select(pl.col("sender").alias("device"), "least_lags").explode("least_lags").drop_nulls()
    return kept.select(
        "device",
        parts.struct.field("field_1").cast(pl.Int64).alias("event_us"),
        parts.struct.field("field_0").cast(pl.Int64).alias("arrival_us"),
    ).select(list(SCHEMA))
