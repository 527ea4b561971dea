"""Rules that look back: verdicts do not depend on how a feed is cut, nor on the order of the rules."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veracity.data.clean import Cleaned, clean, empty_memory
from veracity.data.contract import Contract, parse_contract
from veracity.data.errors import EvidenceMismatch
from veracity.data.health import health_rows
from veracity.data.history import KeyHistory
from veracity.data.rules.memory import KEYS, Memory

NOW = datetime(2026, 10, 1, tzinfo=UTC)
START = datetime(2026, 9, 1, tzinfo=UTC)

RULES = [
    "{rule: rate, maximum: 3, per: 10 min}",
    "{rule: gap, every: 10 min}",
    "{rule: stuck, longest: 50 min}",
    "{rule: spike, action: quarantine}",
    "{rule: shift}",
    "{rule: drift}",
    "{rule: noise, times: 2, recent: 6, usual: 24, fall: true}",
    "{rule: neighbours, at_least: 2, action: ask}",
    "{rule: misplaced, at_least: 2}",
    "{rule: unit}",
    "{rule: reference, sensor: G0, of: [G1, G3], maximum: 4}",
    "apart|{rule: drift, against: reference, sensor: G0, block: 8}",
    "around|{rule: drift, against: neighbours, block: 8, at_least: 2}",
]


def contract(rules: list[str], schema: str = "{rule: order}") -> Contract:
    """A contract of gauges with some rules on their stage."""
    on_stage = ""
    for rule in rules:
        name, _, settings = rule.rpartition("|")
        named = f"name: {name}, " if name else ""
        on_stage += f"          - {{{named}type: custom, engine: veracity, implementation: {settings}}}\n"
    return parse_contract(
        f"""
apiVersion: v3.1.0
kind: DataContract
id: stage
version: 1.0.0
status: active
schema:
  - name: o
    quality:
      - {{type: custom, engine: veracity, implementation: {schema}}}
    properties:
      - {{name: gauge, logicalType: string, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: at, logicalType: timestamp, primaryKey: true, primaryKeyPosition: 2}}
      - {{name: latitude, logicalType: number}}
      - {{name: longitude, logicalType: number}}
      - name: stage
        logicalType: number
        logicalTypeOptions: {{minimum: -50, maximum: 50}}
        customProperties: [{{property: unit, value: m}}]
        quality:
{on_stage}
slaProperties:
  - {{property: frequency, value: 10, unit: min}}
""".encode()
    )


ALL = contract(RULES)


def stream(seed: int, n: int, n_gauges: int = 5) -> pl.DataFrame:
    """Readings with jumps, holds, gaps, nulls, late and repeated ones, in order of arrival."""
    rng = np.random.default_rng(seed)
    level = np.round(rng.normal(0, 2, n_gauges), 1)
    rows = []
    for i in range(n):
        g = int(rng.integers(n_gauges))
        level[g] = round(
            float(
                level[g]
                + rng.choice([0, 0, 0.1, -0.1, 0.2, 6.0, -6.0], p=[0.4, 0.19, 0.15, 0.15, 0.1, 0.005, 0.005])
            ),
            1,
        )
        step = (
            i // n_gauges
            - (int(rng.integers(1, 6)) if rng.random() < 0.1 else 0)
            + 30 * int(rng.random() < 0.01)
        )
        place = (16.0 + 0.01 * g, 108.0 + 0.01 * g) if rng.random() < 0.9 else (None, None)
        value = (
            None if rng.random() < 0.05 else float(level[g] + rng.choice([0, 9, 99], p=[0.96, 0.01, 0.03]))
        )
        rows.append((i, f"G{g}", START + timedelta(minutes=10 * step), *place, value))
    schema: dict[str, pl.DataType] = {
        "_record": pl.Int64(),
        "gauge": pl.String(),
        "at": pl.Datetime("us", "UTC"),
        "latitude": pl.Float64(),
        "longitude": pl.Float64(),
        "stage": pl.Float64(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def run(rows: pl.DataFrame, cuts: list[int], rules: Contract = ALL) -> tuple[list[Cleaned], Memory]:
    """Clean the rows in batches that end at the cuts, with state carried as the home does."""
    held: list[pl.DataFrame] = []
    empty = rows.clear().select(rules.key)
    history = KeyHistory(rules.key, rules.time, lambda _: pl.concat([empty, *held]).lazy())
    memory, done, begin = empty_memory(rules), [], 0
    for end in [*sorted(set(cuts) - {0}), rows.height]:
        if end <= begin:
            continue
        cleaned = clean(rows[begin:end], rules, NOW, history.known, memory)
        newest = history.newest_with(cleaned.accepted)
        assert newest is not None
        memory = cleaned.memory.replaced({KEYS: newest.rename({"_newest": "_time"})})
        if memory.digest is not None:
            memory = empty_memory(rules).read(memory.write(), memory.digest)  # as a restart would
        history.add(cleaned.accepted)
        held.append(cleaned.accepted.select(rules.key))
        done.append(cleaned)
        begin = end
    return done, memory


def verdicts(batches: list[Cleaned]) -> dict[int, tuple[str, ...]]:
    """Every reason of every row, by record."""
    told: dict[int, tuple[str, ...]] = {}
    for batch in batches:
        if batch.verdicts is not None:
            names = batch.verdicts.columns[2:]
            for row in batch.verdicts.iter_rows():
                told[row[0]] = (row[1], *(n for n, b in zip(names, row[2:], strict=True) if b))
        for record in batch.accepted["_record"]:
            told.setdefault(record, ("accepted",))
    return told


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 400), max_size=8))
def test_cuts_change_nothing(seed: int, cuts: list[int]) -> None:
    """Rows, reasons and what is remembered are the same however a feed is cut into batches."""
    rows = stream(seed, 400)
    whole, at_once = run(rows, [])
    parts, in_parts = run(rows, cuts)
    assert verdicts(parts) == verdicts(whole)
    assert in_parts.rows.equals(at_once.rows)
    accepted = [b.accepted for b in parts]
    assert pl.concat(accepted).equals(whole[0].accepted)


@pytest.mark.parametrize("seed", range(3))
def test_a_row_at_a_time(seed: int) -> None:
    """One batch of n rows and n batches of one row end alike."""
    rows = stream(seed, 120)
    whole, at_once = run(rows, [])
    single, in_parts = run(rows, list(range(121)))
    assert verdicts(single) == verdicts(whole)
    assert in_parts.digest == at_once.digest


def test_one_sensor_without_a_name() -> None:
    """A feed whose key is the time alone has one sensor, and cuts change nothing there either."""
    text = ALL.text.decode()
    text = text.replace("primaryKey: true, primaryKeyPosition: 1", "required: false")
    text = "\n".join(line for line in text.split("\n") if "against" not in line and "reference" not in line)
    alone = parse_contract(text.encode())
    rows = stream(4, 300, n_gauges=1)
    whole, at_once = run(rows, [], alone)
    parts, in_parts = run(rows, [1, 50, 51, 200], alone)
    assert alone.sensor == ()
    assert verdicts(parts) == verdicts(whole)
    assert in_parts.digest == at_once.digest


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.permutations(RULES))
def test_order_of_rules(seed: int, rules: list[str]) -> None:
    """Written in another order, the rules say the same of every row."""
    rows = stream(seed, 200)
    one, other = run(rows, [77])[0], run(rows, [77], contract(rules))[0]
    assert {k: sorted(v) for k, v in verdicts(one).items()} == {
        k: sorted(v) for k, v in verdicts(other).items()
    }


@pytest.mark.parametrize("cuts", [[], [1000, 4250, 4251]])
def test_rules_on_two_positions(cuts: list[int]) -> None:
    """Rules of one kind that read a sensor's place from other columns do not disturb each other."""
    rows = stream(6, 6_000)
    there = "one|{rule: neighbours, at_least: 1, floor: 1}"
    nowhere = "two|{rule: neighbours, at_least: 1, floor: 1, longitude: stage}"
    told = []
    for rules in ([there, nowhere], [nowhere, there], [there]):
        batches, _ = run(rows, cuts, contract(rules))
        told.append({k: "neighbours:one" in v for k, v in verdicts(batches).items()})
    assert told[0] == told[1] == told[2]
    assert any(told[0].values())


def test_every_rule_is_tried() -> None:
    """The stream of these tests breaks the rules they are about."""
    reasons: set[str] = set()
    for seed in range(2):
        for batch in run(stream(seed, 3_000), [])[0]:
            reasons |= set(batch.reasons)
    assert reasons >= {"order:at", "rate:stage", "gap:stage", "stuck:stage", "spike:stage", "range:stage"}


def test_late_rows_are_not_sequence() -> None:
    """A reading older than its sensor's newest breaks the order, and no rule follows on from it."""
    rows = stream(1, 3, n_gauges=1).with_columns(
        at=pl.Series([START, START + timedelta(hours=1), START + timedelta(minutes=30)]).dt.cast_time_unit(
            "us"
        ),
        stage=pl.Series([1.0, 1.0, 40.0]),
    )
    (batch,), _ = run(rows, [])
    assert verdicts([batch])[2] == ("accepted", "order:at")


def test_counts_reconcile() -> None:
    """Received is accepted plus quarantined plus refused, and the health says the same of the rows."""
    rules = contract(
        [
            "{rule: rate, maximum: 1, per: 10 min, action: refuse}",
            "{rule: stuck, longest: 30 min, action: ask}",
        ]
    )
    batches, _ = run(stream(5, 600), [100, 333], rules)
    for batch in batches:
        health = health_rows(batch.judged, rules)
        assert health is not None
        whole = health.filter(pl.col("_property") == "")
        assert whole["_readings"].sum() == batch.n_received
        assert whole["_set_aside"].sum() == batch.quarantined.height + sum(batch.refusals.values())
        assert batch.n_asked <= batch.quarantined.height
        of_stage = health.filter(pl.col("_property") == "stage")
        about = [m for r, m in batch.judged.masks.items() if r.endswith(":stage")]
        broken = pl.select(pl.any_horizontal(*about)).to_series().sum() if about else 0
        assert of_stage["_broken"].sum() == broken


def test_refused_rows_leave_no_row() -> None:
    """A row that a rule refuses is in neither table nor quarantine, and counted once."""
    rules = contract(["{rule: rate, maximum: 1, per: 10 min, action: refuse}"])
    (batch,), _ = run(stream(5, 300), [], rules)
    refused = batch.refusals["rate:stage"]
    assert refused > 0
    assert batch.accepted.height + batch.quarantined.height + refused == 300
    assert batch.verdicts is not None
    assert (batch.verdicts["outcome"] == "refused").sum() == refused


def test_changed_memory_is_refused() -> None:
    """What the rules remember is read only if it has the digest that the log gives."""
    _, memory = run(stream(2, 100), [])
    changed = Memory(memory.sensor, memory.rows.with_columns(_run=pl.col("_run") + 1))
    with pytest.raises(EvidenceMismatch, match="want digest"):
        empty_memory(ALL).read(changed.write(), memory.digest or "")
    with pytest.raises(EvidenceMismatch, match="want Parquet"):
        empty_memory(ALL).read(b"nothing", memory.digest or "")


def test_memory_is_small() -> None:
    """Memory grows with sensors and windows, never with history."""
    memory = run(stream(3, 12_000), [])[1]
    windows = sum(max(rule.window, 1) + 1 for rule in ALL.sequence_rules)
    assert memory.rows.height <= 5 * (windows + 10)
