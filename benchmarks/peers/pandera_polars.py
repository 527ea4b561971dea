"""Pandera on Polars: a schema of columns and checks, validated lazily so that every break is reported."""

from collections.abc import Mapping

import pandera.polars as pa  # type: ignore[import-not-found]
import polars as pl
from task import BOX, HIGH, LOW, PATTERN, UNIT, Task, Verdict, names, rows, run

SEEN_BEFORE = ~pl.struct("sensor", "time").is_first_distinct()
GOES_BACK = (pl.col("time") < pl.col("time").cum_max().shift(1).over("sensor")).fill_null(value=False)


def schema(task: Task) -> pa.DataFrameSchema:
    """Return the eight rules about rows."""

    def unless(broken: pl.Expr, name: str) -> pa.Check:
        return pa.Check(lambda data: data.lazyframe.select((~broken).alias(name)), error=name)

    return pa.DataFrameSchema(
        {
            "sensor": pa.Column(
                str,
                [
                    pa.Check.str_matches(PATTERN, error="pattern"),
                    pa.Check.isin(task.registry, error="registry"),
                ],
            ),
            "time": pa.Column(
                pl.Datetime("us", "UTC"), [unless(SEEN_BEFORE, "duplicate"), unless(GOES_BACK, "order")]
            ),
            "value": pa.Column(float, pa.Check.in_range(LOW, HIGH, error="range"), nullable=False),
            "unit": pa.Column(str, pa.Check.equal_to(UNIT, error="unit")),
            "lat": pa.Column(float, pa.Check.in_range(*BOX["lat"], error="position")),
            "lon": pa.Column(float, pa.Check.in_range(*BOX["lon"], error="position")),
        }
    )


def broken(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the failure cases of a schema."""
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as found:
        cases: pl.DataFrame = found.failure_cases
        return cases
    return pl.DataFrame(schema={"check": pl.String, "index": pl.Int32})


def check(task: Task) -> Mapping[str, Verdict]:
    """Return all nine verdicts."""
    frame = pl.read_parquet(task.feed)
    cases = broken(schema(task), frame)
    at = {rule: cases.filter(check=rule)["index"] for rule in cases["check"].unique().to_list()}
    found = {rule: rows(at.get(rule, [])) for rule in ("range", "pattern", "unit", "position", "registry")}
    found["null"] = rows(at.get("not_nullable", []))
    found |= {rule: rows(at.get(rule, []), "code") for rule in ("duplicate", "order")}
    newest = frame.filter(pl.col("sensor").is_in(task.registry)).group_by("sensor").agg(pl.col("time").max())
    fresh = pa.DataFrameSchema({"time": pa.Column(checks=pa.Check.ge(task.stale_before))})
    return found | {
        "stale": names(newest["sensor"].gather(broken(fresh, newest)["index"]).to_list(), "column")
    }


if __name__ == "__main__":
    run("Pandera (polars)", ["pandera", "polars"], check)
