"""What a city says of its models, watched by a monitor: nothing is told, and a run put in is."""

from dataclasses import replace
from pathlib import Path

import pytest

from rain_app import NOW_HOUR, RainCity
from released_city import APP, SYSTEM, Released, assure, release_it, signed, use_mean_rain
from small_city import NOW, key, log_entries
from veracity.home.models import gate
from veracity.home.models.outcomes import score
from veracity.home.models.overrides import ask_override, say_override
from veracity.home.models.running import run_app
from veracity.home.models.training import train
from veracity.home.officers import add_officer, approve
from veracity.models.overriding import value_text
from veracity.provenance.dsse import open_envelope
from veracity.provenance.statements import Decide, parse_statement
from watched import forge, kinds, say, watch


@pytest.fixture(autouse=True)
def _mean_rain(monkeypatch: pytest.MonkeyPatch) -> None:
    use_mean_rain(monkeypatch)


def life(folder: Path) -> RainCity:
    """Trained, released twice, run, overridden, scored, stopped, run without, rolled back, run again."""
    city = (released := Released.new(folder)).city
    with city.at() as home:
        add_officer(home, "hoa", key("hoa").public, ["override"], person="Hoa")
        release_it(home, released.trained, "advise")
        run_app(home, APP, NOW)
        asked = ask_override(home, APP, 0, 9, value_text({"value": 1.0}))
        say_override(home, asked, approve(key("hoa"), asked.request, "Hoa", "I see rain", home.clock()))
        other = train(home, APP, seed=2)
        assure(home, other)
        release_it(home, other, "shadow")
        gate.stop_by_rule(home, SYSTEM, "too-wrong")
    city.take(NOW_HOUR + 1, 4, at=5)
    with city.at(5) as home:
        score(home, APP)
        run_app(home, APP, home.clock())
        request = gate.ask_roll_back(home, SYSTEM)
        gate.roll_back(home, request.asked, signed(request, home.clock()), app=APP)
    with city.at(6) as home:
        run_app(home, APP, home.clock())
    return city


def test_a_city_keeps_to_its_own_rules(tmp_path: Path) -> None:
    """Whatever the commands let a city do with its models, a monitor has nothing against."""
    entries = log_entries(life(tmp_path / "city").root)
    made = watch(forge(tmp_path / "log", entries), tmp_path).round()
    assert {(o.finding.kind, o.finding.detail) for o in made.findings} == set()
    assert made.told == []
    statements = [parse_statement(open_envelope(e).payload) for e in entries]
    assert {"train", "assure", "release", "decide", "override", "outcome"} < {s.kind for s in statements}
    last = next(s for s in reversed(statements) if s.kind == "decide")
    beside = tmp_path / "beside"
    other = replace(Decide.from_statement(last), engine="other").to_statement()
    again = watch(forge(beside / "log", [*entries, say(other)]), beside).round()
    assert kinds(again) == {"run-repeated": 1}
