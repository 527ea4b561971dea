"""Wards as regions of the map: coloured by what interpolation says, hatched where it is not sure."""

from collections.abc import Sequence

from veracity.apps.environment.pages.frame import UNIT
from veracity.apps.environment.pages.spoken import category_name
from veracity.apps.environment.wards import WardAir
from veracity.models.view import Place
from veracity.pages.html import shown
from veracity.pages.map import Region


def ward_regions(places: Sequence[Place], air: Sequence[WardAir]) -> list[Region]:
    """Return a region for each place; those of which nothing is said are bare."""
    by_code = {one.ward: one for one in air}
    return [_region(place, by_code.get(place.code)) for place in places]


def _region(place: Place, air: WardAir | None) -> Region:
    if air is None or air.category is None or air.median is None:
        return Region(place.rings, "", f"{shown(place.name)}: not known")
    could = ", ".join(category_name(c.level - 1) for c in air.could_be)
    doubt = f"; could also be: {could}" if could else ""
    words = (
        f"{shown(place.name)}: PM2.5 about {air.median:.0f} {UNIT}, 80 % from {air.low:.0f} to"
        f" {air.high:.0f}, estimated ({category_name(air.category.level - 1)}{doubt})"
    )
    return Region(place.rings, f"c{air.category.level - 1}", words, is_sure=not air.could_be)
