"""datacontract-cli: an ODCS contract tested by DuckDB over the file. It counts; it does not name all rows."""

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from datacontract.data_contract import DataContract  # type: ignore[import-not-found]
from task import BOX, HIGH, LOW, PATTERN, UNIT, Task, Verdict, count, run

QUERIES = {
    "position": """SELECT count(*) FROM feed WHERE NOT (lat BETWEEN {lat[0]} AND {lat[1]}
      AND lon BETWEEN {lon[0]} AND {lon[1]})""",
    "duplicate": """SELECT coalesce(sum(n - 1), 0)
      FROM (SELECT count(*) AS n FROM feed GROUP BY sensor, time HAVING n > 1)""",
    "order": """SELECT count(*) FROM (SELECT time, max(time) OVER (PARTITION BY sensor
        ORDER BY file_row_number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newest
        FROM read_parquet('{feed}', file_row_number = true))
      WHERE time < newest""",
    "stale": """SELECT count(*) FROM (SELECT sensor, max(time) AS newest FROM feed
        WHERE sensor IN ({registry}) GROUP BY sensor)
      WHERE newest < TIMESTAMPTZ '{limit}'""",
}


def contract(task: Task) -> dict[str, Any]:
    """Return the contract: five rules in its own words, four as SQL."""

    def invalid(name: str, **arguments: Any) -> dict[str, Any]:
        return {"id": name, "metric": "invalidValues", "arguments": arguments, "mustBe": 0}

    settings = {
        "feed": task.feed,
        "registry": ", ".join(f"'{s}'" for s in task.registry),
        "limit": task.stale_before.isoformat(),
        **BOX,
    }
    queries = {rule: query.format(**settings) for rule, query in QUERIES.items()}
    number = {"logicalType": "number", "physicalType": "DOUBLE"}
    text = {"logicalType": "string", "physicalType": "VARCHAR"}
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "feed",
        "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "local", "type": "local", "path": str(task.feed), "format": "parquet"}],
        "schema": [
            {
                "name": "feed",
                "physicalType": "table",
                "quality": [
                    {"id": rule, "type": "sql", "query": query, "mustBe": 0}
                    for rule, query in queries.items()
                ],
                "properties": [
                    {
                        "name": "sensor",
                        **text,
                        "logicalTypeOptions": {"pattern": PATTERN},
                        "quality": [invalid("registry", validValues=task.registry)],
                    },
                    {"name": "time", "logicalType": "timestamp"},
                    {
                        "name": "value",
                        **number,
                        "required": True,
                        "logicalTypeOptions": {"minimum": LOW, "maximum": HIGH},
                    },
                    {"name": "unit", **text, "quality": [invalid("unit", validValues=[UNIT])]},
                    {"name": "lat", **number},
                    {"name": "lon", **number},
                ],
            }
        ],
    }


def check(task: Task) -> Mapping[str, Verdict]:
    """Return all nine verdicts: counts."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contract.yaml"
        path.write_text(yaml.safe_dump(contract(task)))
        done = DataContract(data_contract_file=str(path)).test()
    value = {c.key: int(c.diagnostics["value"]) for c in done.checks if "value" in (c.diagnostics or {})}
    own = {
        "null": value["feed__value__field_required"],
        "range": value["feed__value__field_minimum"] + value["feed__value__field_maximum"],
        "pattern": value["feed__sensor__field_regex"],
        "unit": value["feed__unit__field_invalid_values"],
        "registry": value["feed__sensor__field_invalid_values"],
    }
    by_query = {rule: count(value[f"feed__quality_sql_{i}"], "code") for i, rule in enumerate(QUERIES)}
    return {rule: count(n) for rule, n in own.items()} | by_query


if __name__ == "__main__":
    run("datacontract-cli (DuckDB)", ["datacontract-cli", "duckdb"], check)
