"""Applying a calibration: which rows get a value, which do not, and that nothing else changes."""

from contextlib import suppress

import numpy as np
import polars as pl
import pytest

from calibrated_post import DAY_US, HOUR_US, START_US, fitted, post
from veracity.data.calibration import MalformedCalibration, apply, parse_calibration
from veracity.data.digest import frame_digest

ROWS = post(100, noise=1.0)
CALIBRATION = fitted(ROWS)


def test_a_corrected_value_is_the_formula() -> None:
    """Each value is the document's formula worked by hand, rounded to its decimals."""
    done = apply(ROWS, CALIBRATION, "time")
    segment = CALIBRATION.segments[3]
    m = segment.model
    c = {t: float(v) for t, v in m.coefficients}
    x0, t0 = map(float, m.centres)
    rows = done.filter(pl.col("time").to_physical().is_between(m.fitted_us, segment.until_us, closed="left"))
    assert rows.height == 240
    for row in rows.iter_rows(named=True):
        want = c["offset"] + c["gain"] * (row["x"] - x0) + c["covariate:t"] * (row["t"] - t0)
        assert row["x_corrected"] == pytest.approx(want, abs=0.51 * 10**-CALIBRATION.decimals)
        assert row["x_corrected"] == round(row["x_corrected"], CALIBRATION.decimals)
        assert row["x_corrected_uncertainty"] == float(CALIBRATION.ages[0].rmse)


def test_raw_values_stay_and_rows_keep_their_order() -> None:
    """Three columns come on the right; without them the rows are what they were, to the bit."""
    shuffled = ROWS.sample(fraction=1.0, shuffle=True, seed=3)
    done = apply(shuffled, CALIBRATION, "time")
    assert done.columns[4:] == ["x_corrected", "x_corrected_uncertainty", "x_corrected_state"]
    assert frame_digest(done.drop(done.columns[4:])) == frame_digest(shuffled)
    one_by_one = pl.concat(apply(ROWS.slice(i, 1), CALIBRATION, "time") for i in range(470, 530))
    assert frame_digest(one_by_one) == frame_digest(apply(ROWS, CALIBRATION, "time").slice(470, 60))


def test_states() -> None:
    """Too early, too late, without an input, beyond what was seen, taken back: each says so."""
    first = CALIBRATION.from_us
    assert first == START_US + 20 * DAY_US
    end = CALIBRATION.until_us
    rows = pl.DataFrame(
        {
            "time": [first - 1, first, first + HOUR_US, first + HOUR_US, end - 1, end],
            "x": [100.0, 100.0, None, 1_000.0, 100.0, 100.0],
            "t": [20.0] * 6,
        }
    ).with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))
    done = apply(rows, CALIBRATION, "time")
    states = ["outside", "corrected", "missing", "extrapolated", "corrected", "outside"]
    assert done["x_corrected_state"].to_list() == states
    has = [s in ("corrected", "extrapolated") for s in states]
    for name in ("x_corrected", "x_corrected_uncertainty"):
        assert done[name].is_not_null().to_list() == has
    oldest = max(float(a.rmse) for a in CALIBRATION.ages)
    assert done["x_corrected_uncertainty"][4] == oldest
    taken = apply(rows, CALIBRATION, "time", withdrawn_from_us=first + HOUR_US)
    assert taken["x_corrected_state"].to_list() == [*states[:2], *["withdrawn"] * 3, "outside"]
    assert taken["x_corrected"].null_count() == 5


def test_the_stated_uncertainty_holds() -> None:
    """About two thirds of the corrected values lie within the stated uncertainty of the truth."""
    done = apply(ROWS, CALIBRATION, "time").drop_nulls("x_corrected")
    off = (done["x_corrected"] - done["y"]).abs() <= done["x_corrected_uncertainty"]
    assert off.mean() == pytest.approx(0.68, abs=0.05)


def test_columns_that_do_not_fit() -> None:
    """A column that is not there, is no number or no time, or is there already, is named."""
    for rows, message in (
        (ROWS.drop("t"), "got 't'"),
        (ROWS.with_columns(t=pl.lit("warm")), "column t: want numbers"),
        (ROWS.with_columns(time=pl.lit(1)), "column time: want times"),
        (ROWS.with_columns(x_corrected_state=pl.lit("")), "got 'x_corrected_state'"),
    ):
        with pytest.raises(MalformedCalibration, match=message):
            apply(rows, CALIBRATION, "time")


def test_no_rows_give_no_rows() -> None:
    """An empty table gets its three columns."""
    done = apply(ROWS.head(0), CALIBRATION, "time")
    assert (done.height, done.width) == (0, 7)
    assert done.schema["x_corrected"] == pl.Float64


def test_a_document_that_was_changed_is_refused() -> None:
    """Any byte changed makes another digest, or no document at all; nothing else is raised."""
    text = CALIBRATION.text
    rng = np.random.default_rng(4)
    for at in rng.choice(len(text), 300, replace=False):
        for byte in (text[at] ^ 1, ord("9")):
            if byte == text[at]:
                continue
            other = text[:at] + bytes([byte]) + text[at + 1 :]
            with suppress(MalformedCalibration):
                assert parse_calibration(other).sha256 != CALIBRATION.sha256
    for other in (b"", b"{}", b"[1]", text + b"\n", text[:-1], b" " + text):
        with pytest.raises(MalformedCalibration):
            parse_calibration(other)
