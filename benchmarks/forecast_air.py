"""Forecasts of air quality: our estimators beside baselines and Nixtla's libraries, on a year nobody saw.

Twelve stations of Beijing, hourly (UCI 501). All learn from 2013-03-01 to 2016-02-29 23:00 and forecast from
every hour of 2016-03-01 to 2017-02-28, 1 to 48 hours ahead; what is measured later is never used, but what
was measured up to an origin is. Nixtla's libraries make a model or many steps for each origin, so they
forecast from every 25th hour, which passes through all hours of the day; a second table has all models on
these. Each model runs in a process of its own, two at a time.

Parameters were chosen on 2015-03-01 to 2016-02-29, learning from what lay before; the test year was not used.

    python benchmarks/forecast_air.py [--targets pm25,no2] [--horizons 1,6,12,24,48] [--quick]
"""

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from measure import cost, cpu_seconds, in_process, peak_mb, report, workspace
from veracity.models.estimator import Forecaster
from veracity.models.estimators import ESTIMATORS
from veracity.models.evaluation import evaluate, summarise
from veracity.models.panel_array import PanelArray

DATA = Path(os.environ.get("VERACITY_DATA", "../shared/data")) / "beijing_multisite" / "prsa.parquet"
TRAIN_UNTIL, TEST_FROM = "2016-03-01", "2016-03-01"
HORIZONS = (1, 6, 12, 24, 48)
SEED = 5
COMPASS = (
    "N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW",
)  # fmt: skip
COLUMNS = ("PM2.5", "PM10", "SO2", "NO2", "CO", "O3", "TEMP", "PRES", "DEWP", "RAIN", "WSPM", "east", "north")
EVERY_US = 3_600_000_000
LOOKBACK = 400  # rows before the first origin that are passed on
PEER_STRIDE = 25
EPISODE = 150.0  # µg/m³ and more: the hours for which people want a warning
BASELINES = ("last value", "seasonal", "seasonal 7 d", "climatology")
PEERS = ("statsforecast theta", "statsforecast ETS", "mlforecast")
OWN = "Veracity"
LIGHTGBM = {"stride": 3, "n_trees": 100, "n_leaves": 31, "learning_rate": 0.07, "n_threads": 1}
MLP = {"stride": 3, "n_epochs": 3, "width": 64}


def load() -> PanelArray:
    """Return the data as a panel, wind as its components (m/s, where it comes from)."""
    frame = pl.read_parquet(DATA).sort("station", "timestamp")
    angles = {name: i * np.pi / 8 for i, name in enumerate(COMPASS)}
    angle = pl.col("wd").replace_strict(angles, default=None, return_dtype=pl.Float64)
    speed = pl.col("WSPM").cast(pl.Float64)
    frame = frame.with_columns(east=speed * angle.sin(), north=speed * angle.cos())
    keys = tuple(frame["station"].unique(maintain_order=True))
    n, k = len(frame) // len(keys), len(keys)
    arrays = [frame[c].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(k, n).T for c in COLUMNS]
    values = np.ascontiguousarray(np.stack(arrays, axis=2))
    times = frame["timestamp"].dt.epoch("us").to_numpy()[:n]
    names = tuple(c.lower().replace(".", "") for c in COLUMNS)
    return PanelArray(times, EVERY_US, keys, names, values, np.isfinite(values))


def estimators(target: str, horizons: tuple[int, ...], *, quick: bool) -> dict[str, tuple[Forecaster, int]]:
    """Return what is compared, by name, with the stride of its origins."""
    shared: dict[str, Any] = {"target": target, "horizons": horizons, "seed": SEED}
    own = LIGHTGBM | ({"stride": 24, "n_trees": 30} if quick else {})
    mlp = MLP | ({"stride": 24} if quick else {})
    made: dict[str, tuple[str, dict[str, Any], int]] = {
        "last value": ("last_value", {}, 1),
        "seasonal": ("seasonal", {}, 1),
        "seasonal 7 d": ("seasonal", {"days": 7}, 1),
        "climatology": ("climatology", {}, 1),
        "ridge": ("ridge", {}, 1),
        "statsforecast theta": ("statsforecast", {"model": "dynamic_theta"}, PEER_STRIDE),
        "statsforecast ETS": ("statsforecast", {"model": "ets", "n_origins": 40}, PEER_STRIDE),
        "mlforecast": ("mlforecast", {"n_origins": 60}, PEER_STRIDE),
        OWN: ("conformal", {"base": "ensemble", "base_parameters": _members(own, mlp)}, 1),
    }
    return {name: (ESTIMATORS[kind](**shared, **p), stride) for name, (kind, p, stride) in made.items()}


def _members(own: dict[str, Any], mlp: dict[str, Any]) -> dict[str, Any]:
    return {"members": [{"name": "lightgbm", "parameters": own}, {"name": "jax_mlp", "parameters": mlp}]}


def run_case(target: str, name: str, horizons: tuple[int, ...], out: Path, *, quick: bool) -> dict[str, Any]:
    """Fit and score one model; write its scores by key, origin and horizon; return its cost."""
    panel = load()
    start = int(np.searchsorted(panel.times_us, _us(TEST_FROM)))
    rest = panel.rows(slice(start - LOOKBACK, None))
    one, stride = estimators(target, horizons, quick=quick)[name]
    origins = np.arange(LOOKBACK, rest.n_times, PEER_STRIDE if quick else stride)
    with cost() as fitting:
        one.fit(panel.rows(slice(0, start)))
    with cost() as saying:
        said = one.predict(rest, origins=origins)
    evaluate(said, rest).with_columns(pl.lit(name).alias("model")).write_parquet(out)
    costs = {
        "fit_cpu_s": fitting.cpu_s,
        "predict_cpu_s": saying.cpu_s,
        "wall_s": fitting.wall_s + saying.wall_s,
    }
    return {"target": target, "model": name, "origins": len(origins), **costs, "peak_mb": peak_mb()}


def run(
    target: str, horizons: tuple[int, ...], directory: Path, jobs: int, *, quick: bool
) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Return the scores of all models and their costs."""
    names = sorted(
        estimators(target, horizons, quick=quick), key=lambda name: name != OWN
    )  # the longest first

    def one(name: str) -> tuple[pl.DataFrame, dict[str, Any]]:
        out = directory / f"{target}-{name.replace(' ', '-')}.parquet"
        told = in_process(__file__, target, name, ",".join(map(str, horizons)), out, int(quick))
        print(f"{target} {name}: {told['fit_cpu_s']:.1f} + {told['predict_cpu_s']:.1f} CPU s", flush=True)
        return pl.read_parquet(out), told

    with ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(one, names))
    return pl.concat([scored for scored, _ in done]), [told for _, told in done]


def table(scored: pl.DataFrame, target: str, on: str) -> list[dict[str, Any]]:
    """Return a row per model and horizon, with what its error is of the best baseline's."""
    means = summarise(scored, ["model", "horizon"])
    best = (
        means.filter(pl.col("model").is_in(BASELINES))
        .group_by("horizon")
        .agg(pl.col("mae").min().alias("best"))
    )
    joined = means.join(best, on="horizon").sort("horizon", "mae")
    joined = joined.with_columns((1 - pl.col("mae") / pl.col("best")).alias("below best baseline")).drop(
        "best"
    )
    return [{"target": target, "origins": on, **row} for row in joined.to_dicts()]


def monthly(scored: pl.DataFrame, target: str) -> list[dict[str, Any]]:
    """Return our coverage by month and horizon, as points from what it should be."""
    own = scored.filter(pl.col("model") == OWN).with_columns(
        pl.col("origin").dt.strftime("%Y-%m").alias("month")
    )
    means = summarise(own, ["month", "horizon"])
    off = [((pl.col(c) - w) * 100).round(1).alias(c) for c, w in (("coverage80", 0.8), ("coverage95", 0.95))]
    wide = means.with_columns(off).pivot("horizon", index="month", values=["coverage80", "coverage95"])
    return [{"target": target, **row} for row in wide.to_dicts()]


def by_station(scored: pl.DataFrame, target: str) -> list[dict[str, Any]]:
    """Return our coverage by station, over all horizons, as points from what it should be."""
    means = summarise(scored.filter(pl.col("model") == OWN), ["key"])
    off = [((pl.col(c) - w) * 100).round(2).alias(c) for c, w in (("coverage80", 0.8), ("coverage95", 0.95))]
    return [{"target": target, **row} for row in means.select("key", "n", *off).to_dicts()]


def episodes(scored: pl.DataFrame, target: str) -> list[dict[str, Any]]:
    """Return how far off medians were on average where the worst came, ours and ridge's; below 0 too low."""
    worst = scored.filter(pl.col("y") >= EPISODE, pl.col("model").is_in([OWN, "ridge"]))
    means = summarise(worst, ["horizon", "model"]).select("horizon", "model", "n", "bias", "mae")
    return [{"target": target, "from": EPISODE, **row} for row in means.to_dicts()]


def lost(rows: list[dict[str, Any]]) -> list[str]:
    """Return, in words, where another model is better than ours."""
    out = []
    own = {(r["target"], r["origins"], r["horizon"]): r for r in rows if r["model"] == OWN}
    for r in rows:
        mine = own[r["target"], r["origins"], r["horizon"]]
        for score in ("mae", "rmse", "crps"):
            if r["model"] != OWN and r[score] < mine[score]:
                where = f"{r['target']} {r['horizon']} h, {r['origins']} origins"
                out.append(f"{where}: {score} of {r['model']} {r[score]:.2f}, ours {mine[score]:.2f}")
    return out


def _us(day: str) -> int:
    return int(np.datetime64(day, "us").astype(np.int64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", default="pm25")
    parser.add_argument("--horizons", default=",".join(map(str, HORIZONS)))
    parser.add_argument("--quick", action="store_true", help="few origins and small models: does it run?")
    parser.add_argument("--jobs", type=int, default=2, help="models at a time")
    parser.add_argument("--case", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.case:
        target, name, steps, out, quick = asked.case
        horizons = tuple(int(h) for h in steps.split(","))
        print(json.dumps(run_case(target, name, horizons, Path(out), quick=quick == "1")))
        return
    horizons = tuple(int(h) for h in asked.horizons.split(","))
    began = (time.perf_counter(), cpu_seconds())
    rows, costs, months, stations, worst = [], [], [], [], []
    for target in asked.targets.split(","):
        with workspace() as directory:
            scored, cost_rows = run(target, horizons, directory, asked.jobs, quick=asked.quick)
        own = scored.filter(pl.col("model") == OWN).select("origin").unique()
        few = scored.filter(pl.col("model") == PEERS[0]).select("origin").unique().join(own, on="origin")
        rows += table(scored.filter(~pl.col("model").is_in(PEERS)), target, "all")
        rows += table(scored.join(few, on="origin"), target, "25th")
        costs += cost_rows
        months += monthly(scored, target)
        stations += by_station(scored, target)
        worst += episodes(scored, target)
    losses = lost(rows)
    about = {
        "data": "beijing_multisite/prsa.parquet (UCI 501)",
        "train_until": TRAIN_UNTIL,
        "test": [TEST_FROM, "2017-03-01"],
        "seed": SEED,
        "parameters": {"lightgbm": LIGHTGBM, "jax_mlp": MLP, "chosen_on": "2015-03-01 to 2016-02-29"},
        "libraries": {n: version(n) for n in ("lightgbm", "jax", "statsforecast", "mlforecast")},
        "wall_s": time.perf_counter() - began[0],
        "cpu_s": cpu_seconds() - began[1],
        "costs": costs,
        "coverage_by_month_points_off": months,
        "coverage_by_station_points_off": stations,
        "episodes": worst,
        "lost": losses,
    }
    name = "forecast_air_quick" if asked.quick else "forecast_air"
    report(name, about, rows)
    told = {
        "coverage by month, points off 80 and 95 %": months,
        "coverage by station, points off 80 and 95 %": stations,
        f"where {EPISODE:g} or more came": worst,
    }
    for words, found in told.items():
        print(f"\n{words}", *found, sep="\n")
    print("\nwhere we lose:", *(losses or ["nowhere"]), sep="\n  ")
    print(f"wall {about['wall_s']:.0f} s, CPU {about['cpu_s']:.0f} s")


if __name__ == "__main__":
    main()
