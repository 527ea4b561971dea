"""Two models side by side: what differs in how they were made, and how far apart what they say is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from veracity.data.panel_definition import parse_panel
from veracity.home.home import Home
from veracity.home.models.registry import ModelRow, load_model, manifest
from veracity.home.panels import panel_frame, panel_path
from veracity.models.app import App
from veracity.models.bundle import Estimators, load
from veracity.models.description import Description
from veracity.models.files import ModelFiles
from veracity.models.panel_array import PanelArray
from veracity.provenance.model_signing import differences
from veracity.provenance.statements import Input

MAX_ORIGINS = 50
_ABSENT = "-"


@dataclass(frozen=True)
class Difference:
    """One thing that two models say otherwise: its path in ``model.json``, and both values."""

    where: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Apart:
    """How far two models' forecasts are apart on the same rows, in the target's unit.

    ``n`` is how many numbers were compared; ``greatest`` and ``mean`` are of their absolute differences,
    None where no two could be compared. ``n_one_only`` counts those that one model gives and the other not.
    """

    target: str
    n: int
    greatest: float | None
    mean: float | None
    n_one_only: int


@dataclass(frozen=True)
class Compared:
    """What differs between two models: descriptions, files, forecasts."""

    described: tuple[Difference, ...]
    files: tuple[str, ...]
    apart: tuple[Apart, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs, to the last bit."""
        return not self.described and not self.files


def compare(home: Home, first: ModelRow, second: ModelRow, app: App | None = None) -> Compared:
    """Compare two models; forecasts on the rows of the second's panel, as far as both can be asked.

    ``app`` gives what is known of the keys; without it apps' models are compared without.
    """
    one, other = load_model(home, first.sha256), load_model(home, second.sha256)
    panel = panel_again(home, Description.of(other), app)
    return compared(one, other, load(one), load(other), panel)


def compared(
    one: ModelFiles, other: ModelFiles, ours: Estimators, theirs: Estimators, panel: PanelArray
) -> Compared:
    """Compare models that are loaded."""
    described = tuple(_described("", one.description, other.description))
    files = tuple(differences(manifest(one, "model").files, manifest(other, "model").files))
    shared = sorted(ours.keys() & theirs.keys())
    return Compared(described, files, tuple(apart(t, ours, theirs, panel) for t in shared))


def apart(target: str, ours: Estimators, theirs: Estimators, panel: PanelArray) -> Apart:
    """Return how far two models' forecasts of a target are apart, from origins spread over a panel."""
    one, other = ours[target], theirs[target]
    steps = sorted(set(one.horizons) & set(other.horizons))
    if not steps:
        return Apart(target, 0, None, None, 0)
    origins = np.unique(np.linspace(0, panel.n_times - 1, MAX_ORIGINS).astype(np.int64))
    a = one.predict(panel, steps, origins).values
    b = other.predict(panel, steps, origins).values
    if a.shape != b.shape:
        return Apart(target, 0, None, None, a.size)
    both, one_only = ~np.isnan(a) & ~np.isnan(b), np.isnan(a) != np.isnan(b)
    gaps = np.abs(a - b)[both]
    if not len(gaps):
        return Apart(target, 0, None, None, int(one_only.sum()))
    return Apart(target, len(gaps), float(gaps.max()), float(gaps.mean()), int(one_only.sum()))


def panel_again(home: Home, said: Description, app: App | None = None) -> PanelArray:
    """Build a model's panel again from the snapshots it names."""
    panel = parse_panel(home.objects.get(panel_path(said.definition_sha256)))
    frame = panel_frame(home, panel, up_to(panel.feeds, said.inputs))
    return PanelArray.from_frame(frame, panel.key, app.attributes if app else None)


def up_to(feeds: tuple[str, ...], inputs: tuple[Input, ...]) -> dict[str, int]:
    """Return the last batch of each feed that some snapshots have; -1 for a feed without any."""
    return dict.fromkeys(feeds, -1) | {i.feed: i.up_to_batch for i in inputs}


def _described(where: str, first: Any, second: Any) -> Iterator[Difference]:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for name in sorted(first.keys() | second.keys()):
            path = f"{where}.{name}" if where else str(name)
            yield from _described(path, first.get(name, _ABSENT), second.get(name, _ABSENT))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            yield from _described(f"{where}[{i}]", a, b)
    elif first != second:
        yield Difference(where, first, second)
