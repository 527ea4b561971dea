"""Claim: on S3 or PostgreSQL a log appends no slower than on this disk with fsync.

Files of the log in a directory or on S3, its state in SQLite, PostgreSQL or on S3: entries of 88
bytes in batches of 256 and 4,096, durable as each place understands it (SeaweedFS answers without
fsync; PostgreSQL and the directory do fsync). Then a second writer opens the log and appends
one entry, for which it reads all level-0 tiles. Real servers on loopback: no network in it.

    python benchmarks/backends.py [--entries N]
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from log_case import row
from measure import cost, fsync_ms, percentile, report, workspace
from small_entries import entries
from veracity.log.append import Log
from veracity.log.notes import Signer
from veracity.stores.opening import open_objects, open_state

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from servers import PostgresServer, S3Server

SIGNER = Signer("bench.example/simulated", bytes(32))
Place = Callable[[Path], str]  #: makes a new location; the folder is for what is local


def case(name: str, files: str, state: str, n: int, batch: int) -> list[dict[str, object]]:
    """Append ``n`` entries, then open the log again and append one."""
    opened = open_state(state)
    log = Log.open(open_objects(files), opened, SIGNER)
    batches = [entries(i, min(batch, n - i)) for i in range(0, n, batch)]
    times = []
    with cost() as appending:
        for some in batches:
            with cost() as one:
                log.append(some)
            times.append(one.wall_s * 1000)
    opened.close()
    again = open_state(state)
    with cost() as opening:
        Log.open(open_objects(files), again, SIGNER).append(entries(n, 1))
    again.close()
    line = row(name, n, batch, appending.wall_s, appending.cpu_s)
    p50, p99 = percentile(times, 50), percentile(times, 99)
    return [line | {"p50_ms": p50, "p99_ms": p99, "open_append_1_s": opening.wall_s}]


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=204_800)
    n = parser.parse_args().entries
    rows = []
    with workspace() as folder, S3Server.started() as s3, PostgresServer.started() as postgres:
        os.environ.update(s3.fresh().environment)
        files: dict[str, Place] = {"directory": lambda f: str(f / "log"), "s3": lambda _: s3.fresh().url}
        states: dict[str, Place] = {
            "sqlite": lambda f: f"sqlite:///{f}/log.db",
            "postgresql": lambda _: postgres.fresh(),
            "s3": lambda _: s3.fresh().url,
        }
        for files_name, files_at in files.items():
            for state_name, state_at in states.items():
                for batch in (4_096, 256):
                    place = folder / f"{files_name}-{state_name}-{batch}"
                    place.mkdir()
                    name = f"{files_name} + {state_name}"
                    rows += case(name, files_at(place), state_at(place), n if batch > 256 else n // 4, batch)
        latency = fsync_ms(folder)
    print(f"fsync of 4 KiB on this disk: {latency:.2f} ms")
    report("backends", {"fsync_ms": latency, "entry_bytes": len(entries(0, 1)[0])}, rows)


if __name__ == "__main__":
    main()
