"""What a run means for a station: measured, estimated or not known; the worst of the next day."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from simulated_air import air_panel, end_of
from veracity.apps.environment.actions import EVENTS, action_codes, chances_of, warning_limit
from veracity.apps.environment.aqi import vn_part
from veracity.apps.environment.categories import VN_CATEGORIES, category_of
from veracity.apps.environment.limits import ACTIONS, LIMITS, place_of
from veracity.apps.environment.readings import rounded
from veracity.apps.environment.state import states
from veracity.models.decisions import SCHEMA
from veracity.models.forecast import LEVELS

PANEL = air_panel(days=3, n_keys=3, missing=0.0)
NOW = end_of(PANEL)


def row(key: str, hours: int, **more: object) -> dict[str, object]:
    """A decision of the system's."""
    due = NOW + timedelta(hours=hours)
    base = {
        "model": "model",
        "target": "pm25",
        "key": key,
        "issued": NOW,
        "due": due,
        "horizon_s": hours * 3600,
    }
    return dict.fromkeys(SCHEMA) | base | {"rung": "model"} | more


@pytest.mark.parametrize("target", LIMITS)
def test_limits_are_where_the_index_turns(target: str) -> None:
    """A value is in the category that its index, rounded, is in: just below and at every limit."""
    for limit in LIMITS[target]:
        for value in (limit - 1e-4, limit + 1e-4):
            index = rounded(float(vn_part(target, value)))
            assert place_of(target, value) == category_of(index, VN_CATEGORIES).level - 1
    assert warning_limit(target) == LIMITS[target][1]


def test_the_action_is_of_what_has_a_chance_of_one_in_three() -> None:
    """A third of a chance of a category is enough for its advice; nothing known is unknown."""
    chances = np.array([[1 / 3, 0.3, 0, 0, 0], [0.9, 0.34, 0.1, 0, 0], [0.1, 0, 0, 0, 0], [np.nan] * 5])
    assert action_codes(chances).tolist() == [ACTIONS[1], ACTIONS[2], ACTIONS[0], "unknown"]
    assert EVENTS.least == pytest.approx(1 / 3)
    known = chances_of("pm25", np.full((2, 7), 60.0), LEVELS)
    assert known.tolist() == [[1, 1, 0, 0, 0]] * 2


def test_measured_estimated_and_unknown_are_told_apart() -> None:
    """A measured value stands alone; an estimate has a range and says so; neither is nothing."""
    measured = PANEL.measured.copy()
    measured[-1, 1:, 0] = False
    guess = row(PANEL.keys[1], 0, rung="nowcast", q10=20.0, q50=24.0, q90=27.0, action=ACTIONS[0])
    found = states(replace(PANEL, measured=measured), pl.DataFrame([guess], schema=SCHEMA))
    first, second, third = (s.readings.get("pm25") for s in found)
    assert first is not None
    assert first.is_measured
    assert first.value == first.low == first.high == PANEL.values[-1, 0, 0]
    assert second is not None
    assert (second.is_measured, second.low, second.value, second.high) == (False, 20.0, 24.0, 27.0)
    assert not second.is_sure
    assert third is None
    assert found[0].vn.value is not None


def test_the_worst_of_the_next_day_counts() -> None:
    """Of the next 24 hours the worst action counts, the likeliest first; what comes later does not."""
    key = PANEL.keys[0]
    rows = [
        row(key, 3, action=ACTIONS[1], probability=0.1),
        row(key, 9, action=ACTIONS[2], probability=0.4, rung="seasonal"),
        row(key, 12, action=ACTIONS[2], probability=0.5, target="o3"),
        row(key, 25, action=ACTIONS[5], probability=1.0),
        row(PANEL.keys[1], 1, action="unknown", rung="nothing-known"),
    ]
    one, two, three = (s.outlook for s in states(PANEL, pl.DataFrame(rows, schema=SCHEMA)))
    assert (one.action, one.place, one.target, one.probability) == (ACTIONS[2], 2, "o3", 0.5)
    assert one.due == NOW + timedelta(hours=12)
    assert one.is_fallback
    assert (two.place, two.probability, two.rungs) == (None, None, ("nothing-known",))
    assert (three.place, three.rungs) == (None, ())
