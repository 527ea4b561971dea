"""A record that came twice, told apart from two that claim one key, however batches are cut."""

from datetime import UTC, datetime
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from veracity.data.clean import clean
from veracity.data.contract import parse_contract
from veracity.data.history import KeyHistory, ScanBetween

CONTRACT = parse_contract(b"""
apiVersion: v3.1.0
kind: DataContract
id: f
version: 1.0.0
status: active
schema:
  - name: o
    properties:
      - {name: s, logicalType: string, primaryKey: true, primaryKeyPosition: 1}
      - {name: t, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}
      - {name: v, logicalType: number}
    quality: [{type: custom, engine: veracity, implementation: {rule: repeated-row}}]
""")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[str, int, int | None]


def reasons(rows: list[Row], cuts: set[int]) -> list[list[str]]:
    """Clean the rows in batches cut before some of them; return the reasons of each row."""
    table = pl.DataFrame(schema={"s": pl.String, "t": pl.Datetime("us", "UTC"), "v": pl.Float64})
    out, begins = [], [0, *sorted(c for c in cuts if 0 < c < len(rows)), len(rows)]
    for a, b in pairwise(begins):
        raw = pl.DataFrame(
            {
                "_record": range(b - a),
                "s": [s for s, _, _ in rows[a:b]],
                "t": [f"2025-01-01T{t:02d}:00:00Z" for _, t, _ in rows[a:b]],
                "v": [None if v is None else str(v) for _, _, v in rows[a:b]],
            },
            {"_record": pl.Int64, "s": pl.String, "t": pl.String, "v": pl.String},
        )
        history = KeyHistory(("s", "t"), "t", _scan_of(table))
        done = clean(raw, CONTRACT, NOW, history.known, same=history.same)
        told = dict(done.quarantined.select("_record", "reasons").iter_rows())
        out += [told.get(i, []) for i in range(b - a)]
        table = pl.concat([table, done.accepted.drop("_record")])
    return out


def _scan_of(table: pl.DataFrame) -> ScanBetween:
    return lambda _: table.lazy()


def test_the_first_row_of_a_key_is_what_counts() -> None:
    """A third row that repeats the second, which was set aside, is told as one that says something else."""
    rows: list[Row] = [("a", 1, 5), ("a", 1, 6), ("a", 1, 6), ("a", 1, 5), ("a", 2, None), ("a", 2, None)]
    key, both = ["duplicate-key"], ["repeated-row", "duplicate-key"]
    assert reasons(rows, set()) == [[], key, key, both, [], both]


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.sampled_from([None, 1, 2])),
        min_size=1,
        max_size=12,
    ),
    st.sets(st.integers(1, 11)),
)
def test_cuts_change_nothing(rows: list[Row], cuts: set[int]) -> None:
    """One batch of n rows gives the reasons of any cut into batches."""
    assert reasons(rows, cuts) == reasons(rows, set())
