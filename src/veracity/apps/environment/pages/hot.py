"""Hot spots in words: stations that stay above what their neighbours say."""

from veracity.apps.environment.hotspots import HotSpot
from veracity.apps.environment.pages.frame import UNIT, station_file
from veracity.pages.document import rows_table
from veracity.pages.html import Html, shown, tag


def hot_table(found: list[HotSpot] | None) -> Html:
    """Return the table; None is for stations that are too few, or whose places are not known."""
    if found is None:
        return tag("p", "Not looked for: too few stations with a known place, or too short a time.")
    if not found:
        return tag(
            "p", "No station was above its neighbours in the last 24 hours by more than chance explains."
        )
    heads = (
        "station",
        f"PM2.5 above its neighbours, {UNIT}",
        "hours above",
        "chance of it by chance",
        "the sensor",
    )
    caption = (
        "Stations whose PM2.5 stayed above what all others say for the last 24 hours. Of those listed at most"
        " one in twenty is expected to be there by chance."
    )
    return rows_table(caption, heads, [_row(one) for one in found], words=(0, 4))


def _row(one: HotSpot) -> tuple[Html | str, ...]:
    link = tag("a", shown(one.key), href=f"{station_file(one.key)}.html")
    chance = "below 0.0001" if one.p_value < 1e-4 else f"{one.p_value:.4f}"
    doubt = "may be wrong: look at it first" if one.suspect else "agrees otherwise"
    return (link, f"{one.excess:.1f}", f"{100 * one.share_above:.0f} % of {one.hours}", chance, doubt)
