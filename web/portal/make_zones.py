"""Write what the portal knows of zones: ``python web/portal/make_zones.py``.

A clock that stands still, or follows one of a few rules, can be read without asking the browser, whose tables
are of another day than ours. Each zone's place in the table is what Polars, which reads times for the
package, says of it on every day and around every change of a clock.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl

PATH = Path(__file__).parent / "src" / "views" / "verify" / "zone_table.ts"
STEADY_SINCE, RULED_SINCE, UNTIL = 1995, 2008, 2037

#: Put forward, then back: month, which Sunday (0 is the last), hour; of UTC, or of the zone's winter clock.
RULES = {
    "EU": ((3, 0, 1), (10, 0, 1), True),
    "US": ((3, 2, 2), (11, 1, 1), False),
    "AU": ((10, 1, 2), (4, 1, 2), False),
    "NZ": ((9, 0, 2), (4, 1, 2), False),
}
#: Those that are looked at: by region, their cities.
REGIONS = {
    "Etc": "UTC",
    "Africa": "Accra Algiers Johannesburg Lagos Nairobi",
    "America": (
        "Anchorage Bogota Chicago Denver Edmonton Guatemala Halifax Lima Los_Angeles Montreal "
        "New_York Panama Phoenix Puerto_Rico Regina St_Johns Toronto Vancouver Winnipeg"
    ),
    "Asia": (
        "Bangkok Brunei Calcutta Dubai Ho_Chi_Minh Hong_Kong Jakarta Jayapura Kathmandu Kolkata "
        "Kuala_Lumpur Kuching Makassar Manila Nicosia Phnom_Penh Pontianak Qatar Riyadh Saigon "
        "Seoul Shanghai Singapore Taipei Tashkent Tokyo Vientiane Yangon"
    ),
    "Atlantic": "Azores Canary Madeira Reykjavik",
    "Australia": "Adelaide Brisbane Canberra Darwin Hobart Melbourne Perth Sydney",
    "Europe": (
        "Amsterdam Andorra Athens Belfast Belgrade Berlin Bratislava Brussels Bucharest Budapest "
        "Copenhagen Dublin Gibraltar Helsinki Kiev Kyiv Lisbon Ljubljana London Luxembourg Madrid "
        "Malta Monaco Oslo Paris Podgorica Prague Riga Rome San_Marino Sarajevo Skopje Sofia "
        "Stockholm Tallinn Tirane Vaduz Vatican Vienna Vilnius Warsaw Zagreb Zurich"
    ),
    "Pacific": "Auckland Honolulu",
}
ZONES = ["UTC", *(f"{region}/{city}" for region, cities in REGIONS.items() for city in cities.split(" "))]
HEAD = """\
// Zones whose clocks stand still or follow one rule, as Polars says. Written by `make_zones.py`.

/** The rule, empty for a clock that stands still; minutes east of Greenwich in winter; the zones' names. */
export const TABLE: readonly (readonly [rule: string, east: number, names: string])[] = [
"""
TAIL = f"""\
];

/** The years, first and last, in which that is so. */
export const STEADY_YEARS = [{STEADY_SINCE}, {UNTIL}] as const;
export const RULED_YEARS = [{RULED_SINCE}, {UNTIL}] as const;
"""


def changes(rule: str, east: int, year: int) -> tuple[datetime, datetime]:
    """Return when a clock is put forward and back in a year, in UTC."""
    forward, back, is_utc = RULES[rule]
    shift = timedelta(0) if is_utc else timedelta(minutes=east)
    both = [
        datetime.combine(_sunday(year, month, nth), datetime.min.time(), UTC) + timedelta(hours=hour) - shift
        for month, nth, hour in (forward, back)
    ]
    return both[0], both[1]


def _sunday(year: int, month: int, nth: int) -> date:
    if nth == 0:
        last = date(year, month, 30 if month in (4, 6, 9, 11) else 31)
        return last - timedelta(days=(last.weekday() + 1) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7, weeks=nth - 1)


def offsets(zone: str, at: list[datetime]) -> list[int]:
    """Return how many minutes a zone's clock is before Greenwich's, as Polars says."""
    local = pl.Series(at, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
    return (local.dt.base_utc_offset() + local.dt.dst_offset()).dt.total_minutes().to_list()


def place_of(zone: str) -> tuple[str, int] | None:
    """Return a zone's rule and how far east it is in winter; None if no rule is its own in all the years."""
    steady = offsets(zone, _days(STEADY_SINCE))
    if len(set(steady)) == 1:
        return "", steady[0]
    east = min(offsets(zone, _days(RULED_SINCE)))
    for rule in RULES:
        at, wanted = _ruled(rule, east)
        if offsets(zone, at) == wanted:
            return rule, east
    return None


@cache
def _ruled(rule: str, east: int) -> tuple[list[datetime], list[int]]:
    """Return every day and the seconds around every change, and what a clock of the rule shows then."""
    at, wanted = list(_days(RULED_SINCE)), []
    for year in range(RULED_SINCE, UNTIL + 1):
        for moment in changes(rule, east, year):
            at += [moment - timedelta(seconds=1), moment]
    for moment in at:
        forward, back = changes(rule, east, moment.year)
        is_summer = forward <= moment < back if forward < back else not back <= moment < forward
        wanted.append(east + 60 * is_summer)
    return at, wanted


@cache
def _days(since: int) -> list[datetime]:
    first, end = datetime(since, 1, 1, tzinfo=UTC), datetime(UNTIL + 1, 1, 1, tzinfo=UTC)
    return [first + timedelta(days=n) for n in range((end - first).days)]


def text() -> str:
    """Return the module."""
    places: dict[tuple[str, int], list[str]] = {}
    for zone in sorted(ZONES):
        place = place_of(zone)
        if place is not None:
            places.setdefault(place, []).append(zone)
    lines = [
        f'  ["{rule}", {east}, "{" ".join(names)}"],\n' for (rule, east), names in sorted(places.items())
    ]
    return HEAD + "".join(lines) + TAIL


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
