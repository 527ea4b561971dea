"""Places of an app kept in a home: in force for all that is done after, and audited as they were."""

from pathlib import Path

import pytest

from rain_app import HOUR, NOW_HOUR, RainCity, rain_app
from small_city import NOW
from veracity.home.errors import StateBehind
from veracity.home.models.decision_audit import DecisionAudit
from veracity.home.models.outcomes import score
from veracity.home.models.places import placed, set_places, versions
from veracity.home.models.running import run_app
from veracity.models.errors import MalformedPlaces

APP = rain_app()
FIRST = b"gauge,lon,lat\nG00,108.1,16\nG09,108.3,16.1\n"
SECOND = b"gauge,lon,lat\nG00,108.1,16\nG07,108.3,16.1\n"


@pytest.fixture
def city(tmp_path: Path) -> RainCity:
    """A city whose app ran without a list of places, then with one, then with another."""
    city = RainCity.new(tmp_path)
    with city.at() as home:
        run_app(home, placed(home, APP), NOW)
        set_places(home, APP, FIRST)
    with city.at(1) as home:
        run_app(home, placed(home, APP), NOW + HOUR)
    city.take(NOW_HOUR + 1, 2, at=2)
    with city.at(2) as home:
        score(home, placed(home, APP))
        assert set_places(home, APP, SECOND).attributes == placed(home, APP).attributes
        run_app(home, placed(home, APP), NOW + 2 * HOUR)
    return city


def test_each_statement_is_audited_at_the_places_it_was_made_with(city: RainCity) -> None:
    """A list that was replaced still decides and scores again what it did, and nothing is left unchecked."""
    home = city.open(3)
    checked = DecisionAudit(home, lambda _: APP)
    assert list(checked.check()) == []
    assert (checked.runs, checked.scorings, checked.unchecked) == (3, 1, [])
    assert [sorted(app.attributes) for app in versions(home, APP).values()] == [
        ["G00", "G01", "G02"],
        ["G00", "G09"],
        ["G00", "G07"],
    ]
    home.close()


def test_the_list_in_force_again_changes_nothing_and_an_older_one_comes_back(city: RainCity) -> None:
    """Given twice it is kept once; given after another it is in force again."""
    with city.at(3) as home:
        set_places(home, APP, SECOND)
        assert len(list(home.objects.list("places"))) == 2
        set_places(home, APP, FIRST)
        assert sorted(placed(home, APP).attributes) == ["G00", "G09"]


def test_a_list_that_was_changed_is_not_used(city: RainCity) -> None:
    """Nothing runs at places that were changed in the store; audits say what could not be made again."""
    with city.at(3) as home:
        with pytest.raises(MalformedPlaces):
            set_places(home, APP, b"gauge\n")
        (path,) = (p for p in home.objects.list("places") if "00000001-" in p)
        home.objects.put(path, SECOND.replace(b"108.3", b"108.4"))
        with pytest.raises(StateBehind, match="list of places that was kept"):
            placed(home, APP)
        checked = DecisionAudit(home, lambda _: APP)
        assert list(checked.check()) == []
        assert ["run 2" in one for one in checked.unchecked] == [True]
