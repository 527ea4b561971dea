"""Every write over the network leaves who, what and when in the log, before long and without a hole."""

import hashlib
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Depends
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response

from accounts_city import listed_writes
from asked import ask
from served_city import ORIGIN, Made, ServedCity, city, made_once, serving
from small_city import clock
from veracity.home.accounts.lines import Line
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.log.errors import StoreUnavailable
from veracity.server import guard
from veracity.server.accounts.doors import Account, needs
from veracity.server.accounts.recorded import Recorded
from veracity.server.guard import Guarded

__all__ = ["city", "made_once"]


JSON = {"Content-Type": "application/json"}


def with_things(served: ServedCity) -> ServedCity:
    """Add routes that write, as other parts have them."""

    def make(_who: Annotated[Account, Depends(needs("publisher"))], body: dict[str, str]) -> dict[str, str]:
        return body

    served.app.post("/things", status_code=201)(make)
    return served


def listed(root: Path) -> list[Line]:
    home = Home.open(root, clock)
    found = listed_writes(home)
    assert audit(home).is_clean
    home.close()
    return found


def test_who_what_when(made_once: Made, tmp_path: Path) -> None:
    """A write stands in a list that the log has: account, proof, route, status, digest of the body."""
    with serving(made_once, tmp_path) as served:
        with_things(served)
        wrote = served.ask("publisher", "POST", "/things?secret=1", content=b'{"a": "b"}', headers=JSON)
        assert wrote.status_code == 201, wrote.text
        ours = {"Cookie": served.session("publisher"), "Origin": ORIGIN}
        assert ask(served.app, "POST", "/things", headers=ours, json={}).status_code == 201
        for role, body in (("viewer", b"{}"), ("publisher", b"x")):
            assert served.ask(role, "POST", "/things", content=body, headers=JSON).status_code >= 400  # type: ignore[arg-type]
        assert served.ask("publisher", "GET", "/api/v1/tokens").status_code == 200
        assert served.app.state.accounts.seal() == 2
        first, second = listed(served.root)
        assert (first.account, first.came_by, first.method, first.path) == (
            *("the-publisher", "token", "POST", "/things"),
        )
        assert first.body_sha256 == hashlib.sha256(b'{"a": "b"}').hexdigest()
        assert first.credential == served.tokens["publisher"][4:14]
        assert (first.status, first.number, second.number, second.came_by) == (201, 0, 1, "session")


def test_rights_are_said_once(made_once: Made, tmp_path: Path) -> None:
    """What has a statement of its own does not stand in a list too."""
    with serving(made_once, tmp_path) as served:
        body = {"name": "minh", "roles": ["viewer"]}
        assert served.ask("admin", "POST", "/api/v1/accounts", json=body).status_code == 201
        assert served.ask("admin", "DELETE", "/api/v1/accounts/minh").status_code == 204
        assert served.app.state.accounts.seal() == 0


def test_lists_are_made_by_themselves(made_once: Made, tmp_path: Path) -> None:
    """The server seals what waits after a while, and what waits when it stops."""
    with serving(made_once, tmp_path, seal_after_s=0.05) as served:
        with_things(served)
        served.ask("publisher", "POST", "/things", json={})
        until = time.monotonic() + 60
        while not listed(served.root) and time.monotonic() < until:
            time.sleep(0.05)
        assert len(listed(served.root)) == 1
        served.app.state.accounts.settings = served.app.state.accounts.settings.__class__(
            served.root, clock=clock, seal_after_s=3_600.0
        )
        served.ask("publisher", "POST", "/things", json={})
    assert len(listed(served.root)) == 2


def test_what_may_have_been_done_is_written_down(
    made_once: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that met a bug, was answered 503, or took too long: nobody knows, so the journal has it."""
    with serving(made_once, tmp_path) as served:

        def fails(_who: Annotated[Account, Depends(needs("publisher"))]) -> None:
            raise RuntimeError("done by half")

        def is_away(_who: Annotated[Account, Depends(needs("publisher"))]) -> None:
            raise StoreUnavailable("store: after the write")

        def lasts(_who: Annotated[Account, Depends(needs("publisher"))]) -> dict[str, str]:
            time.sleep(3)
            return {}

        for route in (fails, is_away, lasts):
            served.app.post(f"/{route.__name__}")(route)
        monkeypatch.setattr(guard, "REQUEST_TIMEOUT_S", 2.0)
        head = {"Authorization": f"Bearer {served.tokens['publisher']}"}
        for path in ("/fails", "/is_away", "/lasts"):
            with suppress(RuntimeError):  # it is raised again once it is answered
                assert ask(Guarded(served.app, 4), "POST", path, headers=head).status_code == 503
        assert served.app.state.accounts.seal() == 3
        assert [(w.path, w.status) for w in listed(served.root)] == [
            ("/fails", 500),
            ("/is_away", 503),
            ("/lasts", 500),
        ]


def test_what_was_set_aside_is_a_write(made_once: Made, tmp_path: Path) -> None:
    """An answer of 409 to rows that went to quarantine: they are sealed, so who sent them is written down."""
    with serving(made_once, tmp_path) as served:

        def sets_aside(request: Request, _who: Annotated[Account, Depends(needs("publisher"))]) -> Response:
            request.state.is_written = True
            return Response(status_code=409)

        served.app.post("/things")(sets_aside)
        assert served.ask("publisher", "POST", "/things").status_code == 409
        assert served.app.state.accounts.seal() == 1
        assert [w.status for w in listed(served.root)] == [409]


def test_no_write_without_a_trace(made_once: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the journal cannot be written, the client is told that, not that all is well."""
    with serving(made_once, tmp_path) as served:
        with_things(served)

        def broken(*_: object) -> None:
            raise StoreUnavailable("database: disk full")

        monkeypatch.setattr(Recorded, "_note", broken)
        got = served.ask("publisher", "POST", "/things", json={})
        assert (got.status_code, got.json()["code"]) == (503, "write-not-recorded")
        assert "disk" not in got.text


def test_a_database_that_is_away(made_once: Made, tmp_path: Path) -> None:
    """Where accounts cannot be looked at nobody is let in, and those without are served."""
    with serving(made_once, tmp_path) as served:
        with served.app.state.accounts.store.database.writing() as db:
            db.execute(text("DROP TABLE access_tokens"))
        got = served.ask("admin", "GET", "/api/v1/accounts")
        assert (got.status_code, "access_tokens" in got.text) == (503, False)
        assert served.ask(None, "GET", "/openapi.json").status_code == 200


def test_a_home_that_is_away(made_once: Made, tmp_path: Path) -> None:
    """A token that cannot be looked up, as the home is gone, is 503: nobody's mistake, and no bug."""
    with serving(made_once, tmp_path) as served:
        served.root.rename(tmp_path / "away")
        got = served.ask("viewer", "GET", "/api/v1/tokens")
        (tmp_path / "away").rename(served.root)
        assert (got.status_code, got.json()["code"]) == (503, "city-unreadable")
        assert str(tmp_path) not in got.text


def test_auditors_read_what_was_written(made_once: Made, tmp_path: Path) -> None:
    """Page by page, of all or of one account, with its entry; a changed list is not read out."""
    with serving(made_once, tmp_path) as served:
        with_things(served)
        for n in range(5):
            assert served.ask("publisher", "POST", "/things", json={"n": str(n)}).status_code == 201
        assert served.app.state.accounts.seal() == 5
        read = [served.ask("auditor", "GET", "/api/v1/writes?limit=2&account=the-publisher").json()]
        while read[-1]["next"] is not None:
            read.append(served.ask("auditor", "GET", read[-1]["next"]).json())
        assert [len(page["items"]) for page in read] == [2, 2, 1]
        items = [item for page in read for item in page["items"]]
        assert {(i["account"], i["path"], i["status"]) for i in items} == {("the-publisher", "/things", 201)}
        assert served.ask("auditor", "GET", "/api/v1/writes?account=the-viewer").json()["items"] == []
        for path in (served.root / "store" / "access").iterdir():
            path.write_bytes(path.read_bytes().replace(b"the-publisher", b"the-pubIisher"))
        assert served.ask("auditor", "GET", "/api/v1/writes").status_code == 503
