"""What a calibration finds in data whose truth is known, and what it refuses."""

import numpy as np
import polars as pl
import pytest

from calibrated_post import DAY_US, HOUR_US, START_US, definition, fitted, maes, post, spoil
from veracity.data.calibration import CannotCalibrate, apply, pair, parse_calibration
from veracity.data.calibration.document import Calibration
from veracity.data.calibration.validation import cut


def coefficients(calibration: Calibration, segment: int = -1) -> dict[str, float]:
    return {t: float(c) for t, c in calibration.segments[segment].model.coefficients}


def test_the_truth_is_recovered() -> None:
    """Without noise the coefficients are the true ones to nine digits, and no curve is supposed."""
    c = fitted(post(), memory="recent")
    found = coefficients(c)
    assert (c.memory, c.shape, c.chosen) == ("recent", "adjusted", "recent adjusted")
    assert found["gain"] == pytest.approx(0.5, rel=1e-8)
    assert found["covariate:t"] == pytest.approx(-0.8, rel=1e-8)
    x0, t0 = map(float, c.segments[-1].model.centres)
    assert found["offset"] == pytest.approx(10 + 0.5 * (x0 - 100) - 0.8 * (t0 - 20), rel=1e-8)


def test_noise_leaves_the_truth_within_its_error() -> None:
    """With noise of 2 the gain is within four standard errors, and the stated uncertainty is the noise."""
    c = fitted(post(noise=2.0))
    m = c.segments[-1].model
    standard_error = 2.0 / (100 / np.sqrt(12)) / np.sqrt(m.n_pairs)
    assert coefficients(c)["gain"] == pytest.approx(0.5, abs=4 * standard_error)
    assert float(m.spread) == pytest.approx(2.0, rel=0.15)
    assert [float(a.rmse) for a in c.ages] == pytest.approx([2.0] * 3, rel=0.1)
    assert c.memory == "recent"  # no drift: nothing is to be won by supposing one


def test_a_drift_is_found_and_followed() -> None:
    """A steady drift makes a fit that is never renewed fail; one with a trend foresees it."""
    rows = post(200, offset_a_day=0.3, gain_a_day=0.002, noise=1.0)
    c = fitted(rows)
    once, recent, trend = maes(c, ["once line", "recent adjusted", "trend adjusted"])
    assert trend < recent < once
    assert c.chosen == "trend adjusted"
    found = coefficients(c)
    assert found["drift"] == pytest.approx(0.3, rel=0.05)
    assert found["gain_drift"] == pytest.approx(0.002, rel=0.1)


def test_a_drift_that_turns_is_not_extrapolated() -> None:
    """Where the drift turns round, the recent past is a better guide than a trend, and is chosen."""
    rows = post(200, noise=1.0)
    at = np.arange(rows.height) / 24
    rows = rows.with_columns(y=rows["y"] + 15 * np.sin(2 * np.pi * at / 80))
    c = fitted(rows)
    recent, trend = maes(c, ["recent adjusted", "trend adjusted"])
    assert c.memory == "recent"
    assert recent < trend
    ages = [float(a.rmse) for a in c.ages]
    assert ages == sorted(ages)  # the longer ago it was fitted, the worse
    assert ages[-1] > 1.5 * ages[0]


def test_outliers_in_the_reference_hardly_count() -> None:
    """One reading in ten of the reference wrong by far moves the fit by less than the noise does."""
    rows = post(noise=1.0)
    clean, dirty = fitted(rows), fitted(spoil(rows, 10, "y", 5_000.0), shape="adjusted", memory="recent")
    assert coefficients(dirty)["gain"] == pytest.approx(coefficients(clean)["gain"], abs=0.02)
    assert coefficients(dirty)["offset"] == pytest.approx(coefficients(clean)["offset"], abs=0.5)


def test_nothing_of_the_future_is_in_a_fit() -> None:
    """Changing all that comes after a time leaves every fit before it, and its corrections, as they were."""
    rows = post(100, noise=1.0)
    turn = START_US + 60 * DAY_US
    after = pl.col("time").to_physical() >= turn
    other = rows.with_columns(y=pl.when(after).then(-pl.col("y")).otherwise("y"))
    a, b = (fitted(r, memory="recent", shape="adjusted") for r in (rows, other))
    models = [[s.model for s in c.segments if s.model.fitted_us <= turn] for c in (a, b)]
    assert models[0] == models[1]
    assert len(models[0]) == 5
    assert a.segments[-1] != b.segments[-1]
    for segment in a.segments:
        assert segment.model.last_us < segment.model.fitted_us < segment.until_us


def test_a_document_reads_back_as_it_is() -> None:
    """A document parses to an equal calibration, and the same readings give the same bytes."""
    rows = post(noise=1.0)
    c = fitted(rows)
    assert parse_calibration(c.text) == c
    assert fitted(rows.clone()).sha256 == c.sha256
    assert fitted(rows.sample(fraction=1.0, shuffle=True, seed=2)).sha256 == c.sha256


@pytest.mark.parametrize("seed", range(5))
def test_rounding_hides_the_last_bits(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another machine added in another order, the document would still be the same."""
    rows = post(noise=1.0)
    want = fitted(rows).sha256
    rng = np.random.default_rng(seed)

    def otherwise(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(np.sum(rng.permutation(values)))

    for module in ("least_squares", "fitting", "validation"):
        monkeypatch.setattr(f"veracity.data.calibration.{module}.folded_sum", otherwise)
    assert fitted(rows).sha256 == want


def test_what_cannot_be_fitted_says_why() -> None:
    """Too few pairs, a constant sensor, columns that say the same, several devices: each names itself."""
    rows = post(noise=1.0)
    with pytest.raises(CannotCalibrate, match="pairs: want at least 50, got 24"):
        fitted(rows.head(24))
    with pytest.raises(CannotCalibrate, match="want some after"):
        fitted(rows.head(20 * 24))
    with pytest.raises(CannotCalibrate, match="blocks: want at least 4"):
        fitted(rows.head(35 * 24))
    with pytest.raises(CannotCalibrate, match=r"x: want a column that changes, got 3\.0 nearly"):
        fitted(rows.with_columns(x=pl.lit(3.0)))
    with pytest.raises(CannotCalibrate, match="covariate:t: want a column of its own"):
        fitted(rows.with_columns(t=2 * pl.col("x") + 7), shape="adjusted")
    with pytest.raises(CannotCalibrate, match="one reading a time"):
        fitted(pl.concat([rows, rows]))
    with pytest.raises(CannotCalibrate, match="pairs: want at least 50, got 0"):
        fitted(rows.with_columns(y=pl.lit(None, dtype=pl.Float64)))
    with pytest.raises(CannotCalibrate, match="at most 1000 fits"):
        fitted(rows, every="1h")


def test_a_shape_that_cannot_be_fitted_is_left_out() -> None:
    """With a covariate that says what the sensor says, the line is still there to choose."""
    rows = post(noise=1.0).with_columns(t=2 * pl.col("x") + 7)
    assert fitted(rows).shape == "line"


def test_a_window_without_readings_keeps_the_fit_before() -> None:
    """While the reference is away the last fit goes on, until it is too old to be known good."""
    rows = post(160, noise=1.0)
    at = pl.int_range(pl.len()) / 24
    away = (at >= 60) & (at < 120)
    c = fitted(rows.with_columns(y=pl.when(away).then(None).otherwise("y")), memory="recent")
    fits = [(s.model.fitted_us - START_US) / DAY_US for s in c.segments]
    assert fits[:6] == [20, 30, 40, 50, 60, 70]
    assert fits[6] == 130
    assert (c.segments[5].until_us - START_US) / DAY_US == 100
    done = apply(rows, c, "time")
    states = done["x_corrected_state"].to_list()
    assert (states[99 * 24], states[101 * 24], states[131 * 24]) == ("corrected", "outside", "corrected")


def test_pairs_are_the_nearest_in_time() -> None:
    """A reading is paired with the nearest of the reference within the tolerance, the earlier of two."""
    rows = post(3).select("time", "x", "t")
    shift = [0, 10, -10, 31, 40]
    minutes = pl.Series([0, 60, 120, 180, 240]) + pl.Series(shift)
    reference = pl.DataFrame({"time": START_US + minutes * 60_000_000, "y": [0.0, 1.0, 2.0, 3.0, 4.0]})
    reference = reference.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))
    pairs = pair(definition(within="30m"), rows, "time", reference, "time")
    assert ((pairs.times - START_US) // HOUR_US).tolist() == [0, 1, 2, 4, 5]
    assert pairs.reference.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(pair(definition(), rows, "time", reference, "time")) == 1
    assert len(cut(pairs, START_US, START_US + HOUR_US)) == 1
