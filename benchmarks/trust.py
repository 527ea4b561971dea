"""Claim: with faulty sensors in an area, a mean weighted by trust is nearer to the truth than a plain mean.

Real readings: hourly PM2.5 of low-cost sensors in Taiwan, March 2017 (``taiwan_airbox``), in areas of
0.1 degree with eight sensors or more. Faults are planted (seeded) in some of the sensors from a
random day on; the truth is the mean of the same area before planting. Verdicts come from two plain rules
with fixed settings, not from the planting: identical values for six hours, and further from the
median of the eight nearest others than 60 % of it and 15 ug/m3. A score is of earlier days alone.

    VERACITY_DATA=... python benchmarks/trust.py
"""

import argparse
import os
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from measure import cost, report
from veracity.data.panel import build_panel
from veracity.data.panel_definition import parse_panel
from veracity.data.trust import trust_scores
from veracity.data.trust_evidence import TrustSettings

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SEEDS = range(5)
SHARES = (0.0, 0.1, 0.3)
RECEIVED = datetime(2017, 5, 1, tzinfo=UTC)
COLUMNS = {
    "plain mean": "aggregate: mean",
    "trust mean": "aggregate: mean, weight: trust",
    "trust mean, least 0.8": "aggregate: mean, weight: trust, min_trust: 0.8",
    "plain mean, unflagged": "aggregate: mean",
    "trust mean, unflagged": "aggregate: mean, weight: trust",
    "median": "",
}
SETTINGS = {
    "defaults": TrustSettings(),
    "no neighbours": TrustSettings(neighbour_weight=0.0),
    "no surprise": TrustSettings(surprise=0.0),
}


def read(folder: Path) -> tuple[pl.Series, Floats, list[str], list[str]]:
    """Return the hours, (hours, sensors) values, and each sensor's name and area, of the larger areas."""
    wide = pl.read_parquet(folder / "pm25.parquet")
    places = pl.read_csv(folder / "locations.csv").with_columns(
        area=pl.format("{} {}", pl.col("latitude").round(1), pl.col("longitude").round(1))
    )
    places = places.filter(pl.col("latitude").is_between(21, 26), pl.len().over("area") >= 8)
    names = places["sensor"].to_list()
    return (
        wide["timestamp"],
        wide.select(names).to_numpy().astype(np.float64),
        names,
        places["area"].to_list(),
    )


def planted(values: Floats, share: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Return the values with faults in a share of the sensors, and which sensors have one."""
    out = values.copy()
    faulty: Bools = np.asarray(rng.random(values.shape[1]) < share)
    for i in np.flatnonzero(faulty):
        start = int(rng.integers(3 * 24, 20 * 24))
        kind, n = rng.integers(5), len(values) - start
        if kind == 0:
            out[start:, i] = out[start, i]  # stuck
        elif kind == 1:
            out[start:, i] *= 3
        elif kind == 2:
            out[start:, i] *= 0.2
        elif kind == 3:
            out[start:, i] += np.linspace(0, 60, n)  # drift
        else:
            out[start:, i] += np.where(rng.random(n) < 0.3, 150.0, 0.0)  # spikes
    return out, faulty


def nearest(folder: Path, names: list[str]) -> npt.NDArray[np.int64]:
    """Return the positions of each sensor's eight nearest others."""
    places = pl.DataFrame({"sensor": names}).join(
        pl.read_csv(folder / "locations.csv"), on="sensor", how="left", maintain_order="left"
    )
    at = places.select("latitude", pl.col("longitude") * 0.91).to_numpy()  # 0.91: cosine of 24 degrees
    apart = ((at[:, None, :] - at[None, :, :]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, :8]


def verdicts(values: Floats, near: npt.NDArray[np.int64]) -> tuple[Bools, Bools]:
    """Return which readings are stuck, and which disagree with their neighbours; (hours, sensors)."""
    expected = np.median(values[:, near], axis=2)
    disagreed: Bools = np.asarray(np.abs(values - expected) > np.maximum(15.0, 0.6 * expected))
    same: Bools = np.zeros_like(disagreed)
    same[5:] = np.all([values[5:] == values[5 - k : len(values) - k] for k in range(1, 6)], axis=0)
    return same & (values > 0), disagreed


def health(times: pl.Series, names: list[str], same: Bools, disagreed: Bools) -> pl.DataFrame:
    """Return what the two rules say, by sensor and day."""
    n_hours, n = same.shape
    long = pl.DataFrame(
        {
            "sensor": pl.Series(names).gather(np.tile(np.arange(n), n_hours)),
            "_day": times.dt.date().gather(np.repeat(np.arange(n_hours), n)),
            "_broken": (disagreed | same).ravel(),
            "_disagreed": disagreed.ravel(),
        }
    )
    counts = long.group_by("sensor", "_day").agg(
        pl.len().cast(pl.Int64).alias("_readings"),
        pl.col("_broken", "_disagreed").sum().cast(pl.Int64),
        pl.len().cast(pl.Int64).alias("_compared"),
    )
    return counts.with_columns(
        _property=pl.lit("pm25"), _received_at=pl.lit(RECEIVED, pl.Datetime("us", "UTC"))
    )


def median(rows: pl.DataFrame, truth: Floats) -> Floats:
    """Return the errors of the median of each area and hour: what needs no trust at all."""
    cells = rows.group_by("area", "time").agg(pl.col("pm25").median()).sort("area", "time")
    return np.asarray(cells["pm25"].to_numpy() - truth)


def panel(rows: pl.DataFrame, trust: pl.DataFrame, column: str) -> Floats:
    """Return the (areas x hours,) values of one panel column."""
    grid = "{every: 1h, start: '2017-03-01', end: '2017-03-31T23:00:00Z'}"  # all hours, whatever is left out
    text = f"{{name: p, grid: {grid}, key: area, columns: [{{name: v, feed: f, value: pm25, {column}}}]}}"
    built = build_panel(parse_panel(text.encode()), {"f": rows}, {"f": "time"}, {"f": trust})
    return built["v"].to_numpy()


def case(folder: Path, share: float, seed: int) -> list[dict[str, object]]:
    """Plant, judge, score, align; return the errors of each way."""
    times, clean, names, areas = read(folder)
    near = nearest(folder, names)
    values, faulty = planted(clean, share, np.random.default_rng(seed))
    n_hours, n = values.shape
    rows = pl.DataFrame(
        {
            "time": times.cast(pl.Datetime("us"))
            .dt.replace_time_zone("UTC")
            .gather(np.repeat(np.arange(n_hours), n)),
            "sensor": pl.Series(names).gather(np.tile(np.arange(n), n_hours)),
            "area": pl.Series(areas).gather(np.tile(np.arange(n), n_hours)),
            "pm25": values.ravel(),
        }
    )
    same, disagreed = verdicts(values, near)
    judged = health(times, names, same, disagreed)
    unflagged = rows.filter(pl.Series(~(same | disagreed).ravel()))
    truth = panel(rows.with_columns(pm25=pl.Series(clean.ravel())), judged.clear(), COLUMNS["plain mean"])
    out: list[dict[str, object]] = []
    for label, settings in SETTINGS.items():
        with cost() as c:
            trust = trust_scores(judged, settings)
        last = trust.filter(_day=date(2017, 3, 31)).sort("sensor")
        bad = last["sensor"].is_in([s for s, f in zip(names, faulty, strict=True) if f]).to_numpy()
        scores = last["_score"].to_numpy()
        for way, column in COLUMNS.items():
            if "trust" not in way and label != "defaults":
                continue
            used = unflagged if way.endswith("unflagged") else rows
            error = median(used, truth) if way.startswith("median") else panel(used, trust, column) - truth
            known = ~np.isnan(error)
            out.append(
                {
                    "share_faulty": share,
                    "seed": seed,
                    "settings": label,
                    "way": way,
                    "rmse": float(np.sqrt(np.mean(error[known] ** 2))),
                    "mae": float(np.mean(np.abs(error[known]))),
                    "empty": int((~known).sum()),
                    "sound_score": float(np.mean(scores[~bad])),
                    "faulty_score": float(np.mean(scores[bad])) if bad.any() else None,
                    "auc": auc(scores, bad),
                    "scoring_s": c.wall_s,
                }
            )
    return out


def auc(scores: Floats, bad: Bools) -> float | None:
    """Return how often a faulty sensor scores lower than a sound one; a tie counts half."""
    if not bad.any() or bad.all():
        return None
    low, high = scores[bad][:, None], scores[~bad][None, :]
    return float(np.mean((low < high) + 0.5 * (low == high)))


def main() -> None:
    """Run all shares and seeds; print medians over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("VERACITY_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    folder = parser.parse_args().data / "taiwan_airbox"
    runs = pl.DataFrame([row for share in SHARES for seed in SEEDS for row in case(folder, share, seed)])
    kept = ("rmse", "mae", "empty", "sound_score", "faulty_score", "auc", "scoring_s")
    table = runs.group_by("share_faulty", "settings", "way", maintain_order=True).agg(
        pl.col(kept).median(),
        pl.col("rmse").min().alias("rmse_best"),
        pl.col("rmse").max().alias("rmse_worst"),
    )
    about = {
        "claim": "a mean weighted by trust is nearer to the truth",
        "seeds": list(SEEDS),
        "faults": "planted",
    }
    report("trust", about, table.to_dicts())


if __name__ == "__main__":
    main()
