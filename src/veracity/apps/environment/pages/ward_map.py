from veracity.models.view import View
from veracity.pages.map import Region


def ward_regions(view: View) -> list[Region]:
    return [Region(p.rings, "", p.name) for p in view.places]
