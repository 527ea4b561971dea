"""A partner's model, as ONNX, run by onnxruntime. Extra ``onnx``.

The graph has one input ``window``, (n, lookback, c) float32: for each key and origin the rows up to the
origin, oldest first, of ``columns``; NaN where nothing is known. It has one output, (n, h, q) float32:
quantiles by horizon and level of the parameters. How it was learned is the partner's; ``fit`` only learns how
it errs, so that its quantiles hold here.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from veracity.models.errors import BadParameter, MalformedModel, NotFitted
from veracity.models.estimators.ahead import ahead, lowest_of
from veracity.models.estimators.arrays import ARRAYS, from_safetensors, only, to_safetensors
from veracity.models.estimators.parameters import Parameters
from veracity.models.optional import need
from veracity.models.panel_array import Floats, Ints, PanelArray

GRAPH = "graph.onnx"
MAX_GRAPH_BYTES = 67_108_864
MAX_WINDOW = 10_000
BATCH = 4_096
LONGEST_S = 60.0  #: that a graph may take for a batch: a loop in it may be endless
EXTERNAL = b"\x0a\x08location"  #: the entry of a tensor (TensorProto.external_data) that lies in another file


@dataclass
class OnnxModel(Parameters):
    """An ONNX graph from a window of rows to quantiles.

    Attributes
    ----------
    columns
        What the graph takes, in its order.
    lookback
        Rows that it takes.
    graph_
        The graph, as bytes. ``with_graph`` sets it.
    shifts_
        (h, q): added to each quantile, so that as many outcomes of the panel it learned from lie below.
    lowest_
        (1,): nothing is said below.
    """

    columns: tuple[str, ...] = ()
    lookback: int = 24

    graph_: bytes | None = field(default=None, init=False, repr=False)
    shifts_: Floats | None = field(default=None, init=False, repr=False)
    lowest_: Floats | None = field(default=None, init=False, repr=False)
    _session: Any = field(default=None, init=False, repr=False, compare=False)

    _longest_s: ClassVar[float] = LONGEST_S

    name: ClassVar[str] = "onnx"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.count("lookback", 1)
        if self.lookback > MAX_WINDOW:
            raise BadParameter(f"lookback: want at most {MAX_WINDOW}, got {self.lookback}")
        self.columns_or_all()

    def with_graph(self, body: bytes) -> Self:
        """Take a partner's graph.

        Raises
        ------
        MalformedModel
            If it is no ONNX model that runs with these inputs and gives these outputs.
        """
        self._session = open_graph(body)
        self.graph_ = body
        self._run(np.full((1, self.lookback, len(self._columns)), np.nan, np.float32))
        return self

    def fit(self, panel: PanelArray) -> Self:
        """Learn how the graph errs on a panel; BadPanel if a column is missing, NotFitted without a graph."""
        if self.graph_ is None:
            raise NotFitted("onnx: want a partner's graph (with_graph) before fit, got none")
        target = panel.measured_column(self.target)
        self.lowest_ = np.array([lowest_of(target)])
        said = self._said(panel, np.arange(panel.n_times))
        self.shifts_ = np.zeros((len(self.horizons), len(self.levels)))
        for i, horizon in enumerate(self.horizons):
            errors = ahead(target, horizon)[:, :, None] - said[:, :, i]
            for j, level in enumerate(self.levels):
                known = errors[..., j][np.isfinite(errors[..., j])]
                self.shifts_[i, j] = np.quantile(known, level) if len(known) else 0.0
        return self

    def quantiles(self, panel: PanelArray, horizons: tuple[int, ...], origins: Ints) -> Floats:
        """Return what the graph says, shifted."""
        assert self.shifts_ is not None
        assert self.lowest_ is not None
        at = [self.horizons.index(h) for h in horizons]
        out: Floats = np.maximum((self._said(panel, origins) + self.shifts_)[:, :, at], self.lowest_[0])
        return out

    def to_files(self) -> dict[str, bytes]:
        """Return the graph and the shifts."""
        self.need_fit()
        assert self.graph_ is not None
        assert self.shifts_ is not None
        assert self.lowest_ is not None
        return {
            GRAPH: self.graph_,
            ARRAYS: to_safetensors({"shifts_": self.shifts_, "lowest_": self.lowest_}),
        }

    def take_files(self, files: Mapping[str, bytes]) -> None:
        """Take in what ``to_files`` gave; MalformedModel if it is not such."""
        only(files, [GRAPH, ARRAYS])
        shape = (len(self.horizons), len(self.levels))
        arrays = from_safetensors(files[ARRAYS], {"shifts_": shape, "lowest_": (1,)})
        self.shifts_, self.lowest_ = arrays["shifts_"], arrays["lowest_"]
        self.with_graph(files[GRAPH])

    @property
    def _columns(self) -> tuple[str, ...]:
        return self.columns or (self.target,)

    def _said(self, panel: PanelArray, origins: Ints) -> Floats:
        """Return (o, k, h, q)."""
        columns = [panel.index(c) for c in self._columns]
        first = int(origins.min()) + 1 - self.lookback
        values = panel.values[max(0, first) :, :, columns].astype(np.float32)
        pad = np.full((max(0, -first), *values.shape[1:]), np.nan, np.float32)
        values = np.concatenate([pad, values])
        windows = np.lib.stride_tricks.sliding_window_view(values, self.lookback, axis=0)
        rows = windows[origins - int(origins.min())].transpose(0, 1, 3, 2)
        flat = rows.reshape(-1, self.lookback, len(columns))
        said = [self._run(flat[i : i + BATCH]) for i in range(0, len(flat), BATCH)]
        shape = (len(origins), len(panel.keys), len(self.horizons), len(self.levels))
        return np.concatenate(said).reshape(shape)

    def _run(self, windows: Any) -> Floats:
        import onnxruntime

        shape = (len(windows), len(self.horizons), len(self.levels))
        options = onnxruntime.RunOptions()
        timer = threading.Timer(self._longest_s, setattr, (options, "terminate", True))
        timer.start()
        try:
            out = self._session.run(None, {"window": np.ascontiguousarray(windows)}, options)
        except Exception as exc:  # onnxruntime's own are many, and none is public
            raise MalformedModel(f"{GRAPH}: want input window {windows.shape}, got {str(exc)[:120]}") from exc
        finally:
            timer.cancel()
        if len(out) != 1 or getattr(out[0], "shape", None) != shape:
            raise MalformedModel(f"{GRAPH}: want one output of {shape}, got {[np.shape(o) for o in out][:4]}")
        return np.asarray(out[0], np.float64)


def open_graph(body: bytes) -> Any:
    """Return a session of an ONNX graph, on one core; nothing but these bytes is read.

    Raises
    ------
    MalformedModel
        If it is none, too large, or refers to data in other files.
    MissingLibrary
        Without onnxruntime.
    """
    need("onnxruntime", "onnx")
    import onnxruntime

    if not 0 < len(body) <= MAX_GRAPH_BYTES:
        raise MalformedModel(f"{GRAPH}: want 1 to {MAX_GRAPH_BYTES:,} bytes, got {len(body):,}")
    if EXTERNAL in body:
        raise MalformedModel(f"{GRAPH}: want all data within, got a reference to another file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's own are many, and none is public
        raise MalformedModel(f"{GRAPH}: want an ONNX model, got {str(exc)[:120]}") from exc
