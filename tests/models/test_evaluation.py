"""Forecasts beside what came."""

import numpy as np
import polars as pl
import pytest

from estimating import HORIZONS, TARGET, make, simulated
from veracity.models.errors import BadPanel, BadParameter
from veracity.models.evaluation import evaluate, outcomes, summarise
from veracity.models.forecast import Forecast


def test_every_known_outcome_is_a_row() -> None:
    """A row per origin, key and horizon whose outcome is known, with the outcome of just that time."""
    panel = simulated()
    one = make("last_value").fit(panel)
    said = one.predict(panel, origins=np.array([100, 630]))
    scored = evaluate(said, panel)
    known = [
        (o, k, h)
        for o in (100, 630)
        for k in range(len(panel.keys))
        for h in HORIZONS
        if o + h < panel.n_times and np.isfinite(panel.column(TARGET)[o + h, k])
    ]
    assert len(scored) == len(known)
    assert scored["y"].to_list() == [panel.column(TARGET)[o + h, k] for o, k, h in known]
    assert ((scored["due"] - scored["origin"]).dt.total_hours() == scored["horizon"]).all()


def test_filled_values_are_no_outcomes() -> None:
    """What was filled was seen by nobody, and is left out unless asked for."""
    from dataclasses import replace

    panel = simulated()
    unmeasured = replace(panel, measured=np.zeros_like(panel.measured))
    said = make("last_value").fit(panel).predict(panel, origins=np.array([100]))
    assert evaluate(said, unmeasured).is_empty()
    assert len(evaluate(said, unmeasured, measured_only=False)) == len(evaluate(said, panel))


def test_summaries_are_means() -> None:
    """Errors, their squares and coverage are means over rows, by what is asked for."""
    panel = simulated()
    said = make("climatology").fit(panel).predict(panel, origins=np.arange(100, 600, 7))
    scored = evaluate(said, panel)
    of_six = scored.filter(pl.col("horizon") == 6)
    row = summarise(scored, ["horizon"]).row(1, named=True)
    error = (of_six["q50"] - of_six["y"]).to_numpy()
    assert row["horizon"] == 6
    assert row["n"] == len(of_six)
    assert row["mae"] == pytest.approx(np.abs(error).mean())
    assert row["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert row["bias"] == pytest.approx(error.mean())
    inside = ((of_six["q10"] <= of_six["y"]) & (of_six["y"] <= of_six["q90"])).mean()
    assert row["coverage80"] == pytest.approx(inside)
    assert summarise(scored).height == 1


def test_levels_that_are_not_there_have_no_coverage() -> None:
    """Without the levels of an interval its coverage is null; without a median nothing is scored."""
    panel = simulated(60)
    shape = (1, len(panel.keys), 1, 1)
    parts = (TARGET, panel.times_us[[5]], panel.every_us, panel.keys, np.array([1]))
    median = Forecast(*parts, (0.5,), np.ones(shape))
    assert summarise(evaluate(median, panel))["coverage80"].to_list() == [None]
    with pytest.raises(BadParameter):
        evaluate(Forecast(*parts, (0.4,), np.ones(shape)), panel)


def test_another_panel_is_refused() -> None:
    """A truth without the key, the column or the grid is refused as such."""
    from dataclasses import replace

    panel = simulated()
    said = make("last_value").fit(panel).predict(panel)
    assert np.isnan(outcomes(said, panel)).all(), "nothing has come yet"
    every_two = replace(panel, times_us=panel.times_us[0] + np.arange(panel.n_times) * 7, every_us=7)
    for other in (panel.select(panel.keys[:1]), replace(panel, columns=("a", "b")), every_two):
        with pytest.raises(BadPanel):
            evaluate(said, other)
