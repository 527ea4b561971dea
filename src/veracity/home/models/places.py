"""Where an app's keys are in this city: lists of places kept beside the models, the last of them in force.

No statement is of a list alone. The digest of an app's code covers the places, so that each statement that
names the code names them too, and an audit finds the list that a statement was made with.
"""

import hashlib
import re

from veracity.home.errors import StateBehind
from veracity.home.home import Home, Writer
from veracity.home.models.engine import code_sha256
from veracity.models.app import App
from veracity.models.places import at_places, parse_places

_KEPT = re.compile(r"places/[a-z0-9-]+/(\d{8})-([0-9a-f]{64})\.csv")


def set_places(home: Writer, app: App, text: bytes) -> App:
    """Keep a list of places and return the app at them. The list in force again changes nothing.

    Raises
    ------
    MalformedPlaces
        If it is no such list.
    """
    placed_app = at_places(app, parse_places(text))
    kept, sha256 = _kept(home, app), hashlib.sha256(text).hexdigest()
    if not kept or not kept[-1].endswith(f"-{sha256}.csv"):
        home.objects.put(f"places/{app.name}/{len(kept):08d}-{sha256}.csv", text)
    return placed_app


def placed(home: Home, app: App) -> App:
    """Return an app at the places in force here; as it is, where none were ever given.

    Raises
    ------
    StateBehind
        If the list is not what was kept.
    """
    kept = _kept(home, app)
    return _at(home, app, kept[-1]) if kept else app


def versions(home: Home, app: App) -> dict[str, App]:
    """Return an app as it is and at each list of places kept, by the digest of code that statements name.

    A list that was changed since is left out: nothing is made again with it.
    """
    found = [app]
    for path in dict.fromkeys(_kept(home, app)):
        try:
            found.append(_at(home, app, path))
        except StateBehind:
            continue
    return {code_sha256(one.code): one for one in found}


def _at(home: Home, app: App, path: str) -> App:
    text, match = home.objects.get(path), _KEPT.fullmatch(path)
    if match is None or hashlib.sha256(text).hexdigest() != match[2]:
        raise StateBehind(f"{path}: want the list of places that was kept, got another")
    return at_places(app, parse_places(text))


def _kept(home: Home, app: App) -> list[str]:
    return sorted(path for path in home.objects.list(f"places/{app.name}") if _KEPT.fullmatch(path))
