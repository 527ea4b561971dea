"""Claim: the running city holds its memory and its files flat, for hours, faults and all.

`veracity up --city demo` at a speed: the built-in city's stations sign and publish over MQTT, with their
faults (late bursts, duplicates, broken lines, a forger); a worker seals, schedules account and certify.
Every process of the tree is looked at every few seconds. At the end the city is stopped, the accounts are
summed up and the audit makes a sample again. Everything is simulated.

    python benchmarks/soak.py [--seconds 3600] [--speed 600]
"""

import argparse
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from measure import fsync_ms, report, workspace
from veracity.home.audit import audit
from veracity.home.home import Home
from veracity.home.live.accounts import accounts

EVERY_S = 5.0
WARM_S = 0.1  #: share of the run that is warming up
_TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """A process and all below it, but for those that end while they are looked for."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    except OSError:
        pass
    return found


def looked_at(pid: int) -> dict[str, Any] | None:
    """What one process holds; None if it ended meanwhile."""
    here = Path(f"/proc/{pid}")
    try:
        arguments = (here / "cmdline").read_bytes().split(b"\0")
        fields = (here / "stat").read_text().rpartition(")")[2].split()
        return {
            "name": name_of([a.decode("utf-8", "replace") for a in arguments]),
            "rss_mb": int((here / "statm").read_text().split()[1]) * resource.getpagesize() / 2**20,
            "files": len(list((here / "fd").iterdir())),
            "cpu_s": (int(fields[11]) + int(fields[12])) / _TICKS,
        }
    except OSError:
        return None


def name_of(arguments: list[str]) -> str:
    """What a process of the tree is, by its command line."""
    line = " ".join(arguments)
    if "nats-server" in line:
        return "broker"
    for word in ("verifying", "worker", "bridge", "schedules", "devices", "http", "sources"):
        if word in line:
            return word
    return "up"


def slope_per_hour(times: list[float], values: list[float]) -> float:
    """How much a value grows in an hour: the slope of a straight line through it."""
    if len(times) < 3:
        return 0.0
    return float(np.polyfit(np.array(times) / 3_600, np.array(values), 1)[0])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(root: Path, seconds: float, speed: float) -> tuple[list[dict[str, Any]], float]:
    """Run the city and look at it; return what was seen, and how long it ran."""
    command = [sys.executable, "-m", "veracity", "up", str(root), "--city", "demo", "--speed", str(speed)]
    command += ["--mqtt", f"127.0.0.1:{free_port()}", "--monitor", f"127.0.0.1:{free_port()}", "--json-logs"]
    seen: list[dict[str, Any]] = []
    with (root.parent / "up.log").open("w") as log:
        city = subprocess.Popen(command, stdout=log, stderr=log)
        began = time.time()
        try:
            while time.time() - began < seconds:
                time.sleep(EVERY_S)
                if city.poll() is not None:
                    raise SystemExit(f"the city ended with {city.returncode}; see {log.name}")
                at = time.time() - began
                for pid in tree(city.pid):
                    found = looked_at(pid)
                    if found is not None:
                        seen.append({"at": at, "pid": pid, **found})
        finally:
            city.send_signal(signal.SIGTERM)
            city.wait()
    return seen, time.time() - began


def rows_of(seen: list[dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
    """One row for each kind of process."""
    rows = []
    for name in dict.fromkeys(s["name"] for s in seen):
        mine = [s for s in seen if s["name"] == name]
        warm = [s for s in mine if s["at"] > WARM_S * seconds] or mine
        times = [s["at"] for s in warm]
        rows.append(
            {
                "process": name,
                "starts": len({s["pid"] for s in mine}),
                "rss_mb_median": statistics.median(s["rss_mb"] for s in warm),
                "rss_mb_last": warm[-1]["rss_mb"],
                "rss_mb_an_hour": slope_per_hour(times, [s["rss_mb"] for s in warm]),
                "files_median": statistics.median(s["files"] for s in warm),
                "files_last": warm[-1]["files"],
                "files_an_hour": slope_per_hour(times, [float(s["files"]) for s in warm]),
                "cores": (warm[-1]["cpu_s"] - warm[0]["cpu_s"]) / max(1.0, times[-1] - times[0]),
            }
        )
    return rows


def held(root: Path) -> dict[str, Any]:
    """What the city has at the end, and whether it is as its log says."""
    home = Home.open(root)
    sums = [a.said.sums for feed in home.feed_names() for a in accounts(home, feed, 24 * 366 * 10)]
    found = audit(home, sample=20).findings
    totals: dict[str, Any] = {
        name: sum(getattr(s, name) for s in sums)
        for name in ("messages", "sent", "accepted", "quarantined", "refused", "duplicate")
    }
    totals |= {"log_entries": home.reader().size, "hours_accounted": len(sums), "audit_findings": len(found)}
    home.close()
    return totals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--speed", type=float, default=600)
    options = parser.parse_args()
    with workspace() as folder:
        about = {"fsync_ms": fsync_ms(folder), "speed": options.speed, "simulated": True}
        root = folder / "city"
        seen, seconds = run(root, options.seconds, options.speed)
        about |= {"seconds": seconds, **held(root)}
    for name, value in about.items():
        print(f"{name}: {value}")
    report("soak", about, rows_of(seen, seconds))


if __name__ == "__main__":
    main()
