"""A city application for tests: rain at the gauges of the small city, one to three hours ahead (simulated).

Readings are hourly, on the hour. The model is the mean of what it saw; without it the last value serves, and
where that is too old, nothing but a wide guess.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from small_city import NOW, PANEL, START, new_city
from veracity.home.home import Home, Writer, open_writer
from veracity.home.ingest import ingest
from veracity.models.app import App, Rung, StopRule
from veracity.models.bundle import Estimators, bundle_files, describe
from veracity.models.decisions import OWN, QUANTILES, SCHEMA
from veracity.models.events import EventPolicy
from veracity.models.files import DESCRIPTION, ModelFiles
from veracity.models.forecast import LEVELS, Forecast
from veracity.models.ladder import serving
from veracity.models.panel_array import Ints, PanelArray

HOUR = timedelta(hours=1)
GAUGES = ("G00", "G01", "G02")
SPREAD = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
THRESHOLD = 4.0


@dataclass
class MeanRain:
    """Says the mean of everything it learned from."""

    target: str = "rain"
    horizons: tuple[int, ...] = (1, 2, 3)
    mean_: float = field(default=0.0)
    name: ClassVar[str] = "mean-rain"

    def parameters(self) -> Mapping[str, Any]:
        return {"target": self.target, "horizons": list(self.horizons)}

    def fit(self, panel: PanelArray) -> "MeanRain":
        self.mean_ = float(np.nanmean(panel.column(self.target)))
        return self

    def predict(
        self, panel: PanelArray, horizons: Sequence[int] | None = None, origins: Ints | None = None
    ) -> Forecast:
        at = np.array([panel.n_times - 1]) if origins is None else origins
        ahead = np.array(self.horizons if horizons is None else horizons)
        shape = (len(at), len(panel.keys), len(ahead), len(LEVELS))
        values = np.broadcast_to(self.mean_ + SPREAD, shape).copy()
        return Forecast(self.target, panel.times_us[at], panel.every_us, panel.keys, ahead, LEVELS, values)

    def to_files(self) -> dict[str, bytes]:
        return {"mean.json": json.dumps({"mean": self.mean_}).encode()}

    @classmethod
    def from_files(cls, parameters: Mapping[str, Any], files: Mapping[str, bytes]) -> "MeanRain":
        made = cls(parameters["target"], tuple(parameters["horizons"]))
        made.mean_ = json.loads(files["mean.json"])["mean"]
        return made


def train(panel: PanelArray, *, seed: int) -> Estimators:
    """Learn the mean."""
    return {"rain": MeanRain().fit(panel)}


def decide(panel: PanelArray, estimators: Estimators, now: datetime) -> pl.DataFrame:
    """Say the rain of the next hours at each gauge, and of last value beside it."""
    now_us = int(now.timestamp() * 1e6)
    rungs = serving(LADDER, panel, now_us, without=() if estimators else ("model",))
    model = float(estimators["rain"].predict(panel).median[0, 0, 0]) if estimators else np.nan
    rain = panel.column("rain")
    issued = datetime.fromtimestamp(panel.times_us[-1] / 1e6, now.tzinfo)
    rows = []
    for k, key in enumerate(panel.keys):
        known = rain[:, k][~np.isnan(rain[:, k])]
        last = float(known[-1]) if len(known) else 2.0
        for hours in (1, 2, 3):
            centre = {"model": model, "last": last, "guess": 2.0}[rungs[k]]
            wide = 10 if rungs[k] == "guess" else 1
            rows.append(row(OWN, key, issued, hours, centre + wide * SPREAD, rungs[k]))
            rows.append(row("last-value", key, issued, hours, last + SPREAD, rungs[k]))
    made = pl.DataFrame(rows, schema=SCHEMA)
    return made.filter(pl.col("due") > now)


def row(
    model: str, key: str, issued: datetime, hours: int, values: Any, rung: str, **more: Any
) -> dict[str, Any]:
    """One decision; the chance of the threshold is the share of quantiles at or above it."""
    chance = {"threshold": THRESHOLD, "probability": float((values >= THRESHOLD).mean())}
    return {
        "model": model,
        "target": "rain",
        "key": key,
        "issued": issued,
        "due": issued + hours * HOUR,
        "horizon_s": hours * 3600,
        **dict(zip(QUANTILES, map(float, values), strict=True)),
        **(chance if model == OWN else {}),
        "rung": rung,
        **more,
    }


LADDER = (
    Rung("model", ("rain",), 7_200, {"en": "The model."}),
    Rung("last", ("rain",), 14_400, {"en": "The last value."}),
    Rung("guess", (), 0, {"en": "Nothing is known of this gauge."}),
)


def rain_app(**changes: Any) -> App:
    """The app; ``changes`` replace parts of its declaration."""
    declared: dict[str, Any] = {
        "name": "rain-hours",
        "title": {"en": "Rain of the next hours (simulated)"},
        "purpose": {"en": "Tests."},
        "affected": {"en": "Nobody."},
        "appeal": {"en": "Not needed."},
        "owner": "rain-office",
        "contracts": {},
        "panel": PANEL.encode(),
        "attributes": {g: {"lon": 108.2, "lat": 16.0} for g in GAUGES},
        "targets": {"rain": "mm"},
        "horizons": (1, 2, 3),
        "train": train,
        "decide": decide,
        "ladder": LADDER,
        "stage": "advise",
        "every_s": 3600,
        "look_back_s": 86_400,
        "events": EventPolicy(cost=1.0, loss=4.0),
        "code": lambda: "c0" * 32,
    }
    return App(**(declared | changes))


def rain_at(gauge: int, hour: int) -> float:
    """What fell at a gauge in the hour that ends ``hour`` hours after the start."""
    return float((hour * 7 + gauge * 3) % 11) / 2


def hourly(
    path: Path, first: int, n: int, *, gauges: Sequence[str] = GAUGES, minutes: int = 0, add: float = 0.0
) -> Path:
    """Write readings of hours ``first`` to ``first + n``; ``minutes`` before the hour, ``add`` mm more."""
    lines = [
        {
            "gauge": g,
            "observed_at": (START + hour * HOUR - timedelta(minutes=minutes)).isoformat(),
            "rain": rain_at(GAUGES.index(g), hour) + add,
        }
        for hour in range(first, first + n)
        for g in gauges
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


NOW_HOUR = int((NOW - START) / HOUR)  #: of the small city's clock


@dataclass
class RainCity:
    """A small city with rain up to some hour, at whose gauges time can go on."""

    root: Path
    files: Path

    @classmethod
    def new(cls, root: Path) -> "RainCity":
        """A city with rain up to its clock's time."""
        city = cls(new_city(root / "city"), root)
        city.take(NOW_HOUR - 47, 48)
        return city

    @contextmanager
    def at(self, hours: float = 0.0) -> Iterator[Writer]:
        """Open it for writing ``hours`` after the small city's time."""
        with open_writer(self.root, lambda: NOW + hours * HOUR) as home:
            yield home

    def take(self, first: int, n: int, *, at: float = 0.0, **more: Any) -> None:
        """Take in readings of some hours, ``at`` hours after the small city's time."""
        name = f"{first}-{n}-{at}-{'-'.join(map(str, more.values()))}.ndjson".replace("'", "")
        with self.at(at) as home:
            (report,) = ingest(home, "rain", [hourly(self.files / name, first, n, **more)])
            assert report.outcome == "sealed", report

    def open(self, hours: float = 0.0) -> Home:
        """Open it for reading."""
        return Home.open(self.root, lambda: NOW + hours * HOUR)


def rain_model() -> ModelFiles:
    """A trained model of the app, as files."""
    estimators = {"rain": MeanRain(mean_=2.5)}
    files = bundle_files(estimators)
    return ModelFiles({**files, DESCRIPTION: json.dumps(describe(estimators)).encode()})


def stop_rule(**changes: Any) -> StopRule:
    """A rule that stops the app where it errs by more than a millimetre."""
    declared: dict[str, Any] = {"name": "too-wrong", "score": "mae", "above": 1.0, "n_least": 1}
    return StopRule(**(declared | changes))
