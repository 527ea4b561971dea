"""What an app declares of itself: one shape for all, so that nothing else needs to know any of them by name.

An app is a folder of ``apps/`` with a module ``app`` that holds ``APP``, an ``App``. Server, portal, command
line, assurance, scoreboard and register find it there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

import polars as pl

from veracity.models.assurance.context import Context
from veracity.models.bundle import Estimators
from veracity.models.events import EventPolicy
from veracity.models.panel_array import PanelArray
from veracity.models.view import View

Language = Literal["en", "vi", "id"]
Words = Mapping[Language, str]  #: the same in each language
Stage = Literal["shadow", "advise", "act"]


@dataclass(frozen=True)
class Rung:
    """One rung of the ladder of fallbacks.

    Attributes
    ----------
    name
        ``[a-z0-9-]``; rows of decisions carry it.
    needs
        Columns of the panel that it cannot do without.
    longest_age_s
        How old the newest measured value of each may be, per key.
    words
        What people are told while it serves.
    """

    name: str
    needs: tuple[str, ...]
    longest_age_s: int
    words: Words


@dataclass(frozen=True)
class StopRule:
    """A rule that stops a release without a person: over the last days a score went past a bound.

    ``score`` is a column of ``scoring.summary``; ``baseline`` compares with that of a baseline (as a ratio)
    instead of with the plain value. At least ``n_least`` scored decisions are needed.
    """

    name: str
    score: str
    above: float | None = None
    below: float | None = None
    baseline: str | None = None
    days: int = 7
    n_least: int = 100


class Train(Protocol):
    """Makes a model from a panel."""

    def __call__(self, panel: PanelArray, *, seed: int) -> Estimators:
        """Return a fitted estimator for each target."""


class Decide(Protocol):
    """Turns a panel and a model into decisions. Pure."""

    def __call__(self, panel: PanelArray, estimators: Estimators, now: datetime) -> pl.DataFrame:
        """Return rows of ``decisions.SCHEMA``, the system's own and its baselines', by fallbacks or not.

        ``panel`` ends at the last time of its grid that is not after ``now``. Without any estimator (nothing
        is released, or its file was altered) the rows come from rungs of the ladder that need none.
        """


class Pages(Protocol):
    """Draws static pages of an app for people. Pure."""

    def __call__(self, app: "App", view: View) -> Mapping[str, bytes]:
        """Return pages and the data beside them by their names; ``index.html`` is among them."""


@dataclass(frozen=True)
class App:
    """A city application.

    Attributes
    ----------
    name
        ``[a-z0-9-]``; the ``system`` of its statements.
    title, purpose, affected, appeal
        For people, in each language: what it is called, what it is for, whom it concerns, and how a
        person can object to what it says.
    owner
        The agency or body that answers for it.
    contracts
        YAML of the feeds it needs, by feed.
    panel
        YAML of the panel it learns from and forecasts from.
    attributes
        Per key what is known of it, such as ``lon`` and ``lat``.
    targets
        Columns that it forecasts, with their units (UCUM).
    horizons
        Steps ahead of the panel's grid.
    train, decide
        The model, and what an operator or a citizen gets. Both pure.
    ladder
        Fallbacks, best first; the last needs nothing.
    stage
        The furthest it may ever go.
    every_s
        Seconds between runs.
    stop_rules
        What stops it by itself.
    look_back_s
        How far back the panel goes that ``decide`` gets.
    events
        What counts as a warning, and what one costs beside an event that nobody was warned of.
    assurance
        What the battery of tests is told of it: districts, groups, storms. None leaves it to defaults.
    pages
        Static pages of what it says, if it has any.
    risk
        ``low``, ``medium`` or ``high``, as its owner classifies it under Law 134/2025/QH15, with the reason.
    """

    name: str
    title: Words
    purpose: Words
    affected: Words
    appeal: Words
    owner: str
    contracts: Mapping[str, bytes]
    panel: bytes
    attributes: Mapping[str, Mapping[str, float]]
    targets: Mapping[str, str]
    horizons: tuple[int, ...]
    train: Train
    decide: Decide
    ladder: tuple[Rung, ...]
    stage: Stage
    every_s: int
    stop_rules: tuple[StopRule, ...] = ()
    look_back_s: int = 1_814_400
    events: EventPolicy = field(default_factory=EventPolicy)
    risk: tuple[Literal["low", "medium", "high"], str] = ("medium", "")
    assurance: Context | None = None
    code: Callable[[], str] = field(default=lambda: "", repr=False)  # digest of its source
    pages: Pages | None = None
