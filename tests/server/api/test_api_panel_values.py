"""Values of panels over the API: cells of the whole panel to the last bit, each with how it came to be."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi import FastAPI

import persons
from asked import ask
from small_city import AGENCY, NOW, START, key, ndjson, new_city
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.panels import BuiltPanel, build, build_and_say
from veracity.server.api import panel_part
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

PANEL = """\
name: gauges
grid: {every: 5m}
key: gauge
columns:
  - {name: rain, feed: rain, value: rain, aggregate: mean, window: 5m}
  - {name: carried, feed: rain, value: rain, aggregate: last, window: 10m, longest_age: 12m, fill: previous}
  - {name: joined, feed: rain, value: rain, aggregate: mean, window: 5m, longest_age: 20m, fill: linear}
  - {name: readings, feed: rain, value: rain, aggregate: count, window: 1h}
  - {name: trusted, feed: rain, value: rain, weight: trust, min_trust: 0.1, trust_column: true, window: 20m,
     longest_age: 1h, fill: previous}
"""
WITHIN = """\
name: within
grid: {every: 7m, start: 2026-09-01T01:02:00Z, end: 2026-09-01T09:00:00Z}
columns:
  - {name: rain, feed: rain, value: rain, aggregate: sum, window: 14m, longest_age: 1h, fill: linear}
"""
COLUMNS = ("rain", "carried", "joined", "readings", "trusted")
SAID = {"measured": "measured", "previous": "filled", "linear": "estimated", None: "missing"}
GAUGE = "/api/v1/panels/gauges"


class Made:
    """A city with two panels; a day after, more rain came that no statement of a panel knows."""

    def __init__(self, folder: Path) -> None:
        self.root = new_city(folder / "city")
        self.take(folder, 0, 300)
        self.gauges, self.within = (self.say(folder, text) for text in (PANEL, WITHIN))
        self.later = NOW + timedelta(days=1)
        self.take(folder, 300, 200, days=1)
        self.definition = folder / "gauges.yaml"

    def take(self, folder: Path, first: int, n: int, days: int = 0) -> None:
        with open_writer(self.root, lambda: NOW + timedelta(days=days)) as home:
            ingest(home, "rain", [ndjson(folder / f"{first}.ndjson", first, n)], sign=key(AGENCY))

    def say(self, folder: Path, text: str) -> BuiltPanel:
        path = folder / f"{text.split()[1]}.yaml"
        path.write_text(text, "utf-8")
        with open_writer(self.root, lambda: NOW) as home:
            return build_and_say(home, path)

    def whole(self) -> pl.DataFrame:
        home = Home.open(self.root, lambda: self.later)
        try:
            return build(home, self.definition).frame
        finally:
            home.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("panels"))


@pytest.fixture(scope="module")
def app(made: Made) -> FastAPI:
    return make_app(ServerSettings(made.root, clock=lambda: made.later))


def got(app: FastAPI, path: str, status: int = 200) -> Any:
    answer = ask(app, "GET", path)
    assert answer.status_code == status, answer.text
    return answer.json()


def pages(app: FastAPI, path: str) -> list[Any]:
    found, at = [], path
    while at:
        page = got(app, at)
        found += page["items"]
        at = page["next"]
    return found


def cells_of(frame: pl.DataFrame, column: str) -> list[dict[str, Any]]:
    """Cells as the API writes them."""
    return [
        {"at": f"{at:%Y-%m-%dT%H:%M:%S}.000000Z", "value": value, "state": SAID[state]}
        for at, value, state in frame.select("time", column, f"{column}_state").rows()
    ]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_series_is_the_panels_to_the_last_bit(app: FastAPI, made: Made, column: str) -> None:
    """Whatever is aggregated, carried, joined or weighed, of each key, whole and in pages of any size."""
    frame = made.whole()
    for gauge in ("G00", "G01", "G02"):
        want = cells_of(frame.filter(gauge=gauge), column)
        assert len(want) > 300
        path = f"{GAUGE}/series?column={column}&key={gauge}"
        assert got(app, f"{path}&limit=10000")["items"] == want
        assert got(app, f"{path}&limit=50")["items"] == want[-50:]
        assert pages(app, f"{path}&from=0001-01-01T00:00:00Z&limit=131") == want
        inner = "from=2026-09-01T02:31:00Z&to=2026-09-01T05:00:00Z"
        assert pages(app, f"{path}&{inner}&limit=7") == [
            c for c in want if "2026-09-01T02:31" < c["at"] < "2026-09-01T05:00:01"
        ]


def test_every_state_shows(app: FastAPI) -> None:
    """Measured, filled, estimated and missing cells, and only where the panel fills."""
    states = {
        column: {c["state"] for c in pages(app, f"{GAUGE}/series?column={column}&key=G01&limit=9999")}
        for column in COLUMNS
    }
    assert states["rain"] == {"measured", "missing"}
    assert states["carried"] == {"measured", "filled", "missing"}
    assert states["joined"] == {"measured", "estimated", "missing"}


def test_a_moment_is_every_key_at_one_time(app: FastAPI, made: Made) -> None:
    """For a map: the last grid time at or before the one asked for, all keys, in pages too."""
    frame = made.whole()
    for column in COLUMNS:
        for asked, at in (("2026-09-01T04:59:59Z", "04:55"), ("2026-09-01T05:00:00Z", "05:00")):
            moment = got(app, f"{GAUGE}/values?column={column}&at={asked}")
            assert moment["at"] == f"2026-09-01T{at}:00.000000Z"
            want = frame.filter(pl.col("time").dt.to_string("%dT%H:%M") == f"01T{at}")
            assert moment["items"] == [
                {"key": gauge, "value": value, "state": SAID[state]}
                for gauge, value, state in want.select("gauge", column, f"{column}_state").rows()
            ]
            assert pages(app, f"{GAUGE}/values?column={column}&at={asked}&limit=2") == moment["items"]
    newest = got(app, f"{GAUGE}/values?column=rain")
    assert newest["at"] == cells_of(frame, "rain")[-1]["at"]
    assert got(app, f"{GAUGE}/values?column=rain&at=2020-01-01T00:00:00Z")["items"] == []


def test_as_known_then_and_as_it_was_built(app: FastAPI, made: Made) -> None:
    """Without a time all that is sealed; with one what was known; by entry just what the statement says."""
    path = f"{GAUGE}/series?column=carried&key=G00&limit=10000"
    now = got(app, path)
    then = got(app, f"{path}&as_of={(NOW + timedelta(hours=1)):%Y-%m-%dT%H:%M:%SZ}")
    built = got(app, f"{path}&entry={made.gauges.entry}")
    assert (now["is_stated"], then["is_stated"], built["is_stated"]) == (False, True, True)
    assert now["entry"] == then["entry"] == built["entry"] == made.gauges.entry
    assert then["items"] == built["items"] == cells_of(made.gauges.frame.filter(gauge="G00"), "carried")
    assert len(now["items"]) > len(then["items"])
    assert got(app, f"{path}&as_of={START:%Y-%m-%dT%H:%M:%SZ}", 404)["code"] == "not-there"
    got(app, f"{path}&entry={made.within.entry}", 404)
    both = got(app, f"{path}&entry={made.gauges.entry}&as_of={START:%Y-%m-%dT%H:%M:%SZ}")
    assert both["items"] == built["items"]


def test_a_grid_of_its_own_and_no_key(app: FastAPI, made: Made) -> None:
    """Times are the panel's, wherever a reader starts; without a key there is one series."""
    want = cells_of(made.within.frame, "rain")
    path = "/api/v1/panels/within/series?column=rain"
    assert got(app, path)["items"] == want
    assert got(app, f"{path}&from=2026-09-01T02:00:00Z&limit=5")["items"] == want[9:14]
    (alone,) = got(app, "/api/v1/panels/within/values?column=rain")["items"]
    assert alone == {"key": "", "value": want[-1]["value"], "state": want[-1]["state"]}
    got(app, f"{path}&key=G00", 404)


def test_a_column_says_what_it_is(app: FastAPI) -> None:
    """Unit, feed, field, window, fill, and that it is simulated; in the list of panels too."""
    said = got(app, f"{GAUGE}/series?column=carried&key=G00&limit=1")
    del said["items"], said["entry"], said["is_stated"]
    assert said == {
        "panel": "gauges", "column": "carried", "feed": "rain", "field": "rain", "unit": "mm",
        "aggregate": "last", "every_s": 300.0, "window_s": 600.0, "fill": "previous",
        "longest_age_s": 720.0, "simulated": True,
        "key": "G00", "next": None,
    }  # fmt: skip
    assert got(app, f"{GAUGE}/series?column=readings&key=G00&limit=1")["unit"] == "1"
    listed = {p["panel"]: p["columns"] for p in got(app, "/api/v1/panels")["items"]}
    assert [(c["key"], c["unit"]) for c in listed["gauges"]][:4] == [("gauge", "mm")] * 3 + [("gauge", "1")]
    assert [c["key"] for c in listed["within"]] == [None]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/panels/nothing/series?column=rain&key=G00",
        f"{GAUGE}/series?column=nothing&key=G00",
        f"{GAUGE}/series?column=rain",
        f"{GAUGE}/series?column=rain&key=G77",
        f"{GAUGE}/values?column=nothing",
    ],
)
def test_what_is_not_there_is_said(app: FastAPI, path: str) -> None:
    """No such panel, column or key: 404, and no series of nothing."""
    assert got(app, path, 404)["code"] == "not-there"


def test_too_much_at_once_is_refused(app: FastAPI, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings and cells are bounded; less time is answered."""
    fresh = make_app(ServerSettings(made.root, clock=lambda: made.later))
    path = f"{GAUGE}/series?column=rain&key=G00"
    monkeypatch.setattr(panel_part, "MAX_READINGS", 40)
    assert got(fresh, path, 400)["code"] == "too-many-cells"
    assert got(fresh, f"{path}&from=2026-09-01T05:00:00Z&to=2026-09-01T06:00:00Z")["items"]
    monkeypatch.setattr(panel_part, "MAX_READINGS", 4_000)
    monkeypatch.setattr(panel_part, "MAX_CELLS", 40)
    assert got(fresh, f"{path}&limit=999", 400)["code"] == "too-many-cells"


def test_a_panel_of_persons_shows_no_value(tmp_path: Path) -> None:
    """A feed with personal fields gives no cell, not even a count."""
    root = persons.new_city(tmp_path / "people")
    definition = tmp_path / "panel.yaml"
    definition.write_text(
        "name: people\ngrid: {every: 1d}\ncolumns:\n"
        "  - {name: n, feed: requests, value: kind, aggregate: count}\n",
        "utf-8",
    )
    with open_writer(root, lambda: NOW) as home:
        ingest(home, persons.FEED, [persons.csv(tmp_path / "people.csv", persons.persons(5))])
        build_and_say(home, definition)
    app = make_app(ServerSettings(root, clock=lambda: NOW))
    for part in ("series", "values"):
        assert got(app, f"/api/v1/panels/people/{part}?column=n", 403)["code"] == "personal-feed"
