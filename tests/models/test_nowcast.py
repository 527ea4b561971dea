"""Gaps are filled with honest quantiles; live, nothing after the gap is looked at."""

import json
from dataclasses import replace

import numpy as np
import pytest

from air_fields import air_panel, panel_of
from veracity.models.errors import BadPanel, BadParameter, MalformedModel, NotFitted
from veracity.models.lagged_covariance import lagged_covariance, steps_since, steps_until
from veracity.models.nowcast import GapFiller
from veracity.models.panel_array import Bools, PanelArray

N_TRAIN = 24 * 42
WHOLE = air_panel()
TRAIN, TEST = WHOLE.rows(slice(0, N_TRAIN)), WHOLE.rows(slice(N_TRAIN, None))


@pytest.fixture(scope="module")
def live() -> GapFiller:
    return GapFiller("pm25").fit(TRAIN)


@pytest.fixture(scope="module")
def archive() -> GapFiller:
    return GapFiller("pm25", mode="archive").fit(TRAIN)


def cut(panel: PanelArray, gaps: Bools, column: int | None = None) -> PanelArray:
    """The panel with gaps in all columns, or in one."""
    values = panel.values.copy()
    values[gaps, slice(None) if column is None else column] = np.nan
    return replace(panel, values=values, measured=np.isfinite(values))


def with_gaps(hours: int, seed: int = 3) -> tuple[PanelArray, Bools]:
    """The test weeks with some gaps at every place."""
    rng = np.random.default_rng(seed)
    gaps = np.zeros((TEST.n_times, len(TEST.keys)), bool)
    for k in range(len(TEST.keys)):
        for first in rng.integers(30, TEST.n_times - hours - 30, 60 // hours):
            gaps[first : first + hours, k] = True
    return cut(TEST, gaps), gaps


def test_what_comes_later_changes_nothing_live(live: GapFiller) -> None:
    """Live estimates are the same to the bit, whatever the future holds; those of an archive are not."""
    gaps = np.zeros((TEST.n_times, len(TEST.keys)), bool)
    gaps[100:106, 2] = True
    seen, at = cut(TEST, gaps), np.array([100, 103, 105])
    shuffled = seen.values.copy()
    shuffled[106:] = np.random.default_rng(5).permutation(shuffled[106:])
    other = replace(seen, values=shuffled, measured=np.isfinite(shuffled))
    assert np.array_equal(live.fill(seen, at).values, live.fill(other, at).values)
    shorter = live.fill(seen.until(105), at).values
    assert np.array_equal(live.fill(seen, at).values, shorter)


def test_an_archive_knows_both_sides(archive: GapFiller, live: GapFiller) -> None:
    """With both edges of a gap estimates are better than with one, and both beat a straight line."""
    seen, gaps = with_gaps(6)
    truth = TEST.column("pm25")[gaps]
    at = np.arange(TEST.n_times)
    line = np.stack(
        [np.interp(at, at[~gaps[:, k]], c[~gaps[:, k]]) for k, c in enumerate(TEST.column("pm25").T)]
    )
    error = {
        name: np.abs(f.estimate(seen, at).median[:, :, 0][gaps] - truth).mean()
        for name, f in (("archive", archive), ("live", live))
    }
    straight = np.abs(line.T[gaps] - truth).mean()
    assert error["archive"] < error["live"] < straight
    assert error["archive"] < 0.8 * straight


def test_intervals_hold_what_they_promise(archive: GapFiller, live: GapFiller) -> None:
    """Of values that were cut out, about 80 and 95 % lie in their intervals: pooled over lengths of gaps."""
    for filler in (archive, live):
        inside: dict[tuple[float, float], list[float]] = {(0.1, 0.9): [], (0.025, 0.975): []}
        for hours in (1, 6, 20):
            seen, gaps = with_gaps(hours, seed=hours)
            said = filler.estimate(seen, np.arange(TEST.n_times))
            y = TEST.column("pm25")[gaps]
            for (low, high), found in inside.items():
                a, b = (said.quantile(q)[:, :, 0][gaps] for q in (low, high))
                found.extend((a <= y) & (y <= b))
        assert np.mean(inside[0.1, 0.9]) == pytest.approx(0.8, abs=0.07)
        assert np.mean(inside[0.025, 0.975]) == pytest.approx(0.95, abs=0.05)


def test_measured_values_stay_and_filled_ones_are_no_evidence(live: GapFiller) -> None:
    """What was measured comes back as it is; what a rule filled is estimated anew, and teaches nothing."""
    said = live.fill(TEST, np.array([50]))
    assert np.array_equal(said.values[0, :, 0, 3], TEST.column("pm25")[50])
    assert said.horizons.tolist() == [0]
    wild = TEST.values.copy()
    wild[48:51, 1] = 9_999.0
    measured = TEST.measured.copy()
    measured[48:51, 1] = False
    filled, unknown = replace(TEST, values=wild, measured=measured), cut(TEST, ~measured[:, :, 0])
    at = np.array([50])
    assert np.array_equal(live.fill(filled, at).values, live.fill(unknown, at).values)


def test_further_from_an_edge_is_less_sure(live: GapFiller) -> None:
    """With every other place silent too, the interval grows with each hour of the gap."""
    gaps = np.zeros((TEST.n_times, len(TEST.keys)), bool)
    gaps[200:212] = True
    said = live.estimate(cut(TEST, gaps), np.arange(200, 212))
    width = said.quantile(0.975)[:, 0, 0] - said.quantile(0.025)[:, 0, 0]
    assert width[11] > width[4] > width[0]
    nothing = cut(TEST, np.ones_like(gaps))
    alone = live.estimate(nothing, np.array([205])).values
    assert np.isfinite(alone).all()


def test_helpers_of_the_same_place_help() -> None:
    """PM10 that is still measured makes PM2.5 better known; a station that fell silent is still estimated."""
    with_help = GapFiller("pm25", helpers=("pm10",)).fit(TRAIN)
    plain = GapFiller("pm25").fit(TRAIN)
    _, gaps = with_gaps(6)
    one = cut(TEST, gaps, 0)
    at = np.arange(TEST.n_times)
    truth = TEST.column("pm25")[gaps]
    helped = np.abs(with_help.estimate(one, at).median[:, :, 0][gaps] - truth).mean()
    unhelped = np.abs(plain.estimate(one, at).median[:, :, 0][gaps] - truth).mean()
    assert helped < 0.8 * unhelped
    silent = with_help.estimate(cut(TEST, gaps), at).median[:, :, 0][gaps]
    assert np.abs(silent - truth).mean() == pytest.approx(unhelped, rel=0.15)


def test_distrusted_sensors_are_listened_to_less(live: GapFiller) -> None:
    """A neighbour that lies moves the estimate less, the less it is trusted, and not at all at zero."""
    gaps = np.zeros((TEST.n_times, len(TEST.keys)), bool)
    gaps[100:104, 0] = True
    seen, at = cut(TEST, gaps), np.array([103])
    calm = live.estimate(seen, at).median[0, 0, 0]
    lying = seen.values.copy()
    lying[103, 3] *= 6.0
    moved = []
    for trust in (1.0, 0.3, 0.05, 0.0):
        trusts = np.ones(seen.values.shape)
        trusts[:, 3] = trust
        said = live.estimate(replace(seen, values=lying, trust=trusts), at)
        moved.append(abs(said.median[0, 0, 0] - calm))
    assert moved[0] > moved[1] > moved[2] > 0
    silent = seen.values.copy()
    silent[:, 3] = np.nan
    without = live.estimate(replace(seen, values=silent, measured=np.isfinite(silent)), at)
    assert said.median[0, 0, 0] == without.median[0, 0, 0]


def test_files_give_the_same_filler_back(live: GapFiller) -> None:
    """Written and read, it says the same to the bit; the same fit gives the same bytes."""
    files, parameters = live.to_files(), json.loads(json.dumps(live.parameters()))
    again = GapFiller.from_files(parameters, files)
    at = np.array([10, 90])
    assert np.array_equal(again.estimate(TEST, at).values, live.estimate(TEST, at).values)
    assert GapFiller("pm25").fit(TRAIN).to_files() == files


@pytest.mark.parametrize(
    ("parameters", "change"),
    [
        ({}, lambda body: body[:-8]),
        ({}, lambda _: b""),
        ({"longest": 12}, lambda body: body),
        ({"helpers": ["pm10"]}, lambda body: body),
        ({"levels": [0.5]}, lambda body: body),
        ({"mode": "later"}, lambda body: body),
        ({"depth": 3}, lambda body: body),
    ],
)
def test_bad_files_fail_as_our_own_error(
    live: GapFiller, parameters: dict[str, object], change: object
) -> None:
    """Files that were cut, or belong to other parameters, are not loaded."""
    assert callable(change)
    files = {"gaps.safetensors": change(live.to_files()["gaps.safetensors"])}
    with pytest.raises(MalformedModel):
        GapFiller.from_files(dict(live.parameters()) | parameters, files)


def test_what_it_cannot_do_is_said(live: GapFiller) -> None:
    """Without a fit, on other places, out of range or on too little: our own errors."""
    with pytest.raises(NotFitted):
        GapFiller("pm25").estimate(TEST)
    with pytest.raises(NotFitted):
        GapFiller("pm25").to_files()
    with pytest.raises(BadPanel, match="keys"):
        live.fill(TEST.select(TEST.keys[:3]))
    with pytest.raises(BadParameter, match="at"):
        live.fill(TEST, np.array([TEST.n_times]))
    with pytest.raises(BadPanel):
        GapFiller("o3").fit(TRAIN)
    with pytest.raises(BadPanel):
        GapFiller("pm25").fit(TRAIN.rows(slice(0, 12)))
    with pytest.raises(BadParameter):
        GapFiller("pm25", mode="both")  # type: ignore[arg-type]


def test_a_place_alone_and_one_that_never_measured(live: GapFiller) -> None:
    """One place is filled from its own past; a place without any value does not break the others."""
    alone = GapFiller("pm25").fit(TRAIN.select(["P00"]))
    assert np.isfinite(alone.estimate(TEST.select(["P00"])).values).all()
    values = WHOLE.column("pm25").copy()
    values[:, 4] = np.nan
    dead = panel_of({"pm25": values}, WHOLE.attributes["lon"], WHOLE.attributes["lat"])
    said = GapFiller("pm25").fit(dead.rows(slice(0, N_TRAIN))).estimate(dead)
    assert np.isfinite(said.values[:, :4]).all()


def test_lags_and_edges() -> None:
    """Covariances are those of pairs that both know; edges are counted from both sides."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 2))
    z[3, 0] = np.nan
    found = lagged_covariance(z, 2)
    both = ~np.isnan(z[2:, 0])
    assert found[2, 0, 1] == pytest.approx(np.mean(z[2:, 0][both] * z[:-2, 1][both]))
    known = np.array([[True], [False], [False], [True], [True]])
    assert steps_since(known, 3).ravel().tolist() == [4, 1, 2, 3, 1]
    assert steps_until(known, 3).ravel().tolist() == [3, 2, 1, 1, 4]
