"""The server's benchmark: its queries are answered, and answer what they say."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from server import SENSORS, case, queries  # noqa: E402 - benchmarks are scripts, not a package


def test_every_query_is_answered() -> None:
    """A small case runs, one row a query; the latest of a datastream are as many as there are."""
    rows = {row["query"]: row for row in case(20 * SENSORS, 2)}
    assert list(rows) == list(queries(SENSORS))
    assert rows["latest 100 of a datastream"]["given"] == 20
    assert rows["its count"]["given"] == 0
    assert all(float(str(row["p95_ms"])) > 0 for row in rows.values())
