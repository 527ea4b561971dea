"""The baseline that the time of year and of day says all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from veracity.canonical import canonical_json
from veracity.models.errors import BadPanel, MalformedModel
from veracity.models.estimators.ahead import N_HOURS, hour_of
from veracity.models.estimators.arrays import ARRAYS, from_safetensors, only, to_safetensors
from veracity.models.estimators.parameters import Parameters
from veracity.models.group_quantiles import group_quantiles
from veracity.models.panel_array import Floats, Ints, PanelArray
from veracity.models.seasons import SEASONS, season_of
from veracity.provenance.strictjson import parse_json

KEYS = "keys.json"
MAX_KEYS_BYTES = 16_777_216


@dataclass
class Climatology(Parameters):
    """Says the quantiles of what was measured, by key, season (three months) and hour of the day.

    Attributes
    ----------
    fewest
        Values that a cell needs; with fewer, the key's hour of all seasons stands for it, then all of
        the key's, then all keys'.
    by_season_
        (k + 1, 4, 24, q); the last is of all keys together, for one never seen.
    keys_
        The k keys learned from.
    """

    fewest: int = 30

    by_season_: Floats | None = field(default=None, init=False, repr=False)
    keys_: tuple[str, ...] | None = field(default=None, init=False, repr=False)

    name: ClassVar[str] = "climatology"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.count("fewest", 1)

    def fit(self, panel: PanelArray) -> Self:
        """Learn from a panel; BadPanel if the target is missing or nothing of it is known."""
        target = panel.measured_column(self.target)
        if not np.isfinite(target).any():
            raise BadPanel(f"panel: want {self.target!r} known at some time, got none")
        season, hour = season_of(panel.times_us), hour_of(panel.times_us)
        everyone = self._table(target, season, hour, None)
        own = [self._table(target[:, i], season, hour, everyone) for i in range(len(panel.keys))]
        self.by_season_, self.keys_ = np.stack([*own, everyone]), panel.keys
        return self

    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return the quantiles of each key, season and hour that is forecast."""
        assert self.by_season_ is not None
        assert self.keys_ is not None
        known = {key: i for i, key in enumerate(self.keys_)}
        at = np.array([known.get(key, len(self.keys_)) for key in panel.keys])
        due = panel.times_us[origins][:, None] + np.array(horizons) * panel.every_us
        out: Floats = self.by_season_[at[None, :, None], season_of(due)[:, None], hour_of(due)[:, None]]
        return out

    def to_files(self) -> dict[str, bytes]:
        """Return what was learned: a table and the keys of its rows."""
        self.need_fit()
        assert self.by_season_ is not None
        assert self.keys_ is not None
        return {
            ARRAYS: to_safetensors({"by_season_": self.by_season_}),
            KEYS: canonical_json(list(self.keys_)),
        }

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        only(files, [ARRAYS, KEYS])
        self.keys_ = parse_keys(files[KEYS])
        shape = (len(self.keys_) + 1, len(SEASONS), N_HOURS, len(self.levels))
        self.by_season_ = from_safetensors(files[ARRAYS], {"by_season_": shape})["by_season_"]

    def _table(self, values: Floats, season: Ints, hour: Ints, else_: Floats | None) -> Floats:
        """Return (4, 24, q) from (n, …) values: of each cell what the smallest group says that has enough."""
        shape = (len(SEASONS), N_HOURS, len(self.levels))
        whole, n_whole = group_quantiles(values, np.zeros_like(hour), 1, self.levels)
        of_hour, n_of_hour = group_quantiles(values, hour, N_HOURS, self.levels)
        cell, n_in_cell = group_quantiles(
            values, season * N_HOURS + hour, len(SEASONS) * N_HOURS, self.levels
        )
        out = whole[0] if else_ is None or n_whole[0] >= self.fewest else else_
        out = np.where((n_of_hour >= self.fewest)[:, None], of_hour, out)
        enough = (n_in_cell >= self.fewest).reshape(len(SEASONS), N_HOURS, 1)
        return np.where(enough, cell.reshape(shape), out)


def parse_keys(body: bytes) -> tuple[str, ...]:
    """Read the keys of a model; MalformedModel if they are not texts, each once."""
    keys = parse_json(body, KEYS, MAX_KEYS_BYTES, MalformedModel)
    if not isinstance(keys, list) or not all(isinstance(k, str) for k in keys) or len(set(keys)) != len(keys):
        raise MalformedModel(f"{KEYS}: want texts, each once, got {str(keys)[:60]}")
    return tuple(keys)
