"""Where nobody measures, an estimate is worth what its distance from sensors allows."""

from dataclasses import replace

import numpy as np
import pytest

from air_fields import field_at, field_panel, panel_of, places
from veracity.models.errors import BadPanel, BadParameter, NotFitted
from veracity.models.great_circle import distances_km
from veracity.models.panel_array import Floats
from veracity.models.scaled_residuals import ScaledResiduals
from veracity.models.spatial import SpatialModel
from veracity.models.variogram import Variogram, fit_variogram

PANEL = field_panel()
LON, LAT = PANEL.attributes["lon"], PANEL.attributes["lat"]
MODEL = SpatialModel("pm25").fit(PANEL.rows(slice(0, 60)))
LATER = PANEL.rows(slice(60, None))


def kriged_without(k: int, z: Floats, apart: Floats, own: Floats, variogram: Variogram) -> float:
    """Ordinary kriging of sensor k from all others, by the textbook's system with a multiplier."""
    rest = np.delete(np.arange(len(z)), k)
    n = len(rest)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = variogram.covariance(apart[np.ix_(rest, rest)]) + np.diag(own[rest] + 1e-9)
    system[n, n] = 0.0
    weights = np.linalg.solve(system, np.append(variogram.covariance(apart[rest, k]), 1.0))[:n]
    return float(weights @ z[rest])


def test_leaving_out_is_as_kriging_without() -> None:
    """The short cut gives what the textbook's system gives for each sensor from all others."""
    z, trust = MODEL._known(LATER)
    apart = distances_km(LON, LAT, LON, LAT)
    errors, _ = MODEL._left_out(z[:1], apart, trust[:1])
    assert MODEL.variogram_ is not None
    for k in range(len(PANEL.keys)):
        want = kriged_without(k, z[0], apart, MODEL.own_error_, MODEL.variogram_)
        assert z[0, k] - errors[0, k] == pytest.approx(want, rel=1e-6)


def test_the_further_the_less_sure() -> None:
    """Intervals widen with distance from the nearest sensor, up to what is known of no place."""
    lon, lat = float(LON[0]), float(LAT[0])
    away = {str(km): (lon, lat + km / 111.2) for km in (0, 30, 60, 300)}
    said = MODEL.at(away, LATER, np.arange(20))
    z = np.sqrt(said.quantile(0.975)) - np.sqrt(said.quantile(0.025))
    width = z.mean(0)[:, 0]
    assert width[0] < width[1] <= width[2] <= width[3] * 1.001


def test_sensors_left_out_lie_in_their_intervals() -> None:
    """Of sensors that were never heard, about 80 and 95 % of readings lie in the intervals."""
    inside80: list[bool] = []
    inside95: list[bool] = []
    for fold in range(3):
        out = [k for i, k in enumerate(PANEL.keys) if i % 3 == fold]
        heard = PANEL.select([k for k in PANEL.keys if k not in out])
        model = SpatialModel("pm25").fit(heard.rows(slice(0, 60)))
        at = [PANEL.keys.index(k) for k in out]
        points = {k: (float(LON[i]), float(LAT[i])) for k, i in zip(out, at, strict=True)}
        said = model.at(points, heard, np.arange(60, 96))
        y = PANEL.column("pm25")[60:, at]
        for found, low, high in ((inside80, 0.1, 0.9), (inside95, 0.025, 0.975)):
            a, b = (said.quantile(q)[:, :, 0] for q in (low, high))
            found.extend(((a <= y) & (y <= b)).ravel())
    assert np.mean(inside80) == pytest.approx(0.8, abs=0.06)
    assert np.mean(inside95) == pytest.approx(0.95, abs=0.04)


def test_a_broken_sensor_is_found_and_hardly_heard() -> None:
    """One that reads a constant is called bad, and a place beside it is estimated as without it."""
    values = PANEL.column("pm25").copy()
    values[:, 7] = 160.0
    broken = panel_of({"pm25": values}, LON, LAT)
    model = SpatialModel("pm25").fit(broken.rows(slice(0, 60)))
    assert model.bad_sensors() == ("P07",)
    beside = {"x": (float(LON[7]) + 0.002, float(LAT[7]))}
    without = SpatialModel("pm25").fit(
        broken.select([k for k in PANEL.keys if k != "P07"]).rows(slice(0, 60))
    )
    at = np.arange(60, 96)
    heard = model.at(beside, broken, at).median
    alone = without.at(beside, broken.select(without.keys_), at).median
    assert np.abs(heard - alone).mean() < 0.15 * np.abs(160.0 - alone).mean()


def test_trust_moves_weight_away() -> None:
    """A sensor of no trust is as good as absent; one of little trust counts for less."""
    beside = {"x": (float(LON[3]), float(LAT[3]))}
    values = LATER.values.copy()
    values[0, 3] = 400.0
    moved = []
    calm = MODEL.at(beside, LATER, np.array([0])).median[0, 0, 0]
    for trust in (1.0, 0.2, 0.05):
        trusts = np.ones(values.shape)
        trusts[:, 3] = trust
        said = MODEL.at(beside, replace(LATER, values=values, trust=trusts), np.array([0]))
        moved.append(said.median[0, 0, 0] - calm)
    assert moved[0] > moved[1] > moved[2] > 0


def test_missing_sensors_and_too_few() -> None:
    """Each hour uses the sensors that it has; with fewer than three nothing is said."""
    values = LATER.values.copy()
    values[0, 5:] = np.nan
    values[1, 2:] = np.nan
    some = replace(LATER, values=values, measured=np.isfinite(values))
    said = MODEL.at({"x": (108.2, 16.05)}, some, np.array([0, 1, 2]))
    assert np.isfinite(said.values[[0, 2]]).all()
    assert np.isnan(said.values[1]).all()
    wide, narrow = (np.diff(said.values[i, 0, 0, [0, 6]])[0] for i in (0, 2))
    assert wide > 0.8 * narrow


def test_the_order_of_sensors_does_not_matter() -> None:
    """Turned around, the same sensors give the same estimate."""
    turned = panel_of({"pm25": PANEL.column("pm25")[:, ::-1]}, LON[::-1], LAT[::-1])
    other = SpatialModel("pm25").fit(turned.rows(slice(0, 60)))
    point = {"x": (108.15, 16.0)}
    a = MODEL.at(point, PANEL).values
    assert np.allclose(a, other.at(point, turned).values, rtol=1e-3)


def test_the_variogram_is_found_again() -> None:
    """A field of known reach and noise gives them back, roughly."""
    rng = np.random.default_rng(4)
    lon, lat = places(rng, 60)
    z = field_at(rng, lon, lat, 200, 8.0) + 0.3 * rng.normal(size=(200, 60))
    found = fit_variogram(z, distances_km(lon, lat, lon, lat))
    assert found.nugget == pytest.approx(0.09, abs=0.07)
    assert found.nugget + found.sill == pytest.approx(1.09, abs=0.4)
    assert found.reach_km == pytest.approx(8.0, rel=0.6)
    assert Variogram(1.0, 2.0, 5.0)(np.array([0.0, 1e6])).tolist() == [1.0, 3.0]


def test_bad_input_is_our_own_error() -> None:
    """Before fit, without coordinates, at no place, of other sensors."""
    with pytest.raises(NotFitted):
        SpatialModel("pm25").at({"x": (108.0, 16.0)}, PANEL)
    with pytest.raises(BadPanel, match="lon and lat"):
        SpatialModel("pm25").fit(replace(PANEL, attributes={}))
    for point in ((200.0, 16.0), (108.0, 91.0), (float("nan"), 16.0)):
        with pytest.raises(BadParameter, match="points"):
            MODEL.at({"x": point}, PANEL)
    with pytest.raises(BadParameter, match="points"):
        MODEL.at({}, PANEL)
    with pytest.raises(BadPanel, match="keys"):
        MODEL.at({"x": (108.0, 16.0)}, PANEL.select(PANEL.keys[:5]))
    with pytest.raises(BadPanel, match="3 places"):
        SpatialModel("pm25").fit(PANEL.select(PANEL.keys[:2]))


def test_scaled_residuals_cover_by_range() -> None:
    """Errors whose size is expected are covered in every range, and few are refused."""
    rng = np.random.default_rng(1)
    expected = rng.uniform(0.5, 4.0, 8_000)
    errors = expected * rng.standard_t(4, 8_000)
    made = ScaledResiduals.of(errors[:4_000], expected[:4_000], (0.1, 0.5, 0.9))
    q = made.around(np.zeros(4_000), expected[4_000:])
    for part in (expected[4_000:] < 1.5, expected[4_000:] > 3.0):
        inside = (q[part, 0] <= errors[4_000:][part]) & (errors[4_000:][part] <= q[part, 2])
        assert inside.mean() == pytest.approx(0.8, abs=0.04)
    with pytest.raises(BadPanel, match="40 measured"):
        ScaledResiduals.of(errors[:10], expected[:10], (0.5,))


def test_a_range_with_few_errors_is_not_sure() -> None:
    """Where ties leave a range of expected errors empty, its quantiles are those of all, not of nothing."""
    expected = np.concatenate([np.full(1_900, 2.0), np.full(20, 3.0)])
    errors = np.random.default_rng(3).normal(size=len(expected)) * expected
    made = ScaledResiduals.of(errors, expected, (0.1, 0.5, 0.9))
    q = made.around(np.zeros(3), np.array([1.0, 2.0, 3.0]))
    assert (q[:, 2] - q[:, 0] > 2.0).all()
