"""The figures behind the pages, as JSON, each with its unit."""

from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from veracity.apps.environment.aqi import Index
from veracity.apps.environment.categories import VN_CATEGORIES
from veracity.apps.environment.exceedance import exceedance
from veracity.apps.environment.hotspots import HotSpot
from veracity.apps.environment.ladder import TARGETS
from veracity.apps.environment.limits import ACTIONS, LIMITS, WHO_2021
from veracity.apps.environment.pages.skill import GROUPS, outcomes_of, scores
from veracity.apps.environment.state import Reading, State
from veracity.apps.environment.wards import WardAir
from veracity.models.app import App
from veracity.models.decisions import OWN, QUANTILES
from veracity.models.forecast import LEVELS
from veracity.models.view import View
from veracity.pages.reliability import shares_below

_CODES = tuple(c.code for c in VN_CATEGORIES)


def city_json(
    app: App, view: View, found: list[State], wards: list[WardAir], hot: list[HotSpot] | None
) -> dict[str, Any]:
    """Return what the first page shows."""
    return {
        "schema": "veracity.environment.city/v1",
        **_head(view),
        "owner": app.owner,
        "facts": dict(view.facts),
        "categories": list(_CODES),
        "limits": {
            t: {"unit": TARGETS[t], "from": list(LIMITS[t]), "who_2021": WHO_2021[t]} for t in TARGETS
        },
        "actions": list(ACTIONS),
        "stations": [_station(view, s) for s in found],
        "wards": [_ward(w) for w in wards],
        "hot_spots": None if hot is None else [asdict(one) for one in hot],
    }


def station_json(view: View, state: State) -> dict[str, Any]:
    """Return what a station's page shows: every forecast row, with the chance of each limit."""
    rows = view.rows.filter(pl.col("model") == OWN, pl.col("key") == state.key).sort("target", "due")
    return {
        "schema": "veracity.environment.station/v1",
        **_head(view),
        **_station(view, state),
        "levels": dict(zip(QUANTILES, LEVELS, strict=True)),
        "forecast": [_row(row) for row in rows.iter_rows(named=True)],
    }


def skill_json(view: View) -> dict[str, Any]:
    """Return what the page on skill shows."""
    found = scores(view)
    kept = (
        "target",
        "horizon_s",
        "model",
        "n",
        "mae",
        "rmse",
        "crps",
        "coverage80",
        "coverage95",
        "skill_mae",
    )
    return {
        "schema": "veracity.environment.skill/v1",
        **_head(view),
        "units": {**TARGETS, "horizon_s": "s", "coverage80": "1", "coverage95": "1", "skill_mae": "1"},
        "scores": [] if found.is_empty() else found.select(kept).to_dicts(),
        "reliability": [_reliable(view, target, *group) for target in TARGETS for group in GROUPS],
    }


def _head(view: View) -> dict[str, Any]:
    return {"simulated": view.simulated, "made_at": view.now.isoformat(), "zone": view.zone}


def _station(view: View, state: State) -> dict[str, Any]:
    at = view.panel.keys.index(state.key)
    ahead = state.outlook
    return {
        "station": state.key,
        "place": {name: _plain(float(values[at])) for name, values in view.panel.attributes.items()},
        "vn_aqi": _index(state.vn),
        "us_aqi": _index(state.us),
        "now": {target: _reading(r) for target, r in state.readings.items()},
        "next_24_h": {
            "action": ahead.action,
            "target": ahead.target,
            "due": None if ahead.due is None else ahead.due.isoformat(),
            "highest_probability": ahead.probability,
            "rungs": list(ahead.rungs),
        },
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "value": round(reading.value, 3),
        "q10": round(reading.low, 3),
        "q90": round(reading.high, 3),
        "unit": TARGETS[reading.target],
        "state": "measured" if reading.is_measured else "estimated",
        "category": _CODES[reading.category],
    }


def _index(index: Index) -> dict[str, Any]:
    code = None if index.category is None else index.category.code
    return {"value": index.value, "pollutant": index.pollutant, "category": code, "parts": dict(index.parts)}


def _ward(ward: WardAir) -> dict[str, Any]:
    code = None if ward.category is None else ward.category.code
    could = [c.code for c in ward.could_be]
    kept = {"code": ward.ward, "target": "pm25", "unit": TARGETS["pm25"], "state": "estimated"}
    return {
        **kept,
        "q10": ward.low,
        "q50": ward.median,
        "q90": ward.high,
        "category": code,
        "could_be": could,
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("target", "horizon_s", "threshold", "probability", "action", "rung")
    said = {
        "due": row["due"].isoformat(),
        **{name: row[name] for name in kept},
        "unit": TARGETS[row["target"]],
    }
    if row["q50"] is None:
        return said
    values = np.array([row[name] for name in QUANTILES])
    limits = {
        "who-2021": WHO_2021[row["target"]],
        **dict(zip(_CODES[1:], LIMITS[row["target"]], strict=True)),
    }
    chances = {name: round(float(exceedance(values, LEVELS, limit)), 5) for name, limit in limits.items()}
    return said | {name: round(row[name], 3) for name in QUANTILES} | {"probabilities": chances}


def _reliable(view: View, target: str, first_h: int, last_h: int, words: str) -> dict[str, Any]:
    rows, n = outcomes_of(view, target, first_h, last_h)
    values = rows.select(QUANTILES).to_numpy().astype(np.float64)
    shares = shares_below(values, rows["value"].to_numpy().astype(np.float64))
    below = [_plain(float(s)) for s in shares]
    return {"target": target, "hours": words, "n": n, "said": list(LEVELS), "happened": below}


def _plain(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None
