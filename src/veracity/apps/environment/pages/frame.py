"""What all of the app's pages share: names and units, the clock on the wall, the style, head and foot."""

import hashlib
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from veracity.apps.environment.categories import VN_CATEGORIES
from veracity.apps.environment.pages.spoken import category_name
from veracity.models.app import App
from veracity.models.view import View
from veracity.pages.document import document
from veracity.pages.errors_by_horizon import ERRORS_STYLE
from veracity.pages.fan import FAN_STYLE
from veracity.pages.html import Html, joined, shown, tag
from veracity.pages.map import MAP_STYLE
from veracity.pages.reliability import RELIABILITY_STYLE

POLLUTANTS = {"pm25": "PM2.5", "pm10": "PM10", "no2": "NO₂", "o3": "O₃"}
UNIT = "µg/m³"
DARK = (False, False, False, True, True, True)  #: whether text on them is white
AIR_STYLE = (
    FAN_STYLE
    + ERRORS_STYLE
    + MAP_STYLE
    + RELIABILITY_STYLE
    + "".join(f".c{i}{{fill:{c.css};background:{c.css}}}" for i, c in enumerate(VN_CATEGORIES))
    + """
.region.c0,.region.c1,.region.c2,.region.c3,.region.c4,.region.c5{fill-opacity:.55}
.cu{fill:#cfd3d8;background:#cfd3d8}
.badge{display:inline-block;min-width:1.7em;padding:0 .35em;border:1px solid #1a1d21;border-radius:.3em;
text-align:center;font-weight:700;color:#1a1d21}
.badge.light{color:#fff}.badge.unsure{border-style:dashed;border-width:2px}
.advice{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr))}
.advice>div{background:var(--card);padding:.75rem}
.est{border-bottom:2px dashed var(--bad)}
@media print{.badge,.c0,.c1,.c2,.c3,.c4,.c5{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
)
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def station_file(key: str) -> str:
    """Return the name of a station's files: its own where that is a plain one, else a digest of it."""
    plain = key if _SAFE.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"station-{plain}"


def station_name(app: App, key: str) -> str:
    """Return a station's name for people: its own, and the ward that it is in where the app knows it."""
    ward = app.assurance.districts.get(key) if app.assurance else None
    return shown(key) if ward is None else f"{shown(key)}, {shown(ward)}"


def local(view: View, when: datetime) -> str:
    """Return a time as the clock on the wall shows it.

    Examples
    --------
    ``Mon 12 Oct 2026 21:00``
    """
    return when.astimezone(ZoneInfo(view.zone)).strftime("%a %d %b %Y %H:%M")


def local_soon(view: View, when: datetime) -> str:
    """Return a time within the next days, as the clock on the wall shows it, without its date."""
    return when.astimezone(ZoneInfo(view.zone)).strftime("%a %H:%M")


def shift_us(view: View) -> int:
    """Return how far the clock on the wall is ahead of UTC, in microseconds."""
    offset = view.now.astimezone(ZoneInfo(view.zone)).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1e6)


def badge(category: int | None, *, is_sure: bool = True) -> Html:
    """Return a category as its number and name on its colour; ``?`` for unknown."""
    if category is None:
        return tag("span", tag("span", "?", class_="badge cu"), " not known")
    light = " light" if DARK[category] else ""
    unsure = "" if is_sure else " unsure"
    mark = tag("span", str(category + 1), class_=f"badge c{category}{light}{unsure}")
    return tag("span", mark, " ", category_name(category), "" if is_sure else " (not sure)")


def app_page(app: App, view: View, heading: str, *body: Html | None, back: bool = True) -> bytes:
    """Return a page of the app with its head and foot."""
    sim = (
        tag("p", tag("span", "SIMULATED: no value here is of real air", class_="sim"))
        if view.simulated
        else None
    )
    when = f"Said at {local(view, view.now)} ({view.zone}); times below are on that clock."
    links = [("index.html", "Map and outlook"), ("skill.html", "How right it was")]
    nav = tag("nav", *(tag("a", words, href=to) for to, words in links), aria_label="Pages") if back else None
    head = [sim, tag("h1", heading), tag("p", when, class_="soft"), nav]
    return document(f"{heading} · {app.title['en']}", *head, *body, _foot(app, view), style=AIR_STYLE)


def data_link(name: str) -> Html:
    """Return the link to the figures behind a page."""
    return tag("p", "These figures as data: ", tag("a", f"{name}.json", href=f"{name}.json"), class_="soft")


def _foot(app: App, view: View) -> Html:
    facts = [("Owner", app.owner), *((k, shown(v, 200)) for k, v in view.facts.items())]
    listed = [part for name, value in facts for part in (tag("dt", name), tag("dd", value))]
    appeal = [tag("p", app.appeal[lang], lang=lang) for lang in ("en", "vi", "id")]
    return joined(
        [
            tag("h2", "Where this comes from, and how to object", id="source"),
            tag("dl", *listed),
            *appeal,
            tag("p", "The Vietnamese and Indonesian texts await a native reader.", class_="soft"),
        ]
    )
