"""A small simulated panel of air, and every estimator made small enough for tests."""

from typing import Any

import numpy as np

from veracity.models.estimator import Forecaster
from veracity.models.estimators import ESTIMATORS, OnnxModel
from veracity.models.forecast import LEVELS
from veracity.models.panel_array import PanelArray

TARGET, HORIZONS = "pm25", (1, 6, 24)
FEW = ("statsforecast", "mlforecast", "ensemble", "conformal")  #: costly to fit twice; their parts are
HOUR_US = 3_600_000_000
_TREES: dict[str, Any] = {"n_trees": 6, "n_leaves": 5}
SMALL: dict[str, dict[str, Any]] = {
    "lightgbm": _TREES,
    "jax_mlp": {"n_epochs": 1, "width": 8},
    "ensemble": {
        "members": [{"name": "lightgbm", "parameters": _TREES}, {"name": "climatology", "parameters": {}}],
    },
    "conformal": {"base": "ridge", "base_parameters": {"columns": ["temp"]}},
    "statsforecast": {"days": 4, "n_origins": 4},
    "mlforecast": {"n_trees": 6, "n_origins": 4},
    "onnx": {"lookback": 24, "columns": ["pm25", "temp"]},
}


def make(name: str) -> Forecaster:
    """Return a small estimator of a name, not fitted."""
    one = ESTIMATORS[name](TARGET, HORIZONS, seed=3, **SMALL.get(name, {}))
    return one.with_graph(graph(24, n_columns=2)) if isinstance(one, OnnxModel) else one


def simulated(n: int = 640, n_keys: int = 3, seed: int = 2) -> PanelArray:
    """Return a simulated panel, hourly: days, slow weather, neighbours alike, some values missing."""
    rng = np.random.default_rng(seed)
    times = np.datetime64("2024-05-01", "us").astype(np.int64) + np.arange(n) * HOUR_US
    slow = np.convolve(rng.normal(size=n + 47), np.ones(48) / 7, mode="valid")[:n]
    day = np.sin(2 * np.pi * np.arange(n) / 24)
    temp = 25 + 4 * day[:, None] + 2 * slow[:, None] + rng.normal(0, 0.3, (n, n_keys))
    own = np.stack(
        [np.convolve(rng.normal(size=n + 5), np.ones(6) / 6, mode="valid")[:n] for _ in range(n_keys)], 1
    )
    pm25 = np.exp(3 + 0.5 * slow[:, None] + 0.2 * day[:, None] + 0.4 * own)
    values = np.stack([pm25, temp], axis=2)
    values[rng.random(values.shape) < 0.03] = np.nan
    place = {"lon": 108.2 + 0.02 * np.arange(n_keys), "lat": np.full(n_keys, 16.05)}
    keys = tuple(f"s{i}" for i in range(n_keys))
    return PanelArray(times, HOUR_US, keys, (TARGET, "temp"), values, np.isfinite(values), None, place)


def graph(
    lookback: int, n_columns: int = 1, horizons: tuple[int, ...] = HORIZONS, *, external: bool = False
) -> bytes:
    """Return an ONNX graph: the mean of what is known of the first column, for every horizon and level."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    n_h, n_q = len(horizons), len(LEVELS)
    constants: dict[str, Any] = {
        "zero": np.array(0.0, np.float32),
        "least": np.array(1.0, np.float32),
        "first": np.array([0], np.int64),
        "end": np.array([1], np.int64),
        "axis2": np.array([2], np.int64),
        "axis1": np.array([1], np.int64),
        "shape": np.array([-1, 1, 1], np.int64),
        "ones": np.ones((1, n_h, n_q), np.float32),
    }
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    nodes = [
        helper.make_node("Slice", ["window", "first", "end", "axis2"], ["column"]),
        helper.make_node("IsNaN", ["column"], ["gone"]),
        helper.make_node("Where", ["gone", "zero", "column"], ["known"]),
        helper.make_node("Where", ["gone", "zero", "least"], ["count"]),
        helper.make_node("ReduceSum", ["known", "axis1"], ["total"], keepdims=1),
        helper.make_node("ReduceSum", ["count", "axis1"], ["n"], keepdims=1),
        helper.make_node("Max", ["n", "least"], ["divisor"]),
        helper.make_node("Div", ["total", "divisor"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", "ones"], ["quantiles"]),
    ]
    window = helper.make_tensor_value_info("window", TensorProto.FLOAT, ["n", lookback, n_columns])
    out = helper.make_tensor_value_info("quantiles", TensorProto.FLOAT, ["n", n_h, n_q])
    made = helper.make_graph(nodes, "mean", [window], [out], weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if external:
        tensor = model.graph.initializer[0]
        onnx.external_data_helper.set_external_data(tensor, "elsewhere.bin", 0, 4)
        tensor.ClearField("raw_data")
    body: bytes = model.SerializeToString()
    return body
