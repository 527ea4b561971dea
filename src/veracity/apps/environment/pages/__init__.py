"""The app's static pages: the city's map and outlook, one page a station, how right it was; JSON beside each.

No script, nothing loaded from elsewhere. What was measured, estimated and forecast look different; nothing
hangs on colour alone; what is simulated says so on every page.
"""

import orjson

from veracity.apps.environment.interpolation import hot_now, learned, wards_now
from veracity.apps.environment.pages.data import city_json, skill_json, station_json
from veracity.apps.environment.pages.frame import station_file
from veracity.apps.environment.pages.index import index_page
from veracity.apps.environment.pages.skill import skill_page
from veracity.apps.environment.pages.station import station_page
from veracity.apps.environment.pages.ward_map import ward_regions
from veracity.apps.environment.state import states
from veracity.models.app import App
from veracity.models.view import View

BETWEEN = "pm25"  #: the pollutant that is drawn between stations


def pages(app: App, view: View) -> dict[str, bytes]:
    """Return the pages by name: ``index.html``, ``skill.html``, one a station, and a ``.json`` for each."""
    found, model = states(view.panel, view.rows), learned(view.panel, BETWEEN)
    wards = wards_now(model, view.panel, view.places) if model is not None and view.places else []
    hot = None if model is None else hot_now(model, view.panel)
    regions = ward_regions(view.places, wards)
    documents = {"index": city_json(app, view, found, wards, hot), "skill": skill_json(view)}
    out = {
        "index.html": index_page(app, view, found, regions, hot),
        "skill.html": skill_page(app, view),
    }
    for one in found:
        name = station_file(one.key)
        documents[name] = station_json(view, one)
        out[f"{name}.html"] = station_page(app, view, one)
    return out | {f"{name}.json": _json(document) for name, document in documents.items()}


def _json(document: dict[str, object]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
