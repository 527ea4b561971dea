"""Why a method is not there: what was sealed is neither changed nor removed, and some is never sent."""

from veracity.server.sensorthings.describing import CREATABLE, INSIDE
from veracity.server.sensorthings.schema import DIALECTS

_BY_SERVER = {
    "HistoricalLocations": "the server makes one whenever a thing comes to a location",
    "FeaturesOfInterest": "the server makes them of the places of things",
    "Features": "the server makes them of the places of things",
    "FeatureTypes": "the server has one, of stations",
}


def why_not(method: str, path: str) -> str | None:
    """Return why a path of SensorThings does not take a method; None of any other path.

    Examples
    --------
    >>> why_not("DELETE", "/v1.1/Things('a')")
    'DELETE: want GET, got a removal: what was sealed in the log is never removed'
    >>> why_not("DELETE", "/log")
    """
    _, prefix, *rest = path.split("/", 2)
    if prefix not in DIALECTS:
        return None
    taken = _taken((rest or [""])[0])
    if method == "DELETE":
        return f"DELETE: want {taken}, got a removal: what was sealed in the log is never removed"
    if method in ("PATCH", "PUT"):
        return (
            f"{method}: want {taken}, got a change: what was sealed in the log is never changed;"
            " describe a new entity, or send a new observation"
        )
    name = (rest or [""])[0].rpartition("/")[2].partition("(")[0]
    if method == "POST" and name in _BY_SERVER:
        return f"{name}: want GET, got POST: {_BY_SERVER[name]}"
    if method == "POST":
        return f"POST: want an entity set ({', '.join((*CREATABLE, 'Observations'))}), got another path"
    return None


def _taken(path: str) -> str:
    """Return the methods that a path below the version takes, in words."""
    *owners, name = (step.partition("(") for step in path.split("/"))
    if name[0] == "CreateObservations":
        return "POST"
    known: set[tuple[str, ...]] = {(of_set,) for of_set in (*CREATABLE, "Observations")}
    known |= {*INSIDE, ("Datastreams", "Observations")}
    is_made = not name[1] and (*(owner[0] for owner in owners), name[0]) in known
    return "GET or POST" if is_made else "GET"
