"""The offset and the frequency of each device's clock, from the least lags of its windows.

The lag of a message is its delay less the clock's offset. The least lags of a clock that keeps time lie
just above a straight line: it slopes by the clock's frequency, and its height is the least delay less the
offset. The slope is the median of the slopes between all pairs of windows (Theil and Sen), with the limits
that Kendall's tau gives; it does not ask how delays are distributed, and a quarter of all windows may be
late. The height is found from the few windows nearest to the line: where lags thin out towards it evenly, the
gap from the line to the nearest is one more gap of the kind that is between these.

Two things cannot be told apart by times alone: a clock that is behind and a device that sends late, always by
the same. ``offset_s`` takes the least delay for none; the clock is ahead by that much at least. So
``clock-ahead`` is certain, and ``clock-behind-or-late`` is what it says.

A clock that is set anew makes a step. Where three windows in a row are apart from the three before,
the estimate begins anew after the step, and the step is told.

References
----------
Sen (1968), Journal of the American Statistical Association 63; Robson and Whitlock (1964), Biometrika 51.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

MIN_WINDOWS = 6
_Z = 1.96  # 95 %
_ALPHA = 0.05
_NEAREST = 8  # windows that the height is found from
_SIDE = 3  # windows on each side of a jump
_NO_CLOCK_PPM = 10_000.0  # no clock is so far off its frequency
_QUEUE = 0.1  # seconds a second: lags that change faster are a queue's that grows or drains

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ClockLimits:
    """From when a clock is flagged; ``jump_s`` is the least step that counts as one."""

    ahead_s: float = 2.0
    behind_s: float = 60.0
    frequency_ppm: float = 300.0
    jump_s: float = 2.0


def clock_estimates(messages: pl.DataFrame, limits: ClockLimits | None = None) -> pl.DataFrame:
    """Estimate the clocks of devices.

    Parameters
    ----------
    messages
        As ``ClockWindows.messages`` gives them: ``device``, ``event_us``, ``arrival_us``, sorted by device
        and arrival, of each window that with the least lag.
    limits
        For the flags.

    Returns
    -------
    pl.DataFrame
        One row a device, by name: ``offset_s`` (device less ours, at ``at_us``, the newest window) and
        ``frequency_ppm`` (above 0: it gains), each with ``_low`` and ``_high`` (95 %); ``n_windows`` used;
        ``jump_s`` and ``jump_at_us`` of the last jump; ``flags``. Null where there is none, and where fewer
        than six windows are sound.
    """
    limits = limits or ClockLimits()
    devices = messages["device"].unique().sort()
    at, lag, newest_us = _arrays(messages, devices)
    jump = _last_jump(at, lag, limits)
    jumped = jump >= 0
    since = np.where(np.arange(lag.shape[1]) >= jump[:, None], lag, np.nan)
    slopes = _slopes(at, since)
    height, is_odd = _height(at, since, slopes, limits)
    n = (~np.isnan(since) & ~is_odd).sum(axis=1)
    enough = n >= MIN_WINDOWS
    offset, frequency = -height[:, [0, 2, 1]], -1e6 * slopes[:, [0, 2, 1]]  # each as value, low, high
    is_clock = enough & (np.abs(frequency[:, 0]) < _NO_CLOCK_PPM)
    # A newest window with a message of the future is certain, whatever was before.
    newest_lag = _at(lag, (~np.isnan(lag)).sum(axis=1) - 1)
    least = np.fmax(np.where(enough, offset[:, 1], np.nan), -newest_lag)
    flags = {
        "clock-ahead": least > limits.ahead_s,
        "clock-behind-or-late": enough & (offset[:, 2] < -limits.behind_s),
        "clock-drift": is_clock & (np.maximum(frequency[:, 1], -frequency[:, 2]) > limits.frequency_ppm),
        "clock-jumped": jumped,
    }
    return pl.DataFrame(
        {
            "device": devices,
            "at_us": newest_us,
            **_limits("offset_s", offset, enough),
            **_limits("frequency_ppm", frequency, is_clock),
            "n_windows": n,
            "jump_s": np.where(jumped, _middle(lag, jump - _SIDE) - _middle(lag, jump), np.nan),
            "jump_at_us": newest_us + _microseconds(_at(at, jump)),
            "flags": _named(flags),
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None), pl.when(pl.Series(jumped)).then(pl.col("jump_at_us")))


def _arrays(messages: pl.DataFrame, devices: pl.Series) -> tuple[Floats, Floats, Ints]:
    """Return arrivals (s, a device's newest is 0) and lags (s), NaN at the end of rows; newest arrivals."""
    row = messages["device"].cast(pl.Enum(devices)).to_physical().cast(pl.Int64).to_numpy()
    arrival, event = messages["arrival_us"].to_numpy(), messages["event_us"].to_numpy()
    first = np.searchsorted(row, np.arange(devices.len()))
    place = np.arange(len(row)) - first[row]
    newest = np.zeros(devices.len(), np.int64)
    newest[row] = arrival  # they ascend: the last assigned is kept
    shape = devices.len(), max(int(place.max(initial=-1)) + 1, 1)
    at, lag = np.full(shape, np.nan), np.full(shape, np.nan)
    at[row, place] = (arrival - newest[row]) / 1e6
    lag[row, place] = (arrival - event) / 1e6
    return at, lag, newest


def _last_jump(at: Floats, lag: Floats, limits: ClockLimits) -> Ints:
    """Return the first window after each device's last jump; -1 where there is none.

    A jump is a gap between two runs of three windows, wide beside what is within each, beside the usual
    difference of neighbours, and beside the limit. In a run the lag may not change as fast as in a
    queue that grows or drains.
    """
    n, width = lag.shape
    if width < 2 * _SIDE:
        return np.full(n, -1, np.int64)
    runs = sliding_window_view(lag, _SIDE, axis=1)
    low, high = runs.min(axis=2), runs.max(axis=2)
    within, span = high - low, at[:, _SIDE - 1 :] - at[:, : 1 - _SIDE]
    usual = _quantile(np.abs(np.diff(lag, axis=1)), 0.5)[:, None]
    before, after = slice(0, -_SIDE), slice(_SIDE, None)
    gap = np.maximum(low[:, after] - high[:, before], low[:, before] - high[:, after])
    is_level = within <= _QUEUE * span
    is_wide = gap > np.maximum(limits.jump_s + 6 * usual, 4 * np.maximum(within[:, before], within[:, after]))
    is_jump = is_wide & is_level[:, before] & is_level[:, after]
    last = is_jump.shape[1] - 1 - is_jump[:, ::-1].argmax(axis=1)
    return np.where(is_jump.any(axis=1), last + _SIDE, -1)


def _slopes(at: Floats, lag: Floats) -> Floats:
    """Return the slope of each device's lags with its 95 % limits: (n, 3), 0 where nothing is known."""
    i, j = np.triu_indices(lag.shape[1], 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = np.sort((lag[:, j] - lag[:, i]) / (at[:, j] - at[:, i]), axis=1)
    m = (~np.isnan(lag)).sum(axis=1)
    pairs = m * (m - 1) // 2
    spread = _Z * np.sqrt(m * (m - 1) * (2 * m + 5) / 18)
    low = np.floor((pairs - spread) / 2).astype(np.int64) - 1
    high = np.ceil((pairs + spread) / 2).astype(np.int64)
    out = np.column_stack(
        [_quantile(slopes, 0.5, ordered=True), _at(slopes, low), _at(slopes, np.minimum(high, pairs - 1))]
    )
    return np.where(m[:, None] >= MIN_WINDOWS, np.nan_to_num(out), 0.0)


def _height(at: Floats, lag: Floats, slopes: Floats, limits: ClockLimits) -> tuple[Floats, Flags]:
    """Return the line's height at the newest window with its 95 % limits, and which windows are far below."""
    rest = lag - slopes[:, :1] * at
    middle, quarter = _quantile(rest, 0.5), _quantile(rest, 0.25)
    with np.errstate(invalid="ignore"):
        is_odd = rest < (middle - 4 * (middle - quarter) - limits.jump_s)[:, None]
    sound = np.where(is_odd, np.nan, lag)
    found = []
    for slope in slopes.T:
        ordered = np.sort(sound - slope[:, None] * at, axis=1)
        m = (~np.isnan(ordered)).sum(axis=1)
        k = np.clip(m // 2, 2, _NEAREST)
        nearest = ordered[:, 0]
        gap = (_at(ordered, k - 1) - nearest) / (k - 1)
        furthest = (k - 1) * (_ALPHA ** (-1 / (k - 1)) - 1)  # of gaps, in 19 cases of 20
        found.append(np.column_stack([nearest - gap, nearest - furthest * gap, nearest]))
    low = np.minimum.reduce([f[:, 1] for f in found])
    high = np.maximum.reduce([f[:, 2] for f in found])
    return np.column_stack([found[0][:, 0], low, high]), is_odd


def _quantile(x: Floats, q: float, *, ordered: bool = False) -> Floats:
    """Return a quantile of each row, NaN left out; of an even number's two middles the mean."""
    x = x if ordered else np.sort(x, axis=1)
    place = (~np.isnan(x)).sum(axis=1) - 1
    low, high = np.floor(q * place).astype(np.int64), np.ceil(q * place).astype(np.int64)
    return (_at(x, low) + _at(x, high)) / 2


def _at(x: Floats, place: Ints) -> Floats:
    """Return one element of each row; NaN where there are none."""
    if not x.shape[1]:
        return np.full(len(x), np.nan)
    return x[np.arange(len(x)), np.clip(place, 0, x.shape[1] - 1)]


def _middle(lag: Floats, first: Ints) -> Floats:
    """Return the median of the three windows from ``first`` on."""
    return np.median(np.column_stack([_at(lag, first + i) for i in range(_SIDE)]), axis=1)


def _microseconds(seconds: Floats) -> Ints:
    return np.round(np.nan_to_num(seconds) * 1e6).astype(np.int64)


def _named(flags: Mapping[str, Flags]) -> pl.Series:
    """Return for each device the names of its flags."""
    rows = zip(*flags.values(), strict=True)
    names = [[f for f, is_set in zip(flags, row, strict=True) if is_set] for row in rows]
    return pl.Series(names, dtype=pl.List(pl.String()))


def _limits(name: str, values: Floats, known: Flags) -> dict[str, Floats]:
    shown = np.where(known[:, None], values, np.nan)
    return {name: shown[:, 0], f"{name}_low": shown[:, 1], f"{name}_high": shown[:, 2]}
