"""The first page: where the air is how, what to be ready for, and what to do."""

from collections import Counter
from collections.abc import Iterable

from veracity.apps.environment.actions import EVENTS
from veracity.apps.environment.hotspots import HotSpot
from veracity.apps.environment.pages.city_map import now_map, outlook_map
from veracity.apps.environment.pages.frame import (
    POLLUTANTS,
    UNIT,
    app_page,
    badge,
    data_link,
    local_soon,
    station_file,
    station_name,
)
from veracity.apps.environment.pages.hot import hot_table
from veracity.apps.environment.pages.spoken import LANGUAGES, category_name, spoken
from veracity.apps.environment.state import State
from veracity.models.app import App
from veracity.models.view import View
from veracity.pages.document import rows_table
from veracity.pages.html import Html, joined, tag
from veracity.pages.map import Region

_AHEAD = ("be ready for", "of", "at", "chance of more than 100")


def index_page(
    app: App, view: View, found: list[State], regions: list[Region], hot: list[HotSpot] | None
) -> bytes:
    """Return the page."""
    return app_page(
        app,
        view,
        app.title["en"],
        joined(tag("p", app.title[lang], lang=lang, class_="soft") for lang in ("vi", "id")),
        tag("p", verdict(found), class_="verdict" + (" no" if _warned(found) else "")),
        _fallbacks(app, found),
        tag("h2", "What to do"),
        _advice(found),
        tag("h2", "Now"),
        now_map(view, found, regions),
        tag("h2", "The worst to be ready for in the next 24 hours"),
        outlook_map(view, found),
        _table(app, view, found),
        tag("h2", "Hot spots"),
        hot_table(hot),
        data_link("index"),
    )


def verdict(found: list[State]) -> str:
    """Say in a sentence or two what the next day brings."""
    counts = Counter(s.outlook.place for s in found)
    worst = max((place for place in counts if place is not None), default=None)
    if worst is None:
        return "Nothing is known of the next 24 hours: no station has measured for weeks."
    first = (
        f"Be ready for air that is {category_name(worst).lower()} at {_stations(counts[worst], found)} in the"
    )
    unknown = f" Nothing is known at {_stations(counts[None], found)}." if counts[None] else ""
    return f"{first} next 24 hours.{unknown}"


def _warned(found: list[State]) -> list[State]:
    return [s for s in found if s.outlook.action in EVENTS.warnings]


def _stations(n: int, found: list[State]) -> str:
    return f"{n} of {len(found)} stations"


def _fallbacks(app: App, found: list[State]) -> Html | None:
    """Return what people are told of rows that the model did not make."""
    counts = Counter(rung for s in found for rung in s.outlook.rungs)
    rungs = [r for r in app.ladder[1:] if counts[r.name]]
    if not rungs:
        return None
    items = [
        tag("li", tag("b", f"{_stations(counts[r.name], found)}: "), r.words["en"], *_others(r.words))
        for r in rungs
    ]
    return tag("section", tag("p", "Not all of this is the model's:"), tag("ul", *items))


def _others(words: object) -> Iterable[Html]:
    assert isinstance(words, dict)
    return [joined([tag("br"), tag("span", words[lang], lang=lang, class_="soft")]) for lang in ("vi", "id")]


def _table(app: App, view: View, found: list[State]) -> Html:
    heads = ("station", "VN_AQI", "US AQI", "this hour", "of", f"value, {UNIT}", *_AHEAD)
    caption = (
        "Every station: its indices (of particles over twelve hours), this hour alone by its worst pollutant,"
        " and the worst of the next 24 hours. A dash: too little was measured. Values with a range were"
        " estimated, not measured. The last column is the highest chance, in any hour, that the index passes"
        " 100."
    )
    return rows_table(caption, heads, [_row(app, view, s) for s in found], words=(0, 3, 4, 6, 7, 8))


def _row(app: App, view: View, state: State) -> tuple[Html | str, ...]:
    link = tag("a", station_name(app, state.key), href=f"{station_file(state.key)}.html")
    ahead = state.outlook
    later = badge(ahead.place)
    chance = "" if ahead.probability is None else percent(ahead.probability)
    due = "" if ahead.due is None else local_soon(view, ahead.due)
    of = POLLUTANTS.get(ahead.target or "", "")
    indices = [
        tag("span", "–", aria_label="not known") if i.value is None else str(i.value)
        for i in (state.vn, state.us)
    ]
    worst = state.worst
    if worst is None:
        return (link, *indices, badge(None), "", "", later, of, due, chance)
    value = f"{worst.value:.1f}"
    if not worst.is_measured:
        value = tag(
            "span", f"{worst.low:.1f} to {worst.high:.1f}", class_="est", title="estimated, 80 % range"
        )
    now = badge(worst.category, is_sure=worst.is_sure)
    return (link, *indices, now, POLLUTANTS[worst.target], value, later, of, due, chance)


def percent(chance: float) -> str:
    """Write a chance; one that is not nothing is not 0 %, one that is not sure not 100 %.

    Examples
    --------
    >>> percent(0.004), percent(0.337), percent(0.9991)
    ('<1 %', '34 %', '>99 %')
    """
    if chance < 0.01:
        return "<1 %"
    return ">99 %" if chance > 0.99 else f"{100 * chance:.0f} %"


def _advice(found: list[State]) -> Html:
    """Return the advice for each category that some station should be ready for, in three languages."""
    wanted = sorted({s.outlook.place for s in found if s.outlook.place is not None}, reverse=True)
    columns = []
    for lang, name in LANGUAGES.items():
        parts = [
            part
            for place in wanted
            for part in (tag("p", tag("b", category_name(place, lang))), spoken(place, lang))
        ]
        columns.append(tag("div", tag("h3", name), *parts, lang=lang))
    return tag("div", *columns, class_="advice")
