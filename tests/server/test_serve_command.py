"""``veracity serve`` as people run it: a process on a socket, asked, loaded and stopped."""

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from run_cli import Here
from served import Served, ask, serving
from small_city import AGENCY, clock, key, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.provenance.receipts import parse_receipt
from veracity.verifying import verify
from watched import policy


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    root = new_city(folder / "city")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 200)], sign=key(AGENCY))
    return root


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[Served]:
    with serving("serve", "--home", root) as city:
        yield city


def test_the_city_is_there(served: Served, root: Path) -> None:
    """The API, the log, receipts that verify, the portal's place: from one address."""
    city = json.loads(ask("GET", f"{served.url}/api/v1/city").data)
    assert city["log"]["size"] == 4
    checkpoint = (root / "store/log/checkpoint").read_bytes()
    assert ask("GET", f"{served.url}/log/checkpoint").data == checkpoint
    assert ask("GET", f"{served.url}/checkpoint").data == checkpoint
    verify(parse_receipt(ask("GET", f"{served.url}/receipts/rain/0/3").data), policy())
    assert ask("GET", f"{served.url}/").status == 200
    assert ask("GET", f"{served.url}/nothing").headers["content-type"] == "application/problem+json"
    assert ask("GET", f"{served.url}/log/..%2f..%2fkeys/log.key").status == 404


def test_what_is_sealed_meanwhile_is_seen(served: Served, root: Path, tmp_path: Path) -> None:
    """Another process writes; readers see it, and who listens is told."""
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as listening:
        listening.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        heard = b""
        while b"id: 4\n" not in heard:
            heard += listening.recv(4096)
        with open_writer(root, clock) as home:
            ingest(home, "rain", [ndjson(tmp_path / "b.ndjson", 200, 50)], sign=key(AGENCY))
        while b"id: 5\n" not in heard:
            heard += listening.recv(4096)
    assert json.loads(ask("GET", f"{served.url}/api/v1/log").data)["size"] == 5


def test_it_stops_though_somebody_listens(root: Path) -> None:
    """SIGTERM ends the streams and the process, with exit code 0."""
    with serving("serve", "--home", root) as city, ExitStack() as stack:
        port = int(city.url.rpartition(":")[2])
        listening = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        listening.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert listening.recv(4096).startswith(b"HTTP/1.1 200")
        code, err = city.stop(signal.SIGTERM)
        assert (code, "city: stopped" in err) == (0, True)
        rest = b""
        while chunk := listening.recv(4096):
            rest += chunk
        assert rest.endswith(b"0\r\n\r\n")


def test_a_witness_is_served_beside_it(root: Path, tmp_path: Path, here: Here) -> None:
    """A witness that was made before answers below /witness, under its own key."""
    with serving("witness", "serve", root / "trust.policy", "--name", "w", "--dir", tmp_path / "w") as made:
        name = made.said["name"]
    assert name == "w"
    options = ("--witness", tmp_path / "w", "--witness-policy", root / "trust.policy")
    with serving("serve", "--home", root, *options) as city:
        answer = ask("POST", f"{city.url}/witness/add-checkpoint", b"no checkpoint")
        assert (answer.status, json.loads(answer.data)["code"]) == (400, "malformed-request")
        assert ask("GET", f"{city.url}/witness/nothing").status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        ["--public-url", "ftp://x"],
        ["--public-url", "https://x/"],
        ["--witness", "."],
    ],
)
def test_a_wrong_command_line(root: Path, here: Here, wrong: list[str]) -> None:
    """Told before anything listens, exit 2."""
    assert here("serve", "--home", root, *wrong).code == 2
