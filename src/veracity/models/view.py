"""What the pages of an app are drawn from: a run as it was logged, what was measured, and how it scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from veracity.models.decisions import SCHEMA
from veracity.models.panel_array import Floats, PanelArray

OUTCOMES = pl.Schema({**SCHEMA, "value": pl.Float64()})  #: decisions and what was measured then


@dataclass(frozen=True)
class Place:
    """A region of a city, such as a ward: rings of (n, 2) lon and lat in degrees, holes by the even-odd rule.

    ``lon`` and ``lat`` are of a point that stands for it.
    """

    code: str
    name: str
    lon: float
    lat: float
    rings: Sequence[Floats]


@dataclass(frozen=True)
class View:
    """One run of an app, for people.

    Attributes
    ----------
    now
        When it was decided.
    rows
        Its decisions, of ``decisions.SCHEMA``.
    panel
        What was known, up to then.
    facts
        What the log says of it, in words, such as its entry and its release.
    lines
        Of ``scoreboard.LINES``: how decisions scored so far, baselines beside; none yet for a young system.
    outcomes
        Of ``OUTCOMES``: decisions of late whose outcome is known.
    places
        Regions to draw.
    simulated
        Whether any value comes from a simulation.
    zone
        Of the clock on the wall, by its IANA name.
    """

    now: datetime
    rows: pl.DataFrame
    panel: PanelArray
    facts: Mapping[str, str] = field(default_factory=dict)
    lines: pl.DataFrame = field(default_factory=pl.DataFrame)
    outcomes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTCOMES))
    places: Sequence[Place] = ()
    simulated: bool = True
    zone: str = "UTC"
