"""Incidents: opened by anyone who may write, never closed without an officer, never forgotten."""

import json
from pathlib import Path

import pytest

from released_city import APP, MINH, later, new_released_city
from run_cli import Here
from small_city import NOW, key, key_file
from veracity.errors import VeracityError
from veracity.home.clock import format_time
from veracity.home.errors import BadName
from veracity.home.home import Home
from veracity.home.models.incidents import (
    ask_close,
    close_incident,
    incidents,
    open_incident,
    update_incident,
)
from veracity.home.officers import approve
from veracity.models.errors import IncidentClosed, IncidentOpen, IncidentRefused, UnknownIncident
from veracity.models.incidents import DEADLINES, due_from
from veracity.provenance.dsse import Envelope
from veracity.provenance.errors import DutyMissing, MalformedStatement, UnknownKey

WHAT = "warned of rain that never came, three days in a row"
DONE = "the gauge G01 was cleaned; the model is as it was"


def approval(home: Home, name: str, what: str = DONE, who: str = "minh", by: str = MINH) -> Envelope:
    """What an officer signs to close one."""
    return approve(key(who), ask_close(home, APP, name, what).request, by, "I looked at it", home.clock())


def test_an_incident_from_opening_to_end(tmp_path: Path) -> None:
    """Opened with a deadline, updated, closed by an officer with the duty; each step is an entry."""
    city = new_released_city(tmp_path)
    with city.at() as home:
        opened, first = open_incident(home, APP, "dry-warnings", "serious", by="a citizen", what=WHAT)
        assert opened.due == format_time(due_from(NOW, "serious"))
        assert opened.simulated
    with city.at(30) as home:
        updated, _ = update_incident(home, APP, "dry-warnings", by="Lan", what="the gauge is dirty")
        assert (updated.severity, updated.due) == ("serious", opened.due)
        closed, last = close_incident(home, APP, "dry-warnings", DONE, approval(home, "dry-warnings"))
        assert (closed.step, closed.by) == ("closed", MINH)
        assert home.reader().size == last + 1 == first + 3
        (state,) = incidents(home, APP.name).values()
        assert [s.said.step for s in state.steps] == ["opened", "updated", "closed"]
        assert state.is_closed
        assert not state.is_overdue(later(9_999))


def test_a_worse_incident_is_due_sooner_and_never_later(tmp_path: Path) -> None:
    """Severity raised brings the deadline nearer, counted from the opening; lowered, it stays."""
    city = new_released_city(tmp_path)
    with city.at() as home:
        open_incident(home, APP, "one", "low", by="Lan", what=WHAT)
    with city.at(24) as home:
        worse, _ = update_incident(home, APP, "one", by="Lan", what="people were hurt", severity="critical")
        assert worse.due == format_time(due_from(NOW, "critical"))
        better, _ = update_incident(home, APP, "one", by="Lan", what="they were not", severity="low")
        assert (better.severity, better.due) == ("low", worse.due)


def test_open_past_its_day_is_overdue(tmp_path: Path) -> None:
    """One that is open past its deadline is overdue, and one closed after it stays so for good."""
    city = new_released_city(tmp_path)
    late = 24 * DEADLINES["critical"].days + 1
    with city.at() as home:
        open_incident(home, APP, "late", "critical", by="Lan", what=WHAT)
        state = incidents(home, APP.name)["late"]
        assert not state.is_overdue(later(late - 2))
        assert state.is_overdue(later(late))
    with city.at(late) as home:
        close_incident(home, APP, "late", DONE, approval(home, "late"))
        assert incidents(home, APP.name)["late"].is_overdue(home.clock())


def test_what_is_out_of_order_is_refused(tmp_path: Path) -> None:
    """Opened twice, or anything after it is closed, or of none at all: refused, and nothing is logged."""
    city = new_released_city(tmp_path)
    with city.at() as home:
        open_incident(home, APP, "once", "low", by="Lan", what=WHAT)
        with pytest.raises(IncidentOpen):
            open_incident(home, APP, "once", "low", by="Lan", what=WHAT)
        signed = approval(home, "once")
        close_incident(home, APP, "once", DONE, signed)
        size = home.reader().size
        with pytest.raises(IncidentClosed):
            open_incident(home, APP, "once", "low", by="Lan", what=WHAT)
        with pytest.raises(BadName):
            open_incident(home, APP, "No Name", "low", by="Lan", what=WHAT)
        for name, error in (("once", IncidentClosed), ("never", UnknownIncident)):
            with pytest.raises(error):
                update_incident(home, APP, name, by="Lan", what="more")
            with pytest.raises(error):
                close_incident(home, APP, name, DONE, signed)
            with pytest.raises(error):
                ask_close(home, APP, name, DONE)
        assert home.reader().size == size


def test_only_an_officer_with_the_duty_closes(tmp_path: Path) -> None:
    """No duty, no officer, another's words, another incident: each approval is refused."""
    city = new_released_city(tmp_path)
    with city.at() as home:
        for name in ("one", "two"):
            open_incident(home, APP, name, "low", by="Lan", what=WHAT)
        size = home.reader().size
        lan = approval(home, "one", who="lan", by="Nguyễn Thị Lan")
        cases: list[tuple[Envelope, str, type[VeracityError]]] = [
            (lan, DONE, DutyMissing),
            (approval(home, "one", who="nobody"), DONE, UnknownKey),
            (approval(home, "one"), "it was nothing", MalformedStatement),
            (approval(home, "two"), DONE, MalformedStatement),
        ]
        for envelope, what, error in cases:
            with pytest.raises(error):
                close_incident(home, APP, "one", what, envelope)
        assert home.reader().size == size


def test_no_step_before_the_last_one(tmp_path: Path) -> None:
    """A clock that was set back says nothing: the log's order is its time's."""
    city = new_released_city(tmp_path)
    with city.at(5) as home:
        open_incident(home, APP, "one", "low", by="Lan", what=WHAT)
    with city.at(4) as home, pytest.raises(IncidentRefused):
        update_incident(home, APP, "one", by="Lan", what="earlier")


@pytest.mark.parametrize("by", ["", "two\nlines", "x" * 1_001])
def test_words_are_one_line(tmp_path: Path, by: str) -> None:
    """A person's name and what was seen are each one line that shows itself."""
    city = new_released_city(tmp_path)
    with city.at() as home:
        with pytest.raises(MalformedStatement):
            open_incident(home, APP, "one", "low", by=by, what=WHAT)
        with pytest.raises(MalformedStatement):
            open_incident(home, APP, "one", "low", by="Lan", what=by)


def test_the_deadlines_have_reasons() -> None:
    """Worse is sooner, each says why, and the page of the docs says the same."""
    days = [DEADLINES[s].days for s in ("critical", "serious", "low")]
    assert days == sorted(days)
    page = (Path(__file__).parents[2] / "docs" / "register.md").read_text(encoding="utf-8")
    for severity, rule in DEADLINES.items():
        reason = rule.why.split(" (cf.")[0].split(": a month")[0]
        assert f"| {severity} | {rule.days} | {reason} |" in page


def test_the_commands(tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open, update, ask, sign and close on the command line; ls exits 1 while one is overdue."""
    monkeypatch.setattr("veracity.cli.apps.find", lambda _: APP)
    monkeypatch.setattr("veracity.cli.apps.names", lambda: (APP.name,))
    city = new_released_city(tmp_path)
    home, said = ("--home", city.root), (APP.name, "one")
    opened = here(
        "incident", "open", *said, "--severity", "critical", "--by", "Lan", "--what", WHAT, *home, "--json"
    )
    assert opened.code == 0, opened
    assert json.loads(opened.out)["due"] == format_time(due_from(NOW, "critical"))
    twice = here("incident", "open", *said, "--severity", "low", "--by", "Lan", "--what", WHAT, *home)
    assert (twice.code, twice.out) == (1, "")
    updated = here("incident", "update", *said, "--by", "Lan", "--what", "cleaned", *home)
    assert "updated, critical, to be closed by" in updated.out
    assert "[SIMULATED]" in updated.out
    assert here("incident", "ls", *home).code == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(later(49).timestamp())))
    overdue = here("incident", "ls", APP.name, *home)
    assert overdue.code == 1
    assert "OVERDUE" in overdue.out
    request, signed = tmp_path / "request.json", tmp_path / "approval.json"
    close = ("incident", "close", *said, "--what", DONE)
    assert here(*close, *home).code == 2
    assert here(*close, "--request", request, *home).code == 0
    sign = ("--by", MINH, "--why", "checked", "-o", signed, "--yes")
    assert here("officer", "sign", request, "--key", key_file(tmp_path, "minh"), *sign).code == 0
    closed = here(*close, "--approval", signed, *home)
    assert closed.code == 0, closed
    assert "closed, critical, log entry" in closed.out
    listed = json.loads(here("incident", "ls", *home, "--json").out)["items"]
    assert [(i["state"], i["overdue"]) for i in listed] == [("closed", True)]
