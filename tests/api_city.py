"""A city as the API's tests look at it: rain with rows set aside, an app that ran, was scored, overruled."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from asked import ask
from rain_app import NOW_HOUR
from released_city import APP, MINH, Released, use_mean_rain, use_rain_app
from small_city import AGENCY, NOW, key
from veracity.home.ingest import ingest
from veracity.home.models.incidents import ask_close, close_incident, open_incident
from veracity.home.models.outcomes import score
from veracity.home.models.overrides import ask_override, say_override
from veracity.home.models.running import run_app
from veracity.home.officers import add_officer, approve
from veracity.home.panels import build_and_say
from veracity.home.releases import reject
from veracity.home.selection import Selection
from veracity.models.overriding import value_text
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

HOURS = 5
OVERRULED = 9  #: the record of run 3 that an officer replaced


def new_api_city(folder: Path) -> Released:
    """Release an app, let it run four hours, score it, overrule it; set rows aside and decide on one."""
    made = Released.new(folder)
    for hour in range(1, 5):
        made.city.take(NOW_HOUR + hour, 1, at=hour)
        with made.city.at(hour) as home:
            run_app(home, APP, home.clock())
    with made.city.at(4) as home:
        add_officer(home, "hoa", key("hoa").public, ["override"], person="Hoa")
        asked = ask_override(home, APP, 3, OVERRULED, value_text({"value": 1.5}))
        say_override(home, asked, approve(key("hoa"), asked.request, "Hoa", "it rains", home.clock()))
    with made.city.at(HOURS) as home:
        score(home, APP, None)
        open_incident(home, APP, "stays-open", "critical", by="a citizen", what="<b>wrong</b> for days")
        open_incident(home, APP, "gets-closed", "low", by="Lan", what="late")
        request = ask_close(home, APP, "gets-closed", "explained").request
        signed = approve(key("minh"), request, MINH, "seen", home.clock())
        close_incident(home, APP, "gets-closed", "explained", signed)
        ingest(home, "rain", [bad_rows(folder / "bad.ndjson")], sign=key(AGENCY))
        last = home.index.next_batch("rain")[0] - 1
        reject(home, "rain", Selection(batch=last, records=(1,)), by="Lan", why="a broken gauge")
        panel = folder / "panel.yaml"
        panel.write_bytes(APP.panel)
        build_and_say(home, panel)
    return made


def bad_rows(path: Path) -> Path:
    """Write five rows: three out of range, one unreadable, one right."""
    at = (NOW + timedelta(hours=4, minutes=10)).isoformat()
    lines = [
        json.dumps({"gauge": f"G{n:02}", "observed_at": at, "rain": rain})
        for n, rain in enumerate((900.0, 800.0, 700.0, 1.0))
    ]
    path.write_text("\n".join([*lines[:3], '{"gauge": "G', lines[3]]) + "\n", "utf-8")
    return path


def api_app(made: Released) -> FastAPI:
    """Return the server's application for the city, at its last hour."""
    later = NOW + timedelta(hours=HOURS)
    return make_app(ServerSettings(made.city.root, clock=lambda: later))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Released]:
    """The city, made once for the tests of a file."""
    folder = tmp_path_factory.mktemp("city")
    with pytest.MonkeyPatch.context() as patch:
        use_mean_rain(patch)
        use_rain_app(folder, patch)
        yield new_api_city(folder)


@pytest.fixture(scope="module")
def app(made: Released) -> FastAPI:
    """It served."""
    return api_app(made)


def got(app: FastAPI, path: str, status: int = 200) -> Any:
    """Ask for a path that answers with JSON and a status."""
    answer = ask(app, "GET", path)
    assert answer.status_code == status, answer.text
    return answer.json()
