"""Calibration that follows what comes, and never what has not come yet."""

from dataclasses import replace

import numpy as np
import pytest

from estimating import HORIZONS, TARGET, simulated
from veracity.models.errors import BadPanel, BadParameter
from veracity.models.estimators import Conformal, LastValue
from veracity.models.estimators.tracking import Tracker, log_scores, stretched
from veracity.models.evaluation import evaluate, summarise
from veracity.models.forecast import LEVELS
from veracity.models.panel_array import PanelArray


def drifting(n: int = 3000) -> PanelArray:
    """Return a simulated panel whose noise grows threefold in its last third."""
    rng = np.random.default_rng(4)
    panel = simulated(n)
    spread = np.where(np.arange(n) < 2 * n // 3, 1.0, 3.0)[:, None]
    values = panel.values.copy()
    values[:, :, 0] = 100 + spread * rng.normal(0, 5, values.shape[:2])
    return PanelArray(panel.times_us, panel.every_us, panel.keys, panel.columns, values, np.isfinite(values))


def coverage(
    one: Conformal | LastValue, panel: PanelArray, origins: range
) -> tuple[list[float], list[float]]:
    said = one.predict(panel, origins=np.array(origins))
    means = summarise(evaluate(said, panel), ["horizon"])
    return means["coverage80"].to_list(), means["coverage95"].to_list()


def test_coverage_holds_when_the_world_changes() -> None:
    """When noise grows threefold after learning, intervals soon hold again; uncalibrated they do not."""
    panel = drifting()
    train = panel.rows(slice(0, 2000))
    plain = LastValue(TARGET, HORIZONS).fit(train)
    calibrated = Conformal.around(LastValue(TARGET, HORIZONS), longest_replay=5000, rate=0.3).fit(train)
    after = range(2300, 2970)
    low, _ = coverage(plain, panel, after)
    of_80, of_95 = coverage(calibrated, panel, after)
    assert max(low) < 0.6
    assert of_80 == pytest.approx([0.8] * 3, abs=0.04)
    assert of_95 == pytest.approx([0.95] * 3, abs=0.04)


def test_one_at_a_time_is_as_at_once() -> None:
    """Learned from time by time, it says what it says from the panel at once, to the bit."""
    panel = drifting(900)
    train = panel.rows(slice(0, 600))
    at_once = Conformal.around(LastValue(TARGET, HORIZONS), longest_replay=5000).fit(train)
    by_one = Conformal.from_files(at_once.parameters(), at_once.to_files())
    for i in range(600, 660):
        by_one.learn_one(panel.until(i))
    origins = np.array([659, 700])
    want = at_once.predict(panel, origins=origins).values
    assert np.array_equal(by_one.predict(panel, origins=origins).values, want)
    again = Conformal.from_files(by_one.parameters(), by_one.to_files())
    assert np.array_equal(again.predict(panel, origins=origins).values, want)
    with pytest.raises(BadPanel):
        by_one.learn_one(panel.until(659))


def test_an_outcome_counts_from_when_it_is_known() -> None:
    """A miss of the forecast 24 steps ahead changes its factor at the time it came, and at none before."""
    n, horizons = 80, (1, 24)
    said = np.tile(np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]), (n, 1, 2, 1))
    calm, jump = np.zeros((n, 1)), np.zeros((n, 1))
    jump[40] = 100.0
    start = np.zeros((1, 2, 1, len(LEVELS)))
    tracker = Tracker(horizons, LEVELS, 0.1, 0.5)
    still, moved = tracker.run(said, calm, start), tracker.run(said, jump, start)
    assert np.array_equal(still[:40], moved[:40])
    assert (moved[40, :, 0, -1] > still[40, :, 0, -1]).all()
    scores = log_scores(said, jump, horizons, LEVELS)
    assert np.flatnonzero(np.isfinite(scores[:, 1, 0, -1])).tolist() == [40]
    assert np.isnan(scores[:24, 1]).all(), "nothing forecast 24 steps before the beginning"


def within(
    said: np.ndarray, came: np.ndarray, factors: np.ndarray, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (n - horizon, k) twice: whether what came lay within 80 % and 95 %, by row of the origin."""
    values = stretched(said.transpose(0, 2, 1, 3), factors, LEVELS)[:-horizon, 0]
    after = came[horizon:]
    inside = [(values[..., i] <= after) & (after <= values[..., -1 - i]) for i in (1, 0)]
    return inside[0], inside[1]


def test_intervals_hold_in_each_month_as_the_spread_comes_and_goes() -> None:
    """Errors grow and shrink over half a year: each month holds within 2 points; with each side alone not."""
    rng, horizon, month = np.random.default_rng(8), 12, 720
    n, k = 7 * month, 6
    spread = np.exp(0.8 * np.sin(2 * np.pi * np.arange(n) / (6 * month)))[:, None]
    came = spread * rng.normal(0, 1, (n, k))
    said = np.tile(np.array([-1.96, -1.28, -0.67, 0.0, 0.67, 1.28, 1.96]), (n, k, 1, 1))
    off = {}
    for interval_rate in (0.0, 0.18):
        tracker = Tracker((horizon,), LEVELS, 0.05, 0.5, interval_rate)
        factors = tracker.run(said, came, np.zeros((horizon, 1, k, len(LEVELS))))
        of_80, of_95 = within(said, came, factors, horizon)
        months = [slice(i * month, (i + 1) * month) for i in range(1, 7)]
        off[interval_rate] = max(
            abs(inside[one].mean() - share)
            for one in months
            for inside, share in ((of_80, 0.8), (of_95, 0.95))
        )
    assert off[0.18] < 0.02
    assert off[0.0] > 0.03


def test_quantiles_that_would_cross_still_hold() -> None:
    """Where an outer quantile's factor would put it within an inner one, both still miss their shares."""
    rng, n, k = np.random.default_rng(9), 4000, 20
    came = rng.normal(0, 1, (n, k))
    near, far = [1.05, 1.0, 0.1], [1.5, 0.5, 0.1]
    widths = np.where(np.arange(n)[:, None] % 2 == 0, near, far)
    one = np.concatenate([-widths, np.zeros((n, 1)), widths[:, ::-1]], axis=1)
    said = np.repeat(one[:, None, None], k, axis=1)
    factors = Tracker((1,), LEVELS, 0.05, 0.5).run(said, came, np.zeros((1, 1, k, len(LEVELS))))
    raw = said.transpose(0, 2, 1, 3) * np.exp(factors)
    assert (raw[2000:, ..., 0] > raw[2000:, ..., 1]).mean() > 0.2, "some would cross"
    of_80, of_95 = within(said, came, factors, 1)
    assert of_80[2000:].mean() == pytest.approx(0.8, abs=0.005)
    assert of_95[2000:].mean() == pytest.approx(0.95, abs=0.005)


def test_factors_follow_one_row_after_the_other() -> None:
    """Factors by the rule as it is written, value by value: alone, together and of both sides."""
    rng = np.random.default_rng(6)
    horizons, n, k = (1, 3), 30, 2
    said = np.sort(rng.normal(0, 3, (n, k, 2, len(LEVELS))), axis=-1)
    came = np.where(rng.random((n, k)) < 0.2, np.nan, rng.normal(0, 4, (n, k)))
    found = Tracker(horizons, LEVELS, 0.2, 0.3, 0.4).run(said, came, np.zeros((1, 2, k, len(LEVELS))))
    for i in range(1, n):
        for j, h in enumerate(horizons):
            if i < h:
                assert np.array_equal(found[i, j], found[i - 1, j])
                continue
            issued = stretched(said[i - h, :, j], found[i - h, j], LEVELS)
            off = np.zeros((k, len(LEVELS)))
            for q, level in enumerate(LEVELS):
                beyond = came[i] > issued[:, q] if level > 0.5 else came[i] < issued[:, q]
                off[:, q] = np.where(np.isnan(came[i]) | (level == 0.5), 0, beyond - min(level, 1 - level))
            of_all = off.sum(axis=0) / max(np.isfinite(came[i]).sum(), 1)
            both_sides = (of_all + of_all[::-1]) * [1, 1, 0, 0, 0, 1, 1]
            step = 0.2 * (0.7 * off + 0.3 * of_all) + 0.4 * both_sides
            want = np.clip(found[i - 1, j] + step / np.sqrt(h), -3, 3)
            assert found[i, j] == pytest.approx(want, abs=1e-12)


def test_origins_before_and_after_it_learned_are_told_alike() -> None:
    """Asked from origins on both sides of what it learned from, each is what it is when asked alone."""
    panel = drifting(900)
    one = Conformal.around(LastValue(TARGET, HORIZONS)).fit(panel.rows(slice(0, 600)))
    origins = np.array([100, 590, 640, 700])
    both = one.predict(panel, origins=origins).values
    assert np.array_equal(both[2:], one.predict(panel, origins=origins[2:]).values)
    plain = LastValue(TARGET, HORIZONS).fit(panel.rows(slice(0, 600))).predict(panel, origins=origins)
    assert np.array_equal(both[..., LEVELS.index(0.5)], plain.median)


def test_what_was_filled_moves_no_factor() -> None:
    """A value that a panel filled is no outcome: what is said after it is as if it were not known."""
    panel = simulated(400)
    one = Conformal(TARGET, (1, 6), base="climatology").fit(panel.rows(slice(0, 300)))
    measured = panel.measured.copy()
    measured[340:360, :, 0] = False
    filled = replace(panel, measured=measured)
    unknown = replace(filled, values=np.where(measured, panel.values, np.nan))
    last = np.array([390])
    said = [one.predict(p, origins=last).values for p in (filled, unknown, panel)]
    assert np.array_equal(said[0], said[1])
    assert not np.array_equal(said[0], said[2])


def test_the_median_is_left_alone() -> None:
    """Calibration stretches the sides; what is said in the middle stays what the estimator says."""
    panel = drifting(900)
    train = panel.rows(slice(0, 600))
    plain = LastValue(TARGET, HORIZONS).fit(train).predict(panel)
    calibrated = Conformal.around(LastValue(TARGET, HORIZONS)).fit(train).predict(panel)
    assert np.array_equal(plain.median, calibrated.median)
    assert not np.array_equal(plain.values, calibrated.values)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": "conformal"},
        {"base": "none"},
        {"base": "ridge", "base_parameters": {"seed": 1}},
        {"base": "ridge", "base_parameters": {"surprise": 1}},
        {"rate": 2},
        {"together": -1},
        {"interval_rate": 2},
        {"held_back": 0.9},
        {"levels": (0.1, 0.9)},
    ],
)
def test_it_is_made_of_what_there_is(wrong: dict[str, object]) -> None:
    """A base that there is not, parameters that it has not, rates out of bounds: refused when made."""
    with pytest.raises(BadParameter):
        Conformal(TARGET, HORIZONS, **wrong)  # type: ignore[arg-type]


def test_too_little_to_hold_back_is_refused() -> None:
    """A panel whose end is shorter than the longest horizon cannot calibrate it."""
    with pytest.raises(BadPanel):
        Conformal(TARGET, HORIZONS, base="last_value").fit(simulated(100))
