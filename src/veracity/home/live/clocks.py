"""Clocks of a feed's devices, estimated from the accounts of its hours; see ``lags``.

Anyone who has the accounts can estimate them again.
"""

import polars as pl

from veracity.data.clock_estimate import ClockLimits, clock_estimates
from veracity.data.device_clock import SCHEMA, ClockWindows
from veracity.home.home import Home
from veracity.home.live.accounts import accounts
from veracity.home.live.lags import lag_messages


def feed_clocks(home: Home, feed: str, hours: int, limits: ClockLimits | None = None) -> pl.DataFrame:
    """Estimate the clocks of the devices that sent to a feed in the last hours, as ``clock_estimates`` does.

    Raises
    ------
    TableMismatch
        If an account's rows, or a list of messages of an hour without one, are gone or others.
    """
    windows = ClockWindows()
    for account in accounts(home, feed, hours):
        windows.take(lag_messages(account.devices))
    return clock_estimates(windows.messages().select(list(SCHEMA)), limits)
