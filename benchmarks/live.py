"""Claim: 5,000 signed MQTT messages a second are sealed and queryable within 2 s, on 2 cores.

A broker, a worker with one verifying process, and publishers, each a process of its own, on one machine.
Every message is a reading of its own device, signed by that device's key beforehand (what the devices
compute is not counted; publishing is, and its share is stated). The time of a message runs from when its
publisher writes it to the socket until the turn that sealed it is over: its row is committed, its
statement is in the log, and the broker has the acknowledgement. All values are simulated.

    python benchmarks/live.py [--rate 5000] [--seconds 300] [--bare] [--rates 5000,7000] [--arrays 5000000]
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats
import numpy as np

from ingest import CONTRACT
from live_case import CONNECTIONS, FEED, publish_packet
from measure import fsync_ms, percentile, report, workspace
from veracity.data.contract import parse_contract
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.enrolments import add_agency, add_device
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.live.accounts import accounts
from veracity.live.broker import running
from veracity.live.broker_config import BrokerSettings
from veracity.live.publishing import Publisher
from veracity.live.streams import held, make_streams
from veracity.provenance.keys import SigningKey
from veracity.provenance.messages import sign_message

CASE = str(Path(__file__).with_name("live_case.py"))
AGENCY = "bench"
SETTINGS = BrokerSettings(mqtt=("127.0.0.1", 0), is_open=True, max_bytes=8 * 1024**3)
ARRAY = 1_000  #: readings in one message of an array


def key(number: int) -> SigningKey:
    """The key of a simulated device."""
    return SigningKey(number.to_bytes(32, "big"))


def reading(number: int, n_devices: int) -> bytes:
    """Reading ``number``: of one device after the other, each at a time of its own."""
    device, step = number % n_devices, number // n_devices
    at = datetime.fromtimestamp(1_700_000_000 + step, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return b'{"station":"S%04d","observed_at":"%s","value":%d.%d,"quality":0}' % (
        device,
        at.encode(),
        number % 40,
        number % 10,
    )


def write_packets(path: Path, first: int, last: int, n_devices: int, is_signed: bool) -> None:
    """Write the packets of some readings to a file, ready to be sent."""
    keys = [key(d) for d in range(n_devices)]
    with path.open("wb") as out:
        for number in range(first, last):
            device, record = number % n_devices, reading(number, n_devices)
            name = f"s{device:04d}"
            payload = record
            if is_signed:
                payload = sign_message(record, [record], FEED, f"{AGENCY}/{name}", keys[device])
            packet = publish_packet(f"feed/{FEED}/{name}".encode(), number // CONNECTIONS, payload)
            out.write(struct.pack("<I", len(packet)) + packet)


def prepare(folder: Path, n: int, n_devices: int, is_signed: bool) -> Path:
    """Sign everything beforehand, on all cores."""
    cores = os.cpu_count() or 1
    edges = np.linspace(0, n, cores + 1).astype(int).tolist()
    parts = [folder / f"packets-{i}" for i in range(cores)]
    with ProcessPoolExecutor(cores) as pool:
        jobs = [
            pool.submit(write_packets, part, a, b, n_devices, is_signed)
            for part, a, b in zip(parts, edges[:-1], edges[1:], strict=True)
        ]
        for job in jobs:
            job.result()
    whole = folder / "packets"
    with whole.open("wb") as out:
        for part in parts:
            with part.open("rb") as file:
                while chunk := file.read(1 << 20):
                    out.write(chunk)
            part.unlink()
    return whole


def make_home(root: Path, n_devices: int, signature: str) -> None:
    """Make a city with one feed and its devices."""
    contract = root.parent / "bench.yaml"
    terms = f"customProperties:\n  - {{property: agency, value: {AGENCY}}}\n"
    terms += f"  - {{property: signature, value: {signature}}}\n"
    contract.write_bytes(CONTRACT + terms.encode())
    parse_contract(contract.read_bytes())
    init(root, "bench.example/live")
    with open_writer(root) as home:
        add_agency(home, AGENCY)
        add_feed(home, contract)
        if signature == "required":
            for number in range(n_devices):
                add_device(home, f"{AGENCY}/s{number:04d}", key(number).public)


class Cpu:
    """CPU seconds of a process that still runs."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid

    def __call__(self) -> float:
        """User and system seconds, those of its children that ended included."""
        if self._pid is None:
            return 0.0
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


async def steady(
    folder: Path, settings: BrokerSettings, rate: float, seconds: float, n_devices: int, is_signed: bool
) -> dict[str, Any]:
    """Publish at a rate for some time, and measure everything."""
    n = int(rate * seconds)
    root = folder / "city"
    make_home(root, n_devices, "required" if is_signed else "optional")
    packets = prepare(folder, n, n_devices, is_signed)
    async with running(folder / "broker", settings) as broker:
        client = await nats.connect(broker.url)
        await make_streams(client, SETTINGS.max_bytes)
        worker = await _start("work", root, broker.url, folder / "work.log", 1, 0.25)
        host, port = broker.places.mqtt
        publisher = await _start("publish", f"{host}:{port}", packets, rate, folder / "publish.log")
        await publisher.wait()
        await _until_empty(client, worker)
        cpu = {"broker": Cpu(broker.pid)(), "worker": Cpu(worker.pid)(), "verifier": _verifiers_cpu(worker)}
        broker_mb = _rss_mb(broker.pid)
        worker.send_signal(signal.SIGTERM)
        await worker.wait()
        await client.close()
    return _result(folder, root, rate, seconds, n, is_signed, cpu, broker_mb)


def _verifiers_cpu(worker: asyncio.subprocess.Process) -> float:
    """CPU seconds of the worker's verifying processes."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    return sum(Cpu(int(pid))() for pid in children)


def _rss_mb(pid: int | None) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def _result(
    folder: Path,
    root: Path,
    rate: float,
    seconds: float,
    n: int,
    is_signed: bool,
    cpu: dict[str, float],
    broker_mb: float,
) -> dict[str, Any]:
    """What came of it. It holds if every message of the rate was acknowledged."""
    published = json.loads((folder / "publish.log").read_text())
    turns = [json.loads(line) for line in (folder / "work.log").read_text().splitlines()]
    ended = {batch: turn["at"] for turn in turns for batch in turn["batches"]}
    home = Home.open(root)
    rows = home.table(FEED).scan().select("station", "observed_at", "_batch").collect()
    sums = [a.said.sums for a in accounts(home, FEED, 48)]
    findings = audit(home, FEED, sample=20).findings
    home.close()
    n_devices = rows["station"].n_unique()
    step = (rows["observed_at"].dt.epoch("s") - 1_700_000_000).to_numpy()
    number = step * n_devices + rows["station"].str.slice(1).cast(int).to_numpy()
    starts = np.array([c[0] for c in published["chunks"]])
    times = np.array([c[2] for c in published["chunks"]])
    sent_at = times[np.searchsorted(starts, number, "right") - 1]
    sealed_at = np.array([ended[b] for b in rows["_batch"].to_list()])
    waits = (sealed_at - sent_at).tolist()
    memory = [t["rss_mb"] for t in turns]
    wall = published["seconds"]
    return {
        "case": "signed" if is_signed else "bare",
        "messages/s": rate,
        "holds": published["acknowledged"] == n,
        "seconds": seconds,
        "p50_s": percentile(waits, 50),
        "p95_s": percentile(waits, 95),
        "p99_s": percentile(waits, 99),
        "max_s": max(waits),
        "turns": len(turns),
        "cores_publisher": published["cpu_s"] / wall,
        "cores_broker": cpu["broker"] / wall,
        "cores_worker": cpu["worker"] / wall,
        "cores_verifier": cpu["verifier"] / wall,
        "worker_mb_first": memory[min(5, len(memory) - 1)],
        "worker_mb_last": memory[-1],
        "worker_files_last": turns[-1]["files"],
        "broker_mb": broker_mb,
        "sent": published["sent"],
        "acknowledged": published["acknowledged"],
        "accepted": sum(s.accepted for s in sums),
        "quarantined": sum(s.quarantined for s in sums),
        "refused": sum(s.refused for s in sums),
        "duplicate": sum(s.duplicate for s in sums),
        "rows": rows.height,
        "audit_findings": len(findings),
    }


async def arrays(folder: Path, n: int) -> dict[str, Any]:
    """Publish arrays of readings to JetStream, signed by one gateway, as fast as they are taken."""
    root, n_devices = folder / "city", 1_000
    make_home(root, 1, "required")
    gateway = f"{AGENCY}/s0000"
    signed = []
    for first in range(0, n, ARRAY):
        records = [reading(i, n_devices) for i in range(first, min(n, first + ARRAY))]
        signed.append(sign_message(b"\n".join(records), records, FEED, gateway, key(0), compress=True))
    async with running(folder / "broker", SETTINGS) as broker:
        client = await nats.connect(broker.url)
        await make_streams(client, SETTINGS.max_bytes)
        worker = await _start("work", root, broker.url, folder / "work.log", 0, 0.25)
        publisher, began, own = Publisher(client, 64), time.time(), _own_cpu()
        await asyncio.gather(*(publisher.publish(FEED, "s0000", payload) for payload in signed))
        await _until_empty(client, worker)
        published_cpu = _own_cpu() - own
        cpu = {"broker": Cpu(broker.pid)(), "worker": Cpu(worker.pid)()}
        worker.send_signal(signal.SIGTERM)
        await worker.wait()
        await client.close()
    turns = [json.loads(line) for line in (folder / "work.log").read_text().splitlines()]
    wall = turns[-1]["at"] - began
    home = Home.open(root)
    n_rows = home.table(FEED).scan().select("station").collect().height
    findings = audit(home, FEED, sample=5).findings
    home.close()
    return {
        "case": f"arrays of {ARRAY}, signed, compressed",
        "readings/s": n / wall,
        "seconds": wall,
        "sent": n,
        "rows": n_rows,
        "cpu_s_publisher": published_cpu,
        "cpu_s_broker": cpu["broker"],
        "cpu_s_worker": cpu["worker"],
        "worker_mb_last": turns[-1]["rss_mb"],
        "audit_findings": len(findings),
    }


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _start(*arguments: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, CASE, *map(str, arguments))


async def _until_empty(client: Any, worker: asyncio.subprocess.Process) -> None:
    while any(h.n_messages for h in await held(client)):
        if worker.returncode is not None:
            raise SystemExit(f"the worker ended with {worker.returncode}")
        await asyncio.sleep(0.2)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--bare", action="store_true", help="Also without signatures.")
    parser.add_argument(
        "--rates", default="", help="Also at these rates, a minute each, until one does not hold."
    )
    parser.add_argument(
        "--arrays", type=int, default=5_000_000, help="Readings to publish in arrays; 0 for none."
    )
    parser.add_argument("--sync-always", action="store_true", help="Acknowledge what is on the disk only.")
    options = parser.parse_args(arguments)
    settings = replace(SETTINGS, syncs_always=options.sync_always)
    rows = []
    cases = [(options.rate, options.seconds, True)]
    cases += [(options.rate, options.seconds, False)] if options.bare else []
    cases += [(float(r), 60.0, True) for r in options.rates.split(",") if r]
    with workspace() as folder:
        about = {"fsync_ms": fsync_ms(folder), "sync_always": options.sync_always, "simulated": True}
        for i, (rate, seconds, is_signed) in enumerate(cases):
            place = folder / f"case-{i}"
            place.mkdir()
            rows.append(asyncio.run(steady(place, settings, rate, seconds, options.devices, is_signed)))
            if not rows[-1]["holds"]:
                break
        of_arrays: list[dict[str, Any]] = []
        if options.arrays:
            place = folder / "arrays"
            place.mkdir()
            of_arrays = [asyncio.run(arrays(place, options.arrays))]
    report("live", about, rows)
    if options.arrays:
        report("live_arrays", about, of_arrays)


if __name__ == "__main__":
    main()
