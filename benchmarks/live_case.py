"""Processes of the benchmark of live feeds: devices that publish, and the worker.

python benchmarks/live_case.py publish ADDRESS FILE RATE LOG    packets of FILE over MQTT, QoS 1
python benchmarks/live_case.py work HOME URL LOG VERIFIERS LINGER_S [PARTITIONS]   until told to stop
"""

import asyncio
import json
import resource
import signal
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from veracity.home.live.limits import Limits, LimitsByFeed
from veracity.home.live.rates import Rate
from veracity.live.subjects import PARTITIONS
from veracity.live.worker import TurnReport, WorkerSettings, run_worker

FEED = "bench"
CONNECTIONS = 20
TICK_S = 0.02
_WAITS_S = 120.0


def connect_packet(name: str) -> bytes:
    """An MQTT 3.1.1 CONNECT with a clean session."""
    return _packet(0x10, b"\0\x04MQTT\x04\x02\0\0" + _text(name.encode()))


def publish_packet(topic: bytes, number: int, payload: bytes) -> bytes:
    """A PUBLISH of QoS 1."""
    return _packet(0x32, _text(topic) + struct.pack(">H", number % 65_535 + 1) + payload)


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, low = divmod(left, 128)
        length.append(low | (128 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body


def _text(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def read_packets(path: Path) -> Iterator[bytes]:
    """Packets as ``write_packets`` wrote them."""
    with path.open("rb") as file:
        while head := file.read(4):
            yield file.read(struct.unpack("<I", head)[0])


async def publish(host: str, port: int, packets: Path, rate: float, log: Path) -> None:
    """Publish at a steady rate over some connections; write down when, and when all was acknowledged."""
    opened = [await asyncio.open_connection(host, port) for _ in range(CONNECTIONS)]
    for i, (reader, writer) in enumerate(opened):
        writer.write(connect_packet(f"bench-{i}"))
        await reader.readexactly(4)
    n_acknowledged, n_sent, behind_s, is_over, is_broken = 0, 0, 0.0, False, False

    async def count(reader: asyncio.StreamReader) -> None:
        nonlocal n_acknowledged, is_broken
        try:
            while chunk := await reader.read(65_536):
                n_acknowledged += len(chunk) // 4  # a PUBACK is four bytes; nothing else comes
        except OSError:
            is_broken = (
                True  # the broker could not keep up, and closed the connection: the rate does not hold
            )

    counting = [asyncio.create_task(count(reader)) for reader, _ in opened]
    source, began = read_packets(packets), time.time()
    chunks = []
    while not (is_over or is_broken):
        now = time.time()
        due, first = int((now - began) * rate) + 1, n_sent
        parts: list[list[bytes]] = [[] for _ in opened]
        while n_sent < due:
            packet = next(source, None)
            if packet is None:
                is_over = True
                break
            parts[n_sent % CONNECTIONS].append(packet)
            n_sent += 1
        for (_, writer), some in zip(opened, parts, strict=True):
            if some and not is_broken:
                writer.write(b"".join(some))
                try:
                    await writer.drain()
                except OSError:
                    is_broken = True
        behind_s = max(behind_s, time.time() - now - TICK_S)
        chunks.append((first, n_sent, now))
        await asyncio.sleep(max(0.0, TICK_S - (time.time() - now)))
    until = time.time() + _WAITS_S
    while n_acknowledged < n_sent and time.time() < until and any(not task.done() for task in counting):
        await asyncio.sleep(0.05)
    used = resource.getrusage(resource.RUSAGE_SELF)
    log.write_text(
        json.dumps(
            {
                "sent": n_sent,
                "acknowledged": n_acknowledged,
                "seconds": time.time() - began,
                "cpu_s": used.ru_utime + used.ru_stime,
                "chunks": chunks,
            }
        )
    )
    for task in counting:
        task.cancel()


async def work(
    home: Path, url: str, log: Path, n_verifiers: int, linger_s: float, partitions: Sequence[int]
) -> None:
    """Work; write down each turn, what it cost so far, and what memory and files are held."""
    at_first = resource.getrusage(resource.RUSAGE_SELF)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with log.open("w") as out:

        def observe(turn: TurnReport) -> None:
            own = resource.getrusage(resource.RUSAGE_SELF)
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            row = {
                "at": time.time(),
                "n": turn.n_messages,
                "batches": [f.batch for f in turn.feeds],
                "cpu_s": own.ru_utime + own.ru_stime,
                "cpu_s_to_start": at_first.ru_utime + at_first.ru_stime,
                "rss_mb": pages * resource.getpagesize() / 2**20,
                "files": len(list(Path("/proc/self/fd").iterdir())),
                "seconds": turn.seconds,
            }
            out.write(json.dumps(row) + "\n")
            out.flush()

        unlimited = Limits(device=Rate(1e9, 10**9), feed=Rate(1e9, 10**9))
        settings = WorkerSettings(
            home,
            url,
            partitions=partitions,
            linger_s=linger_s,
            n_verifiers=n_verifiers,
            limits=LimitsByFeed(unlimited),
        )
        await run_worker(settings, stop, observe)


def main() -> None:
    case, *rest = sys.argv[1:]
    if case == "publish":
        host, _, port = rest[0].partition(":")
        asyncio.run(publish(host, int(port), Path(rest[1]), float(rest[2]), Path(rest[3])))
    else:
        home, url, log, n_verifiers, linger_s, *some = rest
        partitions = [int(p) for p in some[0].split(",")] if some else range(PARTITIONS)
        asyncio.run(work(Path(home), url, Path(log), int(n_verifiers), float(linger_s), partitions))


if __name__ == "__main__":
    main()
