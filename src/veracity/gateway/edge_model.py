"""A released ONNX graph that reads the records of a feed, and whose word is a feed of its own.

Its input is float32 of shape (1, fields), or with ``lookback`` (1, rows, fields): the last rows of one
``key``, oldest first, NaN where nothing is known. Its outputs are laid out flat and named in order.
"""

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from veracity.canonical import NotCanonical, canonical_json
from veracity.gateway.errors import MalformedGraph, MissingExtra, ModelNotReleased
from veracity.gateway.fields import FEED, maybe, names, whole
from veracity.gateway.released import read_model
from veracity.gateway.status import Told
from veracity.gateway.store import Item
from veracity.provenance.fields import Fields

LONGEST_S = 5.0  #: that a graph may take for a record: a loop in it may be endless
MAX_KEYS = 1_000
MAX_LOOKBACK = 10_000
_EXTERNAL = b"\x0a\x08location"  # the entry of a tensor (TensorProto.external_data) that lies in another file
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelConfig:
    """A released model, what it reads and what its outputs are called.

    Attributes
    ----------
    reads, feed
        The feed whose records it reads, and the one that its own are of.
    copied
        Fields of the record read that stand in the model's as well, such as place and time.
    """

    name: str
    directory: Path
    receipt: Path
    graph: str
    reads: str
    feed: str
    input: str
    fields: tuple[str, ...]
    lookback: int
    key: str | None
    outputs: tuple[str, ...]
    copied: tuple[str, ...]


class GraphModel:
    """A model at work; any thread may ask."""

    def __init__(self, config: ModelConfig, digest: str, graph: bytes, told: Told) -> None:
        self._config, self._digest, self._told = config, digest, told
        self._session = open_graph(graph)
        self._rows: OrderedDict[str, deque[list[float]]] = OrderedDict()
        self._lock = threading.Lock()

    def said(self, feed: str, records: Sequence[bytes]) -> list[Item]:
        """Return what it says of records; what it cannot say is told in the status, and stops nobody."""
        if feed != self._config.reads:
            return []
        found = []
        with self._lock:
            for record in records:
                try:
                    found.append((self._config.feed, self._of(orjson.loads(record))))
                except (MalformedGraph, NotCanonical, ValueError) as exc:
                    self._told.failed(str(exc))
        if found:
            self._told.worked(len(found))
        return found

    def _of(self, record: dict[str, Any]) -> bytes:
        values = self._run(self._window(record))
        if len(values) != len(self._config.outputs):
            raise MalformedGraph(
                f"{self._config.name}: want {len(self._config.outputs)} outputs, got {len(values)}"
            )
        copied = {name: record[name] for name in self._config.copied if name in record}
        said = dict(zip(self._config.outputs, values, strict=True))
        return canonical_json({**copied, **said, "model": self._digest})

    def _window(self, record: dict[str, Any]) -> list[Any]:
        row = [_float(record.get(name)) for name in self._config.fields]
        if not self._config.lookback:
            return [row]
        key = "" if self._config.key is None else str(record.get(self._config.key))
        rows = self._rows.setdefault(key, deque(maxlen=self._config.lookback))
        self._rows.move_to_end(key)
        if len(self._rows) > MAX_KEYS:
            self._rows.popitem(last=False)
        rows.append(row)
        unknown = [[float("nan")] * len(row)] * (self._config.lookback - len(rows))
        return [[*unknown, *rows]]

    def _run(self, window: list[Any]) -> list[float | None]:
        import numpy as np
        import onnxruntime

        options = onnxruntime.RunOptions()
        timer = threading.Timer(LONGEST_S, setattr, (options, "terminate", True))
        timer.start()
        try:
            out = self._session.run(None, {self._config.input: np.array(window, np.float32)}, options)
            flat = np.concatenate([np.asarray(one, np.float64).ravel() for one in out])
        except Exception as exc:  # onnxruntime's own are many, and none is public
            raise MalformedGraph(f"{self._config.name}: want its input taken, got {str(exc)[:200]}") from exc
        finally:
            timer.cancel()
        return [float(f"{v:.7g}") if np.isfinite(v) else None for v in flat]


def open_model(config: ModelConfig, policy: Path, told: Told) -> GraphModel:
    """Open a model that the log released.

    Raises
    ------
    ModelNotReleased
        If it is none.
    MalformedGraph, MissingExtra
        If it cannot be run.
    """
    digest, files = read_model(config.directory, config.receipt, policy)
    if config.graph not in files:
        raise ModelNotReleased(f"{config.name}: want {config.graph} among its files, got none")
    return GraphModel(config, digest, files[config.graph], told)


def open_graph(body: bytes) -> Any:
    """Return a session of a graph, on one core; nothing but these bytes is read.

    Raises
    ------
    MalformedGraph
        If it is none, or refers to data in other files.
    MissingExtra
        Without onnxruntime.
    """
    try:
        import onnxruntime
    except ImportError as exc:
        raise MissingExtra('onnxruntime: want it installed (the extra "onnx"), got none') from exc
    if _EXTERNAL in body:
        raise MalformedGraph("graph: want all data within, got a reference to another file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # as above
        raise MalformedGraph(f"graph: want an ONNX model, got {str(exc)[:200]}") from exc


def parse_model(fields: Fields, base: Path) -> ModelConfig:
    """Read one of ``models``."""
    config = ModelConfig(
        fields.text("name", 64),
        base / fields.text("directory"),
        base / fields.text("receipt"),
        fields.text("graph", 128),
        fields.matching("reads", FEED, "a feed's name"),
        fields.matching("feed", FEED, "a feed's name"),
        fields.text("input", 128),
        names(fields, "fields", 1_000),
        whole(fields, "lookback", 1, MAX_LOOKBACK) if "lookback" in fields else 0,
        maybe(fields, "key"),
        names(fields, "outputs", 1_000),
        names(fields, "copy", 100) if "copy" in fields else (),
    )
    fields.done()
    if config.reads == config.feed:
        raise fields.fail("feed", "another feed than it reads", config.feed)
    return config


def _float(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else float("nan")
