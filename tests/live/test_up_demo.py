"""``veracity up --city demo``: from simulated stations to sealed rows; and what --live adds."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import urllib3

from run_up import wait
from small_city import new_city
from veracity.cli.up import _add_live_feeds
from veracity.home.audit import audit
from veracity.home.home import Home


def n_rows(root: Path) -> int:
    home = Home.open(root)
    try:
        return sum(int(p["counts"]["accepted"]) for _, p in home.index.predicates("ingest"))
    finally:
        home.close()


def n_accounts(root: Path) -> int:
    home = Home.open(root)
    try:
        return len(home.index.predicates("account"))
    finally:
        home.close()


def serves_the_log(address: str) -> bool:
    try:
        answer = urllib3.request("GET", f"http://{address}/checkpoint", retries=False, timeout=20)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200 and answer.data.startswith(b"danang.example/simulated-twin\n")


def play(root: Path, n_more: int) -> None:
    """Run the city until so many more rows are accepted, and an hour accounted for; and stop it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        http = f"127.0.0.1:{probe.getsockname()[1]}"
    options = ["--mqtt", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--http", http, "--json-logs"]
    environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    before = n_rows(root) if root.exists() else 0
    with (root.parent / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "veracity", "up", root, "--city", "demo", "--speed", "3600", *options],
            stderr=log,
            stdout=log,
            env={**environment, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        try:
            wait(lambda: (root / "broker").exists() or process.poll() is not None)
            wait(lambda: n_rows(root) >= before + n_more or process.poll() is not None)
            wait(lambda: n_accounts(root) > 0 or process.poll() is not None)
            wait(lambda: serves_the_log(http) or process.poll() is not None)
            assert process.poll() is None, Path(log.name).read_text()[-3000:]
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def test_the_built_in_city_runs(tmp_path: Path) -> None:
    """One command: stations send, rows are sealed, hours accounted for; run again, it goes on; all audits."""
    root = tmp_path / "city"
    play(root, 200)
    play(root, 200)
    home = Home.open(root)
    assert all(f.contract.simulated for f in home.feeds().values())
    assert audit(home).findings == []
    home.close()


def test_live_adds_the_feeds_it_needs_once(tmp_path: Path) -> None:
    """They are added with contracts that allow unsigned input; the second time there is nothing to add."""
    root = new_city(tmp_path / "city")
    for _ in range(2):
        _add_live_feeds(root)
        home = Home.open(root)
        added = [f for f in home.feeds().values() if f.contract.feed.startswith("open-meteo")]
        home.close()
        assert len(added) == 5
