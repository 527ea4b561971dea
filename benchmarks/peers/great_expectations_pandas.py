"""Great Expectations on pandas: one suite, results complete, so that failing rows are named."""

import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx  # type: ignore[import-not-found]
import pandas as pd
from great_expectations import expectations as gxe
from task import BOX, HIGH, LOW, PATTERN, UNIT, Task, Verdict, names, rows, run


def validate(name: str, frame: pd.DataFrame, expected: list[Any]) -> list[list[int]]:
    """Return the positions of the rows that break each expectation."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas(name).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe(name)
    suite = context.suites.add(gx.ExpectationSuite(name, expectations=expected))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=suite)
    )
    done = definition.run(
        batch_parameters={"dataframe": frame},
        result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False},
    )
    by_expectation = {r.expectation_config.meta["rule"]: r.result for r in done.results}
    return [by_expectation[e.meta["rule"]].get("unexpected_index_list") or [] for e in expected]


def check(task: Task) -> Mapping[str, Verdict]:
    """Return all nine verdicts; what goes back in time is compared with a column we work out."""
    frame = pd.read_parquet(task.feed)
    frame["newest"] = frame.groupby("sensor", sort=False)["time"].cummax()
    expected = {
        "null": gxe.ExpectColumnValuesToNotBeNull(column="value"),
        "range": gxe.ExpectColumnValuesToBeBetween(column="value", min_value=LOW, max_value=HIGH),
        "pattern": gxe.ExpectColumnValuesToMatchRegex(column="sensor", regex=PATTERN),
        "unit": gxe.ExpectColumnValuesToBeInSet(column="unit", value_set=[UNIT]),
        "lat": gxe.ExpectColumnValuesToBeBetween(
            column="lat", min_value=BOX["lat"][0], max_value=BOX["lat"][1]
        ),
        "lon": gxe.ExpectColumnValuesToBeBetween(
            column="lon", min_value=BOX["lon"][0], max_value=BOX["lon"][1]
        ),
        "duplicate": gxe.ExpectCompoundColumnsToBeUnique(column_list=["sensor", "time"]),
        "order": gxe.ExpectColumnPairValuesToBeEqual(column_A="time", column_B="newest"),
        "registry": gxe.ExpectColumnValuesToBeInSet(column="sensor", value_set=task.registry),
    }
    for rule, expectation in expected.items():
        expectation.meta = {"rule": rule}
    at = dict(zip(expected, validate("feed", frame, list(expected.values())), strict=True))
    found = {rule: rows(at[rule]) for rule in ("null", "range", "pattern", "unit", "duplicate", "registry")}
    found["position"] = rows([*at["lat"], *at["lon"]])
    found["order"] = rows(at["order"], "column")
    newest = frame[frame["sensor"].isin(task.registry)].groupby("sensor")["time"].max().reset_index()
    fresh = gxe.ExpectColumnValuesToBeBetween(
        column="time", min_value=pd.Timestamp(task.stale_before), meta={"rule": "stale"}
    )
    silent = validate("newest", newest, [fresh])[0]
    return found | {"stale": names(newest["sensor"].iloc[silent].tolist(), "column")}


if __name__ == "__main__":
    run("Great Expectations (pandas)", ["great_expectations", "pandas", "pyarrow"], check)
