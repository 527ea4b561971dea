"""Scores of single decisions, their sums, and what a scoreboard makes of them."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest

from rain_app import SPREAD, row, stop_rule
from veracity.models.crps import crps_of_quantiles
from veracity.models.decision_rows import check_rows, decision_line, decision_pages, in_order
from veracity.models.decisions import OWN, QUANTILES, SCHEMA
from veracity.models.errors import BadDecisions, BadParameter, DecidedLate
from veracity.models.events import EventPolicy
from veracity.models.forecast import LEVELS
from veracity.models.overriding import read_value, value_text
from veracity.models.scoreboard import LINE_KEYS, LINES, add_up, key_horizons, summary
from veracity.models.scoring import contributions, score_rows
from veracity.models.stopping import tripped

NOW = datetime(2026, 9, 1, tzinfo=UTC)
EVENTS = EventPolicy(cost=1.0, loss=4.0)


def decisions(n: int, seed: int = 0) -> pl.DataFrame:
    """Decisions of a system and of a baseline, some without quantiles, with outcomes, some missing."""
    rng = np.random.default_rng(seed)
    rows, values = [], []
    for i in range(n):
        centre = float(rng.normal(3, 2))
        one = row(OWN if i % 2 else "climatology", f"G{i // 2:05}", NOW, 1 + i % 3, centre + SPREAD, "model")
        if i % 7 == 3:
            one |= {**dict.fromkeys(QUANTILES), "threshold": 4.0, "probability": 0.5}
        if i % 11 == 1:
            one |= {"action": "warn" if i % 2 else "none", "threshold": 4.0}
        rows.append(one)
        values.append(None if i % 13 == 5 else float(rng.normal(3, 2)))
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(value=pl.Series(values, dtype=pl.Float64))


def slow_line(r: dict[str, Any], events: EventPolicy) -> dict[str, float]:
    """Score one row with nothing but Python."""
    y, out = r["value"], dict.fromkeys(("n", "n_missing", "n_quantiles"), 0.0)
    if y is None:
        return out | {"n_missing": 1.0}
    out["n"] = 1.0
    if r["q50"] is not None:
        gaps = [(q, y - r[name]) for q, name in zip(LEVELS, QUANTILES, strict=True)]
        edges = [0.0, *((a + b) / 2 for a, b in pairwise(LEVELS)), 1.0]
        loss = [max(q * g, (q - 1) * g) * (edges[i + 1] - edges[i]) for i, (q, g) in enumerate(gaps)]
        out |= {"n_quantiles": 1.0, "sum_error": r["q50"] - y, "sum_abs": abs(r["q50"] - y)}
        out |= {"sum_sq": (r["q50"] - y) ** 2, "sum_crps": 2 * sum(loss)}
        out |= {"n_in80": float(r["q10"] <= y <= r["q90"]), "n_in95": float(r["q025"] <= y <= r["q975"])}
    if r["threshold"] is not None:
        event = y >= r["threshold"]
        if r["probability"] is not None:
            out |= {"n_probabilities": 1.0, "sum_brier": (r["probability"] - event) ** 2}
        warned = None if r["probability"] is None else r["probability"] >= events.least
        if events.warnings and r["action"] is not None:
            warned = r["action"] in events.warnings
        if warned is not None:
            out |= {"n_warnable": 1.0, "n_events": float(event), "n_hits": float(event and warned)}
            out |= {"n_false": float(warned and not event), "n_missed": float(event and not warned)}
            out["sum_cost"] = events.cost if warned else events.loss * event
            out["sum_lead_s"] = r["horizon_s"] if event and warned else 0.0
    return out


@pytest.mark.parametrize(
    "events", [EVENTS, EventPolicy(1.0, 4.0, warnings=("warn",)), EventPolicy(warn_at=0.9)]
)
def test_scores_are_those_of_a_slow_reference(events: EventPolicy) -> None:
    """Every sum over rows is that of plain Python, row by row."""
    rows = decisions(300)
    if events.warn_at:
        rows = rows.with_columns(action=None)
    sums = add_up(contributions(score_rows(rows, NOW, events), "ab"), ["model"])
    for got in sums.iter_rows(named=True):
        want = [slow_line(r, events) for r in rows.iter_rows(named=True) if r["model"] == got["model"]]
        for name in LINES.names()[len(LINE_KEYS) :]:
            assert got[name] == pytest.approx(sum(w.get(name, 0.0) for w in want)), name


def test_crps_of_one_value_is_the_absolute_error() -> None:
    """A forecast without doubt scores its absolute error; a wider one around the truth less than that."""
    flat = crps_of_quantiles(np.full((2, len(LEVELS)), 5.0), LEVELS, np.array([2.0, np.nan]))
    assert flat[0] == pytest.approx(3.0)
    assert math.isnan(flat[1])


def test_sums_do_not_depend_on_how_lines_are_cut() -> None:
    """Sums of sums are the sums: whatever stands in one statement or in two."""
    lines = contributions(score_rows(decisions(400), NOW, EVENTS), None)
    whole = add_up(add_up(lines, LINE_KEYS), ["model", "horizon_s"])
    parts = pl.concat([add_up(lines[:150], LINE_KEYS), add_up(lines[150:], LINE_KEYS)])
    again = add_up(parts, ["model", "horizon_s"])
    counts = [n for n in whole.columns if n.startswith("n")]
    assert whole.select(counts).equals(again.select(counts))
    assert np.allclose(whole["sum_crps"], again["sum_crps"])
    assert add_up(lines, LINE_KEYS).schema == LINES


def test_digits_do_not_depend_on_threads() -> None:
    """The same lines in the same order give the same bits, added one after the other."""
    lines = contributions(score_rows(decisions(999), NOW, EVENTS), None)
    (total,) = add_up(lines, [])["sum_crps"]
    by_hand = 0.0
    for value in lines["sum_crps"]:
        by_hand += value
    assert total == by_hand


def test_summary_has_baselines_beside() -> None:
    """Skill is against the best baseline of the same group; overrides are no baselines."""
    rows = [
        *[row(OWN, f"G{i}", NOW, 1, i + 1.0 + SPREAD, "model") for i in range(4)],
        *[row("last-value", f"G{i}", NOW, 1, i + 2.0 + SPREAD, "model") for i in range(4)],
        *[row("climatology", f"G{i}", NOW, 1, i + 5.0 + SPREAD, "model") for i in range(4)],
        row("override", "G0", NOW, 1, 0.0 + 0 * SPREAD, "model"),
    ]
    scored = pl.DataFrame(rows, schema=SCHEMA).with_columns(value=pl.col("key").str.slice(1).cast(pl.Float64))
    lines = add_up(contributions(score_rows(scored, NOW, EVENTS), None), LINE_KEYS)
    for by in ([], ["horizon_s"], ["day", "target"]):
        found = {r["model"]: r for r in summary(lines, by).iter_rows(named=True)}
        assert found[OWN]["mae"] == 1.0
        assert (found[OWN]["best"], found[OWN]["skill_mae"]) == ("last-value", 0.5)
        assert found["override"]["skill_mae"] == 1.0
    assert summary(lines.clear(), ["day"]).is_empty()
    with pytest.raises(BadParameter, match="want some of model"):
        summary(lines, ["district"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"probability": 1.2, "threshold": 1.0}, "probability from 0 to 1"),
        ({"probability": 0.5, "threshold": None}, "of a threshold"),
        ({"q10": 9.0}, "not falling"),
        ({"q50": None}, "or none"),
        ({"q975": math.inf}, "finite"),
        ({"q50": math.nan}, "finite"),
        ({"threshold": math.nan, "probability": None}, "finite threshold"),
        ({"model": "override"}, "not override"),
        ({"model": "No such"}, "model a name"),
        ({"model": None}, "model a name"),
        ({"target": "snow"}, "target one of"),
        ({"key": "x" * 257}, "key of at most"),
        ({"rung": "roof"}, "from a rung of"),
        ({"rung": None}, "rung"),
        ({"horizon_s": 60}, "seconds from issued to due"),
        ({"issued": NOW + timedelta(hours=1), "horizon_s": 0}, "issued by"),
        ({"due": NOW + timedelta(days=40), "horizon_s": 40 * 86_400}, "31 days"),
        ({**dict.fromkeys(QUANTILES), "probability": None, "threshold": None}, "quantiles, a probability or"),
    ],
)
def test_what_is_no_decision_is_refused(change: dict[str, Any], words: str) -> None:
    """A row that could not be scored honestly, or not at all, is told with the row itself."""
    bad = pl.DataFrame([row(OWN, "G00", NOW, 1, SPREAD, "model") | change], schema=SCHEMA)
    with pytest.raises(BadDecisions, match=words):
        check_rows(in_order(bad), ["rain"], ["model"], NOW)


def test_what_is_due_is_not_decided() -> None:
    """A forecast whose outcome may be known is refused; a nowcast of what was not measured is not."""
    late = pl.DataFrame([row(OWN, "G00", NOW, 1, SPREAD, "model")], schema=SCHEMA)
    check_rows(late, ["rain"], ["model"], NOW)
    with pytest.raises(DecidedLate, match="due after"):
        check_rows(late, ["rain"], ["model"], NOW + timedelta(hours=1))
    nowcast = pl.DataFrame([row(OWN, "G00", NOW, 0, SPREAD, "model")], schema=SCHEMA)
    check_rows(nowcast, ["rain"], ["model"], NOW + timedelta(hours=1))


def test_rows_have_one_order() -> None:
    """Rows in any order are the same decisions; two of one thing, other columns and none are refused."""
    rows = decisions(64).drop("value")
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=3)
    assert in_order(shuffled).equals(in_order(rows))
    with pytest.raises(BadDecisions, match="once, got one twice"):
        check_rows(in_order(pl.concat([rows[:1], rows[:1]])), ["rain"], ["model"], NOW)
    with pytest.raises(BadDecisions, match="1 to"):
        check_rows(in_order(rows.clear()), ["rain"], ["model"], NOW)
    with pytest.raises(BadDecisions, match="columns"):
        in_order(rows.drop("rung"))


def test_pages_hold_each_decision_as_one_line() -> None:
    """The pages of 64 are the lines of the decisions one after the other."""
    rows = in_order(decisions(130).drop("value"))
    data, pages = decision_pages(rows)
    assert [line + b"\n" for line in data.splitlines()] == [decision_line(rows, i) for i in range(130)]
    assert len(pages.hashes) == 3


@pytest.mark.parametrize(
    ("changes", "stops"),
    [
        ({}, True),
        ({"above": 2.5}, False),
        ({"above": None, "below": 2.5}, True),
        ({"n_least": 11}, False),
        ({"baseline": "climatology", "above": 1.0}, False),
        ({"baseline": "climatology", "above": 0.3}, True),
        ({"baseline": "nobody"}, False),
        ({"days": 1}, False),
    ],
)
def test_stop_rules(changes: dict[str, Any], stops: bool) -> None:
    """A rule stops the model that serves for its own last days, and no other model or day."""
    rows = [
        row(model, f"G{i}", NOW, 1, error + SPREAD, "model")
        for i in range(10)
        for model, error in ((OWN, 2.0), ("climatology", 4.0))
    ]
    scored = score_rows(pl.DataFrame(rows, schema=SCHEMA).with_columns(value=pl.lit(0.0)), NOW, EVENTS)
    lines = pl.concat([contributions(scored, "ab"), contributions(scored, "other")])
    last = date(2026, 9, 2)
    assert (tripped(stop_rule(**changes), lines, "ab", last) is not None) is stops
    assert tripped(stop_rule(), lines, "cd", last) is None
    with pytest.raises(BadParameter, match="want a score"):
        tripped(stop_rule(score="luck"), lines, "ab", last)


def test_a_value_of_a_person() -> None:
    """A person changes quantiles, the chance or the action, and nothing else."""
    assert read_value(value_text({"value": 3})) == dict.fromkeys(QUANTILES, 3.0)
    assert read_value(value_text({"action": "warn", "probability": 1})) == {
        "action": "warn",
        "probability": 1.0,
    }
    for bad in ({}, {"due": 3.0}, {"q50": "much"}, {"q50": True}, {"action": ""}, {"q50": math.inf}):
        with pytest.raises(BadDecisions):
            value_text(bad)
    for text in ("[]", "{", '{"model":"x"}'):
        with pytest.raises(BadDecisions):
            read_value(text)


def test_an_event_policy_makes_sense() -> None:
    """A warning that costs more than it saves, or a chance that never comes, is refused."""
    for cost, loss, at in ((5.0, 1.0, None), (0.0, 1.0, None), (1.0, 2.0, 1.5), (1.0, 2.0, 0.0)):
        with pytest.raises(BadParameter):
            EventPolicy(cost, loss, at)


def test_of_many_horizons_those_are_shown_that_people_know() -> None:
    """All of a few; of many those of 1, 2, 3, 6, 12, 24, 48, 72 hours; all where those are missing."""
    for hours, want in (
        ([5, 7], [5, 7]),
        (list(range(1, 49)), [1, 2, 3, 6, 12, 24, 48]),
        ([1, *range(25, 34)], [1, *range(25, 34)]),
    ):
        rows = pl.DataFrame({"horizon_s": [3600 * h for h in hours]})
        assert key_horizons(rows)["horizon_s"].to_list() == [3600 * h for h in want]
