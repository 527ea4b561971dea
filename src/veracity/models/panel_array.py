"""A panel as arrays: what estimators learn from. Times by keys by columns, and what is known of each key.

Row ``i`` of every array is what was known at ``times_us[i]``: a panel's own rule. A forecast from origin
``i`` may use rows up to ``i`` and none after; ``until`` gives just those. So a value that a panel filled on a
straight line to a later one (``fill: linear``) is left out: it knows of the future.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from veracity.models.errors import BadPanel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LARGEST = 1e15  #: that a value can be: what no sensor measures would spoil every sum that it is in


@dataclass(frozen=True)
class PanelArray:
    """A panel on one grid, all keys at all times.

    Attributes
    ----------
    times_us
        (n,) int64: microseconds since the epoch, UTC, ``every_us`` apart.
    keys
        k names of places, sorted; one empty name for a panel without a key.
    columns
        c names.
    values
        (n, k, c) float64, NaN where nothing is known.
    measured
        (n, k, c) bool: made from readings of its window, not filled.
    trust
        (n, k, c) float64 from 0 to 1, the mean score of the sensors behind a value, NaN where none is
        known; None for a panel without trust.
    attributes
        Per name (k,) float64: what is known of a key and does not change, such as ``lon`` and ``lat``
        (degrees, WGS 84); NaN where unknown.
    """

    times_us: Ints
    every_us: int
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    values: Floats
    measured: Bools
    trust: Floats | None = None
    attributes: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, k, c = len(self.times_us), len(self.keys), len(self.columns)
        shapes = {"values": self.values.shape, "measured": self.measured.shape}
        if self.trust is not None:
            shapes["trust"] = self.trust.shape
        for name, shape in shapes.items():
            if shape != (n, k, c):
                raise BadPanel(f"panel.{name}: want shape {(n, k, c)}, got {shape}")
        if n > 1 and not np.all(np.diff(self.times_us) == self.every_us):
            raise BadPanel(f"panel.times: want steps of {self.every_us} us, got others")
        for name, values in self.attributes.items():
            if values.shape != (k,):
                raise BadPanel(f"panel.attributes {name}: want {k} values, got shape {values.shape}")

    @classmethod
    def from_frame(
        cls, frame: pl.DataFrame, key: str | None, attributes: Mapping[str, Mapping[str, float]] | None = None
    ) -> "PanelArray":
        """Take in a panel as ``build_panel`` makes it; a value over ``LARGEST`` counts as not known.

        Parameters
        ----------
        frame
            The key (if any), ``time``, and per column its value, ``<column>_state`` and perhaps
            ``<column>_trust``, sorted by key and time, every key at every time.
        key
            The name of the key's column; None for a panel without one.
        attributes
            Per key its attributes by name.

        Raises
        ------
        BadPanel
            If the frame is no such panel, or has no rows.
        """
        have = set(frame.columns)
        if frame.is_empty() or not {"time", key or "time"} <= have:
            raise BadPanel(f"panel: want rows with time and {key or 'no key'}, got {frame.shape}")
        keys = ("",) if key is None else tuple(frame[key].cast(pl.String).unique(maintain_order=True))
        stamps = frame["time"].to_physical().cast(pl.Int64).to_numpy()
        n, k = len(stamps) // len(keys), len(keys)
        times = stamps[:n]
        if n * k != len(stamps) or not np.array_equal(np.tile(times, k), stamps):
            raise BadPanel(f"panel: want every one of {k} keys at every time, got {len(stamps)} rows")
        columns = tuple(c.removesuffix("_state") for c in frame.columns if c.endswith("_state"))
        if not columns or not set(columns) <= have:
            raise BadPanel(f"panel: want columns with their states, got {', '.join(frame.columns)[:200]}")
        states = [(frame[f"{c}_state"].cast(pl.String) == "measured").fill_null(value=False) for c in columns]
        measured = np.stack([s.to_numpy().reshape(k, n).T for s in states], axis=2)
        every = int(times[1] - times[0]) if n > 1 else 1
        values, trust = _cube(frame, columns, n, k), _trust(frame, columns, n, k)
        ahead = [(frame[f"{c}_state"].cast(pl.String) == "linear").fill_null(value=False) for c in columns]
        values[np.stack([s.to_numpy().reshape(k, n).T for s in ahead], axis=2)] = np.nan
        known = ~(np.abs(values) > LARGEST)
        values = np.where(known, values, np.nan)
        static = _static(keys, attributes or {})
        return cls(times, every, keys, columns, values, measured & known, trust, static)

    @property
    def n_times(self) -> int:
        """How many times there are."""
        return len(self.times_us)

    def index(self, column: str) -> int:
        """Return a column's place; BadPanel where there is none of that name."""
        if column not in self.columns:
            raise BadPanel(f"panel: want column {column[:80]!r}, got {', '.join(self.columns)[:200]}")
        return self.columns.index(column)

    def column(self, name: str) -> Floats:
        """Return the (n, k) values of a column; BadPanel where there is none of that name."""
        return self.values[:, :, self.index(name)]

    def measured_column(self, name: str) -> Floats:
        """Return (n, k): what was measured of a column, NaN where it was filled: nobody saw that come."""
        at = self.index(name)
        out: Floats = np.where(self.measured[:, :, at], self.values[:, :, at], np.nan)
        return out

    def until(self, origin: int) -> "PanelArray":
        """Return what was known at time number ``origin``: rows 0 to ``origin``, it included."""
        return self.rows(slice(0, origin + 1))

    def rows(self, which: slice) -> "PanelArray":
        """Return a run of times."""
        return replace(
            self,
            times_us=self.times_us[which],
            values=self.values[which],
            measured=self.measured[which],
            trust=None if self.trust is None else self.trust[which],
        )

    def between(self, start_us: int, end_us: int) -> "PanelArray":
        """Return the times from ``start_us`` up to and without ``end_us``."""
        first, stop = np.searchsorted(self.times_us, [start_us, end_us])
        return self.rows(slice(int(first), int(stop)))

    def select(self, keys: Iterable[str]) -> "PanelArray":
        """Return some keys, in the panel's order; BadPanel for one that is not there."""
        wanted = set(keys)
        if unknown := wanted - set(self.keys):
            raise BadPanel(f"panel: want keys {', '.join(self.keys)[:200]}, got {sorted(unknown)[0]!r}")
        at = [i for i, one in enumerate(self.keys) if one in wanted]
        return replace(
            self,
            keys=tuple(self.keys[i] for i in at),
            values=self.values[:, at],
            measured=self.measured[:, at],
            trust=None if self.trust is None else self.trust[:, at],
            attributes={name: values[at] for name, values in self.attributes.items()},
        )


def _cube(frame: pl.DataFrame, columns: tuple[str, ...], n: int, k: int) -> Floats:
    arrays = [frame[c].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(k, n).T for c in columns]
    return np.ascontiguousarray(np.stack(arrays, axis=2))


def _trust(frame: pl.DataFrame, columns: tuple[str, ...], n: int, k: int) -> Floats | None:
    names = [f"{c}_trust" for c in columns]
    if not set(names) & set(frame.columns):
        return None
    blank = pl.lit(None, dtype=pl.Float64)
    have = [pl.col(name) if name in frame.columns else blank.alias(name) for name in names]
    return _cube(frame.select(have), tuple(names), n, k)


def _static(keys: tuple[str, ...], known: Mapping[str, Mapping[str, float]]) -> dict[str, Floats]:
    names = sorted({name for of_key in known.values() for name in of_key})
    return {a: np.array([known.get(one, {}).get(a, np.nan) for one in keys], np.float64) for a in names}
