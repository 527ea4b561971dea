"""Conditions: a small language, typed by the contract."""

from datetime import UTC, datetime

import polars as pl
import pytest

from veracity.data.contract import parse_contract
from veracity.data.errors import MalformedCondition
from veracity.data.where import parse_condition

CONTRACT = parse_contract(b"""
apiVersion: v3.1.0
kind: DataContract
id: air
version: 1.0.0
status: active
schema:
  - name: o
    properties:
      - {name: at, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Asia/Ho_Chi_Minh}}
      - {name: station, logicalType: string}
      - {name: v, logicalType: number}
""")
ROWS = pl.DataFrame(
    {
        "at": [datetime(2026, 1, 1, h, tzinfo=UTC) for h in range(3)],
        "station": ["A", "B", "it's"],
        "v": [1.0, 2.0, 3.0],
    }
)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("station = 'A'", [1.0]),
        ("station = 'it''s'", [3.0]),
        ("station != 'A' AND v >= 2 and v < 3", [2.0]),
        ("at = '2026-01-01T08:00:00'", [2.0]),
        ("at > '2026-01-01T00:30:00Z'", [2.0, 3.0]),
        ("v = -1e3", []),
    ],
)
def test_conditions_select(text: str, want: list[float]) -> None:
    """Literals take their column's type; a time without an offset is the contract's local time."""
    assert ROWS.filter(parse_condition(text, CONTRACT))["v"].to_list() == want


@pytest.mark.parametrize(
    "text",
    [
        "",
        "station",
        "station =",
        "ghost = 'A'",
        "station = A",
        "v = 'abc'",
        "at = 'soon'",
        "v = 1 or v = 2",
        "v = 1;",
        "v = 1 v = 2",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """No functions, no `or`, no guessing."""
    with pytest.raises(MalformedCondition):
        parse_condition(text, CONTRACT)
