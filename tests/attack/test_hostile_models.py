"""Hostile models and panels: files that would take the process down, numbers that would spoil every sum."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rain_app import HOUR, NOW_HOUR, RainCity, rain_app
from released_city import later
from small_city import NOW, new_city
from veracity.apps import regions
from veracity.apps.errors import MalformedRegions
from veracity.apps.regions import parse_regions
from veracity.home.models.outcomes import score
from veracity.home.models.running import run_app
from veracity.home.models.scoreboard import scoreboard
from veracity.models.decisions import TIME
from veracity.models.errors import BadPanel, BadParameter, DecidedLate, MalformedModel
from veracity.models.estimators import ESTIMATORS
from veracity.models.estimators.onnx_model import OnnxModel
from veracity.models.estimators.trees import read_booster, text_of
from veracity.models.panel_array import LARGEST, PanelArray

EVERY_US = 3_600_000_000


def tree_text() -> str:
    """A small LightGBM model."""
    import lightgbm

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 4))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    settings = {"verbosity": -1, "num_leaves": 7, "num_threads": 1, "min_data_in_leaf": 5}
    return text_of(lightgbm.train(settings, lightgbm.Dataset(rows, np.arange(200.0)), 3)).decode()


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        (r"max_feature_idx=\d+", "max_feature_idx=2000000000"),
        (r"max_feature_idx=\d+", "max_feature_idx=1"),
        (r"num_class=\d+", "num_class=100000000"),
        (r"num_tree_per_iteration=\d+", "num_tree_per_iteration=0"),
        (r"tree_sizes=\d+", "tree_sizes=99999999999"),
        (r"num_leaves=\d+", "num_leaves=2000000000"),
        (r"num_leaves=\d+", "num_leaves=3"),
        (r"num_leaves=\d+", "num_leaves=-5"),
        (r"num_cat=0", "num_cat=1000000000"),
        (r"split_feature=\d+", "split_feature=100000000"),
        (r"left_child=\S+", "left_child=0"),
        (r"left_child=\S+", "left_child=900000000"),
        (r"right_child=\S+", "right_child=-900000000"),
        (r"decision_type=\d+", "decision_type=1"),
        (r"leaf_value=\S+", "leaf_value=nan"),
        (r"threshold=\S+", "threshold=x"),
        (r"is_linear=0", "is_linear=1"),
        (r"leaf_count=", "leaf_count=5\nleaf_count="),
        (r"end of trees", "end of tree"),
        (r"Tree=1", "Tree=7"),
    ],
)
def test_a_tree_that_would_read_elsewhere(line: str, instead: str) -> None:
    """LightGBM's reader ends the process, or reads memory that is not the model's: it never sees the text."""
    text = tree_text()
    body = re.sub(line, instead, text, count=1)
    assert body != text
    with pytest.raises(MalformedModel):
        read_booster(body.encode(), "hostile")


def test_any_digit_changed_is_read_or_refused() -> None:
    """Two hundred texts with some characters changed: none takes the process down, in reading or asked."""
    text, rng = tree_text().encode(), np.random.default_rng(1)
    assert read_booster(text, "good").model.predict(np.zeros((1, 4))).shape == (1,)
    for _ in range(200):
        body = bytearray(text)
        for at in rng.integers(len(body), size=rng.choice([1, 3, 10])):
            body[at] = rng.choice(list(b"0123456789-=. \n"))
        try:
            read_booster(bytes(body), "changed").model.predict(np.zeros((1, 4)))
        except MalformedModel:
            continue


def test_a_graph_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner's graph with a loop of 2**60 rounds is stopped after its time."""
    monkeypatch.setattr(OnnxModel, "_longest_s", 0.2)
    model = OnnxModel("rain", (1,), lookback=2)
    with pytest.raises(MalformedModel, match=r"graph\.onnx"):
        model.with_graph(endless_graph(len(model.levels)))


def endless_graph(n_levels: int) -> bytes:
    from onnx import TensorProto, helper

    def value(name: str, kind: int, shape: Any) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    step = [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Add", ["s", "one"], ["t"])]
    inputs = [value("i", TensorProto.INT64, []), value("c", TensorProto.BOOL, [])]
    body = helper.make_graph(
        step,
        "body",
        [*inputs, value("s", TensorProto.FLOAT, None)],
        [value("d", TensorProto.BOOL, []), value("t", TensorProto.FLOAT, None)],
    )
    constants = [
        helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]),
        helper.make_tensor("rounds", TensorProto.INT64, [], [2**60]),
        helper.make_tensor("go", TensorProto.BOOL, [], [True]),
        helper.make_tensor("times", TensorProto.INT64, [3], [1, 1, n_levels]),
    ]
    nodes = [
        helper.make_node("ReduceMean", ["window"], ["mean"], axes=[1, 2], keepdims=1),
        helper.make_node("Loop", ["rounds", "go", "mean"], ["sum"], body=body),
        helper.make_node("Tile", ["sum", "times"], ["out"]),
    ]
    window = value("window", TensorProto.FLOAT, ["n", 2, 1])
    graph = helper.make_graph(nodes, "g", [window], [value("out", TensorProto.FLOAT, None)], constants)
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def panel(values: object) -> PanelArray:
    """A panel of hours with a column of rain."""
    array = np.asarray(values, np.float64)
    times = np.arange(len(array)) * EVERY_US
    keys = tuple(f"k{i}" for i in range(array.shape[1]))
    return PanelArray(times, EVERY_US, keys, ("rain",), array, np.isfinite(array))


@pytest.mark.parametrize("name", ["last_value", "seasonal", "climatology", "ridge", "lightgbm", "conformal"])
def test_nothing_to_learn_from(name: str) -> None:
    """No time, no key, nothing known: refused as a panel that cannot be learned from."""
    for shape in ((0, 3, 1), (100, 0, 1), (1, 3, 1), (100, 3, 1)):
        with pytest.raises(BadPanel):
            ESTIMATORS[name](target="rain", horizons=(1, 3)).fit(panel(np.full(shape, np.nan)))


def test_numbers_that_nothing_measures() -> None:
    """An infinite or absurd value in a table is not known; parameters that are no numbers are refused."""
    frame = pl.DataFrame(
        {
            "time": pl.Series([NOW + hour * HOUR for hour in range(5)], dtype=TIME),
            "rain": [np.inf, -np.inf, 1e300, -2 * LARGEST, LARGEST],
            "rain_state": ["measured"] * 5,
        }
    )
    taken = PanelArray.from_frame(frame, None)
    assert np.isfinite(taken.column("rain")[:, 0]).tolist() == [False] * 4 + [True]
    assert taken.measured[:, 0, 0].tolist() == [False] * 4 + [True]
    wrong: list[dict[str, Any]] = [
        {"levels": (float("nan"),)},
        {"horizons": (10**9,)},
        {"horizons": ()},
        {"seed": -1},
    ]
    for one in wrong:
        parameters: dict[str, Any] = {"target": "rain", "horizons": (1,), **one}
        with pytest.raises(BadParameter):
            ESTIMATORS["last_value"](**parameters)
    with pytest.raises(BadPanel) as caught:
        panel([[[1.0]]]).index("x" * 1_000_000)
    assert len(str(caught.value)) < 500


def test_one_absurd_outcome_does_not_spoil_the_scoreboard(tmp_path: Path) -> None:
    """A reading of 1e300 is no outcome: it would make every score of its line infinite, and hide them."""
    city, app = RainCity.new(tmp_path), rain_app()
    with city.at() as home:
        run_app(home, app, NOW)
    city.take(NOW_HOUR + 1, 1, at=1, add=1e300)
    city.take(NOW_HOUR + 2, 1, at=2)
    with city.at(2) as home:
        run_app(home, app, later(2))
        score(home, app)
        found = scoreboard(home, app.name)
    assert found["n"].sum() > 0
    assert np.isfinite(found["rmse"].to_numpy()).all()


def polygon(rings: object) -> bytes:
    geometry = {"type": "Polygon", "coordinates": rings}
    return json.dumps({"features": [{"properties": {}, "geometry": geometry}]}).encode()


@pytest.mark.parametrize(
    "rings",
    [
        lambda: [[[0, 0]] * 4] * 11,
        lambda: [[{"a": 1}] * 4],
        lambda: [["ab"] * 4],
        lambda: [[[None, 0]] * 4],
        lambda: [[[1e300, 0]] * 4],
        lambda: [[[0]] * 4],
    ],
)
def test_hostile_regions(monkeypatch: pytest.MonkeyPatch, rings: Callable[[], object]) -> None:
    """Too many rings, points that are none: refused."""
    monkeypatch.setattr(regions, "MAX_RINGS", 10)
    with pytest.raises(MalformedRegions):
        parse_regions(polygon(rings()))


@pytest.mark.parametrize(
    "now", [datetime(1, 1, 1), datetime(9999, 12, 31), NOW + HOUR, datetime(1969, 12, 31)]
)
def test_a_run_at_no_time(tmp_path: Path, now: datetime) -> None:
    """Before 1970, ahead of the clock, at the ends of the calendar: refused, and nothing is logged."""
    city = RainCity(new_city(tmp_path / "city"), tmp_path)
    with city.at() as home:
        with pytest.raises(DecidedLate, match="want a time of deciding"):
            run_app(home, rain_app(), now.replace(tzinfo=UTC))
        assert home.index.predicates("decide") == []
