"""From a city's home to an app's pages: what was logged is drawn, by the command and in Python."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

import veracity
from air_city import SILENT, new_air_city
from run_cli import Here, is_one_line
from small_city import NOW, clock
from veracity.apps.environment.app import APP
from veracity.home.city import City
from veracity.home.errors import BadName
from veracity.home.home import Home, open_writer
from veracity.home.models.running import run_app
from veracity.home.models.viewing import view_of
from veracity.models.decisions import OWN, SCHEMA

WARDS = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"1","name":"Bến <b>",'
    '"lon":108.21,"lat":16.06},"geometry":{"type":"Polygon","coordinates":[[[108.1,16.0],[108.3,16.0],[108.3,16.1],[108.1,16.0]]]}}]}'
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with one run of the app, without a model."""
    home = new_air_city(tmp_path_factory.mktemp("air") / "city")
    with pytest.MonkeyPatch.context() as patch, open_writer(home, clock) as writer:
        patch.setattr("veracity.models.nowcast.N_TESTS", 200)
        run_app(writer, APP, NOW)
    return home


def test_the_pages_of_a_city(root: Path, here: Here, tmp_path: Path) -> None:
    """The command writes pages and JSON of the newest run, which say what they stand on: simulated."""
    wards, to = tmp_path / "wards.geojson", tmp_path / "pages"
    wards.write_text(WARDS, "utf-8")
    asked = ("app", "pages", "environment", "--home", root, "--to", to, "--wards", wards, "--json")
    done = here(*asked, "--zone", "Asia/Ho_Chi_Minh")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["simulated"] is True
    assert sorted(p.name for p in to.iterdir()) == told["files"]
    index = (to / "index.html").read_text("utf-8")
    assert "SIMULATED" in index
    assert "Bến &lt;b&gt;" in index
    assert "or no model is in force" in index
    document = json.loads((to / "index.json").read_bytes())
    quiet = next(s for s in document["stations"] if s["station"] == SILENT)
    assert quiet["now"]["pm25"]["state"] == "estimated"
    assert document["stations"][0]["next_24_h"]["rungs"] == ["seasonal"]
    assert here(*asked).code == 0, "the same again replaces them"


def test_every_link_leads_somewhere(root: Path, tmp_path: Path) -> None:
    """Pages load nothing from elsewhere, and every link between them is to a file that is there."""
    home = Home.open(root, clock)
    written = APP.pages(APP, view_of(home, APP)) if APP.pages else {}
    home.close()
    assert {"index.html", "skill.html", "index.json", "skill.json"} <= set(written)
    for name, body in written.items():
        text = body.decode()
        if name.endswith(".html"):
            assert "http" not in text.replace("http-equiv", "").split("<body>")[1], name
            assert "<script" not in text
            for link in re.findall(r'href="([^"#]+)"', text):
                assert link in written, f"{name} links to {link}"
        else:
            json.loads(body)


def test_the_newest_forecast_in_python(root: Path) -> None:
    """``City.forecast`` gives the logged rows of a run as a frame; baselines are asked for."""
    city = veracity.open(root)
    assert isinstance(city, City)
    rows = city.forecast("environment")
    assert rows.schema == SCHEMA
    assert set(rows["model"]) == {OWN}
    assert rows.filter(pl.col("horizon_s") > 0)["issued"].unique().to_list() == [NOW]
    assert city.forecast("environment", run=0, baselines=True).height > rows.height
    with pytest.raises(BadName, match="want one of the 1 runs"):
        city.forecast("environment", run=3)
    with pytest.raises(BadName, match="without a run"):
        city.forecast("traffic")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--zone", "Mars/Olympus"), 2),
        (("--run", "7"), 3),
        (("--wards", "air.ndjson"), 3),
    ],
)
def test_bad_input_is_one_line(
    root: Path, here: Here, tmp_path: Path, more: tuple[str, str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong, the command says so in its own words and writes nothing."""
    monkeypatch.chdir(root.parent)
    done = here("app", "pages", "environment", "--home", root, "--to", tmp_path / "p", *more)
    assert done.code == code, done.err
    assert code == 2 or is_one_line(done)
    assert not (tmp_path / "p").exists()
