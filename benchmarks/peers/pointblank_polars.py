"""Pointblank on Polars: one step a rule, failing rows extracted without limit."""

import sys
from collections.abc import Mapping

import pointblank as pb  # type: ignore[import-not-found]
import polars as pl
from task import BOX, HIGH, LOW, PATTERN, UNIT, Task, Verdict, names, rows, run

IN_BOX = pl.col("lat").is_between(*BOX["lat"]) & pl.col("lon").is_between(*BOX["lon"])
GOES_BACK = (pl.col("time") < pl.col("time").cum_max().shift(1).over("sensor")).fill_null(value=False)
STEPS = ("null", "range", "pattern", "unit", "position", "duplicate", "order", "registry")
CODE = ("position", "duplicate", "order")


def check(task: Task) -> Mapping[str, Verdict]:
    """Return all nine verdicts."""
    frame = pl.read_parquet(task.feed)
    steps = (
        pb.Validate(frame)
        .col_vals_not_null("value")
        .col_vals_between("value", LOW, HIGH, na_pass=True)
        .col_vals_regex("sensor", PATTERN)
        .col_vals_in_set("unit", [UNIT])
        .col_vals_expr(IN_BOX)
        .col_vals_expr(pl.struct("sensor", "time").is_first_distinct())
        .col_vals_expr(~GOES_BACK)
        .col_vals_in_set("sensor", task.registry)
        .interrogate(extract_limit=sys.maxsize, collect_tbl_checked=False)
    )
    extracts = steps.get_data_extracts()
    found = {
        rule: rows(extracts[i]["_row_num_"].to_numpy().astype("int64") - 1, "code" if rule in CODE else "own")
        for i, rule in enumerate(STEPS, 1)
    }
    newest = frame.filter(pl.col("sensor").is_in(task.registry)).group_by("sensor").agg(pl.col("time").max())
    fresh = pb.Validate(newest).col_vals_ge("time", task.stale_before).interrogate(extract_limit=sys.maxsize)
    return found | {"stale": names(fresh.get_data_extracts(1, frame=True)["sensor"].to_list(), "column")}


if __name__ == "__main__":
    run("Pointblank (polars)", ["pointblank", "polars", "narwhals"], check)
