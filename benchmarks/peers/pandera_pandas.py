"""Pandera on pandas: the same schema, validated lazily so that every break is reported."""

from collections.abc import Mapping

import pandas as pd
import pandera.pandas as pa  # type: ignore[import-not-found]
from task import BOX, HIGH, LOW, PATTERN, UNIT, Task, Verdict, names, rows, run


def goes_back(frame: pd.DataFrame) -> pd.Series:
    """Return the rows older than the newest of their sensor so far."""
    newest = frame.groupby("sensor", sort=False)["time"].cummax()
    return frame["time"] < newest


def schema(task: Task) -> pa.DataFrameSchema:
    """Return the eight rules about rows."""
    return pa.DataFrameSchema(
        {
            "sensor": pa.Column(
                checks=[
                    pa.Check.str_matches(PATTERN, error="pattern"),
                    pa.Check.isin(task.registry, error="registry"),
                ]
            ),
            "time": pa.Column(),
            "value": pa.Column(float, pa.Check.in_range(LOW, HIGH, error="range"), nullable=False),
            "unit": pa.Column(checks=pa.Check.equal_to(UNIT, error="unit")),
            "lat": pa.Column(float, pa.Check.in_range(*BOX["lat"], error="position")),
            "lon": pa.Column(float, pa.Check.in_range(*BOX["lon"], error="position")),
        },
        checks=pa.Check(lambda frame: ~goes_back(frame), error="order"),
        unique=["sensor", "time"],
        report_duplicates="exclude_first",
    )


def broken(schema: pa.DataFrameSchema, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the failure cases of a schema."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as found:
        cases: pd.DataFrame = found.failure_cases
        return cases
    return pd.DataFrame({"check": [], "index": []})


def check(task: Task) -> Mapping[str, Verdict]:
    """Return all nine verdicts."""
    frame = pd.read_parquet(task.feed)
    cases = broken(schema(task), frame)
    at = {rule: group["index"].to_numpy() for rule, group in cases.groupby("check")}
    found = {rule: rows(at.get(rule, [])) for rule in ("range", "pattern", "unit", "position", "registry")}
    found["null"] = rows(at.get("not_nullable", []))
    found["order"] = rows(at.get("order", []), "code")
    found["duplicate"] = rows(at.get("multiple_fields_uniqueness", []))
    newest = frame[frame["sensor"].isin(task.registry)].groupby("sensor")["time"].max().reset_index()
    fresh = pa.DataFrameSchema({"time": pa.Column(checks=pa.Check.ge(pd.Timestamp(task.stale_before)))})
    stale = newest["sensor"].iloc[broken(fresh, newest)["index"]].tolist()
    return found | {"stale": names(stale, "column")}


if __name__ == "__main__":
    run("Pandera (pandas)", ["pandera", "pandas", "pyarrow"], check)
