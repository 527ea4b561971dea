"""Decisions: complete, in their layout, blind to the future, and walking down the ladder as feeds are cut."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import polars as pl
import pytest

from simulated_air import air_panel, end_of
from veracity.apps.environment.app import APP
from veracity.apps.environment.ladder import LADDER, TARGETS
from veracity.apps.environment.limits import ACTIONS
from veracity.apps.environment.model import HORIZONS
from veracity.models.decision_rows import check_rows, in_order
from veracity.models.decisions import OWN, QUANTILES, SCHEMA
from veracity.models.errors import BadPanel
from veracity.models.estimator import Forecaster
from veracity.models.estimators.last_value import LastValue
from veracity.models.forecast import Forecast
from veracity.models.panel_array import PanelArray

PANEL = air_panel(n_keys=3)
NOW = end_of(PANEL)
MODEL: Mapping[str, Forecaster] = {t: LastValue(t, HORIZONS).fit(PANEL) for t in TARGETS}


@pytest.fixture(autouse=True)
def _few_planted_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn what the present hour's ranges are from few planted gaps: quick, and as blind to the future."""
    monkeypatch.setattr("veracity.models.nowcast.N_TESTS", 200)


BASELINES = ("climatology", "last-value", "seasonal")


def decide(panel: PanelArray, now: datetime = NOW, model: Mapping[str, Forecaster] = MODEL) -> pl.DataFrame:
    """One run, checked as it is before it is logged."""
    rows = in_order(APP.decide(panel, model, now))
    check_rows(rows, APP.targets, [r.name for r in LADDER], now)
    return rows


def own(rows: pl.DataFrame, **is_: object) -> pl.DataFrame:
    return rows.filter(pl.col("model") == OWN, *(pl.col(name) == value for name, value in is_.items()))


def silent(
    panel: PanelArray, hours: int, keys: slice = slice(None), columns: slice = slice(None)
) -> PanelArray:
    """The panel where some sensors said nothing in the last hours."""
    values, measured = panel.values.copy(), panel.measured.copy()
    values[panel.n_times - hours :, keys, columns] = np.nan
    measured[panel.n_times - hours :, keys, columns] = False
    return replace(panel, values=values, measured=measured)


def rungs(rows: pl.DataFrame, **is_: object) -> set[str]:
    """On which rungs the forecasts stand."""
    return set(own(rows, **is_).filter(pl.col("horizon_s") > 0)["rung"])


def whole() -> PanelArray:
    """The panel with everything measured in its last hours."""
    values, measured = PANEL.values.copy(), PANEL.measured.copy()
    values[-6:] = np.where(np.isfinite(values[-6:]), values[-6:], 20.0)
    measured[-6:] = True
    return replace(PANEL, values=values, measured=measured)


@lru_cache
def whole_rows() -> pl.DataFrame:
    """What is decided when nothing is missing."""
    return decide(whole())


def test_every_place_pollutant_and_hour_is_said_once() -> None:
    """The system and each baseline say every station, pollutant and hour from 1 to 48, once."""
    rows = whole_rows()
    assert rows.schema == SCHEMA
    n = len(PANEL.keys) * len(TARGETS) * len(HORIZONS)
    assert dict(rows["model"].value_counts().iter_rows()) == dict.fromkeys([OWN, *BASELINES], n)
    assert set(rows["horizon_s"]) == {h * 3600 for h in range(1, 49)}
    assert rungs(rows) == {"model"}
    assert set(own(rows)["action"]) <= set(ACTIONS)
    assert rows.filter(pl.col("model") != OWN)["action"].null_count() == 3 * n


def test_chances_and_actions_agree() -> None:
    """A warning is said where, and only where, the chance of passing the limit is one in three or more."""
    rows = own(whole_rows())
    warned = rows["action"].is_in(APP.events.warnings)
    assert (warned == (rows["probability"] >= APP.events.least)).all()
    assert rows.select(pl.col(*QUANTILES).min()).min_horizontal().item() >= 0.0


@pytest.mark.parametrize(
    ("hours", "rung"),
    [
        (0, "model"),
        (3, "model"),
        (4, "seasonal"),
        (26, "seasonal"),
        (27, "climatology"),
        (200, "climatology"),
    ],
)
def test_a_station_that_falls_silent_walks_down_the_ladder(hours: int, rung: str) -> None:
    """The longer a station says nothing, the lower the rung; the other stations stay where they were."""
    rows = decide(silent(whole(), hours, slice(2, 3)))
    quiet = PANEL.keys[2]
    assert rungs(rows, key=quiet) == {rung}
    assert rungs(rows.filter(pl.col("key") != quiet)) == {"model"}


def test_a_station_that_never_spoke_is_not_known() -> None:
    """Nothing is invented where nothing was ever measured: no quantiles, no chance, action unknown."""
    rows = own(decide(silent(whole(), PANEL.n_times, slice(2, 3))), key=PANEL.keys[2])
    assert set(rows["rung"]) == {"nothing-known"}
    assert set(rows["action"]) == {"unknown"}
    assert rows.select(pl.col(*QUANTILES, "probability").is_null().all()).row(0) == (True,) * 8
    assert rows.height == len(TARGETS) * len(HORIZONS)


def test_one_dead_sensor_takes_nothing_else_down() -> None:
    """A station whose NO2 sensor died has its other pollutants by the model."""
    rows = decide(silent(whole(), 10, slice(2, 3), slice(2, 3)))
    assert rungs(rows, key=PANEL.keys[2], target="no2") == {"seasonal"}
    assert rungs(rows.filter(pl.col("target") != "no2")) == {"model"}


@pytest.mark.parametrize(("hours", "rung"), [(5, "seasonal"), (40, "climatology")])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_feed_cut_in_the_middle(hours: int, rung: str, is_there: bool) -> None:
    """With all stations silent, by empty rows or a panel that ends early, the ladder serves until now."""
    cut = silent(whole(), hours) if is_there else whole().until(PANEL.n_times - 1 - hours)
    rows = decide(cut)
    assert rungs(rows) == {rung}
    assert rows.filter(pl.col("horizon_s") > 0)["due"].min() == NOW + timedelta(hours=1)


def test_both_ways_of_a_cut_are_one() -> None:
    """Rows without values and rows that are not there give the same decisions."""
    assert decide(silent(whole(), 5)).equals(decide(whole().until(PANEL.n_times - 6)))


def test_nothing_ever_measured() -> None:
    """A city whose feeds have not begun gets rows that say so, and no baseline."""
    rows = decide(silent(PANEL, PANEL.n_times))
    assert set(rows["model"]) == {OWN}
    assert set(rows["rung"]) == {"nothing-known"}


def test_without_a_model_the_next_rung_serves() -> None:
    """Where nothing is released the same hours of the days before are said, from no model."""
    rows = decide(whole(), model={})
    assert rungs(rows) == {"seasonal"}
    same = own(rows).select(*QUANTILES, "target", "key", "due").sort("target", "key", "due")
    beside = rows.filter(pl.col("model") == "seasonal").select(same.columns).sort("target", "key", "due")
    assert same.equals(beside)


class Failing(LastValue):
    """A model that cannot, or says nothing of the first station."""

    def predict(self, *args: object, **more: object) -> Forecast:
        said = super().predict(*args, **more)  # type: ignore[arg-type]
        values = said.values.copy()
        values[:, 0] = np.nan
        return replace(said, values=values)


class Refusing(LastValue):
    """A model that misses a column."""

    def predict(self, *args: object, **more: object) -> Forecast:
        raise BadPanel("panel: want column 'wind', got others")


def test_a_model_that_cannot_say_gives_way() -> None:
    """Where a model refuses a panel, or says nothing of a place, the next rung serves there."""
    model = {
        **MODEL,
        "pm25": Failing("pm25", HORIZONS).fit(PANEL),
        "o3": Refusing("o3", HORIZONS).fit(PANEL),
    }
    rows = decide(whole(), model=model)
    assert rungs(rows, target="pm25", key=PANEL.keys[0]) == {"seasonal"}
    assert rungs(rows, target="pm25", key=PANEL.keys[1]) == {"model"}
    assert rungs(rows, target="o3") == {"seasonal"}


def test_the_present_hour_is_estimated_where_it_was_not_measured() -> None:
    """Stations that missed this hour get an estimate with a range, on its own rung; the others get none."""
    rows = decide(silent(whole(), 2, slice(1, 3)))
    now = own(rows, horizon_s=0)
    assert set(now["key"]) == set(PANEL.keys[1:3])
    assert set(now["rung"]) == {"nowcast"}
    assert set(now["target"]) == set(TARGETS)
    assert (now["due"] == NOW).all()
    assert (now["q90"] > now["q10"]).all()


def test_a_run_between_two_hours() -> None:
    """A run at half past looks ahead from the last full hour, at hours that are still to come."""
    rows = decide(whole(), NOW + timedelta(minutes=30))
    assert set(rows["issued"]) == {NOW}
    assert rows["due"].min() == NOW + timedelta(hours=1)


SPOIL: dict[str, Callable[[PanelArray, np.random.Generator], PanelArray]] = {
    "noise": lambda p, rng: replace(p, values=rng.uniform(0, 900, p.values.shape)),
    "nothing": lambda p, rng: replace(p, values=np.full_like(p.values, np.nan), measured=p.measured & False),
    "shuffled": lambda p, rng: replace(p, values=rng.permutation(p.values)),
    "extreme": lambda p, rng: replace(p, values=np.full_like(p.values, 1e12)),
}


@pytest.mark.parametrize("spoil", SPOIL)
def test_the_future_changes_nothing(spoil: str) -> None:
    """Whatever stands in the panel after now, the decisions are the same to the bit."""
    origin = PANEL.n_times - 40
    now = end_of(PANEL.until(origin))
    spoiled = SPOIL[spoil](PANEL, np.random.default_rng(5))
    keep = (np.arange(PANEL.n_times) <= origin)[:, None, None]
    mixed = replace(
        PANEL,
        values=np.where(keep, PANEL.values, spoiled.values),
        measured=np.where(keep, PANEL.measured, spoiled.measured),
        trust=np.where(keep, np.asarray(PANEL.trust), 0.1),
    )
    seen = seen_then(origin)
    assert decide(mixed, now).equals(seen)
    assert seen.height > 0


@lru_cache
def seen_then(origin: int) -> pl.DataFrame:
    """What was decided at an origin when nothing after it was there."""
    return decide(PANEL.until(origin), end_of(PANEL.until(origin)))


def test_the_same_again() -> None:
    """The same panel and model give the same rows."""
    assert decide(whole()).equals(whole_rows())


def test_a_panel_without_a_pollutant_is_refused() -> None:
    """A panel that misses a target is none of this app's."""
    less = replace(PANEL, columns=("pm25", "pm10", "no2", "x", "temperature", "humidity"))
    with pytest.raises(BadPanel, match="want column 'o3'"):
        decide(less)
