"""The rows of decisions: one layout for every system, so that every system is scored alike.

A row is one thing said before its outcome was known: a forecast, perhaps with the chance that a threshold is
passed and what people are told to do. Baselines are logged in the same run, as rows of their own.
"""

import polars as pl

from veracity.models.forecast import LEVELS, level_name

QUANTILES = tuple(level_name(q) for q in LEVELS)
TIME = pl.Datetime("us", "UTC")
SCHEMA = pl.Schema(
    {
        "model": pl.String(),  # the system's own is "model"; others are baselines, by their names
        "target": pl.String(),  # what is forecast, a column of the system's panel
        "key": pl.String(),  # the place
        "issued": TIME,  # from when it looks ahead
        "due": TIME,  # when the outcome happens
        "horizon_s": pl.Int64(),  # from issued to due
        **{name: pl.Float64() for name in QUANTILES},
        "threshold": pl.Float64(),  # of the event, in the target's unit; null where there is none
        "probability": pl.Float64(),  # that the outcome is at or above the threshold
        "action": pl.String(),  # what was said or done, a code of the system's; null for a bare forecast
        "rung": pl.String(),  # of the ladder of fallbacks, where the row comes from
    }
)
OWN = "model"  #: the name in ``model`` of what the system itself says
