"""Features: of the past alone, and the same wherever a panel begins."""

from dataclasses import replace

import numpy as np
import pytest

from estimating import TARGET, simulated
from veracity.models.errors import BadPanel, MalformedModel
from veracity.models.features import (
    FeatureSpec,
    build_features,
    carried,
    over_window,
    rolling_extreme,
    rolling_mean,
)
from veracity.models.inputs import learn_inputs, parse_inputs
from veracity.models.neighbours import Graph, learn_graph
from veracity.models.panel_array import PanelArray

SPEC = FeatureSpec(TARGET, ("temp",), ("lon",))


def test_features_of_an_origin_end_with_it() -> None:
    """Whatever follows an origin, its features stay the same to the bit."""
    panel = simulated()
    graph = learn_graph(panel, TARGET)
    origin = 400
    other = replace(panel, values=panel.values.copy(), measured=panel.measured.copy())
    other.values[origin + 1 :] = np.random.default_rng(0).normal(size=other.values[origin + 1 :].shape)
    other.measured[origin + 1 :] = False
    before, after = build_features(panel, SPEC, graph), build_features(other, SPEC, graph)
    assert np.array_equal(before.values[: origin + 1], after.values[: origin + 1], equal_nan=True)
    assert not np.array_equal(before.values[origin + 1 :], after.values[origin + 1 :], equal_nan=True)


def test_features_need_no_more_than_their_lookback() -> None:
    """A panel cut to the lookback gives the same features of its last row, to the bit."""
    panel = simulated()
    graph = learn_graph(panel, TARGET)
    whole = build_features(panel, SPEC, graph).values
    for origin in range(SPEC.lookback, panel.n_times, 37):
        cut = panel.rows(slice(origin - SPEC.lookback, origin + 1))
        assert np.array_equal(build_features(cut, SPEC, graph).values[-1], whole[origin], equal_nan=True)


@pytest.mark.parametrize("window", [1, 2, 3, 5, 24, 31, 100])
def test_windows_are_as_counted_by_hand(window: int) -> None:
    """Means and extremes over every window are those of its known values."""
    rng = np.random.default_rng(window)
    values = rng.normal(size=(60, 2))
    values[rng.random(values.shape) < 0.3] = np.nan
    mean, high = rolling_mean(values, window), rolling_extreme(values, window, highest=True)
    for i in range(len(values)):
        part = values[max(0, i - window + 1) : i + 1]
        for j in range(2):
            known = part[np.isfinite(part[:, j]), j]
            assert np.allclose(mean[i, j], known.mean() if len(known) else np.nan, equal_nan=True)
            assert np.array_equal(high[i, j], known.max() if len(known) else np.nan, equal_nan=True)
    ones = over_window(np.ones(60), window, np.add, 0.0)
    assert ones.tolist() == [min(i + 1, window) for i in range(60)]


def test_a_value_stands_in_for_so_long() -> None:
    """A value is carried over a gap, with its age, and no further than the longest gap."""
    values = np.array([[np.nan], [1.0], [np.nan], [np.nan], [np.nan], [2.0]])
    filled, age = carried(values, 2)
    assert np.array_equal(filled[:, 0], [np.nan, 1, 1, 1, np.nan, 2], equal_nan=True)
    assert np.array_equal(age[:, 0], [np.nan, 0, 1, 2, np.nan, 0], equal_nan=True)


def test_neighbours_are_the_nearest() -> None:
    """With positions the nearest count most; without, those that move alike."""
    panel = simulated(n_keys=4)
    graph = learn_graph(panel, TARGET, n_nearest=2)
    assert (graph.weights > 0).sum(axis=1).tolist() == [2, 2, 2, 2]
    assert graph.weights[0].argmax() == 1
    assert np.allclose(graph.weights.sum(axis=1), 1)
    blind = PanelArray(
        panel.times_us, panel.every_us, panel.keys, panel.columns, panel.values, panel.measured
    )
    twin = panel.values.copy()
    twin[:, 3] = twin[:, 0]
    twins = PanelArray(panel.times_us, panel.every_us, panel.keys, panel.columns, twin, panel.measured)
    assert learn_graph(twins, TARGET, 1).weights[0].argmax() == 3
    assert learn_graph(blind, TARGET).weights.shape == (4, 4)


def test_a_key_never_seen_has_all_others() -> None:
    """In a panel with a new key it listens to all others alike, and the known ones to those they know."""
    panel = simulated()
    graph = Graph(("s0", "s1"), np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert graph.weights_for(panel).tolist() == [[0, 1, 0], [1, 0, 0], [0.5, 0.5, 0]]


def test_inputs_are_read_back() -> None:
    """What is remembered of a panel is the same after writing and reading; anything else is refused."""
    panel = simulated()
    inputs = learn_inputs(panel, TARGET, None, 2)
    again = parse_inputs(inputs.to_json(), TARGET)
    assert (again.spec, again.graph.keys) == (inputs.spec, inputs.graph.keys)
    assert np.array_equal(again.graph.weights, inputs.graph.weights)
    body = inputs.to_json()
    wrong = [
        b"",
        b"[]",
        body.replace(b'"near":[[[', b'"near":[[[9'),
        body.replace(b'"lags":[1', b'"lags":[0'),
    ]
    for one in (*wrong, body.replace(b'"target":"pm25"', b'"target":"no2"')):
        with pytest.raises(MalformedModel):
            parse_inputs(one, TARGET)
    with pytest.raises(BadPanel):
        learn_inputs(panel, TARGET, ["wind"], 2)
