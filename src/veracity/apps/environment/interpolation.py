"""The air between stations: wards by interpolation, and hot spots, from the same model of one pollutant."""

from collections.abc import Sequence

import numpy as np

from veracity.apps.environment.hotspots import HotSpot, hot_spots
from veracity.apps.environment.wards import WardAir, ward_air, ward_forecast
from veracity.models.errors import BadPanel
from veracity.models.panel_array import PanelArray
from veracity.models.spatial import SpatialModel
from veracity.models.view import Place

HOURS = 24  #: that a hot spot is looked for in; the model learns from those before


def placed(panel: PanelArray) -> PanelArray:
    """Return the stations whose place is known; BadPanel if there are fewer than three."""
    lon, lat = (panel.attributes.get(name, np.full(len(panel.keys), np.nan)) for name in ("lon", "lat"))
    keys = [key for key, a, b in zip(panel.keys, lon, lat, strict=True) if np.isfinite(a) and np.isfinite(b)]
    if len(keys) < 3 or panel.n_times <= HOURS:
        raise BadPanel(f"panel: want 3 places with lon and lat and over {HOURS} hours, got {len(keys)}")
    return panel.select(keys)


def learned(panel: PanelArray, target: str) -> SpatialModel | None:
    """Return a model of the stations that was fitted on all but the last day; None where it cannot be."""
    try:
        known = placed(panel)
        return SpatialModel(target).fit(known.until(known.n_times - HOURS - 1))
    except BadPanel:
        return None


def wards_now(model: SpatialModel, panel: PanelArray, places: Sequence[Place]) -> list[WardAir]:
    """Return the air of wards in a panel's last hour."""
    points = {p.code: (p.lon, p.lat) for p in places}
    outlines = {p.code: p.rings for p in places}
    return ward_air(ward_forecast(model, placed(panel), points, outlines), model.target)


def hot_now(model: SpatialModel, panel: PanelArray) -> list[HotSpot]:
    """Return the hot spots of a panel's last day, the surest first."""
    return hot_spots(model, placed(panel), HOURS)
