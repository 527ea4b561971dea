"""Where a running city is served: it says so when it can be asked, and its readers outlive the process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import urllib3

from run_up import Up, wait
from small_city import new_city


def asked(places: dict[str, str]) -> int:
    return urllib3.request("GET", f"{places['http']}/api/v1/session", retries=False, timeout=120).status


def test_who_asks_while_its_process_is_started_again_waits(tmp_path: Path) -> None:
    """Port 0 is told as it came out; asked at once, and just after its process was killed, it answers."""
    root, log = new_city(tmp_path / "city"), tmp_path / "up.log"
    anywhere = [word for option in ("mqtt", "http", "monitor") for word in (f"--{option}", "127.0.0.1:0")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.pop("SOURCE_DATE_EPOCH", None)
    command = [sys.executable, "-m", "veracity", "up", str(root), *anywhere, "--json-logs"]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, text=True, env=environment)
    try:
        city = Up(process, log)
        assert asked(city.places) == 200
        os.kill(city.children()["http"], signal.SIGKILL)
        wait(lambda: bool(city.told("http ended")))  # what it had taken in is lost with it
        assert asked(city.places) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0, log.read_text()[-3000:]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
