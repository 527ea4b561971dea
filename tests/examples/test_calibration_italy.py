"""The cheap sensors of Italy against the analyser beside them: a year of drift, and what helps."""

from pathlib import Path

import polars as pl
import pytest
from real_data import ROOT, TakeIn, Taken

from veracity.data.calibration import Calibration
from veracity.home.calibration_audit import audit_calibration
from veracity.home.calibrations import fit_calibration, say_fitted
from veracity.home.corrections import correct, say_corrected
from veracity.home.home import open_writer


@pytest.fixture
def taken(data: Path, take_in: TakeIn) -> Taken:
    return take_in("uci_air_quality_italy_raw", data / "uci_air_quality_italy_raw" / "AirQualityUCI.csv.gz")


def maes(calibration: Calibration) -> dict[str, float]:
    """Held-out mean absolute errors by contender, to three digits."""
    return {c.name: float(f"{float(c.score.mae):.3g}") for c in calibration.contenders}


@pytest.mark.data
def test_nitrogen_dioxide_needs_a_fit_that_is_renewed(taken: Taken) -> None:
    """Renewed every four weeks its error is a third of that of a fit made once, on later blocks."""
    with open_writer(taken.city.root) as home:
        fitted = say_fitted(home, fit_calibration(home, definition("no2"), taken.feed))
        done = say_corrected(home, correct(home, "uci-italy-no2"))
        assert audit_calibration(home, fitted.entry or 0) == []
        assert audit_calibration(home, done.entry or 0) == []
    c = fitted.calibration
    assert (c.n_pairs, len(c.segments), c.chosen, c.decimals, c.unit) == (
        7_393,
        13,
        "recent curved",
        1,
        "ug/m3",
    )
    mae = maes(c)
    assert (mae["raw"], mae["once line"], mae["once curved"]) == (73.5, 67.8, 79.4)
    assert (mae["recent curved"], mae["all curved"], mae["trend curved"]) == (24.4, 48.2, 26.8)
    assert [f"{float(a.rmse):.3g}" for a in c.ages] == ["29.9", "38.8", "50.4"]
    states = dict(done.frame["no2_corrected_state"].value_counts().iter_rows())
    assert states == {"corrected": 6_909, "extrapolated": 765, "missing": 339, "outside": 1_344}
    off = (done.frame["no2_corrected"] - done.frame["no2"]).abs()
    within = done.frame.select((off <= pl.col("no2_corrected_uncertainty")).mean()).item()
    assert within == pytest.approx(0.73, abs=0.02)


@pytest.mark.data
def test_carbon_monoxide_where_the_choice_is_not_the_best(taken: Taken) -> None:
    """Chosen by summer, judged by winter: better than any fit made once, but not the best there was."""
    with open_writer(taken.city.root) as home:
        fitted = fit_calibration(home, definition("co"), taken.feed)
    c = fitted.calibration
    mae = maes(c)
    assert c.chosen == "recent line"
    assert (mae["raw"], mae["once line"], mae["recent line"]) == (666.0, 632.0, 564.0)
    assert (mae["recent curved"], mae["trend adjusted"]) == (527.0, 628.0)  # the trend loses to the line


def definition(name: str) -> Path:
    return ROOT / "examples" / "calibrations" / f"uci-italy-{name}.yaml"
