"""The rows of a batch as a survey looks at them: whose, when, whether they say and break anything."""

import polars as pl

from veracity.data.contract import Contract
from veracity.data.contract_field import Field
from veracity.data.health import Judged

BETWEEN = "\x1f"  # stands between the parts of a sensor's name
PROPERTIES = 60


def properties(contract: Contract) -> list[Field]:
    """Return the numbers that are not of the key: at most ``PROPERTIES``, in the contract's order."""
    numbers = [f for f in contract.fields if f.type in ("number", "integer") and f.name not in contract.key]
    return numbers[:PROPERTIES]


def surveyed(judged: Judged, contract: Contract) -> pl.DataFrame:
    """Return for each row of a batch what a survey counts.

    Columns: ``sensor`` (text, its parts with ``BETWEEN`` between them; empty where none is named);
    ``time`` (int64, microseconds since 1970; null where unreadable); ``has`` (whether any property
    holds a number); ``broken`` (any rule); ``aside`` (not accepted).
    """
    rows, n = judged.rows, judged.rows.height
    named = [pl.col(name).cast(pl.String).fill_null("") for name in contract.sensor]
    numbers = [pl.col(f.name).is_not_null() for f in properties(contract)]
    time = None if contract.time is None else rows[contract.time].to_physical()
    return rows.select(
        (pl.concat_str(named, separator=BETWEEN) if named else pl.repeat("", n)).alias("sensor"),
        (pl.repeat(None, n, dtype=pl.Int64) if time is None else pl.lit(time)).alias("time"),
        (pl.any_horizontal(numbers) if numbers else pl.repeat(True, n)).alias("has"),
        (pl.any_horizontal(*judged.masks.values()) if judged.masks else pl.repeat(False, n)).alias("broken"),
        (pl.repeat(False, n) if judged.outcome is None else pl.lit(judged.outcome) != "accepted").alias(
            "aside"
        ),
    )


def column_of(reason: str, contract: Contract) -> str | None:
    """Return the first number that a rule is about; None if it is about none."""
    about = contract.about(reason)
    return next((f.name for f in properties(contract) if f.name in about), None)
