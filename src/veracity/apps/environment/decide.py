"""From a panel and a model to what citizens and operators get. Pure.

Each run says, for every station and pollutant: the next 48 hours, with the chance that the limit is passed
from which the air is unhealthy for sensitive people, and what people are told; the present hour where it was
not measured; and what three baselines would have said, which nobody is told but which are scored beside.
"""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import polars as pl

from veracity.apps.environment.actions import action_codes, chances_of, warning_limit
from veracity.apps.environment.baselines import baselines
from veracity.apps.environment.exceedance import exceedance
from veracity.apps.environment.ladder import MODEL, NOWCAST, TARGETS, Answer, answer
from veracity.apps.environment.model import HORIZONS, forecast
from veracity.apps.environment.nowcasting import nowcast
from veracity.apps.environment.seen import seen_at
from veracity.models.bundle import Estimators
from veracity.models.decisions import OWN, SCHEMA
from veracity.models.forecast import LEVELS, Forecast
from veracity.models.panel_array import PanelArray


def decide(panel: PanelArray, estimators: Estimators, now: datetime) -> pl.DataFrame:
    """Return the rows of one run; see ``models.app.Decide``.

    Raises
    ------
    BadPanel
        If a target is no column of the panel.
    """
    seen = seen_at(panel, now)
    frames = [frame for target in TARGETS for frame in _of_target(seen, target, estimators, now)]
    return pl.concat(frames).filter((pl.col("due") > now) | (pl.col("horizon_s") == 0))


def _of_target(
    seen: PanelArray, target: str, estimators: Estimators, now: datetime
) -> Iterator[pl.DataFrame]:
    others = baselines(seen, target, HORIZONS)
    by_rung = dict(others)
    if target in estimators and (own := forecast(estimators[target], seen)) is not None:
        by_rung[MODEL] = own
    yield _own_rows(answer(seen, target, by_rung, _nothing(seen, target), now))
    if (gaps := nowcast(seen, target)) is not None:
        yield _nowcast_rows(gaps)
    for name, said in others.items():
        yield _rows(said.in_order(), name, np.full(said.values.shape[1:3], name)).drop_nulls("q50")


def _nothing(seen: PanelArray, target: str) -> Forecast:
    shape = (1, len(seen.keys), len(HORIZONS), len(LEVELS))
    horizons = np.array(HORIZONS, np.int64)
    return Forecast(
        target, seen.times_us[-1:], seen.every_us, seen.keys, horizons, LEVELS, np.full(shape, np.nan)
    )


def _own_rows(said: Answer) -> pl.DataFrame:
    return _with_actions(_rows(said.forecast, OWN, said.rungs), said.forecast)


def _nowcast_rows(gaps: Forecast) -> pl.DataFrame:
    rows = _with_actions(_rows(gaps, OWN, np.full(gaps.values.shape[1:3], NOWCAST)), gaps)
    return rows.drop_nulls("q50")


def _rows(said: Forecast, model: str, rungs: "np.typing.NDArray[np.str_]") -> pl.DataFrame:
    """Return a forecast from one origin as decisions without actions; concentrations are not below 0."""
    clipped = Forecast(
        said.target,
        said.origins_us,
        said.every_us,
        said.keys,
        said.horizons,
        said.levels,
        np.maximum(said.values, 0.0),
    )
    chance = exceedance(clipped.values[0], said.levels, warning_limit(said.target))
    frame = clipped.to_frame().rename({"origin": "issued"})
    return frame.with_columns(
        pl.lit(model).alias("model"),
        pl.lit(said.target).alias("target"),
        (pl.col("due") - pl.col("issued")).dt.total_seconds().alias("horizon_s"),
        pl.lit(warning_limit(said.target)).alias("threshold"),
        pl.Series("probability", chance.ravel(), pl.Float64).fill_nan(None),
        pl.lit(None, pl.String).alias("action"),
        pl.Series("rung", rungs.ravel().tolist(), pl.String),
    ).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def _with_actions(rows: pl.DataFrame, said: Forecast) -> pl.DataFrame:
    codes = action_codes(chances_of(said.target, np.maximum(said.values[0], 0.0), said.levels))
    return rows.with_columns(pl.Series("action", codes.ravel().tolist(), pl.String))
