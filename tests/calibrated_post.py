"""A post with a sensor and a reference whose truth is known: hourly, from a seed."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from veracity.data.calibration import Calibration, Definition, Origin, Source, fit, pair, parse_definition

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
START_US = 1_700_006_400_000_000 // DAY_US * DAY_US
ORIGIN = Origin("post", "post", (("x", None), ("t", "Cel")), "ug/m3", (Source("post", 0, "ab" * 32),))

DEFINITION = """\
name: post
sensor: x
reference: y
covariates: [t]
window: 20d
every: 10d
valid_for: 30d
min_pairs: 50
"""

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: post
name: A post (simulated)
version: 1.0.0
status: active
tags: [simulated]
description: {purpose: Tests., limitations: Simulated.}
servers:
  - {server: file, type: local, format: csv}
schema:
  - name: post
    logicalType: object
    properties:
      - {name: time, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 1}
      - {name: x, logicalType: number}
      - {name: t, logicalType: number}
      - {name: y, logicalType: number}
"""


def definition(**changed: str) -> Definition:
    """The definition with some lines replaced or added."""
    lines = dict(line.split(": ", 1) for line in DEFINITION.splitlines())
    return parse_definition("".join(f"{k}: {v}\n" for k, v in (lines | changed).items()).encode())


def post(
    days: int = 100,
    *,
    offset_a_day: float = 0.0,
    gain_a_day: float = 0.0,
    noise: float = 0.0,
    seed: int = 1,
) -> pl.DataFrame:
    """Rows in which y = 10 + 0.5 (x - 100) - 0.8 (t - 20) + drift: exactly, but for the noise."""
    rng = np.random.default_rng(seed)
    n = days * 24
    at = np.arange(n) / 24
    x = rng.uniform(50, 150, n)
    t = 20 + 8 * np.sin(2 * np.pi * at) + rng.normal(0, 1, n)
    y = 10 + (0.5 + gain_a_day * at) * (x - 100) - 0.8 * (t - 20) + offset_a_day * at
    times = START_US + np.arange(n) * HOUR_US
    frame = pl.DataFrame({"time": times, "x": x, "t": t, "y": y + rng.normal(0, 1, n) * noise})
    return frame.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))


def fitted(rows: pl.DataFrame, **changed: str) -> Calibration:
    """Fit the definition, with changes, to rows that hold sensor and reference."""
    wanted = definition(**changed)
    origin = Origin("post", "post", ORIGIN.units[: len(wanted.inputs)], "ug/m3", ORIGIN.sources)
    return fit(wanted, pair(wanted, rows, "time", rows, "time"), origin)


def spoil(rows: pl.DataFrame, every: int, column: str, value: float) -> pl.DataFrame:
    """Put a wrong value in a column of every so-manieth row."""
    wrong = (pl.int_range(pl.len()) % every) == 0
    return rows.with_columns(pl.when(wrong).then(value).otherwise(column).alias(column))


def maes(calibration: Calibration, names: Sequence[str]) -> list[float]:
    """The held-out mean absolute errors of some contenders."""
    by_name = {c.name: float(c.score.mae) for c in calibration.contenders}
    return [by_name[n] for n in names]
