"""Apps are found by their folders and are all of one shape; nothing else names one."""

from pathlib import Path

import numpy as np
import pytest

import veracity
from veracity import apps
from veracity.apps.errors import BrokenApp, UnknownApp
from veracity.data.contract import parse_contract
from veracity.data.panel_definition import parse_panel
from veracity.models.app import App, Words
from veracity.models.scoreboard import SCORES

ROOT = Path(veracity.__file__).parent
EVERY = apps.names()


def test_there_is_an_app() -> None:
    """The list is not empty, sorted, and each name on it gives that app."""
    assert "environment" in EVERY
    assert list(EVERY) == sorted(set(EVERY))
    assert [apps.find(name).name for name in EVERY] == list(EVERY)


@pytest.mark.parametrize(
    "name", ["weather", "", "Environment", "../environment", "environment.app", "a" * 999]
)
def test_an_unknown_app_is_refused(name: str) -> None:
    """A name that no folder has is our own error, whatever it is made of."""
    with pytest.raises(UnknownApp, match=r"want one of .*environment"):
        apps.find(name)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "got NoneType"),
        ("APP = 3", "got int"),
        ("raise ValueError('no')", "ValueError: no"),
        ("import no_such_module", "ModuleNotFoundError"),
        ("from veracity.apps.environment.app import APP", "got environment"),
    ],
)
def test_a_broken_app_is_refused(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder whose module does not load, or declares no app of its name, is refused and spoils no other."""
    name = f"broken_{abs(hash(source)) % 10**9}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "app.py").write_text(source)
    monkeypatch.setattr(apps, "__path__", [*apps.__path__, str(tmp_path)])
    hyphened = name.replace("_", "-")
    assert hyphened in apps.names()
    with pytest.raises(BrokenApp, match=said):
        apps.find(hyphened)
    assert apps.find("environment").name == "environment"


def test_a_folder_without_an_app_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a module app is not listed."""
    (tmp_path / "unfinished").mkdir()
    monkeypatch.setattr(apps, "__path__", [*apps.__path__, str(tmp_path)])
    assert apps.names() == EVERY


def test_nothing_names_an_app() -> None:
    """Outside of its own folder no module imports an app; only the built-in city's play names one at all."""
    for name in EVERY:
        folder = name.replace("-", "_")
        own = ROOT / "apps" / folder
        for path in ROOT.rglob("*.py"):
            if own in path.parents:
                continue
            assert f"apps.{folder}" not in path.read_text("utf-8"), f"{path} imports {name}"


@pytest.fixture(params=EVERY)
def app(request: pytest.FixtureRequest) -> App:
    return apps.find(request.param)


def words_of(app: App) -> list[Words]:
    return [app.title, app.purpose, app.affected, app.appeal, *(rung.words for rung in app.ladder)]


def test_it_speaks_three_languages(app: App) -> None:
    """Whatever people are told is there in English, Vietnamese and Indonesian, each another text."""
    for words in words_of(app):
        assert set(words) == {"en", "vi", "id"}
        assert all(text.strip() == text and text for text in words.values())
        assert len(set(words.values())) == 3


def test_its_feeds_and_panel_are_declared(app: App) -> None:
    """Contracts and panel parse; every column of the panel, and its unit, is in a contract of the app."""
    contracts = {feed: parse_contract(text) for feed, text in app.contracts.items()}
    assert [c.feed for c in contracts.values()] == list(contracts)
    panel = parse_panel(app.panel)
    assert set(panel.feeds) == set(contracts)
    fields = {(c.feed, f.name): f for c in contracts.values() for f in c.fields}
    for column in panel.columns:
        assert (column.feed, column.value) in fields
        assert column.key is None or (column.feed, column.key) in fields
        assert column.fill != "linear", "a line to a later value looks ahead"
    by_name = {c.name: c for c in panel.columns}
    for target, unit in app.targets.items():
        column = by_name[target]
        assert fields[column.feed, column.value].unit == unit


def test_its_ladder_ends_with_nothing_needed(app: App) -> None:
    """Every rung has a name of its own and needs columns of the panel; the last, and only it, needs none."""
    names = [rung.name for rung in app.ladder]
    assert len(set(names)) == len(names) >= 2
    columns = {c.name for c in parse_panel(app.panel).columns}
    assert all(set(rung.needs) <= columns for rung in app.ladder)
    assert [bool(rung.needs) for rung in app.ladder] == [True] * (len(names) - 1) + [False]


def test_its_numbers_make_sense(app: App) -> None:
    """Horizons ascend, are ahead, and are seconds of whole runs; stop rules ask for scores that there are."""
    assert list(app.horizons) == sorted(set(app.horizons))
    assert app.horizons[0] > 0
    assert app.every_s > 0
    assert app.look_back_s >= max(rung.longest_age_s for rung in app.ladder)
    for rule in app.stop_rules:
        assert rule.score in SCORES
        assert (rule.above is None) != (rule.below is None)
    assert app.risk[0] in ("low", "medium", "high")
    assert len(app.risk[1]) > 40
    for known in app.attributes.values():
        assert np.isfinite(list(known.values())).all()


def test_its_code_has_a_digest(app: App) -> None:
    """The digest of its source is one, and the same every time."""
    assert len(bytes.fromhex(app.code())) == 32
    assert app.code() == app.code()
