"""What is remembered of each device's clock: the least lag of each stretch of time.

A message's *lag* is its arrival less its event time: its delay less the offset of the device's clock (device
less ours). The delay is never below zero and now and then long, so that what tells of the clock is the lower
edge of the lags. Of each window of arrival times the message with the least lag is kept, for a fixed
number of windows: what is kept of a device never grows.

What is kept are messages themselves. So two states, of two workers or of yesterday and today, are
put together by taking the messages of one into the other, in any order, and a state in many steps is
that in one.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

WINDOW_S = 600.0
N_WINDOWS = 48
SCHEMA = {"device": pl.String(), "event_us": pl.Int64(), "arrival_us": pl.Int64()}

Ints = npt.NDArray[np.int64]
_NEVER = -(2**62)  # earlier than any window


class ClockWindows:
    """The newest windows of many devices.

    Parameters
    ----------
    window_s
        How long a window is. Jumps are known after three, drift after some six.
    n_windows
        How many are kept of a device: 24 bytes each. A window replaces the one ``n_windows`` before it.
    """

    def __init__(self, window_s: float = WINDOW_S, n_windows: int = N_WINDOWS) -> None:
        self.window_us = round(window_s * 1e6)
        self.n_windows = n_windows
        self._row: dict[str, int] = {}
        self._window = np.full((0, n_windows), _NEVER)
        self._lag = np.zeros((0, n_windows), np.int64)
        self._arrival = np.zeros((0, n_windows), np.int64)

    def take(self, messages: pl.DataFrame) -> None:
        """Take in messages: ``device`` and ``event_us``, ``arrival_us`` since 1970, in any order.

        Those that lack one of these are passed over.
        """
        lag = (pl.col("arrival_us") - pl.col("event_us")).alias("lag")
        window = (pl.col("arrival_us") // self.window_us).alias("window")
        best = (
            messages.select("device", lag, pl.col("arrival_us"), window)
            .drop_nulls()
            .sort("window", "lag", "arrival_us")
            .unique(["device", "window"], keep="first", maintain_order=True)
        )
        rows = self._rows(best["device"].to_list())
        windows, lags, arrivals = (best[n].to_numpy() for n in ("window", "lag", "arrival_us"))
        at = rows, windows % self.n_windows
        is_less = (lags < self._lag[at]) | ((lags == self._lag[at]) & (arrivals < self._arrival[at]))
        same = (windows == self._window[at]) & is_less
        newer = windows > self._window[at]
        for kept in (same, newer):  # windows ascend: of two in one place the newer is put last, and stays
            where = rows[kept], at[1][kept]
            self._window[where] = windows[kept]
            self._lag[where] = lags[kept]
            self._arrival[where] = arrivals[kept]

    def messages(self) -> pl.DataFrame:
        """Return the messages kept, by device and time of arrival: all that the state is."""
        rows, places = np.nonzero(self._is_kept())
        names = pl.Series("device", list(self._row), pl.String())
        arrivals = self._arrival[rows, places]
        frame = pl.DataFrame(
            [
                names.gather(rows),
                pl.Series("event_us", arrivals - self._lag[rows, places], pl.Int64()),
                pl.Series("arrival_us", arrivals, pl.Int64()),
            ],
        )
        return frame.sort("device", "arrival_us")

    def forget(self, before_us: int) -> None:
        """Forget devices that have not been heard since a time of arrival."""
        newest = np.where(self._is_kept(), self._arrival, _NEVER).max(axis=1, initial=_NEVER)
        kept = newest >= before_us
        names = [name for name, k in zip(self._row, kept, strict=True) if k]
        self._row = {name: i for i, name in enumerate(names)}
        self._window, self._lag, self._arrival = self._window[kept], self._lag[kept], self._arrival[kept]

    def _is_kept(self) -> npt.NDArray[np.bool_]:
        newest = self._window.max(axis=1, initial=_NEVER, keepdims=True)
        kept: npt.NDArray[np.bool_] = self._window > np.maximum(newest - self.n_windows, _NEVER)
        return kept

    def _rows(self, devices: list[str]) -> Ints:
        rows = [self._row.setdefault(d, len(self._row)) for d in devices]
        missing = len(self._row) - len(self._window)
        if missing:
            more = np.full((missing, self.n_windows), _NEVER)
            self._window = np.concatenate([self._window, more])
            self._lag = np.concatenate([self._lag, np.zeros_like(more)])
            self._arrival = np.concatenate([self._arrival, np.zeros_like(more)])
        return np.array(rows, np.int64)
