"""Claim: clock offset and frequency of each device from its messages alone, right as often as stated.

1,000 simulated devices for 8 hours, offsets up to 0.5 s and 50 ppm either way, windows of 10 minutes. The
baseline is the least lag of all messages, without drift. *Covered* is how often the truth is in the
stated 95 % interval. Lognormal delays have no sharp least value: the case where the interval is too narrow.

    python benchmarks/device_clocks.py [--devices N] [--seeds N]
"""

import argparse
import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from measure import cost, report
from simulated_clocks import Fleet, Floats, simulate
from veracity.data.clock_estimate import clock_estimates
from veracity.data.device_clock import ClockWindows

CASES = {
    "every minute": Fleet(0),
    "every minute, 2 h outage": Fleet(0, outage_s=7_200),
    "every 10 min": Fleet(0, every_s=600),
    "every minute, heavy tail": Fleet(0, delays="Pareto 1.5"),
    "every 10 min, heavy tail, 2 h outage": Fleet(0, every_s=600, delays="Pareto 1.5", outage_s=7_200),
    "every 5 min, slow": Fleet(0, every_s=300, delays="exponential 10 s"),
    "every minute, lognormal": Fleet(0, delays="lognormal"),
}


def case(name: str, n: int, seeds: int) -> dict[str, Any]:
    """Estimate one fleet for each seed; medians over seeds, all flags, and the worst of what is stated."""
    runs = [estimated(replace(CASES[name], n=n), np.random.default_rng(seed)) for seed in range(seeds)]
    row: dict[str, Any] = {"case": name, "devices": n}
    row |= {k: statistics.median(r[k] for r in runs) for k in runs[0]}
    row["flagged"] = sum(int(r["flagged"]) for r in runs)
    return row | {"worst_covered": min(r["offset_covered"] for r in runs)}


def estimated(fleet: Fleet, rng: np.random.Generator) -> dict[str, float]:
    """Return how far estimates of a fleet are from the truth, and how often that is as far as stated."""
    sent, truth = simulate(fleet, rng)
    windows = ClockWindows()
    windows.take(sent)
    with cost() as c:
        made = clock_estimates(windows.messages())
    offset = truth.offset_at(made["at_us"].to_numpy().astype(np.float64))
    lag = (pl.col("arrival_us") - pl.col("event_us")).min() / 1e6
    least = sent.group_by("device").agg(lag.alias("lag")).sort("device")["lag"].to_numpy()
    return {
        "offset_error_ms": 1e3 * error(made, "offset_s", offset),
        "least_lag_error_ms": 1e3 * float(np.median(np.abs(-least - offset))),
        "offset_covered": covered(made, "offset_s", offset),
        "frequency_error_ppm": error(made, "frequency_ppm", truth.frequency_ppm),
        "frequency_covered": covered(made, "frequency_ppm", truth.frequency_ppm),
        "flagged": int((made["flags"].list.len() > 0).sum()),
        "estimate_cpu_ms": 1e3 * c.cpu_s,
    }


def error(made: pl.DataFrame, name: str, truth: Floats) -> float:
    """Return the median absolute error."""
    return float(np.nanmedian(np.abs(made[name].to_numpy() - truth)))


def covered(made: pl.DataFrame, name: str, truth: Floats) -> float:
    """Return the share of devices with the truth between low and high."""
    low, high = made[f"{name}_low"].to_numpy(), made[f"{name}_high"].to_numpy()
    return float(((low <= truth) & (truth <= high)).mean())


def streaming(n: int) -> dict[str, Any]:
    """Measure what a second of 5,000 messages costs."""
    sent, _ = simulate(Fleet(n), np.random.default_rng(0))
    windows = ClockWindows()
    windows.take(sent)
    seconds = [sent.sample(5_000, seed=i) for i in range(50)]
    costs = []
    for second in seconds:
        with cost() as c:
            windows.take(second)
        costs.append(1e3 * c.cpu_s)
    return {"case": "take 5,000 messages", "devices": n, "estimate_cpu_ms": statistics.median(costs)}


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    rows = [case(name, options.devices, options.seeds) for name in CASES]
    report(
        "device_clocks",
        {"claim": "offset within the stated 95 %", "seeds": options.seeds, "simulated": True},
        [*rows, streaming(options.devices)],
    )


if __name__ == "__main__":
    main()
