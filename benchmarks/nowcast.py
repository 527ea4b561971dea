"""Nowcasts on real data: gaps filled at stations of Beijing, sensors left out in Taiwan.

``beijing_multisite``: gaps of 1, 6 and 24 hours are planted in a year that was not learned from, in PM2.5,
PM10, NO2 and O3: once of a whole station, once of that pollutant alone. ``taiwan_airbox``: each tenth of the
sensors is left out in turn and estimated from the others, on the half of the month that was not learned
from. Six sensors that stand outside of the island, five of them abroad, are neither used nor scored.

    VERACITY_DATA=... python benchmarks/nowcast.py [--quick]
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from measure import cost, report
from veracity.models.crps import crps_of_quantiles
from veracity.models.forecast import LEVELS
from veracity.models.great_circle import distances_km
from veracity.models.nowcast import GapFiller
from veracity.models.panel_array import Bools, Floats, PanelArray
from veracity.models.spatial import SpatialModel

TARGETS = ("PM2.5", "PM10", "NO2", "O3")
TRAIN_END = 26_304  # hours from 2013-03-01 to 2016-02-29
GAPS = ((1, 0.03), (6, 0.05), (24, 0.08))  # hours, share of each station's year
SEED = 1
HOUR_US = 3_600_000_000
TAIWAN = (119.0, 122.5, 21.5, 25.8)  # west, east, south, north


def beijing(folder: Path) -> PanelArray:
    """Read the four pollutants as a panel."""
    frame = pl.read_parquet(folder / "beijing_multisite" / "prsa.parquet").sort("station", "timestamp")
    keys = tuple(frame["station"].unique(maintain_order=True))
    n = frame.height // len(keys)
    values = np.stack([frame[c].to_numpy().reshape(len(keys), n).T for c in TARGETS], 2).astype(np.float64)
    start = int(frame["timestamp"][0].timestamp()) * 1_000_000
    times = start + np.arange(n, dtype=np.int64) * HOUR_US
    return PanelArray(times, HOUR_US, keys, TARGETS, values, np.isfinite(values))


def planted(known: Bools, hours: int, share: float, rng: np.random.Generator) -> Bools:
    """Return which known values of the test year fall into planted gaps."""
    n, k = known.shape
    gaps = np.zeros_like(known)
    for key in range(k):
        count = int(share * (n - TRAIN_END) / hours)
        for first in rng.integers(TRAIN_END, n - hours, count):
            gaps[first : first + hours, key] = True
    return gaps & known


def without(panel: PanelArray, gaps: Bools, column: int, *, whole_station: bool) -> PanelArray:
    """Return the panel as if gaps had been: of all columns, or of one."""
    values = panel.values.copy()
    if whole_station:
        values[gaps] = np.nan
    else:
        values[:, :, column][gaps] = np.nan
    return PanelArray(panel.times_us, panel.every_us, panel.keys, panel.columns, values, np.isfinite(values))


def linear(x: Floats) -> Floats:
    """Straight lines between the edges of gaps."""
    out = np.empty_like(x)
    for key in range(x.shape[1]):
        known = np.flatnonzero(np.isfinite(x[:, key]))
        out[:, key] = np.interp(np.arange(len(x)), known, x[known, key])
    return out


def last_value(x: Floats) -> Floats:
    """The last value known before."""
    at = np.maximum.accumulate(np.where(np.isfinite(x), np.arange(len(x))[:, None], 0), axis=0)
    return np.take_along_axis(x, at, 0)


def nearest(x: Floats) -> Floats:
    """The station that was closest in value while learning and is known now: coordinates are not given."""
    out = np.full_like(x, np.nan)
    for key in range(x.shape[1]):
        apart = np.nanmean(np.abs(x[:TRAIN_END] - x[:TRAIN_END, [key]]), 0)
        apart[key] = np.inf
        for other in np.argsort(apart)[:-1]:
            out[:, key] = np.where(np.isnan(out[:, key]), x[:, other], out[:, key])
    return out


def weighted(x: Floats) -> Floats:
    """All other stations, by the inverse square of how far they were in value while learning."""
    apart = np.nanmean(np.abs(x[:TRAIN_END, :, None] - x[:TRAIN_END, None, :]), 0)
    np.fill_diagonal(apart, np.inf)
    weights = apart**-2.0
    known = np.isfinite(x)
    out: Floats = (np.nan_to_num(x) @ weights) / np.maximum(known @ weights, 1e-12)
    return out


def scores(y: Floats, guess: Floats, quantiles: Floats | None = None) -> dict[str, float]:
    """Return errors and, of quantiles, CRPS and coverage."""
    known = np.isfinite(guess) & np.isfinite(y)
    error = (guess - y)[known]
    out = {
        "n": int(known.sum()),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
    }
    if quantiles is not None:
        q = quantiles[known]
        out["crps"] = float(np.mean(crps_of_quantiles(q, LEVELS, y[known])))
        out["cover80"] = float(100 * np.mean((y[known] >= q[:, 1]) & (y[known] <= q[:, 5])))
        out["cover95"] = float(100 * np.mean((y[known] >= q[:, 0]) & (y[known] <= q[:, 6])))
    return out


def gap_rows(panel: PanelArray, targets: tuple[str, ...]) -> list[dict[str, Any]]:
    """Score every way of filling on every kind of gap."""
    rows: list[dict[str, Any]] = []
    for target in targets:
        column = panel.index(target)
        truth = panel.values[:, :, column]
        others = tuple(c for c in TARGETS if c != target)
        learned = panel.rows(slice(0, TRAIN_END))
        with cost() as spent:
            fillers = {
                "archive": GapFiller(target, helpers=others, mode="archive").fit(learned),
                "live": GapFiller(target, helpers=others, mode="live").fit(learned),
            }
        for hours, share in GAPS:
            gaps = planted(np.isfinite(truth), hours, share, np.random.default_rng(SEED))
            y = truth[gaps]
            for whole in (True, False):
                cut = without(panel, gaps, column, whole_station=whole)
                x = cut.values[:, :, column]
                about = {"case": f"{target} {hours} h", "gap": "station" if whole else "pollutant"}
                plain = {"linear": linear, "nearest": nearest, "weighted": weighted, "last": last_value}
                for name, fill in plain.items():
                    rows.append({**about, "way": name, **scores(y, fill(x)[gaps])})
                seen, at = cut.rows(slice(TRAIN_END - 100, None)), np.arange(100, len(x) - TRAIN_END + 100)
                for mode, filler in fillers.items():
                    q = filler.estimate(seen, at, gaps[TRAIN_END:]).values[:, :, 0][gaps[TRAIN_END:]]
                    row = {
                        **about,
                        "way": f"ours, {mode}",
                        **scores(y, q[:, 3], q),
                        "fit_cpu_s": spent.cpu_s / 2,
                    }
                    rows.append(row)
    return rows


def pooled(rows: list[dict[str, Any]], gap: str) -> list[dict[str, Any]]:
    """Return, over all lengths, each pollutant's errors as shares of the best of linear and nearest."""
    out = []
    for target in TARGETS:
        mine = [r for r in rows if r["gap"] == gap and r["case"].split(" ")[0] == target]
        if not mine:
            continue
        total = {
            way: sum(r["n"] * r["mae"] for r in mine if r["way"] == way)
            / sum(r["n"] for r in mine if r["way"] == way)
            for way in dict.fromkeys(r["way"] for r in mine)
        }
        for mode in ("ours, archive", "ours, live"):
            row: dict[str, Any] = {"case": f"{target} all", "gap": gap, "way": mode, "mae": total[mode]}
            row["vs_linear_%"] = 100 * (total[mode] / total["linear"] - 1)
            row["vs_nearest_%"] = 100 * (total[mode] / total["nearest"] - 1)
            row["vs_last_%"] = 100 * (total[mode] / total["last"] - 1)
            for name in ("cover80", "cover95"):
                n = sum(r["n"] for r in mine if r["way"] == mode)
                row[name] = sum(r["n"] * r[name] for r in mine if r["way"] == mode) / n
            out.append(row)
    return out


def taiwan(folder: Path) -> PanelArray:
    """Read the sensors that stand where they are registered."""
    frame = pl.read_parquet(folder / "taiwan_airbox" / "pm25.parquet")
    places = pl.read_csv(folder / "taiwan_airbox" / "locations.csv")
    lon, lat = places["longitude"].to_numpy(), places["latitude"].to_numpy()
    west, east, south, north = TAIWAN
    inside = (lon > west) & (lon < east) & (lat > south) & (lat < north)
    keys = [k for k, ok in zip(places["sensor"], inside, strict=True) if ok]
    values = frame.select(keys).to_numpy().astype(np.float64)[:, :, None]
    times = (
        int(frame["timestamp"][0].timestamp()) * 1_000_000 + np.arange(len(values), dtype=np.int64) * HOUR_US
    )
    places_of = {"lon": lon[inside], "lat": lat[inside]}
    return PanelArray(
        times, HOUR_US, tuple(keys), ("pm25",), values, np.isfinite(values), attributes=places_of
    )


def sensor_rows(panel: PanelArray, folds: int) -> list[dict[str, Any]]:
    """Leave out each tenth of the sensors, learn from half the month, score on the other half."""
    half = panel.n_times // 2
    fold = np.random.default_rng(SEED).integers(0, 10, len(panel.keys))
    lon, lat = panel.attributes["lon"], panel.attributes["lat"]
    apart = np.maximum(distances_km(lon, lat, lon, lat), 0.05)
    bad = set(SpatialModel("pm25").fit(panel.rows(slice(0, half))).bad_sensors())
    ways: dict[str, list[Floats]] = {"ours": [], "nearest": [], "weighted": []}
    truth, near, sound = [], [], []
    spent_s = 0.0
    for out in range(folds):
        left, rest = np.flatnonzero(fold == out), np.flatnonzero(fold != out)
        heard = panel.select([panel.keys[i] for i in rest])
        began = time.process_time()
        model = SpatialModel("pm25").fit(heard.rows(slice(0, half)))
        points = {panel.keys[i]: (float(lon[i]), float(lat[i])) for i in left}
        said = model.at(points, heard, np.arange(half, panel.n_times))
        spent_s += time.process_time() - began
        ways["ours"].append(said.values[:, :, 0])
        x, d = heard.values[half:, :, 0], apart[np.ix_(left, rest)]
        ways["nearest"].append(x[:, d.argmin(1)])
        weights = d**-2.0
        ways["weighted"].append(x @ (weights / weights.sum(1, keepdims=True)).T)
        truth.append(panel.values[half:, left, 0])
        near.append(d.min(1))
        sound.append(np.array([panel.keys[i] not in bad for i in left]))
    y, d, ok = np.concatenate(truth, 1), np.concatenate(near), np.concatenate(sound)
    return _by_distance({w: np.concatenate(v, 1) for w, v in ways.items()}, y, d, ok, spent_s)


def _by_distance(
    ways: dict[str, Floats], y: Floats, near_km: Floats, ok: Bools, spent_s: float
) -> list[dict[str, Any]]:
    kinds = {"all sensors": np.ones_like(ok), "sound sensors": ok}
    for low, high in ((0.0, 1.0), (1.0, 3.0), (3.0, 200.0)):
        kinds[f"sound, next one at {low:g} to {high:g} km"] = ok & (near_km >= low) & (near_km < high)
    rows = []
    for kind, which in kinds.items():
        for way, guess in ways.items():
            part = guess[:, which]
            q = part.reshape(-1, part.shape[-1]) if way == "ours" else None
            row: dict[str, Any] = {"case": "taiwan PM2.5", "gap": kind, "way": way}
            row |= scores(y[:, which].ravel(), part.ravel() if q is None else q[:, 3], q)
            if q is not None:
                row |= {"width95": float((q[:, 6] - q[:, 0]).mean()), "fit_cpu_s": spent_s}
            rows.append(row)
    return rows


def main() -> None:
    """Run both; ``--quick`` does one pollutant and two folds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    folder = Path(os.environ["VERACITY_DATA"])
    began = time.perf_counter()
    with cost() as spent:
        rows = gap_rows(beijing(folder), TARGETS[:1] if quick else TARGETS)
        rows += pooled(rows, "station") + pooled(rows, "pollutant")
        rows += sensor_rows(taiwan(folder), 2 if quick else 10)
    about = {
        "claim": "gaps at least 20 % better than linear in time and than the nearest station;"
        " 80 % and 95 % intervals within 2 points",
        "seed": SEED,
        "units": "ug/m3, %",
        "wall_s": time.perf_counter() - began,
        "cpu_s": spent.cpu_s,
    }
    report("nowcast-quick" if quick else "nowcast", about, rows)


if __name__ == "__main__":
    main()
