"""The maps: stations by category of VN_AQI, and wards by interpolation where their polygons are given."""

import math

import numpy as np

from veracity.apps.environment.categories import VN_CATEGORIES
from veracity.apps.environment.pages.frame import DARK, POLLUTANTS, UNIT, badge
from veracity.apps.environment.pages.spoken import category_name
from veracity.apps.environment.state import State
from veracity.models.view import View
from veracity.pages.html import Html, joined, shown, tag
from veracity.pages.map import Region, Spot, map_drawing

UNKNOWN_CLASS = "cu"


def now_map(view: View, found: list[State], regions: list[Region]) -> Html:
    """Return the map of the present hour."""
    spots = [spot for s in found if (spot := _now_spot(view, s)) is not None]
    words = (
        "Circles are stations, with the number of the category of their worst pollutant. Dashed and hatched:"
        " estimated, not measured."
    )
    if regions:
        words += (
            " Wards have the colour of PM2.5 by interpolation between stations; hatched where two are likely."
        )
    return _figure("Air quality now, by station", spots, regions, words)


def outlook_map(view: View, found: list[State]) -> Html:
    """Return the map of the next day."""
    spots = [spot for s in found if (spot := _outlook_spot(view, s)) is not None]
    words = (
        "The worst category to be ready for in any hour: that of a value which is passed with a chance of one"
        " in three. Dashed and hatched: not from the model alone, since measurements are missing."
    )
    outlines = [Region(p.rings, "", shown(p.name)) for p in view.places]
    return _figure("The worst of the next 24 hours, by station", spots, outlines, words)


def _figure(title: str, spots: list[Spot], regions: list[Region], words: str) -> Html:
    drawn = map_drawing(title, spots, regions)
    if drawn is None:
        return tag("p", "No place of any station is known, so there is no map.")
    keys = [joined([tag("span", badge(i), class_="entry"), " "]) for i in range(len(VN_CATEGORIES))]
    keys.append(tag("span", badge(None), class_="entry"))
    middle = map_drawing(f"{title}: the middle of the city", crowded(spots), regions)
    near = [] if middle is None else [tag("h3", "The middle of the city"), middle]
    legend = tag("p", *keys, class_="legend")
    return tag("figure", drawn, legend, *near, tag("figcaption", words, class_="soft"))


def crowded(spots: list[Spot]) -> list[Spot]:
    """Return the half nearest to the middle, if it is crowded there; else none."""
    if len(spots) < 8:
        return []
    lon, lat = (np.array([getattr(s, name) for s in spots]) for name in ("lon", "lat"))
    away = np.maximum(np.abs(lon - np.median(lon)), np.abs(lat - np.median(lat)))
    half = np.argsort(away, kind="stable")[: len(spots) // 2]
    whole = max(float(np.ptp(lon)), float(np.ptp(lat)))
    near = max(float(np.ptp(lon[half])), float(np.ptp(lat[half])))
    return [spots[i] for i in sorted(half)] if near < whole / 3 else []


def _place(view: View, key: str) -> tuple[float, float] | None:
    at = view.panel.keys.index(key)
    known = view.panel.attributes
    if not {"lon", "lat"} <= set(known):
        return None
    lon, lat = float(known["lon"][at]), float(known["lat"][at])
    return (lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None


def _now_spot(view: View, state: State) -> Spot | None:
    at = _place(view, state.key)
    if at is None:
        return None
    worst = state.worst
    if worst is None:
        return Spot(*at, "?", UNKNOWN_CLASS, f"{shown(state.key)}: not known", is_sure=False)
    how = "measured" if worst.is_measured else f"estimated, 80 % from {worst.low:.0f} to {worst.high:.0f}"
    words = f"{shown(state.key)}: {POLLUTANTS[worst.target]} {worst.value:.1f} {UNIT}, {how}"
    return _spot(at, worst.category, words, is_sure=worst.is_measured)


def _outlook_spot(view: View, state: State) -> Spot | None:
    at = _place(view, state.key)
    if at is None:
        return None
    ahead = state.outlook
    if ahead.place is None:
        return Spot(*at, "?", UNKNOWN_CLASS, f"{shown(state.key)}: not known", is_sure=False)
    words = f"{shown(state.key)}: {category_name(ahead.place)}, by {POLLUTANTS.get(ahead.target or '', '')}"
    return _spot(at, ahead.place, words, is_sure=not ahead.is_fallback)


def _spot(at: tuple[float, float], category: int, words: str, *, is_sure: bool) -> Spot:
    name = category_name(category)
    return Spot(*at, str(category + 1), f"c{category}", f"{words} ({name})", is_sure, DARK[category])
