"""A gateway joins a city that runs, by a code, and what it reads becomes rows: real processes, end to end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from free_ports import free_port
from small_city import contract
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency
from veracity.home.founding import init
from veracity.home.home import Home, open_writer

DEADLINE_S = 120.0  # of a busy machine
NAME = "rain-office/edge-1"
SOURCE = "sources: [{name: in, kind: folder, feed: rain, folder: in, settle_s: 0, every_s: 0.1}]\n"
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"},
    "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
}


def until(true: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true() and process.poll() is None:
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.1)


@contextmanager
def process(log: Path, *command: object) -> Iterator["subprocess.Popen[str]"]:
    with log.open("w") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)], stdout=out, stderr=out, text=True, env=ENVIRONMENT
        )
        try:
            yield started
            assert started.poll() is None, log.read_text()[-2000:]
            started.send_signal(signal.SIGTERM)
            assert started.wait(DEADLINE_S) == 0, log.read_text()[-2000:]
        finally:
            if started.poll() is None:
                started.kill()
                started.wait()


def answer(*command: object) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command), "--json"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def n_rows(root: Path) -> int:
    home = Home.open(root)
    try:
        return home.table("rain").scan().collect().height
    finally:
        home.close()


def reading(minutes_ago: int) -> str:
    at = (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat()
    return json.dumps({"gauge": "G00", "observed_at": at, "rain": 0.5}) + "\n"


def test_a_gateway_joins_a_running_city(tmp_path: Path) -> None:
    """Invited while the city runs, it gets key, policy and password; its records are signed rows."""
    root, edge = tmp_path / "city", tmp_path / "edge"
    init(root, "test.example/city")
    with open_writer(root) as home:
        add_agency(home, "rain-office")
        add_feed(home, contract(tmp_path, "rain", signature="required"))
    mqtt, http = free_port(), free_port()
    options = ["--mqtt", f"127.0.0.1:{mqtt}", "--monitor", "127.0.0.1:0", "--json-logs"]
    options += ["--http", f"127.0.0.1:{http}", "--announce", f"mqtt://127.0.0.1:{mqtt}"]
    with process(tmp_path / "up.log", "veracity", "up", root, *options) as up:
        until(lambda: "the city is up" in (tmp_path / "up.log").read_text(), up)
        invited = answer("veracity", "gateway", "invite", NAME, "--feeds", "rain", "--home", root)
        edge.mkdir()
        joining = ("join", invited["code"], "--city", f"http://127.0.0.1:{http}", "-c", edge / "gateway.yaml")
        answer("veracity.gateway", *joining)
        drop = edge / "in"
        drop.mkdir()
        config = edge / "gateway.yaml"
        lines = [line for line in config.read_text().splitlines() if not line.startswith("sources:")]
        config.write_text("\n".join([*lines, SOURCE]))
        run = ("veracity.gateway", "run", "-c", config)
        with process(tmp_path / "edge.log", *run) as gateway:
            (drop / "a.ndjson").write_text("".join(reading(m) for m in range(30, 0, -1)))
            until(lambda: n_rows(root) == 30, gateway)
    done = answer("veracity", "feed", "account", "rain", "--home", root)
    assert done["items"][0]["devices"][0]["sender"] == NAME
    assert answer("veracity", "audit", "--home", root)["clean"] is True
