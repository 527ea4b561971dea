"""``veracity app`` and ``veracity scoreboard`` from the declaration to the page, and what they refuse."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import polars as pl
import pytest

from rain_app import HOUR, NOW_HOUR, RainCity, rain_app
from small_city import NOW, key, key_file
from veracity.cli import app_places, apps
from veracity.cli.main import cli
from veracity.errors import Malformed, Rejected
from veracity.home.models.outcomes import score
from veracity.home.models.running import run_app
from veracity.home.officers import add_officer
from veracity.models.decisions import OWN

APP = rain_app()
Run = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> RainCity:
    """A city whose app ran once, half of whose decisions are scored."""
    city = RainCity.new(tmp_path_factory.mktemp("base"))
    with city.at() as home:
        add_officer(home, "hoa", key("hoa").public, ["override"], person="Hoa")
        run_app(home, APP, NOW)
    city.take(NOW_HOUR + 1, 2, at=2)
    with city.at(2) as home:
        score(home, APP)
    return city


@pytest.fixture
def city(base: RainCity, tmp_path: Path) -> RainCity:
    shutil.copytree(base.root, tmp_path / "city")
    return RainCity(tmp_path / "city", tmp_path)


@pytest.fixture
def run(city: RainCity, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, at some hours after the city's time; return its text and its JSON."""
    for module in (apps, app_places):
        monkeypatch.setattr(module, "find", lambda _: APP)
    monkeypatch.setattr(apps, "names", lambda: (APP.name,))

    def call(*words: object, hours: float = 2) -> tuple[str, dict[str, Any]]:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int((NOW + hours * HOUR).timestamp())))
        given = [*map(str, words), "--home", str(city.root)]
        capsys.readouterr()
        cli.main(given, standalone_mode=False)
        text = capsys.readouterr().out
        cli.main([*given, "--json"], standalone_mode=False)
        return text, json.loads(capsys.readouterr().out)

    return call


def test_an_app_shows_itself_and_runs(run: Run) -> None:
    """What is declared, what serves, a run, the same run again."""
    text, document = run("app", "ls")
    assert text.splitlines()[1].split() == [
        "rain-hours",
        "advise",
        "nothing",
        "-",
        "1",
        "2026-09-03T12:00:00.000000Z",
    ]
    assert document["items"][0]["scorings"] == 1
    text, document = run("app", "show", "rain-hours")
    assert "Nothing is known of this gauge." in text
    assert [r["rung"] for r in document["ladder"]] == ["model", "last", "guess"]
    text, document = run("app", "run", "rain-hours", hours=2.5)
    assert (
        "run 1 of rain-hours at 2026-09-03T14:30:00.000000Z: 18 decisions, stage shadow  [SIMULATED]" in text
    )
    assert "no model serves: rain-hours: want a model that is released" in text
    assert (document["new"], document["rungs"]) == (False, {"last": 18})


def test_what_a_run_decided_is_listed_by_number(run: Run) -> None:
    """The system's own decisions by the numbers that receipts and overrides ask for; baselines on demand."""
    text, document = run("app", "decisions", "rain-hours", "--key", "G02", "--most", 2)
    assert text.startswith("rain-hours run 0: 2 of 3 decisions  [SIMULATED]")
    assert [(i["record"], i["key"], i["due"]) for i in document["items"]] == [
        (15, "G02", "2026-09-03T13:00Z"),
        (16, "G02", "2026-09-03T14:00Z"),
    ]
    assert run("app", "decisions", "rain-hours", "--baselines")[1]["n"] == 18


def test_scoring_and_the_board(run: Run, city: RainCity, tmp_path: Path) -> None:
    """A scoring, its scores by what one asks for, and the board as a page and as a table."""
    text, document = run("app", "score", "rain-hours")
    assert text == "nothing fell due that was not scored before\n"
    city.take(NOW_HOUR + 3, 1, at=3)
    text, document = run("app", "score", "rain-hours", hours=3)
    assert "scoring 1 until 2026-09-03T15:00:00.000000Z: 6 due = 6 matched + 0 missing" in text
    assert document["items"] == []
    text, document = run("scoreboard", "show", "rain-hours", "--by", "horizon", "--by", "rung")
    own = [i for i in document["items"] if i["model"] == OWN]
    assert [(i["horizon_s"], i["rung"], i["n"]) for i in own] == [(3600 * h, "last", 3) for h in (1, 2, 3)]
    assert document["counts"]["due"] == 18
    assert "best" in text.splitlines()[2]
    for kind in ("html", "parquet"):
        run("scoreboard", "export", "rain-hours", "--to", tmp_path / f"board.{kind}")
    assert pl.read_parquet(tmp_path / "board.parquet")["n"].sum() == 18
    page = (tmp_path / "board.html").read_text("utf-8")
    for words in ("SIMULATED", "Mean absolute error by horizon", "day by day", "last-value", "By rung"):
        assert words in page
    assert "<script" not in page


def test_an_override_is_asked_signed_and_said(run: Run, city: RainCity, tmp_path: Path) -> None:
    """The request goes to the officer, the signature comes back, and the log has the override."""
    words = ("app", "override", "rain-hours", "--run", "0", "--record", "17", "--value", "3.5")
    request, approval = tmp_path / "request.json", tmp_path / "approval.json"
    run(*words, "--request", request)
    signing = [
        "sign",
        str(request),
        "--key",
        str(key_file(tmp_path, "hoa")),
        "--by",
        "Hoa",
        "--why",
        "clouds",
    ]
    cli.main(["officer", *signing, "-o", str(approval), "--yes"], standalone_mode=False)
    text, document = run(*words, "--approval", approval)
    assert "rain-hours run 0 record 17 overridden, log entry" in text
    assert "[SIMULATED]\nrain at G02, due 2026-09-03T15:00:00.000000Z: " in text
    assert json.loads(document["value"])["q50"] == 3.5
    home = city.open(2)
    ((_, said), *_) = home.index.predicates("override")
    home.close()
    assert (said["record"], said["value"]) == (17, document["value"])


def test_places_given_once_hold_for_all_commands(run: Run, tmp_path: Path) -> None:
    """The list is shown as it is in force, and a run after it is of other code and of the new places too."""
    assert run("app", "places", "rain-hours")[1]["places"]["G00"] == {"lat": 16.0, "lon": 108.2}
    (tmp_path / "places.csv").write_bytes(b"gauge,lon,lat\nG00,108.1,16\nG09,108.3,16.1\n")
    text, given = run("app", "places", "rain-hours", tmp_path / "places.csv")
    assert "G09  16.1  108.3" in text
    assert run("app", "places", "rain-hours")[1] == given
    before = run("app", "run", "rain-hours", hours=2.5)[1]
    assert before["decisions"] == 24, "the gauge that says nothing yet is forecast too"


@pytest.mark.parametrize(
    ("words", "error", "told"),
    [
        (("app", "run", "rain-hours", "--now", "soon"), Malformed, "now: want a time"),
        (
            ("app", "run", "rain-hours", "--now", "2026-09-03T11:00:00Z"),
            Rejected,
            "not before the run before",
        ),
        (("app", "score", "rain-hours", "--until", "2030-01-01T00:00:00Z"), Malformed, "has come"),
        (("scoreboard", "show", "no-such"), Malformed, "want one that was scored"),
        (("scoreboard", "show", "rain-hours", "--by", "luck"), click.UsageError, "luck"),
        (("app", "override", "rain-hours", "--run", 0, "--record", 17), click.UsageError, "either --request"),
        (
            ("app", "override", "rain-hours", "--run", 0, "--record", 17, "--request", "x", "--set", "due=1"),
            Malformed,
            "want some of q025",
        ),
        (
            ("app", "override", "rain-hours", "--run", 0, "--record", 17, "--request", "x", "--set", "q50"),
            Malformed,
            "COLUMN=VALUE",
        ),
        (
            ("app", "override", "rain-hours", "--run", 0, "--record", 99, "--request", "x", "--value", 1),
            Malformed,
            "one of the 18 decisions",
        ),
        (
            ("app", "override", "rain-hours", "--run", 0, "--record", 8, "--request", "x", "--value", 1),
            Malformed,
            "the system's own",
        ),
        (("app", "places", "rain-hours", "pyproject.toml"), Malformed, "places: want"),
        (
            ("app", "override", "rain-hours", "--run", 0, "--record", 0, "--request", "x", "--value", 1),
            Rejected,
            "not due yet",
        ),
    ],
)
def test_what_is_asked_wrongly_is_told(
    run: Run, words: tuple[object, ...], error: type[Exception], told: str
) -> None:
    """Wrong times, unknown systems and what no officer could sign are refused with what was wanted."""
    with pytest.raises(error) as caught:
        run(*words)
    message = (
        caught.value.format_message() if isinstance(caught.value, click.UsageError) else str(caught.value)
    )
    assert told in message
