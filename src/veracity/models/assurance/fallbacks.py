"""Fallbacks: whether an app still answers with its inputs cut, and each answer says what it rests on."""

import numpy as np
import polars as pl

from veracity.models.assurance.cases import ForecastCase
from veracity.models.assurance.faults import dropout, silence
from veracity.models.assurance.result import AssuranceTest, Found, Number
from veracity.models.decisions import QUANTILES

_ORIGINS = 3


def flagged(case: ForecastCase) -> Found:
    """Return how many rows of the app's decisions say nothing, or fall back, without saying so."""
    if case.decided is None:
        return Found(untested="the app's own decisions were not at hand")
    numbers = []
    at = np.linspace(0, len(case.apart) - 1, _ORIGINS).astype(int)
    origins = case.apart[np.unique(at)] if len(case.apart) else case.origins[-1:]
    for fault in (None, dropout(0.5), silence()):
        rows = pl.concat([case.decided.rows(int(origin), fault, case.target) for origin in origins])
        numbers += _counted(case, rows, "none" if fault is None else fault.name)
    return Found(tuple(numbers))


def _counted(case: ForecastCase, rows: pl.DataFrame, fault: str) -> list[Number]:
    said = pl.all_horizontal(pl.col(q).is_not_null() & pl.col(q).is_finite() for q in QUANTILES)
    first = pl.col("rung") == case.context.first_rung
    silent = rows.filter(~said & first).height
    unnamed = rows.filter(pl.col("rung").is_null() | (pl.col("rung") == "")).height
    fallen = rows.filter(~first).height
    n, of = rows.height, {"fault": fault}
    return [
        Number("unflagged", float((silent + unnamed) / max(n, 1)), n=n, of=of),
        Number("fallback", fallen / max(n, 1), n=n, of=of),
        Number("missing-places", float(len(case.panel.keys) - rows["key"].n_unique()), n=n, of=of),
    ]


TESTS = (
    AssuranceTest(
        "fallbacks-flagged",
        "robustness",
        "With sensors cut, some or all, does every place get an answer that says what it rests on?",
        "Silence is taken for all-clear, and a guess for a forecast, unless it is said which it is.",
        {
            "unflagged": "share of decisions that say nothing, or do not name their rung",
            "fallback": "share of decisions that rest on a fallback",
            "missing-places": "places that get no decision",
        },
        flagged,
    ),
)
