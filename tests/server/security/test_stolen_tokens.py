"""What a thief of a token can do, and for how long: no more than it was for, and not after it ended."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
import urllib3

from accounts_city import granting
from asked import ask
from listening import listening
from served_city import Made, ServedCity, city, made_once, serving
from veracity.home.accounts.granting import make_token, revoke_token
from veracity.server.api import events

__all__ = ["city", "made_once"]

TOKENS = "/api/v1/tokens"


def test_a_revoked_token_ends_at_once(city: ServedCity) -> None:
    """The very next request with a revoked token is refused, in words that tell a thief nothing."""
    with granting(city.root, city.time) as (home, store):
        token, _ = make_token(home, store, "the-operator")
    bearer = {"Authorization": f"Bearer {token.text}"}
    assert ask(city.app, "GET", TOKENS, headers=bearer).status_code == 200
    with granting(city.root, city.time) as (home, store):
        revoke_token(home, store, token.identifier)
    got = ask(city.app, "GET", TOKENS, headers=bearer)
    assert (got.status_code, got.json()["code"]) == (401, "bad-credential")
    assert got.headers["www-authenticate"] == 'Bearer realm="veracity", error="invalid_token"'
    unknown = {"Authorization": f"Bearer {token.text[:-7]}{'0' * 7}"}
    assert ask(city.app, "GET", TOKENS, headers=unknown).status_code == 401
    assert ask(city.app, "GET", "/openapi.json", headers=bearer).status_code == 401  # also where it is open


def test_an_expired_token(city: ServedCity) -> None:
    """A token counts until the second it ends."""
    with granting(city.root, city.time) as (home, store):
        token, _ = make_token(home, store, "the-operator", valid_for=timedelta(hours=1))
    bearer = {"Authorization": f"Bearer {token.text}"}
    city.time.pass_by(minutes=59, seconds=59)
    assert ask(city.app, "GET", TOKENS, headers=bearer).status_code == 200
    city.time.pass_by(seconds=1)
    assert ask(city.app, "GET", TOKENS, headers=bearer).status_code == 401


def test_a_thief_makes_no_other(city: ServedCity) -> None:
    """A stolen token makes no new one, and what a stolen admin's made ends with it."""
    for role in ("viewer", "publisher", "operator", "developer", "auditor"):
        assert city.ask(role, "POST", TOKENS, json={}).status_code == 403
    with granting(city.root, city.time) as (home, store):
        stolen, _ = make_token(home, store, "the-admin")
    bearer = {"Authorization": f"Bearer {stolen.text}"}
    made = ask(city.app, "POST", TOKENS, headers=bearer, json={"account": "the-admin"}).json()
    again = {"Authorization": f"Bearer {made['token']}"}
    deeper = ask(city.app, "POST", TOKENS, headers=again, json={"account": "the-operator"}).json()
    assert city.ask("admin", "DELETE", f"{TOKENS}/{stolen.identifier}").status_code == 204
    for text in (stolen.text, made["token"], deeper["token"]):
        bearer = {"Authorization": f"Bearer {text}"}
        assert ask(city.app, "GET", TOKENS, headers=bearer).status_code == 401


def test_a_thief_who_asked_before_makes_no_other(city: ServedCity) -> None:
    """A request that is still being sent when its token is revoked does nothing any more."""
    with granting(city.root, city.time) as (home, store):
        stolen, _ = make_token(home, store, "the-admin")

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"account": '
        with granting(city.root, city.time) as (home, store):
            revoke_token(home, store, stolen.identifier)
        yield b'"the-admin"}'

    before = city.app.state.accounts.store.tokens()
    bearer = {"Authorization": f"Bearer {stolen.text}", "Content-Type": "application/json"}
    said = ask(city.app, "POST", TOKENS, headers=bearer, content=slowly())
    assert (said.status_code, said.json()["code"]) == (401, "bad-credential")
    assert len(city.app.state.accounts.store.tokens()) == len(before)


def test_a_stream_ends_with_its_token(
    made_once: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who listens in a closed city with a token that is revoked is not told anything more."""
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    with serving(made_once, tmp_path, is_open=False) as closed, listening(closed.app) as base:
        with granting(closed.root, closed.time) as (home, store):
            stolen, _ = make_token(home, store, "the-viewer")
        said = urllib3.PoolManager(retries=False).request(
            "GET",
            f"{base}/api/v1/events",
            headers={"Authorization": f"Bearer {stolen.text}"},
            preload_content=False,
            timeout=60,
        )
        assert said.status == 200
        told = b""
        while b"still here" not in told:
            told += said.read(1)
        with granting(closed.root, closed.time) as (home, store):
            revoke_token(home, store, stolen.identifier)
        end = monotonic() + 60
        while said.read(64):
            assert monotonic() < end, "it goes on"
        assert closed.app.state.events.n_listeners == 0


@pytest.mark.parametrize(
    "where",
    [
        {"params": {"access_token": "TOKEN"}},
        {"params": {"token": "TOKEN"}},
        {"headers": {"X-Api-Key": "TOKEN"}},
        {"headers": {"Cookie": "veracity-session=TOKEN"}},
        {"headers": {"Cookie": "token=TOKEN"}},
    ],
)
def test_a_token_counts_in_one_place_only(city: ServedCity, where: dict[str, dict[str, str]]) -> None:
    """Tokens in addresses end up in histories and logs: there, and in cookies, they are not looked at."""
    put = {
        kind: {name: text.replace("TOKEN", city.tokens["admin"]) for name, text in inner.items()}
        for kind, inner in where.items()
    }
    assert ask(city.app, "GET", "/api/v1/accounts", **put).status_code == 401  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "said",
    ["", "Bearer", "Bearer ", "Basic YTpi", "bearer x", "Bearer a b", "Bearer vct_", "Bearer " + "x" * 5_000],
)
def test_malformed_authorization(city: ServedCity, said: str) -> None:
    """What is no token is refused as one that does not count."""
    got = ask(city.app, "GET", TOKENS, headers={"Authorization": said})
    assert (got.status_code, got.headers["content-type"]) == (401, "application/problem+json")


def test_two_authorizations(city: ServedCity) -> None:
    """Two of them are none: which would count would be a guess."""
    both = [("Authorization", f"Bearer {city.tokens[role]}") for role in ("viewer", "admin")]
    assert ask(city.app, "GET", TOKENS, headers=both).status_code == 401


def test_a_token_is_a_secret(city: ServedCity) -> None:
    """No answer holds a token's text or hash but the one that makes it."""
    listed = city.ask("admin", "GET", TOKENS).text + city.ask("admin", "GET", "/api/v1/accounts").text
    with granting(city.root, city.time) as (_, store), store.database.reading() as db:
        hashes = [str(row[0]) for row in db.exec_driver_sql("SELECT sha256 FROM access_tokens")]
    assert not any(text in listed for text in (*city.tokens.values(), *hashes))


def test_a_session_is_not_guessed(city: ServedCity) -> None:
    """A cookie that is of no session is nobody's."""
    cookie = city.session("viewer")
    assert ask(city.app, "GET", TOKENS, headers={"Cookie": cookie}).status_code == 200
    for other in (cookie[:-1], cookie + "x", "veracity-session=", "veracity-session=é", "veracity-session"):
        got = ask(city.app, "GET", TOKENS, headers={"Cookie": other.encode("latin-1")})
        assert got.status_code == 401
