"""Claim: a second machine takes over the checking; sealing stays one at a time.

The same backlog of signed messages is taken in by one worker, and by two that have half of the partitions
each, with a home directory of its own on the same S3 and PostgreSQL (real servers on loopback, without a
network's delays). Two kinds of messages: one reading each, where verifying signatures is most of the work,
and arrays of a thousand. All of it, servers included, runs on one machine: where it has as many cores as
there are busy processes, two workers show what they could add; on fewer they show what taking turns costs.
All values are simulated.

    python benchmarks/live_machines.py [--messages 40000] [--arrays 1000] [--repeats 3]
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import sys
from pathlib import Path
from typing import Any

from ingest import CONTRACT
from live import AGENCY, ARRAY, SETTINGS, Cpu, key, reading
from live_case import FEED
from measure import report, workspace
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency, add_device
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.live.broker import running
from veracity.live.connection import connect
from veracity.live.publishing import Publisher
from veracity.live.streams import held, make_streams
from veracity.live.subjects import PARTITIONS
from veracity.provenance.messages import sign_message

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from servers import PostgresServer, S3Server

CASE = str(Path(__file__).with_name("live_case.py"))
N_DEVICES = 64
Message = tuple[str, bytes]  #: the device, and what it sends


def single(n: int) -> list[Message]:
    """One signed reading a message."""
    made = []
    for number in range(n):
        device, record = number % N_DEVICES, reading(number, N_DEVICES)
        name = f"s{device:04d}"
        made.append((name, sign_message(record, [record], FEED, f"{AGENCY}/{name}", key(device))))
    return made


def arrays(n: int) -> list[Message]:
    """Signed arrays of a thousand readings, from as many gateways as there are devices."""
    made = []
    for number in range(n):
        records = [reading(i, 1_000) for i in range(number * ARRAY, (number + 1) * ARRAY)]
        name = f"s{number % N_DEVICES:04d}"
        body = b"\n".join(records)
        payload = sign_message(
            body, records, FEED, f"{AGENCY}/{name}", key(number % N_DEVICES), compress=True
        )
        made.append((name, payload))
    return made


def make_machines(folder: Path, objects: str, database: str, n: int) -> list[Path]:
    """Make a city, and let further machines in, as docs/backends.md says."""
    first = folder / "machine-0"
    contract = folder / "bench.yaml"
    terms = f"customProperties:\n  - {{property: agency, value: {AGENCY}}}\n"
    contract.write_bytes(CONTRACT + terms.encode() + b"  - {property: signature, value: required}\n")
    init(first, "bench.example/machines", objects=objects, database=database)
    with open_writer(first) as home:
        add_agency(home, AGENCY)
        add_feed(home, contract)
        for number in range(N_DEVICES):
            add_device(home, f"{AGENCY}/s{number:04d}", key(number).public)
    machines = [first]
    for i in range(1, n):
        other = folder / f"machine-{i}"
        other.mkdir(0o700)
        for name in ("veracity.json", "trust.policy"):
            shutil.copy(first / name, other / name)
        shutil.copytree(first / "keys", other / "keys")
        machines.append(other)
    return machines


async def taken_in(folder: Path, machines: list[Path], messages: list[Message]) -> dict[str, Any]:
    """Let the backlog be there, then start the workers, and measure from their first turn to the last."""
    async with running(folder / "broker", SETTINGS) as broker:
        client = await connect(broker.url, "bench")
        await make_streams(client, SETTINGS.max_bytes)
        publisher = Publisher(client, 256)
        await asyncio.gather(*(publisher.publish(FEED, device, payload) for device, payload in messages))
        workers = []
        for i, root in enumerate(machines):
            log = root / "work.log"
            partitions = ",".join(map(str, range(i, PARTITIONS, len(machines))))
            arguments = ("work", root, broker.url, log, 0, 0.05, partitions)
            workers.append(await asyncio.create_subprocess_exec(sys.executable, CASE, *map(str, arguments)))
        while any(h.n_messages for h in await held(client)):
            await asyncio.sleep(0.1)
        broker_cpu = Cpu(broker.pid)()
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
            await worker.wait()
        await client.close()
    turns = [[json.loads(line) for line in (root / "work.log").read_text().splitlines()] for root in machines]
    cpu = [t[-1]["cpu_s"] - t[-1]["cpu_s_to_start"] for t in turns]
    first = min(t[0]["at"] - t[0]["seconds"] for t in turns)
    wall = max(t[-1]["at"] for t in turns) - first
    home = Home.open(machines[-1])
    n_rows = home.table(FEED).scan().select("station").collect().height
    findings = len(audit(home, FEED, sample=5).findings)
    home.close()
    return {
        "seconds": wall,
        "rows": n_rows,
        "rows/s": n_rows / wall,
        "turns": "+".join(str(len(t)) for t in turns),
        "messages_each": "+".join(str(sum(x["n"] for x in t)) for t in turns),
        "cpu_s_each": "+".join(f"{c:.1f}" for c in cpu),
        "cpu_s_workers": sum(cpu),
        "cpu_s_broker": broker_cpu,
        "audit_findings": findings,
    }


def case(name: str, messages: list[Message], n_workers: int, repeats: int) -> dict[str, Any]:
    """Measure some times, each on stores of its own; give the run in the middle, and the spread."""
    runs = []
    with S3Server.started() as s3, PostgresServer.started() as postgres:
        os.environ["PGPASSWORD"] = postgres.password
        for _ in range(repeats):
            with workspace() as folder:
                place = s3.fresh()
                os.environ.update(place.environment)
                database = postgres.fresh().replace(f":{postgres.password}@", "@")
                machines = make_machines(folder, place.url, database, n_workers)
                runs.append(asyncio.run(taken_in(folder, machines, messages)))
    rates = sorted(run["rows/s"] for run in runs)
    median = statistics.median_low(rates)
    middle = next(run for run in runs if run["rows/s"] == median)
    return {"case": name, "workers": n_workers, **middle, "lowest": rates[0], "highest": rates[-1]}


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=40_000, help="Of one reading each.")
    parser.add_argument("--arrays", type=int, default=1_000, help=f"Messages of {ARRAY} readings.")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for name, messages in (("single", single(options.messages)), ("arrays", arrays(options.arrays))):
        rows += [case(name, messages, n, options.repeats) for n in (1, 2)]
    report("live_machines", {"devices": N_DEVICES, "simulated": True}, rows)


if __name__ == "__main__":
    main()
