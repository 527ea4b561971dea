"""Estimators: one behaviour, whatever is inside. Above all, nothing after an origin changes what is said."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimating import FEW, HORIZONS, TARGET, graph, make, simulated
from veracity.models.errors import BadPanel, BadParameter, MalformedModel, NotFitted
from veracity.models.estimator import Forecaster
from veracity.models.estimators import ESTIMATORS
from veracity.models.files import check_names
from veracity.models.forecast import LEVELS
from veracity.models.panel_array import PanelArray

NAMES = sorted(ESTIMATORS)
LEARNS_FROM = slice(0, 480)


@pytest.fixture(scope="module")
def panel() -> PanelArray:
    return simulated()


@pytest.fixture(scope="module")
def fitted(panel: PanelArray) -> Callable[[str], Forecaster]:
    made: dict[str, Forecaster] = {}

    def of(name: str) -> Forecaster:
        if name not in made:
            made[name] = make(name).fit(panel.rows(LEARNS_FROM))
        return made[name]

    return of


@pytest.fixture(params=NAMES)
def one(request: Any, fitted: Callable[[str], Forecaster]) -> Forecaster:
    return fitted(request.param)


def test_quantiles_have_their_shape_and_order(one: Forecaster, panel: PanelArray) -> None:
    """A forecast has every origin, key, horizon and level, and does not fall along levels."""
    said = one.predict(panel, origins=np.array([500, 600]))
    assert said.values.shape == (2, len(panel.keys), len(HORIZONS), len(LEVELS))
    assert (said.target, said.keys, tuple(said.horizons), said.levels) == (
        TARGET,
        panel.keys,
        HORIZONS,
        LEVELS,
    )
    assert said.origins_us.tolist() == panel.times_us[[500, 600]].tolist()
    assert np.isfinite(said.values).all()
    assert (np.diff(said.values, axis=-1) >= 0).all()
    assert (said.values >= 0).all(), "what was never below 0 is not said to be"


def test_the_last_time_is_the_default(one: Forecaster, panel: PanelArray) -> None:
    """Without origins it looks ahead from the panel's last time, as from that origin of a longer one."""
    said, longer = one.predict(panel.until(550)), one.predict(panel, origins=np.array([550]))
    assert said.origins_us.tolist() == [panel.times_us[550]]
    assert np.allclose(said.values, longer.values, rtol=1e-9, atol=1e-9)


def test_some_horizons_are_as_all(one: Forecaster, panel: PanelArray) -> None:
    """Asked for one horizon it says what it says of it among all."""
    origins = np.array([520])
    alone, all_ = one.predict(panel, [HORIZONS[1]], origins), one.predict(panel, origins=origins)
    assert np.allclose(alone.values[:, :, 0], all_.values[:, :, 1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["noise", "gone", "shuffled"])
def test_the_future_changes_nothing(one: Forecaster, panel: PanelArray, kind: str) -> None:
    """Noise, nothing, or other days after an origin: what is said from it stays the same, to the bit."""
    origin = 540
    other = _after(panel, origin, kind)
    for origins in ([500, origin], [500, origin, panel.n_times - 1]):
        before = one.predict(panel, origins=np.array(origins)).values[:2]
        after = one.predict(other, origins=np.array(origins)).values[:2]
        assert np.array_equal(before, after, equal_nan=True)


def test_what_it_learns_ends_with_the_panel(panel: PanelArray) -> None:
    """Every estimator refuses an origin outside of the panel: there is no way to ask for more."""
    one = make("last_value").fit(panel)
    for wrong in ([panel.n_times], [-1]):
        with pytest.raises(BadParameter):
            one.predict(panel, origins=np.array(wrong))


@pytest.mark.parametrize("name", ["last_value", "seasonal", "climatology", "lightgbm", "onnx"])
def test_what_was_filled_is_no_outcome(name: str, panel: PanelArray) -> None:
    """Values that a panel filled at its end teach nothing: nobody saw them come."""
    head = panel.rows(LEARNS_FROM)
    values, measured = head.values.copy(), head.measured.copy()
    values[-24:, :, 0], measured[-24:, :, 0] = 9_999.0, False
    filled = replace(head, values=values, measured=measured)
    values = values.copy()
    values[-24:, :, 0] = np.nan
    unknown = replace(filled, values=values)
    assert make(name).fit(filled).to_files() == make(name).fit(unknown).to_files()


def test_files_bring_it_back(one: Forecaster, panel: PanelArray) -> None:
    """Written and read again it says the same, to the bit, and writes the same files."""
    files = one.to_files()
    check_names({"model.json": b"", **{f"{TARGET}.{name}": body for name, body in files.items()}})
    again = type(one).from_files(one.parameters(), files)
    origins = np.array([500, 517])
    assert np.array_equal(
        again.predict(panel, origins=origins).values, one.predict(panel, origins=origins).values
    )
    assert again.to_files() == files
    assert dict(again.parameters()) == dict(one.parameters())


@pytest.mark.parametrize("name", [n for n in NAMES if n not in FEW])
def test_the_same_seed_gives_the_same_files(
    name: str, panel: PanelArray, fitted: Callable[..., Forecaster]
) -> None:
    """The same panel, parameters and seed give the same files, to the byte."""
    assert make(name).fit(panel.rows(LEARNS_FROM)).to_files() == fitted(name).to_files()


def test_missing_values_are_survived(one: Forecaster, panel: PanelArray) -> None:
    """A day without any value, and a key that never has one: it says something or nothing, and goes on."""
    values = panel.values.copy()
    values[520:545] = np.nan
    values[:, 0] = np.nan
    gone = PanelArray(panel.times_us, panel.every_us, panel.keys, panel.columns, values, np.isfinite(values))
    said = one.predict(gone, origins=np.array([544, 560]))
    assert said.values.shape == (2, len(panel.keys), len(HORIZONS), len(LEVELS))
    assert np.isfinite(said.values[1, 1:]).all()


def test_a_key_never_seen_is_forecast(one: Forecaster, panel: PanelArray) -> None:
    """A place that was not there when it learned gets a forecast from its own values and those near it."""
    keys = (*panel.keys[:-1], "z-new")
    new = PanelArray(
        panel.times_us,
        panel.every_us,
        keys,
        panel.columns,
        panel.values,
        panel.measured,
        None,
        panel.attributes,
    )
    assert np.isfinite(one.predict(new, origins=np.array([560])).values).all()


def test_one_key_alone_is_forecast(one: Forecaster, panel: PanelArray) -> None:
    """A panel of only one of the places it learned from is forecast, though there is none near it."""
    alone = panel.select(panel.keys[:1])
    assert np.isfinite(one.predict(alone, origins=np.array([560])).values).all()


def test_a_missing_column_is_refused(one: Forecaster, panel: PanelArray) -> None:
    """Without the column that it forecasts, a panel is refused as such."""
    at = [i for i, c in enumerate(panel.columns) if c != TARGET]
    columns = tuple(panel.columns[i] for i in at)
    less = PanelArray(
        panel.times_us, panel.every_us, panel.keys, columns, panel.values[:, :, at], panel.measured[:, :, at]
    )
    with pytest.raises(BadPanel):
        one.predict(less)
    with pytest.raises(BadPanel):
        make(one.name).fit(less)


def test_only_what_it_was_made_for(one: Forecaster, panel: PanelArray) -> None:
    """A horizon that it did not learn, or one unfitted, is refused."""
    with pytest.raises(BadParameter):
        one.predict(panel, [HORIZONS[-1] + 1])
    with pytest.raises(NotFitted):
        ESTIMATORS[one.name](TARGET, HORIZONS).predict(panel)
    with pytest.raises(NotFitted):
        ESTIMATORS[one.name](TARGET, HORIZONS).to_files()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wrong",
    [
        {"horizons": ()},
        {"horizons": (0, 1)},
        {"horizons": (2, 1)},
        {"levels": (0.5, 1.5)},
        {"seed": -1},
        {"seed": 0.5},
    ],
)
def test_parameters_are_checked(name: str, wrong: dict[str, Any]) -> None:
    """No horizons, or some not ahead, levels that are no shares, a seed that is none: refused when made."""
    with pytest.raises(BadParameter):
        ESTIMATORS[name](**{"target": TARGET, "horizons": HORIZONS} | wrong)


def test_altered_files_are_refused(one: Forecaster) -> None:
    """A pickle in place of a file, an empty file, one missing or one too many: none of them is loaded."""
    files, parameters = one.to_files(), one.parameters()
    pickle = b"\x80\x04\x95\x17\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
    some = sorted(files)[:: max(1, len(files) // 5)]
    wrong = [files | {name: body} for name in some for body in (pickle, b"", b"{}")]
    wrong += [{n: b for n, b in files.items() if n != name} for name in some]
    wrong += [files | {"more.json": b"{}"}, {}]
    for one_wrong in wrong:
        with pytest.raises(MalformedModel):
            type(one).from_files(parameters, one_wrong)
    with pytest.raises(MalformedModel):
        type(one).from_files({**parameters, "surprise": 1}, files)


def test_graphs_of_partners_are_bounded() -> None:
    """A graph that refers to another file, is no graph, or gives another shape is refused."""
    from veracity.models.estimators import OnnxModel

    fresh = OnnxModel(TARGET, HORIZONS, lookback=24)
    for wrong in (b"", b"no graph", graph(lookback=24, external=True), graph(lookback=24, horizons=(1,))):
        with pytest.raises(MalformedModel):
            fresh.with_graph(wrong)


def _after(panel: PanelArray, origin: int, kind: str) -> PanelArray:
    """Return the panel with another future after an origin."""
    values, rng = panel.values.copy(), np.random.default_rng(1)
    later = values[origin + 1 :]
    if kind == "noise":
        later[:] = rng.lognormal(3, 2, later.shape)
    elif kind == "gone":
        later[:] = np.nan
    else:
        later[:] = later[rng.permutation(len(later))]
    return PanelArray(
        panel.times_us,
        panel.every_us,
        panel.keys,
        panel.columns,
        values,
        np.isfinite(values),
        None,
        panel.attributes,
    )
