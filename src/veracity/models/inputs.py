"""What an estimator on features remembers of the panel that it learned from: its inputs, as one JSON file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from veracity.canonical import canonical_json
from veracity.models.errors import BadPanel, MalformedModel
from veracity.models.features import Features, FeatureSpec, build_features
from veracity.models.neighbours import Graph, learn_graph
from veracity.models.panel_array import PanelArray
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

INPUTS = "inputs.json"
MAX_BYTES = 67_108_864
MAX_NAMES = 4_096
MAX_KEYS = 100_000
_LISTS = ("columns", "attributes")
_STEPS = ("lags", "windows", "column_lags", "column_windows")


@dataclass(frozen=True)
class Inputs:
    """Which features, and the graph of neighbours that some of them need."""

    spec: FeatureSpec
    graph: Graph

    def features(self, panel: PanelArray) -> Features:
        """Return the features of every row of a panel; BadPanel if a column is missing."""
        return build_features(panel, self.spec, self.graph)

    def names(self) -> tuple[str, ...]:
        """Return the names of the features, in their order."""
        columns = (self.spec.target, *self.spec.columns)
        blank = np.full((1, 1, len(columns)), np.nan)
        panel = PanelArray(np.zeros(1, np.int64), 1, ("",), columns, blank, np.isfinite(blank))
        return self.features(panel).names

    def to_json(self) -> bytes:
        """Return it as canonical JSON."""
        spec = self.spec
        near = [[[int(j), float(row[j])] for j in np.flatnonzero(row)] for row in self.graph.weights]
        document = {name: list(getattr(spec, name)) for name in (*_LISTS, *_STEPS)}
        graph = {"keys": list(self.graph.keys), "near": near}
        return canonical_json(
            document | {"target": spec.target, "longest_gap": spec.longest_gap, "graph": graph}
        )


def learn_inputs(panel: PanelArray, target: str, columns: Sequence[str] | None, n_nearest: int) -> Inputs:
    """Return the inputs that a panel offers: some columns (by default all others), attributes, neighbours.

    Raises
    ------
    BadPanel
        If the target or a column is missing, or there is no time or no key.
    """
    panel.index(target)
    if panel.n_times == 0 or not panel.keys:
        raise BadPanel(f"panel: want times and keys, got {panel.n_times} times of {len(panel.keys)} keys")
    chosen = tuple(c for c in panel.columns if c != target) if columns is None else tuple(columns)
    for one in chosen:
        panel.index(one)
    spec = FeatureSpec(target, chosen, tuple(sorted(panel.attributes)))
    return Inputs(spec, learn_graph(panel, target, n_nearest))


def parse_inputs(body: bytes, target: str) -> Inputs:
    """Read what ``to_json`` wrote.

    Raises
    ------
    MalformedModel
        If it is not such, or of another target.
    """
    fields = Fields(parse_json(body, INPUTS, MAX_BYTES, MalformedModel), INPUTS, MalformedModel)
    names = {name: _names(fields, name) for name in _LISTS}
    steps = {name: _steps(fields, name) for name in _STEPS}
    if (got := fields.text("target")) != target:
        raise fields.fail("target", repr(target), got)
    gap, graph = fields.count("longest_gap"), _graph(fields.object("graph"))
    fields.done()
    if gap > MAX_NAMES:
        raise fields.fail("longest_gap", f"at most {MAX_NAMES}", gap)
    return Inputs(FeatureSpec(target=target, longest_gap=gap, **names, **steps), graph)  # type: ignore[arg-type]


def _names(fields: Fields, name: str, at_most: int = MAX_NAMES) -> tuple[str, ...]:
    items = fields.items(name, at_most)
    if not all(isinstance(one, str) for one in items) or len(set(items)) != len(items):
        raise fields.fail(name, "texts, each once", items)
    return tuple(items)


def _steps(fields: Fields, name: str) -> tuple[int, ...]:
    items = fields.items(name, MAX_NAMES)
    if not all(type(one) is int and 0 < one <= 100_000 for one in items):
        raise fields.fail(name, "whole numbers from 1 to 100000", items)
    return tuple(items)


def _graph(fields: Fields) -> Graph:
    keys: Any = _names(fields, "keys", MAX_KEYS)
    rows = fields.items("near", MAX_KEYS)
    fields.done()
    if len(rows) != len(keys):
        raise fields.fail("near", f"{len(keys)} rows", rows)
    weights = np.zeros((len(keys), len(keys)))
    for i, row in enumerate(rows):
        for pair in row if isinstance(row, list) else [None]:
            if not (isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int):
                raise fields.fail("near", "pairs of place and weight", pair)
            if not 0 <= pair[0] < len(keys) or type(pair[1]) not in (int, float) or not 0 <= pair[1] <= 1:
                raise fields.fail("near", "a place of these and a weight from 0 to 1", pair)
            weights[i, pair[0]] = pair[1]
    return Graph(keys, weights)
