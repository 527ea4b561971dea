"""A worker as a process of its own, at the small city's time: ``live_worker.py HOME NATS_URL LINGER_S``."""

import asyncio
import signal
import sys
from pathlib import Path

from small_city import clock
from veracity.live.worker import WorkerSettings, run_worker


async def _main(home: Path, url: str, linger_s: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write("working\n")
    sys.stdout.flush()
    await run_worker(WorkerSettings(home, url, linger_s=linger_s, n_verifiers=0), stop, clock=clock)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
