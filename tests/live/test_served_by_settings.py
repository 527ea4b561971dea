"""``veracity serve`` and ``veracity up`` go by the city's ``server.yaml``, and put writes into the log."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3

from accounts_city import listed_writes
from small_city import AGENCY, contract, ndjson
from veracity.home.accounts.granting import add_account, make_token
from veracity.home.accounts.store import AccountStore
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest

DEADLINE_S = 60.0  # of a busy machine
SETTINGS = """\
public_url: https://data.example.org
open: false
origins: [https://app.example.org]
page_origins: [https://tiles.example.org]
fronts: [127.0.0.1]
limits: {network: {per_second: 0.01, burst: 40}}
connections: {per_address: 50}
seal_after_s: 0.5
"""
COMMANDS = {
    "serve": ("serve", "--home", "{root}", "--port", "{port}"),
    "up": ("up", "{root}", "--http", "127.0.0.1:{port}", "--mqtt", "127.0.0.1:0", "--monitor", "127.0.0.1:0"),
}


class Running:
    """A city that is served by a process of its own."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.url, self.process, self.log = url, process, log

    def ask(
        self, method: str, path: str, token: str | None = None, body: object = None, **more: str
    ) -> urllib3.BaseHTTPResponse:
        """Ask as a front does that passes on a request of ``192.0.2.1``, or of whom ``more`` names."""
        headers = {"X-Forwarded-For": "192.0.2.1", **{n.replace("_", "-"): v for n, v in more.items()}}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        sent = None if body is None else json.dumps(body).encode()
        return urllib3.request(
            method, self.url + path, body=sent, headers=headers, retries=False, redirect=False, timeout=60
        )

    def is_there(self) -> bool:
        try:
            return self.ask("GET", "/api/v1/session", X_Forwarded_For="192.0.2.99").status < 500
        except urllib3.exceptions.HTTPError:
            return False

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not true():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.2)


@contextmanager
def running(root: Path, how: str) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [part.format(root=root, port=port) for part in COMMANDS[how]]
    environment = {k: v for k, v in os.environ.items() if k not in ("SOURCE_DATE_EPOCH", "VERACITY_HOME")}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    log = root.parent / f"{how}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "veracity", *command], stdout=out, stderr=out, env=environment
        )
    try:
        city = Running(f"http://127.0.0.1:{port}", process, log)
        city.until(city.is_there)
        yield city
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 0, log.read_text()[-3000:]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def made_city(root: Path) -> str:
    """Make a city with a publisher and its settings; return the publisher's token."""
    init(root, "test.example/city")
    with open_writer(root) as home, AccountStore.open(home.directory) as store:
        add_agency(home, AGENCY)
        add_feed(home, contract(root.parent))
        ingest(home, "rain", [ndjson(root.parent / "a.ndjson", 0, 30)])
        add_account(home, store, "weather-upload", ["publisher"], AGENCY)
        token = make_token(home, store, "weather-upload")[0].text
    (root / "server.yaml").write_text(SETTINGS, "utf-8")
    return token


def listed(root: Path) -> list[tuple[str, str]]:
    """Return method and path of every write that the log has a list of."""
    home = Home.open(root)
    try:
        return [(w.method, w.path) for w in listed_writes(home)]
    finally:
        home.close()


@pytest.mark.parametrize("how", COMMANDS)
def test_a_city_is_served_as_set_down(tmp_path: Path, how: str) -> None:
    """Closed, with its pace, its origins and its front; and a write with a token is in the log by itself."""
    root = tmp_path / "city"
    token = made_city(root)
    with running(root, how) as city:
        assert city.ask("GET", "/api/v1/city").status == 401
        told = city.ask("GET", "/api/v1/city", token)
        assert (told.status, told.headers["cache-control"]) == (200, "private, no-cache")
        assert "https://tiles.example.org" in told.headers["content-security-policy"]
        assert "strict-transport-security" in told.headers  # by its public address
        for origin, status in (("https://app.example.org", 204), ("https://evil.example", 403)):
            asked = {"Origin": origin, "Access_Control_Request_Method": "POST"}
            assert city.ask("OPTIONS", "/v1.1/Observations", **asked).status == status
        now = datetime.now(UTC) - timedelta(minutes=5)
        reading = {
            "phenomenonTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "result": 2.5,
            "Datastream": {"@iot.id": "rain:G01:rain"},
        }
        wrote = city.ask("POST", "/v1.1/Observations", token, reading, Content_Type="application/json")
        assert wrote.status == 201, wrote.data
        city.until(lambda: listed(root) == [("POST", "/v1.1/Observations")])
        many = [city.ask("GET", "/api/v1/session", X_Forwarded_For="192.0.2.7").status for _ in range(45)]
        assert (many.count(200), set(many)) == (40, {200, 429})
        assert city.ask("GET", "/api/v1/session", X_Forwarded_For="192.0.2.8").status == 200
    home = Home.open(root)
    try:
        report = audit(home)
    finally:
        home.close()
    assert report.is_clean, report.findings


def test_what_a_server_left_is_sealed_by_the_next(tmp_path: Path) -> None:
    """A server that was killed before its writes were in the log: the next one puts them there unasked."""
    root = tmp_path / "city"
    token = made_city(root)
    (root / "server.yaml").write_text("seal_after_s: 3600\n")
    reading = {
        "phenomenonTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "result": 1.5,
        "Datastream": {"@iot.id": "rain:G02:rain"},
    }
    with running(root, "serve") as city:
        assert (
            city.ask("POST", "/v1.1/Observations", token, reading, Content_Type="application/json").status
            == 201
        )
        city.process.kill()
        city.process.wait()
    assert listed(root) == []
    (root / "server.yaml").write_text("seal_after_s: 0.2\n")
    with running(root, "serve") as city:
        city.until(lambda: listed(root) == [("POST", "/v1.1/Observations")])
