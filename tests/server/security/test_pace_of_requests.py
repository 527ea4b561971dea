"""Who asks too often is told to wait; memory stays bounded, and nobody is locked out by another."""

from pathlib import Path

from starlette.requests import Request

from accounts_city import Time
from asked import ask
from served_city import Made, city, made_once, serving
from veracity.home.live.rates import MAX_BUCKETS, Rate
from veracity.server.accounts.pace import Limits, Pace, network_name

__all__ = ["city", "made_once"]

SLOW = Limits(Rate(0.01, 5), Rate(0.01, 6), Rate(0.01, 3), Rate(0.01, 4))


def request(client: str) -> Request:
    return Request({"type": "http", "client": (client, 1), "headers": []})


def test_a_network(made_once: Made, tmp_path: Path) -> None:
    """One network's requests are counted together; another's are not among them."""
    with serving(made_once, tmp_path, limits=SLOW) as slow:
        got = [ask(slow.app, "GET", "/api/v1/session", client=("192.0.2.1", i)) for i in range(7)]
        assert [g.status_code for g in got] == [200] * 5 + [429] * 2
        assert (got[-1].json()["code"], got[-1].headers["retry-after"]) == ("too-many-requests", "100")
        assert got[-1].headers["content-type"] == "application/problem+json"
        assert ask(slow.app, "GET", "/api/v1/session", client=("192.0.2.2", 1)).status_code == 200
        here = [ask(slow.app, "GET", "/api/v1/session", client=("127.0.0.1", 1)) for _ in range(9)]
        assert {g.status_code for g in here} == {200}


def test_an_account(made_once: Made, tmp_path: Path) -> None:
    """An account is counted wherever it asks from, and what it writes besides."""
    with serving(made_once, tmp_path, limits=SLOW) as slow:
        wrote = [
            slow.ask("admin", "PUT", "/api/v1/accounts/none", json={}, client=(f"192.0.2.{i}", 1))
            for i in range(5)
        ]
        assert [w.status_code for w in wrote] == [422] * 3 + [429] * 2
        read = [slow.ask("admin", "GET", "/api/v1/tokens", client=(f"192.0.2.{i}", 1)) for i in range(9, 12)]
        assert [r.status_code for r in read] == [200, 429, 429]
        assert slow.ask("viewer", "GET", "/api/v1/tokens", client=("192.0.2.99", 1)).status_code == 200


def test_guessing(made_once: Made, tmp_path: Path) -> None:
    """Wrong tokens are answered ever more slowly; a right one from the same network still counts."""
    wide = Limits(Rate(100, 1000), Rate(100, 1000), Rate(100, 1000), Rate(0.01, 4))
    with serving(made_once, tmp_path, limits=wide) as slow:
        wrong = {"Authorization": "Bearer " + slow.tokens["viewer"][:-1] + "!"}
        got = [ask(slow.app, "GET", "/api/v1/tokens", headers=wrong) for _ in range(6)]
        assert [g.status_code for g in got] == [401] * 4 + [429] * 2
        assert slow.ask("viewer", "GET", "/api/v1/tokens").status_code == 200


def test_one_network_does_not_shut_the_sign_in(made_once: Made, tmp_path: Path) -> None:
    """Each sign-in that begins is remembered for a while: who begins too many waits, others do not."""
    with serving(made_once, tmp_path, limits=Limits(sign_ins=Rate(0.01, 3))) as slow:
        path = "/api/v1/sign-in"
        got = [slow.ask(None, "GET", path, client=("192.0.2.7", 1)).status_code for _ in range(5)]
        assert got == [404] * 3 + [429] * 2  # this city has no provider
        assert slow.ask(None, "GET", path, client=("198.51.100.7", 1)).status_code == 404


def test_networks() -> None:
    """Of IPv6 the first half counts, which a client cannot choose; this machine is not counted."""
    one, two = network_name(request("2001:db8::1")), network_name(request("2001:db8::ffff:1"))
    assert one == two != network_name(request("2001:db8:0:1::1"))
    assert network_name(request("::1")) is network_name(request("127.8.8.8")) is None


def test_memory_is_bounded() -> None:
    """However many networks ask, so many are remembered and no more."""
    pace = Pace(Limits())
    time = Time()
    for i in range(MAX_BUCKETS + 5_000):
        pace.of_network(request(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"), time().timestamp())
    assert len(pace._networks._levels) == MAX_BUCKETS
