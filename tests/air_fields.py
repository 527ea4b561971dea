"""Air at a few places (simulated): a common wave, a part of each place's own, noise; on an hourly grid."""

import numpy as np

from veracity.models.panel_array import Floats, PanelArray

HOUR_US = 3_600_000_000
START_US = 1_756_684_800_000_000  # 2025-09-01


def red(rng: np.random.Generator, n: int, k: int, memory_h: float) -> Floats:
    """Noise that forgets in some hours: (n, k), of unit variance."""
    keep = np.exp(-1.0 / memory_h)
    out = np.empty((n, k))
    state = rng.normal(size=k)
    for i in range(n):
        state = keep * state + np.sqrt(1 - keep**2) * rng.normal(size=k)
        out[i] = state
    return out


def places(rng: np.random.Generator, k: int) -> tuple[Floats, Floats]:
    """Longitudes and latitudes within about 20 km."""
    return 108.1 + rng.uniform(0, 0.2, k), 15.95 + rng.uniform(0, 0.2, k)


def air_panel(n: int = 24 * 60, k: int = 6, seed: int = 0) -> PanelArray:
    """PM2.5 and PM10 at k places, all measured."""
    rng = np.random.default_rng(seed)
    hour = np.arange(n)[:, None] % 24
    common = red(rng, n, 1, 24.0)
    z = 5.0 + 0.6 * np.cos(2 * np.pi * (hour - 7) / 24) + 1.1 * common + 0.5 * red(rng, n, k, 6.0)
    fine = np.square(np.maximum(z + 0.1 * rng.normal(size=(n, k)), 0.3))
    coarse = np.square(np.maximum(z + 1.2 + 0.2 * rng.normal(size=(n, k)), 0.3))
    return panel_of({"pm25": fine, "pm10": coarse}, *places(rng, k))


def panel_of(columns: dict[str, Floats], lon: Floats, lat: Floats, trust: Floats | None = None) -> PanelArray:
    """A panel of (n, k) columns; NaN is not measured."""
    values = np.stack(list(columns.values()), axis=2)
    n, k, _ = values.shape
    times = START_US + np.arange(n, dtype=np.int64) * HOUR_US
    keys = tuple(f"P{i:02}" for i in range(k))
    shared = None if trust is None else np.repeat(trust[:, :, None], values.shape[2], axis=2)
    return PanelArray(
        times, HOUR_US, keys, tuple(columns), values, np.isfinite(values), shared, {"lon": lon, "lat": lat}
    )


def field_panel(n: int = 96, k: int = 30, seed: int = 0, reach_km: float = 8.0) -> PanelArray:
    """PM2.5 that is alike at places near one another, with each sensor's own error."""
    rng = np.random.default_rng(seed)
    lon, lat = places(rng, k)
    z = field_at(rng, lon, lat, n, reach_km) + 0.15 * rng.normal(size=(n, k))
    return panel_of({"pm25": np.square(np.maximum(z, 0.1))}, lon, lat)


def field_at(rng: np.random.Generator, lon: Floats, lat: Floats, n: int, reach_km: float) -> Floats:
    """Roots of a field at places: (n, k)."""
    x, y = (lon - 108.2) * 107.0, (lat - 16.0) * 110.6
    apart = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    factor = np.linalg.cholesky(np.exp(-apart / reach_km) + 1e-9 * np.eye(len(lon)))
    return np.asarray(5.0 + rng.normal(size=(n, len(lon))) @ factor.T)
