"""A panel of the built-in city's air in memory: simulated, hour by hour, without a home."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from veracity.apps.environment.app import APP
from veracity.city.clock import make_clock
from veracity.city.stations import stations_of
from veracity.city.world import AIR, make_world
from veracity.models.panel_array import PanelArray

START = datetime(2026, 8, 1, 17, tzinfo=UTC)
COLUMNS = ("pm25", "pm10", "no2", "o3", "temperature", "humidity")


@lru_cache(maxsize=4)
def air_panel(days: int = 12, n_keys: int = 6, seed: int = 3, missing: float = 0.03) -> PanelArray:
    """Hourly means of some stations; a share of hours is missing at random."""
    rng = np.random.default_rng(seed)
    readings = make_world(np.random.SeedSequence(seed), make_clock(START, days)).readings[AIR]
    cube = np.stack(
        [readings[c].reshape(days * 24, 12, -1).mean(axis=1)[:, :n_keys] for c in COLUMNS], axis=2
    )
    cube[rng.random(cube.shape) < missing] = np.nan
    keys = tuple(s.id for s in stations_of(AIR)[:n_keys])
    first = round((START + timedelta(hours=1)).timestamp()) * 1_000_000
    times = first + 3_600_000_000 * np.arange(days * 24, dtype=np.int64)
    at = {n: np.array([APP.attributes[k][n] for k in keys]) for n in ("lon", "lat")}
    return PanelArray(
        times, 3_600_000_000, keys, COLUMNS, cube, np.isfinite(cube), np.full(cube.shape, 0.95), at
    )


def end_of(panel: PanelArray) -> datetime:
    """The time of a panel's last row."""
    return datetime.fromtimestamp(panel.times_us[-1] / 1e6, UTC)
