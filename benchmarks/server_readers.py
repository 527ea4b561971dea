"""A thousand readers of a city's public pages at once, none of them with an error: ``veracity serve``.

Every reader has a connection of its own, kept open, and asks for one page after the other: the city, feeds,
places, series, quality, apps, forecasts, models, the log, lineage, receipts, the log's files, the portal's
page. Server and readers share the machine. Cases: readers who pause as people do, readers who do not, and
readers who ask for what nobody asked for before (other times), so that nothing that is kept helps.

``--home`` takes a city; without it the demo city is made first (a minute or two).
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import measure

PAGES = (
    "/",
    "/api/v1/city",
    "/api/v1/feeds",
    "/api/v1/feeds/air-quality",
    "/api/v1/feeds/air-quality/places",
    "/api/v1/feeds/traffic/places",
    "/api/v1/feeds/air-quality/series?field=pm25&key=AQ01&limit=288",
    "/api/v1/feeds/hydrology/series?field=stage_m&key=HY01&limit=288",
    "/api/v1/feeds/air-quality/quality",
    "/api/v1/feeds/air-quality/quarantine",
    "/api/v1/apps",
    "/api/v1/apps/environment/forecasts?key=AQ01&target=pm25",
    "/api/v1/apps/environment/scoreboard",
    "/api/v1/models",
    "/api/v1/log",
    "/api/v1/log/statements",
    "/api/v1/lineage/149",
    "/log/checkpoint",
    "/log/tile/0/000.p/128",
    "/receipts/air-quality/0/7",
)
END = datetime(2026, 9, 16, 17, tzinfo=UTC)  #: of the demo city's data


def page(rng: random.Random) -> str:
    """Return a page that many look at."""
    return rng.choice(PAGES)


def other_page(rng: random.Random) -> str:
    """Return a page that nobody looked at before: of some moment, of some station."""
    at = (END - timedelta(seconds=rng.randrange(86_400 * 20))).isoformat().replace("+00:00", "Z")
    key = f"AQ{rng.randrange(1, 21):02}"
    return rng.choice(
        (
            f"/api/v1/feeds/air-quality/places?at={at}",
            f"/api/v1/feeds/air-quality/series?field=pm25&key={key}&from={at}&limit=288",
            f"/receipts/air-quality/0/{rng.randrange(40_000)}",
            f"/api/v1/lineage/{rng.randrange(170)}",
        )
    )


@dataclass
class Seen:
    """What readers saw: seconds until the whole answer was there, statuses, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    n_bytes: int = 0


async def read(
    number: int, port: int, until: float, pause_s: float, choose: Callable[[random.Random], str], seen: Seen
) -> None:
    """Be one reader, from an address of its own, until a time."""
    rng = random.Random(number)  # noqa: S311 - which page is no secret
    source = f"127.0.{1 + number // 250}.{1 + number % 250}"
    await asyncio.sleep(rng.random() * max(1.0, pause_s))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    except OSError as exc:
        seen.errors[f"connect: {exc.strerror}"] += 1
        return
    try:
        while time.perf_counter() < until:
            began = time.perf_counter()
            writer.write(f"GET {choose(rng)} HTTP/1.1\r\nHost: city\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            length = next(
                int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            seen.seconds.append(time.perf_counter() - began)
            seen.statuses[status] += 1
            seen.n_bytes += len(head) + length
            if pause_s:
                await asyncio.sleep(rng.uniform(0.5, 1.5) * pause_s)
    except (OSError, asyncio.IncompleteReadError, StopIteration, ValueError) as exc:
        seen.errors[type(exc).__name__] += 1
    finally:
        writer.close()


async def listen(number: int, port: int, until: float, seen: Seen) -> None:
    """Listen to events until a time; one that ends before is an error."""
    source = f"127.0.{10 + number // 250}.{1 + number % 250}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: city\r\n\r\n")
    while (left := until - time.perf_counter()) > 0:
        try:
            if not await asyncio.wait_for(reader.read(4096), left):
                seen.errors["events ended"] += 1
                break
        except TimeoutError:
            break
    writer.close()


async def crowd(
    port: int,
    n: int,
    seconds: float,
    pause_s: float,
    choose: Callable[[random.Random], str],
    n_listeners: int,
) -> tuple[Seen, float]:
    """Let readers read; return what they saw and how long it took."""
    seen, began = Seen(), time.perf_counter()
    until = began + seconds
    listening = [listen(k, port, until, seen) for k in range(n_listeners)]
    await asyncio.gather(*listening, *(read(k, port, until, pause_s, choose, seen) for k in range(n)))
    return seen, time.perf_counter() - began


def used(pid: int) -> tuple[float, float]:
    """Return CPU seconds and peak memory (MB) of the server so far."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    cpu_s = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    return cpu_s, int(lines["VmHWM"].split()[0]) / 1024


def case(
    name: str,
    served: tuple[int, int],
    n: int,
    seconds: float,
    pause_s: float = 0.0,
    choose: Callable[[random.Random], str] = page,
    n_listeners: int = 0,
) -> dict[str, Any]:
    """Run one case; return its line of the table."""
    pid, port = served
    before, _ = used(pid)
    seen, took = asyncio.run(crowd(port, n, seconds, pause_s, choose, n_listeners))
    after, peak_mb = used(pid)
    wrong = {str(s): k for s, k in seen.statuses.items() if s != 200} | dict(seen.errors)
    if wrong:
        print(f"{name}: {wrong}", file=sys.stderr)
    return {
        "case": name,
        "readers": n,
        "listeners": n_listeners,
        "pause_s": pause_s,
        "answers": len(seen.seconds),
        "per_s": len(seen.seconds) / took,
        "mb_per_s": seen.n_bytes / took / 1e6,
        "p50_ms": measure.percentile(seen.seconds, 50) * 1e3,
        "p95_ms": measure.percentile(seen.seconds, 95) * 1e3,
        "p99_ms": measure.percentile(seen.seconds, 99) * 1e3,
        "worst_ms": max(seen.seconds) * 1e3,
        "errors": sum(wrong.values()),
        "server_cpu_s": after - before,
        "server_peak_mb": peak_mb,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--home", type=Path)
    arguments.add_argument("--readers", type=int, default=1_000)
    arguments.add_argument("--seconds", type=float, default=20.0)
    given = arguments.parse_args()
    with measure.workspace() as folder:
        home = given.home or folder / "city"
        if given.home is None:
            subprocess.run([sys.executable, "-m", "veracity", "demo", "--home", home], check=True)
        command = [sys.executable, "-m", "veracity", "serve", "--home", str(home), "--port", "0", "--json"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            port = int(json.loads(server.stdout.readline())["url"].rpartition(":")[2])
            served, n = (server.pid, port), given.readers
            rows = [
                case("one reader, cold and warm", served, 1, given.seconds / 4),
                case("readers who pause", served, n, given.seconds, 2.0, n_listeners=200),
                case("readers who do not", served, n, given.seconds),
                case("pages nobody asked for before", served, n // 10, given.seconds, 1.0, other_page),
                case("the same, all at once", served, n, given.seconds, 0.0, other_page),
            ]
        finally:
            server.terminate()
            server.wait(30)
        measure.report("server_readers", {"pages": list(PAGES), "seconds": given.seconds}, rows)


if __name__ == "__main__":
    main()
