"""The register: every fact from the log with its proofs; what is not known or old says so."""

import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rain_app import NOW_HOUR, stop_rule
from released_city import APP, MINH, Released, later, new_released_city, use_mean_rain
from run_cli import Here
from small_city import key
from veracity.home.models import gate
from veracity.home.models.gate_checks import card_path
from veracity.home.models.incidents import ask_close, close_incident, open_incident
from veracity.home.models.outcomes import score
from veracity.home.models.overrides import ask_override, say_override
from veracity.home.models.register import entry, register
from veracity.home.models.running import run_app
from veracity.home.officers import add_officer, approve
from veracity.models.overriding import value_text
from veracity.models.register import Entry, best_skill
from veracity.pages.register import index_page, system_page


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A city whose app was released, ran for some hours, was scored, and had two incidents."""
    with pytest.MonkeyPatch.context() as patch:
        use_mean_rain(patch)
        made = Released.new(tmp_path_factory.mktemp("served"))
        for hour in range(1, 5):
            made.city.take(NOW_HOUR + hour, 1, at=hour)
            with made.city.at(hour) as home:
                run_app(home, APP, home.clock())
        with made.city.at(4) as home:
            add_officer(home, "hoa", key("hoa").public, ["override"], person="Hoa")
            asked = ask_override(home, APP, 3, 9, value_text({"value": 1.5}))
            say_override(home, asked, approve(key("hoa"), asked.request, "Hoa", "it rains", home.clock()))
        with made.city.at(5) as home:
            score(home, APP, None)
            open_incident(home, APP, "stays-open", "critical", by="a citizen", what="<b>wrong</b> for days")
            open_incident(home, APP, "gets-closed", "low", by="Lan", what="late")
            request = ask_close(home, APP, "gets-closed", "explained").request
            signed = approve(key("minh"), request, MINH, "seen", home.clock())
            close_incident(home, APP, "gets-closed", "explained", signed)
        return made


def of(city: Released, hours: float) -> Entry:
    """The entry of the app of rain, so many hours on."""
    home = city.city.open(hours)
    try:
        return entry(home, APP.name, APP, home.clock())
    finally:
        home.close()


def test_every_fact_names_its_proofs(served: Released) -> None:
    """Known facts name log entries of the right kind; skill has baselines beside."""
    found = of(served, 5)
    kinds = {
        "stage": {"release"},
        "model": {"release"},
        "trained": {"train"},
        "assured": {"assure"},
        "card": {"release"},
        "data": {"contract", "ingest"},
        "runs": {"decide"},
        "scored": {"outcome"},
    }
    assert set(found.facts) == set(kinds)
    home = served.city.open(5)
    for name, fact in found.facts.items():
        assert fact.standing == "known", (name, fact)
        assert fact.entries, name
        for idx in fact.entries:
            assert any(idx in dict(home.index.predicates(kind)) for kind in kinds[name]), (name, idx)
    home.close()
    assert found.facts["model"].value == served.trained.train.model_sha256
    assert found.facts["stage"].value == "shadow"
    assert found.facts["scored"].value["due"] == found.facts["scored"].value["matched"] > 0
    assert found.simulated
    assert set(found.skill["model"]) >= {"model", "last-value"}
    assert set(best_skill(found)) == {"rain"}


def test_incidents_stand_newest_first_with_their_days(served: Released) -> None:
    """One open and one closed; past its deadline the open one is overdue."""
    found = of(served, 5)
    assert [(i.name, i.state) for i in found.incidents] == [("gets-closed", "closed"), ("stays-open", "open")]
    assert (found.n_open, found.n_overdue) == (1, 0)
    assert of(served, 5 + 49).n_overdue == 1
    assert len(found.incidents[0].entries) == 2
    (override,) = found.overrides
    assert (override.run, override.by, override.why) == (3, "Hoa", "it rains")


def test_old_facts_are_stale(served: Released) -> None:
    """A system that missed its runs, was not scored for days, or whose model is a year old, says so."""
    soon, week, years = of(served, 5), of(served, 24 * 7), of(served, 24 * 400)
    assert soon.facts["runs"].standing == "known"
    assert (week.facts["runs"].standing, week.facts["scored"].standing) == ("stale", "stale")
    assert week.facts["trained"].standing == "known"
    assert years.facts["trained"].standing == "stale"
    assert years.facts["trained"].note


def test_what_never_happened_is_missing(tmp_path: Path) -> None:
    """Before a release, a run or a score nothing is made up; a system that no app declares is still told."""
    city = new_released_city(tmp_path)
    home = city.open()
    before = entry(home, APP.name, APP, home.clock())
    assert {n for n, f in before.facts.items() if f.standing == "missing"} == {
        *("stage", "model", "trained", "assured", "card", "runs", "scored"),
    }
    assert all(f.note for f in before.facts.values() if f.standing == "missing")
    home.close()
    with city.at() as writer:
        open_incident(writer, APP, "one", "low", by="Lan", what="seen")
        found = register(writer, [], writer.clock())
        (alone,) = found.entries
        assert alone.declared is None
        assert alone.facts["data"].standing == "missing"
        assert b"No app declares this system any more" in system_page(found, alone)


def test_a_stop_and_a_changed_card_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that was changed after its approval is stale; after a stop no model serves, and it says why."""
    use_mean_rain(monkeypatch)
    made = Released.new(tmp_path)
    with made.city.at(1) as home:
        digest = str(home.index.predicates("release")[-1][1]["card"])
        path = made.city.root / "store" / card_path(digest)
        path.write_bytes(b"{}")
        changed = entry(home, APP.name, APP, home.clock()).facts["card"]
        assert (changed.standing, changed.value) == ("stale", digest)
        path.unlink()
        assert entry(home, APP.name, APP, home.clock()).facts["card"].standing == "stale"
        gate.stop_by_rule(home, APP.name, stop_rule())
        stopped = entry(home, APP.name, APP, home.clock())
        assert stopped.facts["stage"].value == "stopped"
        assert "by rule" in stopped.facts["stage"].note
        assert stopped.facts["model"].standing == "missing"


def test_pages_are_whole_and_say_what_they_are(served: Released) -> None:
    """Pictures, proofs, appeal and marks are there; outside text is only text; same input, same bytes."""
    home = served.city.open(5 + 49)
    found = register(home, [APP], home.clock())
    home.close()
    (one,) = found.entries
    page, index = system_page(found, one).decode(), index_page(found).decode()
    for text in (page, index):
        assert "SIMULATED" in text
        assert found.root_sha256 in text
        assert "<script" not in text
        assert not re.search(r'(src|href)="(https?:)?//', text)
    assert "OVERDUE" in page
    assert "OVERDUE" in index
    assert "&lt;b&gt;wrong&lt;/b&gt;" in page
    assert page.count("<svg") == 3
    assert "How to appeal" in page
    assert "it rains" in page
    for fact in one.facts.values():
        assert all(f"[{idx}]" in page for idx in fact.entries)
    assert system_page(found, one) == page.encode()


def test_the_commands(served: Released, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """ls, show and export; the JSON beside the pages is what the commands print."""
    monkeypatch.setattr("veracity.cli.apps.find", lambda _: APP)
    monkeypatch.setattr("veracity.cli.apps.names", lambda: (APP.name,))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(later(5).timestamp())))
    home = ("--home", served.city.root)
    listed = here("register", "ls", *home, "--json")
    assert listed.code == 0, listed
    (system,) = json.loads(listed.out)["systems"]
    assert (system["system"], system["open_incidents"], system["simulated"]) == (APP.name, 1, True)
    assert "shadow" in here("register", "ls", *home).out
    shown = here("register", "show", APP.name, *home)
    assert "how to appeal" in shown.out
    assert "[SIMULATED]" in shown.out
    assert here("register", "show", "nothing", *home).code == 3
    done = here("register", "export", "--to", tmp_path / "out", *home)
    assert done.code == 0, done
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == sorted(["index.html", "register.json", f"{APP.name}.html", f"{APP.name}.json"])
    written = json.loads((tmp_path / "out" / f"{APP.name}.json").read_text("utf-8"))
    printed = json.loads(here("register", "show", APP.name, *home, "--json").out)
    assert written == {**printed, "schema": written["schema"]}
    (tmp_path / "file").write_text("")
    assert here("register", "export", "--to", tmp_path / "file" / "x", *home).code != 0


def test_of_many_horizons_a_page_shows_those_that_people_know(served: Released) -> None:
    """With a forecast of every hour the table has 1, 2, 3, 6, 12 and 24; how many are left out is said."""
    found = of(served, 5)
    one = found.skill.filter(pl.col("horizon_s") == found.skill["horizon_s"].min())
    hours = pl.DataFrame({"hour": range(1, 25)}, schema={"hour": pl.Int64})
    many = one.join(hours, how="cross").with_columns(horizon_s=3600 * pl.col("hour")).select(one.columns)
    home = served.city.open(5)
    try:
        known = register(home, [], home.clock())
    finally:
        home.close()
    page = system_page(known, replace(found, skill=many)).decode()
    table = page[page.index("Scores of rain") :]
    assert set(re.findall(r">(\d+) h<", table)) == {"1", "2", "3", "6", "12", "24"}
    assert f"the JSON has {18 * one.height} lines more" in table
    assert "lines more" not in system_page(known, found).decode()
