"""Which places are near which: by distance where positions are known, else by how alike they behave.

Learned from the training part only.
"""

from dataclasses import dataclass

import numpy as np

from veracity.models.great_circle import distances_km
from veracity.models.panel_array import Floats, PanelArray

NEAREST_KM = 1.0  #: nearer than this counts as this


@dataclass(frozen=True)
class Graph:
    """Weights of neighbours.

    Attributes
    ----------
    keys
        k places.
    weights
        (k, k) float64: row ``i`` says how much each other place counts for place ``i``; 0 for itself. Rows
        sum to 1, or are 0 where there is no neighbour.
    """

    keys: tuple[str, ...]
    weights: Floats

    def weights_for(self, panel: PanelArray) -> Floats:
        """Return the weights among a panel's keys. One never seen listens to all others alike."""
        k = len(panel.keys)
        out = np.where(np.eye(k, dtype=bool), 0.0, 1.0)
        at = {key: i for i, key in enumerate(self.keys)}
        seen = [(i, at[key]) for i, key in enumerate(panel.keys) if key in at]
        here, there = [i for i, _ in seen], [j for _, j in seen]
        for i, j in seen:
            out[i] = 0.0
            out[i, here] = self.weights[j, there]
        return _rows_to_one(out)


def learn_graph(panel: PanelArray, target: str, n_nearest: int = 5) -> Graph:
    """Return the graph of a panel's keys: inverse distance, or correlation where positions are not known."""
    lon, lat = panel.attributes.get("lon"), panel.attributes.get("lat")
    if lon is not None and lat is not None and np.isfinite(lon).all() and np.isfinite(lat).all():
        closeness = 1.0 / np.maximum(distances_km(lon, lat, lon, lat), NEAREST_KM)
    else:
        closeness = np.clip(_correlation(panel.column(target)), 0.0, None) ** 4
    np.fill_diagonal(closeness, 0.0)
    return Graph(panel.keys, _rows_to_one(_only_nearest(closeness, n_nearest)))


def _correlation(values: Floats) -> Floats:
    steps = np.diff(values, axis=0)
    k = values.shape[1]
    out = np.zeros((k, k))
    for i in range(k):
        for j in range(i):
            both = np.isfinite(steps[:, i]) & np.isfinite(steps[:, j])
            a, b = steps[both, i], steps[both, j]
            spread = a.std() * b.std() if len(a) > 2 else 0.0
            if spread > 0:
                out[i, j] = out[j, i] = ((a - a.mean()) * (b - b.mean())).mean() / spread
    return out


def _only_nearest(closeness: Floats, n: int) -> Floats:
    keep = np.argsort(-closeness, axis=1, kind="stable")[:, :n]
    out = np.zeros_like(closeness)
    np.put_along_axis(out, keep, np.take_along_axis(closeness, keep, axis=1), axis=1)
    return out


def _rows_to_one(weights: Floats) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    out: Floats = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    return out
