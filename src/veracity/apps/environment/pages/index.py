"""The first page: where the air is how, what to be ready for, and what to do."""

from collections import Counter
from collections.abc import Iterable

from veracity.apps.environment.actions import EVENTS, UNKNOWN
from veracity.apps.environment.limits import CATEGORIES
from veracity.apps.environment.pages.city_map import now_map, outlook_map
from veracity.apps.environment.pages.frame import POLLUTANTS, UNIT, app_page, badge, data_link, local, station_file
from veracity.apps.environment.pages.hot import hot_spots
from veracity.apps.environment.pages.spoken import category_name, spoken
from veracity.apps.environment.state import State
from veracity.models.app import App
from veracity.models.view import View
from veracity.pages.document import rows_table
from veracity.pages.html import Html, joined, shown, tag

LANGUAGES = {"en": "English", "vi": "Tiếng Việt", "id": "Bahasa Indonesia"}


def index_page(app: App, view: View, found: list[State]) -> bytes:
    """Return the page."""
    return app_page(
        app,
        view,
        app.title["en"],
        joined(tag("p", app.title[lang], lang=lang, class_="soft") for lang in ("vi", "id")),
        tag("p", verdict(found), class_="verdict" + (" no" if _warned(found) else "")),
        _fallbacks(app, found),
        tag("h2", "Now"),
        now_map(view, found),
        tag("h2", "The worst to be ready for in the next 24 hours"),
        outlook_map(view, found),
        _table(view, found),
        tag("h2", "What to do"),
        _advice(found),
        tag("h2", "Hot spots"),
        hot_spots(view),
        data_link("index"),
    )


def verdict(found: list[State]) -> str:
    """Say in a sentence or two what the next day brings."""
    counts = Counter(s.outlook.action for s in found)
    known = [c for c in reversed(CATEGORIES) if counts[c]]
    if not known:
        return "Nothing is known of the next 24 hours: no station has measured for weeks."
    worst = known[0]
    first = f"Be ready for air that is {category_name(worst, 'en').lower()} at {_stations(counts[worst], found)} in the"
    unknown = f" Nothing is known at {_stations(counts[UNKNOWN], found)}." if counts[UNKNOWN] else ""
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
        tag("li", tag("b", f"{_stations(counts[r.name], found)}: "), r.words["en"], *_others(r.words)) for r in rungs
    ]
    return tag("section", tag("p", "Not all of this is the model's:"), tag("ul", *items))


def _others(words: object) -> Iterable[Html]:
    assert isinstance(words, dict)
    return [joined([tag("br"), tag("span", words[lang], lang=lang, class_="soft")]) for lang in ("vi", "id")]


def _table(view: View, found: list[State]) -> Html:
    heads = ("station", "now", "of", f"value, {UNIT}", "be ready for", "of", "at", "chance of a warning's air")
    caption = (
        "Every station: the present hour by its worst pollutant, and the worst of the next 24 hours. Values with a"
        " range were estimated, not measured. The last column is the highest chance, in any hour, that the"
        " index passes 100."
    )
    return rows_table(caption, heads, [_row(view, s) for s in found], text=3)


def _row(view: View, state: State) -> tuple[Html | str, ...]:
    link = tag("a", shown(state.key), href=f"{station_file(state.key)}.html")
    ahead = state.outlook
    order = list(CATEGORIES)
    later = badge(order.index(ahead.action) if ahead.action in order else None)
    chance = "" if ahead.probability is None else percent(ahead.probability)
    due = "" if ahead.due is None else local(view, ahead.due)
    of = POLLUTANTS.get(ahead.target or "", "")
    worst = state.worst
    if worst is None:
        return (link, badge(None), "", "", later, of, due, chance)
    value = f"{worst.value:.1f}"
    if not worst.is_measured:
        value = tag("span", f"{worst.low:.1f} to {worst.high:.1f}", class_="est", title="estimated, 80 % range")
    now = badge(worst.category, is_sure=worst.is_sure)
    return (link, now, POLLUTANTS[worst.target], value, later, of, due, chance)


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
    actions = {s.outlook.action for s in found}
    codes = [c for c in reversed(CATEGORIES) if c in actions]
    columns = []
    for lang, name in LANGUAGES.items():
        parts = [part for code in codes for part in (tag("p", tag("b", category_name(code, lang))), spoken(code, lang))]
        columns.append(tag("div", tag("h3", name), *parts, lang=lang))
    return tag("div", *columns, class_="advice")
