"""Operators decide about rows set aside: in their name, in the log, each row once, and nobody else."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from accounts_city import with_accounts
from asked import ask
from small_city import AGENCY, NOW, clock, key, new_city
from veracity.home.accounts.account import Role
from veracity.home.accounts.granting import add_account, make_token
from veracity.home.accounts.store import AccountStore
from veracity.home.audit import audit
from veracity.home.enrolments import add_agency
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.releases import reject
from veracity.home.selection import Selection
from veracity.server.app import make_app
from veracity.server.settings import ServerSettings

PATH = "/api/v1/feeds/rain/quarantine/decisions"
READ = "/api/v1/feeds/rain/quarantine"


class City:
    """A served city with four rows set aside, and a token of each role."""

    def __init__(self, folder: Path) -> None:
        self.root = new_city(folder / "city")
        self.tokens: dict[str, str] = {str(role): text for role, text in with_accounts(self.root).items()}
        with open_writer(self.root, clock) as home:
            rows = [
                {"gauge": f"G{n:02}", "observed_at": "2026-09-01T00:00:00Z", "rain": 500 + n}
                for n in range(4)
            ]
            path = folder / "bad.ndjson"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            ingest(home, "rain", [path], sign=key(AGENCY))
        self.app = make_app(ServerSettings(self.root, clock=clock, seal_after_s=None))
        self.app.state.accounts.clock = clock

    def token_of(self, name: str, role: Role, agency: str | None) -> None:
        """Add an account with one role, and keep its token under its name."""
        with open_writer(self.root, clock) as home, AccountStore.open(home.directory, clock) as store:
            add_account(home, store, name, [role], agency)
            self.tokens[name] = make_token(home, store, name)[0].text

    def decide(self, who: str | None, **body: Any) -> httpx.Response:
        headers = {} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}
        asked = {"decision": "release", "why": "a storm, seen by the radar too", **body}
        return ask(self.app, "POST", PATH, headers=headers, json=asked)

    def read(self, path: str = READ) -> list[dict[str, Any]]:
        """What the operator reads: others may be given what it was up to a second before."""
        headers = {"Authorization": f"Bearer {self.tokens['operator']}"}
        items: list[dict[str, Any]] = ask(self.app, "GET", path, headers=headers).json()["items"]
        return items

    def statuses(self) -> list[str]:
        return [row["status"] for row in self.read()]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    served = City(tmp_path)
    yield served
    served.app.state.accounts.close()
    served.app.state.city.close()
    home = Home.open(served.root, clock)
    assert [f.detail for f in audit(home).findings] == []
    home.close()


def test_a_release_is_tried_and_then_made(city: City) -> None:
    """What a trial tells is what then happens; readers see it at once, with who and why; once only."""
    assert city.statuses() == ["waiting"] * 4
    body = {"batch": 0, "records": [0, 2], "waive": ["range:rain"]}
    tried = city.decide("operator", **body, is_trial=True)
    assert tried.status_code == 200, tried.text
    assert city.statuses() == ["waiting"] * 4
    made = city.decide("operator", **body)
    assert made.status_code == 200, made.text
    told, would = made.json(), tried.json()
    assert (told["accepted"], told["quarantined"], told["by"]) == (2, 0, "the-operator")
    assert {k: v for k, v in would.items() if k not in ("batch", "entry", "is_trial")} == {
        k: v for k, v in told.items() if k not in ("batch", "entry", "is_trial")
    }
    assert (would["batch"], would["entry"]) == (None, None)
    rows = city.read()
    assert {(r["record"], r["status"], r["by"]) for r in rows if r["status"] == "released"} == {
        (0, "released", "the-operator"),
        (2, "released", "the-operator"),
    }
    again = city.decide("operator", **body)
    assert (again.status_code, again.json()["code"]) == (409, "no-rows-waiting")


def test_what_breaks_another_rule_is_set_aside_again(city: City) -> None:
    """Without a waiver the rows are judged as they were: nothing comes in, and the answer says why."""
    told = city.decide("operator", batch=0, records=[1]).json()
    assert (told["accepted"], told["quarantined"]) == (0, 1)
    assert told["reasons"] == [{"reason": "range:rain", "n": 1}]


def test_rows_are_kept_out(city: City) -> None:
    """A rejection is an entry of its own; by a reason all rows are meant that broke it."""
    told = city.decide("operator", decision="reject", reason="range").json()
    assert (told["rows"], told["batch"]) == (4, None)
    assert city.statuses() == ["rejected"] * 4
    statement = city.read("/api/v1/log/statements?kind=reject")[0]
    assert statement["entry"] == told["entry"]


def test_who_may_not(city: City) -> None:
    """Nobody, other roles, another agency's operator: told so, and nothing is written."""
    with open_writer(city.root, clock) as home:
        add_agency(home, "tide-office", key("tide-office").public)
    city.token_of("tide-desk", "operator", "tide-office")
    city.token_of("rain-desk", "operator", AGENCY)
    body = {"batch": 0, "records": [0], "waive": ["range:rain"]}
    answers = {who: city.decide(who, **body).status_code for who in (None, "publisher", "admin", "tide-desk")}
    assert answers == {None: 401, "publisher": 403, "admin": 403, "tide-desk": 403}
    assert city.statuses() == ["waiting"] * 4
    assert city.decide("rain-desk", **body).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"batch": 0, "why": ""}, 422),
        ({"batch": 0, "why": "x" * 1_001}, 422),
        ({"records": [0]}, 409),
        ({}, 409),
        ({"batch": 77}, 409),
        ({"batch": 0, "records": list(range(1_001))}, 422),
        ({"batch": 0, "waive": ["no-such-rule"]}, 400),
        ({"batch": 0, "decision": "forget"}, 422),
        ({"batch": -1}, 422),
        ({"batch": 0, "more": 1}, 422),
    ],
)
def test_what_cannot_be_decided(city: City, body: dict[str, Any], status: int) -> None:
    """Bad input is told what was wanted; nothing is written."""
    answer = city.decide("operator", **body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert city.statuses() == ["waiting"] * 4


def test_what_waited_then(city: City) -> None:
    """As of a time before a row was decided on it waits; and before it came there was none."""
    later = NOW + timedelta(hours=1)
    with open_writer(city.root, lambda: later) as home:
        reject(home, "rain", Selection(batch=0, records=(1,)), by="Lan", why="a broken gauge")
    for asked, n, waiting in (
        ("", 4, 3),
        ("?as_of=2026-09-03T13:00:00Z", 4, 3),
        ("?as_of=2026-09-03T12:30:00Z", 4, 4),
        ("?as_of=2026-09-03T11:00:00Z", 0, 0),
    ):
        told = ask(city.app, "GET", f"/api/v1/feeds/rain/quality{asked}").json()["quarantine"]
        assert (told["n"], told["waiting"]) == (n, waiting), asked
